//! 2–5, 8, 9: what a web page can make a browser send.

use serde_json::json;
use tokio::net::TcpListener;
use tokio::time::{Duration, timeout};

use crate::raw::{call, request};
use crate::support::{TOKEN, TestGateway};

const EVIL: &str = "Origin: https://evil.example";

fn bearer() -> String {
    format!("Authorization: Bearer {TOKEN}")
}

const UPGRADE: [&str; 4] = [
    "Upgrade: websocket",
    "Connection: Upgrade",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

#[tokio::test]
async fn s02_a_foreign_origin_is_refused_even_with_the_right_token() {
    let gateway = TestGateway::with_config("").await;
    let (bearer, port) = (bearer(), gateway.port());
    for origin in [EVIL, "Origin: null", "Origin: http://localhost:1", "Origin: file://"] {
        let headers = [&UPGRADE[..], &[&*bearer, origin]].concat();
        let answer = request(&gateway, "GET /ws", &headers, "").await;
        assert_eq!(answer.status, 403, "{origin}");
        assert!(!answer.headers.contains_key("access-control-allow-origin"), "{origin}");
        let posted = request(&gateway, "POST /rpc", &[&bearer, origin], "{}").await;
        assert_eq!(posted.status, 403, "{origin}");
    }
    let own = format!("Origin: http://127.0.0.1:{port}");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"session.list"}"#;
    let shared = request(&gateway, "POST /rpc", &[&bearer, &own], body).await;
    assert_eq!(shared.status, 200);
    assert_eq!(
        shared.headers.get("access-control-allow-origin"),
        Some(&format!("http://127.0.0.1:{port}"))
    );
    assert!(!shared.headers.contains_key("access-control-allow-credentials"));
    // Programs send no origin.
    assert_eq!(call(&gateway, Some(TOKEN), "session.list", json!({})).await.status, 200);
}

#[tokio::test]
async fn s02_only_an_allowed_origin_may_ask_beforehand() {
    let config = "[gateway]\nallowed_origins = [\"https://chat.example.org\"]\n";
    let gateway = TestGateway::with_config(config).await;
    let asks =
        ["Access-Control-Request-Method: POST", "Access-Control-Request-Headers: authorization"];
    let allowed = [&asks[..], &["Origin: https://chat.example.org"]].concat();
    let answer = request(&gateway, "OPTIONS /rpc", &allowed, "").await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.headers["access-control-allow-origin"], "https://chat.example.org");
    assert_eq!(answer.headers["access-control-allow-headers"], "authorization");
    let foreign = [&asks[..], &[EVIL]].concat();
    let answer = request(&gateway, "OPTIONS /rpc", &foreign, "").await;
    assert_eq!(answer.status, 403);
    assert!(!answer.headers.contains_key("access-control-allow-origin"));
}

#[tokio::test]
async fn s03_a_foreign_host_is_421() {
    let gateway = TestGateway::with_config("").await;
    let bearer = bearer();
    for host in ["Host: evil.example", "Host: evil.example:18789", "Host: localhost.evil.example"] {
        for line in ["POST /rpc", "GET /ws", "GET /health", "GET /", "GET /metrics"] {
            let answer = request(&gateway, line, &[&bearer, host], "").await;
            assert_eq!(answer.status, 421, "{line} {host}");
        }
    }
}

#[tokio::test]
async fn s04_no_page_takes_a_gateway_or_a_token_from_its_address() {
    let evil = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = evil.local_addr().expect("bound");
    let gateway = TestGateway::with_config("").await;
    let target = format!("ws://{address}");
    for path in ["/", "/index.html", "/chat", "/control"] {
        let line = format!("GET {path}?gatewayUrl={target}");
        let answer = request(&gateway, &line, &[], "").await;
        assert!(!answer.body.contains(&target), "{path} repeats the address");
        let policy = &answer.headers["content-security-policy"];
        assert!(policy.contains("frame-ancestors 'none'"), "{path}: {policy}");
        let with_token = format!("GET {path}?token=secret&gatewayUrl={target}");
        assert_eq!(request(&gateway, &with_token, &[], "").await.status, 400, "{path}");
    }
    let came = timeout(Duration::from_millis(500), evil.accept()).await;
    assert!(came.is_err(), "nothing connects to an address from a query");
}

#[tokio::test]
async fn s05_credentials_in_queries_are_400_and_are_not_logged() {
    let gateway = TestGateway::with_config("").await;
    let canary = "query-canary-77";
    for name in ["token", "key", "password", "access_token", "api_key", "API_KEY", "%74oken"] {
        for path in ["/ws", "/rpc", "/health", "/nowhere", "/v1/models", "/hooks/wake"] {
            let line = format!("GET {path}?a=b&{name}={canary}");
            let answer = request(&gateway, &line, &[], "").await;
            assert_eq!(answer.status, 400, "{line}");
            assert!(!answer.body.contains(canary));
        }
    }
    assert!(!gateway.log().contains(canary));
}

#[tokio::test]
async fn s08_a_browser_cannot_be_made_to_change_anything() {
    let gateway = TestGateway::with_config("").await;
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"session.create","params":{}}"#;
    // What a form or an image of another site can send: cookies, and no header of its choice.
    for cookie in [format!("Cookie: token={TOKEN}"), format!("Cookie: session={TOKEN}")] {
        let answer =
            request(&gateway, "POST /rpc", &[&cookie, "Content-Type: text/plain"], body).await;
        assert_eq!((answer.status, answer.code()), (401, Some(-32001)));
        assert!(!answer.headers.contains_key("set-cookie"));
    }
    let bearer = bearer();
    for site in ["Sec-Fetch-Site: cross-site", "Sec-Fetch-Site: same-site"] {
        assert_eq!(request(&gateway, "POST /rpc", &[&bearer, site], body).await.status, 403);
    }
    for site in ["Sec-Fetch-Site: same-origin", "Sec-Fetch-Site: none"] {
        assert_eq!(request(&gateway, "POST /rpc", &[&bearer, site], body).await.status, 200);
    }
    for line in ["GET /rpc", "HEAD /rpc", "PUT /rpc", "DELETE /rpc", "PATCH /rpc"] {
        assert_eq!(request(&gateway, line, &[&bearer], "").await.status, 405, "{line}");
    }
}

#[tokio::test]
async fn s09_security_headers_are_on_every_response() {
    let gateway = TestGateway::with_config("").await;
    let bearer = bearer();
    for (line, headers) in [
        ("GET /", vec![]),
        ("GET /health", vec![]),
        ("GET /ready", vec![]),
        ("GET /nowhere", vec![]),
        ("POST /nowhere", vec![]),
        ("GET /metrics", vec![]),
        ("GET /v1/models", vec![]),
        ("POST /v1/chat/completions", vec![&*bearer]),
        ("POST /hooks/wake", vec![]),
        ("POST /tools/invoke", vec![]),
        ("GET /.well-known/jwks.json", vec![&*bearer]),
        ("POST /rpc", vec![]),
        ("POST /rpc", vec![&*bearer]),
        ("GET /rpc", vec![]),
        ("GET /ws", vec![]),
        ("GET /ws", vec!["Authorization: Bearer wrong"]),
        ("GET /health", vec!["Host: evil.example"]),
        ("GET /health", vec![EVIL]),
        ("GET /health?token=x", vec![]),
        ("OPTIONS /rpc", vec![]),
        ("BREW /coffee", vec![]),
    ] {
        let answer = request(&gateway, line, &headers, "").await;
        let header = |name: &str| answer.headers.get(name).map(String::as_str).unwrap_or_default();
        let policy = header("content-security-policy");
        assert!(policy.contains("frame-ancestors 'none'"), "{line} {headers:?}: {policy:?}");
        assert!(!policy.contains("unsafe-"), "{line}: {policy}");
        assert_eq!(header("x-content-type-options"), "nosniff", "{line}");
        assert_eq!(header("referrer-policy"), "no-referrer", "{line}");
    }
}
