//! 6, 7, 10, 13–16: who may do what, and for how long.

use std::time::Duration;

use openclaw_protocol::registry::METHODS;
use openclaw_protocol::{Access, Scope, ScopeSet};
use serde_json::{Value, json};

use crate::raw::{call, ends_within, request, socket};
use crate::support::{TOKEN, TestGateway};

const A_SECOND: Duration = Duration::from_secs(1);

/// An API key with these scopes, and its id.
async fn key(gateway: &TestGateway, name: &str, scopes: &[Scope]) -> (String, String) {
    let params = json!({"name": name, "scopes": scopes});
    let made = call(gateway, Some(TOKEN), "keys.create", params).await.json();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["result"]["key"]), text(&made["result"]["info"]["id"]))
}

#[tokio::test]
async fn s06_loopback_meets_the_same_lockout_as_others() {
    let gateway = TestGateway::with_config("").await;
    let mut seen = Vec::new();
    for guess in 0..1_000 {
        let answer =
            call(&gateway, Some(&format!("guess {guess}")), "session.list", json!({})).await;
        seen.push(answer.status);
    }
    assert_eq!(seen.iter().filter(|status| **status == 401).count(), 10);
    assert!(seen[10..].iter().all(|status| *status == 429));
    // A bogus field beside it does not switch the lockout off.
    let twice = json!({"token": "guess", "password": "guess"});
    assert_eq!(call(&gateway, None, "authenticate", twice).await.code(), Some(-32602));
    let guess = call(&gateway, None, "authenticate", json!({"token": "guess"})).await;
    assert_eq!((guess.status, guess.code()), (429, Some(-32005)));
    assert_eq!(call(&gateway, Some(TOKEN), "session.list", json!({})).await.status, 200);
}

#[tokio::test]
async fn s07_forwarding_headers_of_strangers_are_ignored() {
    let gateway = TestGateway::with_config("").await;
    let mut seen = Vec::new();
    for guess in 0..12 {
        let forwarded = format!("X-Forwarded-For: 198.51.100.{guess}");
        let standard = format!("Forwarded: for=198.51.100.{guess}");
        let headers = [&*forwarded, &*standard, "Authorization: Bearer guess"];
        seen.push(request(&gateway, "POST /rpc", &headers, "{}").await.status);
    }
    assert_eq!(seen[..10], [401; 10]);
    assert_eq!(seen[10..], [429; 2], "each guess comes from this machine, whatever it says");
}

#[tokio::test]
async fn s07_behind_a_trusted_proxy_each_client_has_its_own_address() {
    let gateway = TestGateway::with_config("[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\n").await;
    let guess = async |from: &str| {
        let forwarded = format!("X-Forwarded-For: 127.0.0.1, {from}");
        let headers = [&*forwarded, "Authorization: Bearer guess"];
        request(&gateway, "POST /rpc", &headers, "{}").await.status
    };
    for _ in 0..10 {
        assert_eq!(guess("198.51.100.1").await, 401);
    }
    assert_eq!(guess("198.51.100.1").await, 429);
    assert_eq!(guess("198.51.100.2").await, 401);
}

#[tokio::test]
async fn s10_near_misses_of_a_secret_are_refused_like_any_other() {
    let gateway = TestGateway::with_config("").await;
    let (key, _) = key(&gateway, "near", &[Scope::Read]).await;
    for secret in [TOKEN, &key] {
        let longer = format!("{secret}x");
        let upper = secret.to_ascii_uppercase();
        for wrong in [&secret[..secret.len() - 1], &longer, &upper] {
            let refused = call(&gateway, Some(wrong), "session.list", json!({})).await;
            assert_eq!((refused.status, refused.code()), (401, Some(-32001)));
        }
    }
}

/// Every method that mints, rotates or approves anything, called by each set of scopes: what comes
/// out never allows what the caller lacks.
#[tokio::test]
async fn s13_no_call_grants_a_scope_that_its_caller_lacks() {
    let gateway = TestGateway::with_config("[gateway.rate_limit]\nrequests_per_second = 0\n").await;
    let (target, target_id) = key(&gateway, "target", &[Scope::Admin]).await;
    for scopes in [
        vec![Scope::Read],
        vec![Scope::Write],
        vec![Scope::Pairing],
        vec![Scope::Approvals],
        vec![Scope::Read, Scope::Write, Scope::Pairing, Scope::Approvals],
    ] {
        let held: ScopeSet = scopes.iter().copied().collect();
        let (own, own_id) = key(&gateway, &format!("{scopes:?}"), &scopes).await;
        for method in METHODS.iter().filter(|method| !method.name.ends_with(".stop")) {
            for params in [
                json!({}),
                json!({"name": "mine", "scopes": ["operator.admin"]}),
                json!({"id": target_id}),
                json!({"id": own_id}),
                json!({"api_key": own}),
                json!({"code": "AAAAAAAA", "owner": true}),
                json!({"key": "gateway.auth.token", "value": "mine"}),
                json!({"name": "write", "arguments": {"path": "x", "content": "y"}}),
            ] {
                let answer = call(&gateway, Some(&own), method.name, params).await;
                let result = &answer.json()["result"];
                if let Access::Scope(needed) = method.access
                    && !held.allows(needed)
                {
                    assert_eq!(answer.code(), Some(-32002), "{} by {scopes:?}", method.name);
                }
                granted(result).for_each(|scope| {
                    assert!(held.allows(scope), "{} gave {scope} to {scopes:?}", method.name);
                });
            }
        }
        // Nothing of that made its own credential stronger.
        let now = call(&gateway, None, "authenticate", json!({"api_key": own})).await;
        granted(&now.json()["result"]).for_each(|scope| assert!(held.allows(scope)));
        let token = now.json()["result"]["access_token"].as_str().expect("a token").to_owned();
        let by_token = call(&gateway, None, "authenticate", json!({"jwt": token})).await;
        granted(&by_token.json()["result"]).for_each(|scope| assert!(held.allows(scope)));
    }
    let still = call(&gateway, Some(&target), "keys.list", json!({})).await;
    assert_eq!(still.status, 200, "the stronger key was neither rotated nor revoked");
    assert_eq!(call(&gateway, Some("mine"), "session.list", json!({})).await.status, 401);
}

/// The scopes that a result gives out, wherever they stand in it.
fn granted(result: &Value) -> Box<dyn Iterator<Item = Scope> + '_> {
    match result {
        Value::Object(map) => Box::new(map.iter().flat_map(|(name, value)| {
            let own: Vec<Scope> = match name.as_str() {
                "scopes" => serde_json::from_value(value.clone()).unwrap_or_default(),
                _ => Vec::new(),
            };
            own.into_iter().chain(granted(value))
        })),
        Value::Array(items) => Box::new(items.iter().flat_map(granted)),
        _ => Box::new(std::iter::empty()),
    }
}

#[tokio::test]
async fn s14_what_a_client_says_it_may_do_counts_for_nothing() {
    let gateway = TestGateway::with_config("").await;
    let (key, _) = key(&gateway, "reader", &[Scope::Read]).await;
    let declared = json!({"api_key": key, "scopes": ["operator.admin"]});
    assert_eq!(call(&gateway, None, "authenticate", declared).await.code(), Some(-32602));
    let signed_in = call(&gateway, None, "authenticate", json!({"api_key": key})).await.json();
    assert_eq!(signed_in["result"]["scopes"], json!(["operator.read"]));
    let header = "X-OpenClaw-Scopes: operator.admin";
    let bearer = format!("Authorization: Bearer {key}");
    let body = r#"{"jsonrpc":"2.0","id":1,"method":"gateway.reload"}"#;
    let answer = request(&gateway, "POST /rpc", &[&bearer, header], body).await;
    assert_eq!(answer.code(), Some(-32002));
}

#[tokio::test]
async fn s15_revoking_and_rotating_end_sockets_and_long_polls_within_a_second() {
    let gateway = TestGateway::with_config("").await;
    for method in ["keys.revoke", "keys.rotate"] {
        let (key, id) = key(&gateway, method, &[Scope::Write]).await;
        let token = call(&gateway, None, "authenticate", json!({"api_key": key})).await.json()
            ["result"]["access_token"]
            .as_str()
            .expect("a token")
            .to_owned();
        let (_client, mut events) = socket(&gateway, &key).await.expect("it opens");
        let (_other, mut by_token) = socket(&gateway, &token).await.expect("it opens");
        let run = json!({"message": "hello", "session_key": "agent:main:poll"});
        call(&gateway, Some(&key), "agent.run", run).await;
        let poll = json!({"session_key": "agent:main:poll", "after_seq": 1_000, "wait_ms": 30_000});
        let polling = call(&gateway, Some(&key), "message.receive", poll);
        let ending = async {
            let ended = call(&gateway, Some(TOKEN), method, json!({"id": id})).await;
            assert_eq!(ended.status, 200, "{ended:?}");
            assert!(ends_within(&mut events, A_SECOND).await, "{method} left a socket");
            assert!(ends_within(&mut by_token, A_SECOND).await, "{method} left a token's socket");
        };
        let both = async { tokio::join!(polling, ending) };
        let (polled, ()) =
            tokio::time::timeout(3 * A_SECOND, both).await.expect("the long poll ends too");
        assert_eq!(polled.status, 401, "{polled:?}");
        call(&gateway, Some(TOKEN), "keys.revoke", json!({"id": id})).await;
    }
}

#[tokio::test]
async fn s16_the_old_bearer_is_refused_in_the_first_request_after_rotation() {
    let gateway = TestGateway::with_config("").await;
    for round in 0..20 {
        let (key, id) = key(&gateway, &format!("round {round}"), &[Scope::Read]).await;
        assert_eq!(call(&gateway, Some(&key), "session.list", json!({})).await.status, 200);
        let rotated = call(&gateway, Some(TOKEN), "keys.rotate", json!({"id": id})).await.json();
        assert_eq!(call(&gateway, Some(&key), "session.list", json!({})).await.status, 401);
        let fresh = rotated["result"]["key"].as_str().expect("a key");
        assert_eq!(call(&gateway, Some(fresh), "session.list", json!({})).await.status, 200);
    }
}
