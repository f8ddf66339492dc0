use openclaw_core::Secret;
use serde_json::{Value, json};
use std::time::Duration;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{Brought, TOKEN, TestGateway, code};

#[tokio::test]
async fn nothing_is_said_before_the_client_speaks() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.anonymous().await;
    socket.say("garbage").await;
    match socket.next().await {
        Brought::Text(text) => {
            assert_eq!((&text["id"], &text["error"]["code"]), (&Value::Null, &json!(-32700)));
        }
        other => panic!("{other:?}"),
    }
    assert!(socket.call("ping", json!({})).await.is_ok());
}

#[tokio::test]
async fn credentials_on_the_upgrade() {
    let gateway = TestGateway::start().await;
    assert_eq!(gateway.open(Some("wrong")).await.err(), Some(401));
    let mut socket = gateway.socket().await;
    assert!(socket.call("session.list", json!({})).await.is_ok());
}

#[tokio::test]
async fn frames_that_are_no_calls_are_answered_and_the_socket_stays() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    for (text, code) in [
        ("", -32700),
        ("[]", -32600),
        ("null", -32600),
        (r#"{"jsonrpc":"2.0","id":1,"method":"nope"}"#, -32601),
    ] {
        socket.say(text).await;
        match socket.next().await {
            Brought::Text(answer) => assert_eq!(answer["error"]["code"], code, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
    socket.say(r#"{"jsonrpc":"2.0","method":"ping"}"#).await;
    socket.say(r#"[{"jsonrpc":"2.0","method":"nope"}]"#).await;
    socket.say(r#"[{"jsonrpc":"2.0","id":9,"method":"ping"},7]"#).await;
    match socket.next().await {
        Brought::Text(answer) => {
            assert_eq!(answer[0]["result"]["pong"], true);
            assert_eq!(answer[1]["error"]["code"], -32600);
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_fault_within_a_method_costs_one_answer() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    let panics = json!({"name": "echo", "arguments": {"text": "panic"}});
    assert_eq!(code(socket.call("tool.call", panics).await), -32603);
    assert!(socket.call("ping", json!({})).await.is_ok());
}

#[tokio::test]
async fn another_token_ends_connections_with_the_old_one() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    assert!(socket.call("ping", json!({})).await.is_ok());
    gateway.source.change(|config| config.gateway.auth.token = Some(Secret::new("another")));
    gateway.state.config.reload().await.expect("reloads");
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    assert_eq!(gateway.open(Some(TOKEN)).await.err(), Some(401));
    assert!(gateway.open(Some("another")).await.is_ok());
}

#[tokio::test]
async fn a_token_that_came_later_goes_with_its_key() {
    let gateway = TestGateway::start().await;
    let put = async |token: Option<&str>| {
        gateway.source.change(|config| config.gateway.auth.token = token.map(Secret::new));
        gateway.state.config.reload().await.expect("reloads");
    };
    let mut first = gateway.socket().await;
    put(Some("another")).await;
    assert_eq!(first.end().await, Some(CloseCode::Policy));
    let mut second = gateway.open(Some("another")).await.expect("opens");
    put(None).await;
    assert_eq!(second.end().await, Some(CloseCode::Policy));
    assert_eq!(gateway.open(Some("another")).await.err(), Some(401));
    assert!(gateway.open(Some(TOKEN)).await.is_ok(), "what it began with opens it again");
}

#[tokio::test]
async fn a_stopping_gateway_says_so() {
    let gateway = TestGateway::start().await;
    let mut socket = gateway.socket().await;
    let stopping = socket.call("gateway.stop", json!({})).await.expect("stops");
    assert_eq!(stopping["stopping"], true);
    gateway.serving.refuse_new();
    gateway.serving.shutdown(Duration::from_secs(5)).await;
    assert_eq!(socket.end().await, Some(CloseCode::Away));
    assert!(tokio::net::TcpStream::connect(("127.0.0.1", gateway.port)).await.is_err());
}
