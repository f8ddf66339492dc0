use std::time::Duration;

use openclaw_core::{Secret, SystemRng};
use openclaw_gateway::auth::hash_password;
use openclaw_gateway::server::ServerLimits;
use openclaw_protocol::{Scope, ScopeSet};
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::support::{TestGateway, code};

const A_SECOND: Duration = Duration::from_secs(1);

/// Makes an API key as the owner; the key and its id.
async fn key(gateway: &TestGateway, name: &str, scopes: &[&str]) -> (String, String) {
    let params = json!({"name": name, "scopes": scopes});
    let made = gateway.call("keys.create", params).await.expect("made");
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    (text(&made["key"]), text(&made["info"]["id"]))
}

async fn authenticate(gateway: &TestGateway, params: Value) -> Result<Value, Value> {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "authenticate", "params": params});
    let reply = gateway.http("POST /rpc", &["Host: localhost"], &body.to_string()).await;
    crate::support::outcome(reply.json())
}

/// The status of a call with this bearer.
async fn status(gateway: &TestGateway, bearer: &str, method: &str) -> u16 {
    let body = json!({"jsonrpc": "2.0", "id": 1, "method": method});
    let header = format!("Authorization: Bearer {bearer}");
    gateway.http("POST /rpc", &["Host: localhost", &header], &body.to_string()).await.status
}

/// The keys that access tokens are verified with.
async fn key_set(gateway: &TestGateway, bearer: &str) -> Value {
    let header = format!("Authorization: Bearer {bearer}");
    gateway.http("GET /.well-known/jwks.json", &["Host: localhost", &header], "").await.json()
}

async fn with_password(password: &str) -> TestGateway {
    let hash = hash_password(&Secret::new(password), &SystemRng).expect("hashes");
    let config = format!("[gateway.auth]\npassword_hash = '{hash}'\n");
    TestGateway::with(&config, ServerLimits::default()).await
}

#[tokio::test]
async fn a_key_may_do_what_its_scopes_say() {
    let gateway = TestGateway::start().await;
    let (key, id) = key(&gateway, "reader", &["operator.read"]).await;
    let mut socket = gateway.open(Some(&key)).await.expect("upgrades");
    assert!(socket.call("session.list", json!({})).await.is_ok());
    let run = json!({"message": "hello"});
    assert_eq!(code(socket.call("agent.run", run).await), -32002);
    let name = json!({"name": "more", "scopes": ["operator.read"]});
    assert_eq!(code(socket.call("keys.create", name).await), -32002);

    let mut other = gateway.anonymous().await;
    let signed_in = other.call("authenticate", json!({"api_key": key})).await.expect("signs in");
    assert_eq!(signed_in["principal"], format!("key:{id}"));
    assert_eq!(signed_in["scopes"], json!(["operator.read"]));
    assert!(other.call("session.list", json!({})).await.is_ok());

    let listed = gateway.call("keys.list", json!({})).await.expect("lists");
    assert_eq!(listed["keys"][0]["name"], "reader");
    assert!(listed["keys"][0]["last_used_at"].is_string());
    assert!(!listed.to_string().contains(&key[20..]), "a listing holds no secret");
}

#[tokio::test]
async fn an_access_token_stands_for_what_it_was_issued_to() {
    let gateway = TestGateway::start().await;
    let (key, id) = key(&gateway, "reader", &["operator.read"]).await;
    let signed_in = authenticate(&gateway, json!({"api_key": key})).await.expect("signs in");
    let token = signed_in["access_token"].as_str().expect("a token").to_owned();
    assert!(signed_in["expires_at"].is_string());
    assert_eq!(status(&gateway, &token, "session.list").await, 200);
    let mut socket = gateway.open(Some(&token)).await.expect("upgrades");
    assert_eq!(code(socket.call("gateway.reload", json!({})).await), -32002);
    let again = authenticate(&gateway, json!({"jwt": token})).await.expect("signs in");
    assert_eq!(again["principal"], format!("key:{id}"));
    assert_eq!(again["access_token"], Value::Null, "a token is not exchanged for a longer one");

    let before = key_set(&gateway, &token).await;
    gateway.call("keys.rotate_signing", json!({})).await.expect("rotates");
    let after = key_set(&gateway, &token).await;
    assert_eq!(after["keys"][0]["crv"], "Ed25519");
    let nobody = gateway.http("GET /.well-known/jwks.json", &["Host: localhost"], "").await;
    assert_eq!((nobody.status, nobody.error_code()), (401, -32001));
    assert_eq!(after["keys"].as_array().map(Vec::len), Some(2));
    assert_eq!(after["keys"][1], before["keys"][0]);
    assert_eq!(status(&gateway, &token, "session.list").await, 200, "the overlap holds");
    let fresh = authenticate(&gateway, json!({"api_key": key})).await.expect("signs in");
    assert_ne!(fresh["access_token"], token);

    gateway.call("keys.revoke", json!({"id": id})).await.expect("revokes");
    assert_eq!(status(&gateway, &token, "session.list").await, 401);
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
}

#[tokio::test]
async fn revoking_and_rotating_end_what_is_open_within_a_second() {
    let gateway = TestGateway::start().await;
    for method in ["keys.revoke", "keys.rotate"] {
        let (key, id) = key(&gateway, method, &["operator.write"]).await;
        let (_, other) = self::key(&gateway, "other", &["operator.write"]).await;
        let mut socket = gateway.open(Some(&key)).await.expect("upgrades");
        let mut owner = gateway.socket().await;
        let waiting = socket
            .ask("message.receive", json!({"session_key": "agent:main:main", "wait_ms": 50_000}));
        waiting.await;
        let started = Instant::now();
        gateway.call(method, json!({"id": id})).await.expect("ends it");
        assert_eq!(status(&gateway, &key, "session.list").await, 401, "{method}");
        assert_eq!(socket.end().await, Some(CloseCode::Policy), "{method}");
        assert!(started.elapsed() < A_SECOND, "{method} took {:?}", started.elapsed());
        assert!(owner.call("session.list", json!({})).await.is_ok());
        gateway.call("keys.revoke", json!({"id": other})).await.expect("revokes");
    }
}

#[tokio::test]
async fn who_rotates_its_own_key_is_told_the_new_one() {
    let gateway = TestGateway::start().await;
    let (key, id) = key(&gateway, "admin", &["operator.admin"]).await;
    let mut socket = gateway.open(Some(&key)).await.expect("upgrades");
    let rotated = socket.call("keys.rotate", json!({"id": id})).await.expect("rotates");
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    let fresh = rotated["key"].as_str().expect("a key");
    assert_eq!(status(&gateway, &key, "session.list").await, 401);
    assert_eq!(status(&gateway, fresh, "session.list").await, 200);

    let body = json!({"jsonrpc": "2.0", "id": 1, "method": "keys.rotate", "params": {"id": id}});
    let header = format!("Authorization: Bearer {fresh}");
    let reply = gateway.http("POST /rpc", &["Host: localhost", &header], &body.to_string()).await;
    assert!(reply.json()["result"]["key"].is_string(), "{reply:?}");
}

#[tokio::test]
async fn a_key_that_expires_ends_its_socket() {
    let gateway = TestGateway::start().await;
    let params = json!({"name": "short", "scopes": ["operator.read"], "expires_in_ms": 400});
    let made = gateway.call("keys.create", params).await.expect("made");
    let key = made["key"].as_str().expect("a key").to_owned();
    let mut socket = gateway.open(Some(&key)).await.expect("upgrades");
    assert!(socket.call("session.list", json!({})).await.is_ok());
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    assert_eq!(status(&gateway, &key, "session.list").await, 401);
    assert_eq!(gateway.open(Some(&key)).await.err(), Some(401));
}

#[tokio::test]
async fn the_password_signs_in_and_nothing_near_it() {
    let gateway = with_password("open sesame").await;
    let signed_in = authenticate(&gateway, json!({"password": "open sesame"})).await;
    let signed_in = signed_in.expect("signs in");
    assert_eq!(signed_in["principal"], "owner");
    let token = signed_in["access_token"].as_str().expect("a token").to_owned();
    assert_eq!(status(&gateway, &token, "gateway.status").await, 200);
    assert_eq!(status(&gateway, "open sesame", "gateway.status").await, 401);
    let wrong = authenticate(&gateway, json!({"password": "open sesam"})).await;
    assert_eq!(code(wrong), -32001);

    let mut socket = gateway.open(Some(&token)).await.expect("upgrades");
    let other = hash_password(&Secret::new("another"), &SystemRng).expect("hashes");
    gateway.source.change(|config| config.gateway.auth.password_hash = Some(Secret::new(other)));
    gateway.call("gateway.reload", json!({})).await.expect("reloads");
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    assert_eq!(status(&gateway, &token, "gateway.status").await, 401);
}

#[tokio::test]
async fn a_lockout_holds_for_passwords_and_not_for_keys() {
    let gateway = with_password("open sesame").await;
    let (key, _) = key(&gateway, "reader", &["operator.read"]).await;
    for _ in 0..10 {
        assert_eq!(status(&gateway, "oc_0123456789ab_wrong", "session.list").await, 401);
    }
    assert_eq!(status(&gateway, "oc_0123456789ab_wrong", "session.list").await, 429);
    let locked = authenticate(&gateway, json!({"password": "open sesame"})).await;
    assert_eq!(code(locked), -32005);
    assert!(authenticate(&gateway, json!({"api_key": key})).await.is_ok());
    assert_eq!(status(&gateway, &key, "session.list").await, 200);
}

#[tokio::test]
async fn ten_passwords_a_minute_and_no_more() {
    let gateway = with_password("open sesame").await;
    for _ in 0..10 {
        assert!(authenticate(&gateway, json!({"password": "open sesame"})).await.is_ok());
    }
    let refused = authenticate(&gateway, json!({"password": "open sesame"})).await;
    let error = refused.expect_err("refused");
    assert_eq!(error["code"], -32005);
    assert!(error["data"]["retry_after_ms"].as_u64().is_some_and(|ms| ms > 0 && ms <= 6_000));
}

#[tokio::test]
async fn keys_are_refused_by_what_is_wrong_with_them() {
    let gateway = TestGateway::start().await;
    for (params, field) in [
        (json!({"name": "", "scopes": ["operator.read"]}), "name"),
        (json!({"name": "a\nb", "scopes": ["operator.read"]}), "name"),
        (json!({"name": "x".repeat(65), "scopes": ["operator.read"]}), "name"),
        (json!({"name": "x", "scopes": []}), "scopes"),
        (json!({"name": "x", "scopes": ["operator.read"], "expires_in_ms": 0}), "expires_in_ms"),
        (
            json!({"name": "x", "scopes": ["operator.read"], "expires_in_ms": 3_153_600_000_001_u64}),
            "expires_in_ms",
        ),
    ] {
        let error = gateway.call("keys.create", params).await.expect_err("refused");
        assert_eq!((&error["code"], &error["data"]["field"]), (&json!(-32602), &json!(field)));
    }
    key(&gateway, "x", &["operator.read"]).await;
    let taken = json!({"name": "x", "scopes": ["operator.read"]});
    assert_eq!(code(gateway.call("keys.create", taken.clone()).await), -32004);
    gateway.call("keys.revoke", json!({"id": "x"})).await.expect("revokes by name");
    assert!(gateway.call("keys.create", taken).await.is_ok(), "the name is free again");
    assert_eq!(code(gateway.call("keys.revoke", json!({"id": "nobody"})).await), -32003);
    assert_eq!(code(gateway.call("keys.rotate", json!({"id": "nobody"})).await), -32003);
}

#[tokio::test]
async fn keys_outlive_the_gateway_that_made_them() {
    let gateway = TestGateway::start().await;
    let (key, id) = key(&gateway, "kept", &["operator.read"]).await;
    let signed_in = authenticate(&gateway, json!({"api_key": key})).await.expect("signs in");
    let token = signed_in["access_token"].as_str().expect("a token").to_owned();
    gateway.state.credentials.store_uses().await;
    let other = gateway.again().await;
    assert_eq!(status(&other, &key, "session.list").await, 200);
    assert_eq!(status(&other, &token, "session.list").await, 200);

    // What one gateway on the store revokes, the other finds.
    let mut socket = other.open(Some(&key)).await.expect("upgrades");
    gateway.call("keys.revoke", json!({"id": id})).await.expect("revokes");
    other.state.credentials.refresh().await.expect("reads");
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    assert_eq!(status(&other, &key, "session.list").await, 401);
}

#[tokio::test]
async fn no_key_is_granted_a_scope_that_its_maker_lacks() {
    use openclaw_gateway::auth::{Grant, NewKey, Principal};
    let gateway = TestGateway::start().await;
    for held in 0_u8..32 {
        let of = |bits: u8| -> ScopeSet {
            let scopes = Scope::ALL.into_iter().enumerate();
            scopes.filter(|(at, _)| bits & (1 << at) != 0).map(|(_, scope)| scope).collect()
        };
        let maker = Principal::new("maker", of(held), Grant::lasting());
        for asked in 1_u8..32 {
            let name = format!("{held} {asked}");
            let new = NewKey { name, scopes: of(asked), expires_in: None };
            let made = gateway.state.credentials.create_key(new, &maker).await;
            let may = of(asked).iter().all(|scope| maker.scopes.allows(scope));
            assert_eq!(made.is_ok(), may, "{held:05b} asks for {asked:05b}");
            if let Ok(made) = made {
                gateway.state.credentials.revoke_key(&made.info.id).await.expect("revokes");
            }
        }
    }
}

#[tokio::test]
async fn a_change_finds_what_another_gateway_changed_before() {
    let gateway = TestGateway::start().await;
    let (old, id) = key(&gateway, "shared", &["operator.read"]).await;
    let other = gateway.again().await;
    let rotated = gateway.call("keys.rotate", json!({"id": id})).await.expect("rotates");
    let fresh = rotated["key"].as_str().expect("a key");
    // It knows only the key before.
    let again = other.call("keys.rotate", json!({"id": id})).await.expect("rotates");
    assert_eq!(status(&other, &old, "session.list").await, 401);
    assert_eq!(status(&other, fresh, "session.list").await, 401);
    let newest = again["key"].as_str().expect("a key");
    assert_eq!(status(&other, newest, "session.list").await, 200);
    gateway.call("keys.revoke", json!({"id": id})).await.expect("revokes");
    gateway.state.credentials.refresh().await.expect("reads");
    assert_eq!(status(&gateway, newest, "session.list").await, 401);
}

#[tokio::test]
async fn a_key_whose_record_cannot_be_read_ends() {
    use openclaw_storage::{Batch, Write};
    let gateway = TestGateway::start().await;
    let (key, id) = key(&gateway, "damaged", &["operator.read"]).await;
    let mut socket = gateway.open(Some(&key)).await.expect("upgrades");
    let write = Write::PutValue {
        key: format!("auth.key.{id}"),
        value: "no record".to_owned(),
        expect: None,
    };
    gateway.state.storage.apply(Batch::new().with(write)).await.expect("stores");
    gateway.state.credentials.refresh().await.expect("reads");
    assert_eq!(socket.end().await, Some(CloseCode::Policy));
    assert_eq!(status(&gateway, &key, "session.list").await, 401);
}

#[tokio::test]
async fn who_rotates_a_key_has_the_scopes_of_that_very_key() {
    use openclaw_gateway::auth::{Grant, Principal};
    let gateway = TestGateway::start().await;
    let reader = Principal::new("reader", [Scope::Read].into_iter().collect(), Grant::lasting());
    let (_, of_reader) = key(&gateway, "name", &["operator.read"]).await;
    gateway.call("keys.revoke", json!({"id": of_reader})).await.expect("revokes");
    // Another key goes by the name of the one that is over.
    let (admin, _) = key(&gateway, "name", &["operator.admin"]).await;
    let refused = gateway.state.credentials.rotate_key("name", &reader).await;
    let kind = refused.expect_err("it may do more").kind();
    assert_eq!(kind, openclaw_errors::ErrorKind::Forbidden);
    assert_eq!(status(&gateway, &admin, "session.list").await, 200);
}
