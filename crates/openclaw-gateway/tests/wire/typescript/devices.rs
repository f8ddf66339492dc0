//! Devices; the tests named after numbers are those of the list of security behaviours.

use std::time::Duration;

use openclaw_protocol::Scope;
use serde_json::{Value, json};
use tokio::time::{Instant, timeout};

use super::support::{ADMIN, Device, TsClient, connect_params};
use crate::support::{TOKEN, TestGateway};

const READ: &[&str] = &["operator.read"];
/// A proxy's trace: what has it does not come straight from this machine.
const FAR: &[(&str, &str)] = &[("x-forwarded-for", "192.0.2.1")];

async fn far(gateway: &TestGateway, device: &Device, params: Value) -> Result<Value, Value> {
    TsClient::open(gateway, FAR).await.connect(device, params).await
}

async fn near(gateway: &TestGateway, device: &Device, params: Value) -> Result<Value, Value> {
    TsClient::open(gateway, &[]).await.connect(device, params).await
}

fn token(hello: &Value) -> String {
    hello["auth"]["deviceToken"].as_str().expect("a token").to_owned()
}

fn request_id(refused: Result<Value, Value>) -> String {
    let error = refused.expect_err("it waits");
    assert_eq!(
        (&error["code"], &error["message"]),
        (&json!("NOT_PAIRED"), &json!("pairing required"))
    );
    error["details"]["requestId"].as_str().expect("a request").to_owned()
}

#[tokio::test]
async fn a_device_waits_until_it_is_approved_and_comes_back_by_its_token() {
    let gateway = TestGateway::start().await;
    let mut owner = TsClient::owner(&gateway).await;
    let device = Device::new(2);
    let request = request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await);
    let told = owner.event("device.pair.requested", |_| true).await;
    assert_eq!(told["payload"]["requestId"], request);
    assert_eq!(told["payload"]["scopes"], json!(READ));
    // Asking again is the same request.
    assert_eq!(request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await), request);
    let approved = owner.call("device.pair.approve", json!({"requestId": request})).await;
    assert_eq!(approved.expect("approved")["device"]["deviceId"], device.id());
    let told = owner.event("device.pair.resolved", |payload| payload["requestId"] == request).await;
    assert_eq!(told["payload"]["decision"], "approved");
    let hello = far(&gateway, &device, connect_params(TOKEN, READ)).await.expect("connects");
    let own = token(&hello);
    let back = far(&gateway, &device, connect_params(&own, READ)).await.expect("connects");
    assert_eq!(token(&back), own);
    // A second sign-in by the gateway token is not told the token again: it is kept as a digest.
    let shared = far(&gateway, &device, connect_params(TOKEN, READ)).await.expect("connects");
    assert_eq!(shared.get("auth"), None);
    // The token is this device's alone.
    let other = far(&gateway, &Device::new(3), connect_params(&own, READ)).await;
    assert_eq!(other.expect_err("refused")["code"], "INVALID_REQUEST");
    let listed = owner.call("device.pair.list", json!({})).await.expect("listed");
    assert!(!listed.to_string().contains(&own));
}

#[tokio::test]
async fn a_rejected_device_may_ask_again() {
    let gateway = TestGateway::start().await;
    let mut owner = TsClient::owner(&gateway).await;
    let device = Device::new(2);
    let request = request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await);
    let rejected = owner.call("device.pair.reject", json!({"requestId": request})).await;
    assert_eq!(rejected.expect("rejected")["deviceId"], device.id());
    assert!(owner.call("device.pair.approve", json!({"requestId": request})).await.is_err());
    assert_ne!(request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await), request);
}

/// Behind anything that forwards, nobody is local, and no header makes anybody local.
#[tokio::test]
async fn security_7_a_forwarded_connection_is_never_local() {
    let gateway = TestGateway::start().await;
    let headers: [(&'static str, &str); 6] = [
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-proto", "https"),
        ("forwarded", "for=127.0.0.1"),
        ("x-real-ip", "127.0.0.1"),
        ("via", "1.1 proxy"),
        ("cf-connecting-ip", "::1"),
    ];
    for (seed, header) in headers.into_iter().enumerate() {
        let device = Device::new(10 + u8::try_from(seed).expect("few"));
        let mut client = TsClient::open(&gateway, &[header]).await;
        request_id(client.connect(&device, connect_params(TOKEN, ADMIN)).await);
    }
    assert!(near(&gateway, &Device::new(30), connect_params(TOKEN, ADMIN)).await.is_ok());
}

#[tokio::test]
async fn security_13_nobody_approves_or_rotates_beyond_their_own_scopes() {
    let gateway = TestGateway::start().await;
    let device = Device::new(2);
    let request = request_id(far(&gateway, &device, connect_params(TOKEN, ADMIN)).await);
    for scopes in [&[Scope::Pairing][..], &[Scope::Pairing, Scope::Read, Scope::Write]] {
        let refused = gateway
            .call_as("helper", scopes, "device.approve", json!({"request_id": request}))
            .await;
        assert_eq!(refused["error"]["code"], -32002, "{refused}");
    }
    let approved = gateway
        .call_as("owner", &[Scope::Admin], "device.approve", json!({"request_id": request}))
        .await;
    assert_eq!(approved["result"]["is_approved"], true, "{approved}");
    // Nor does anybody end or narrow what may do more than they.
    for scopes in [&[Scope::Pairing][..], &[Scope::Pairing, Scope::Read, Scope::Write]] {
        for (method, narrowed) in [
            ("device.rotate", None),
            ("device.rotate", Some([])),
            ("device.revoke", None::<[&str; 0]>),
        ] {
            let mut params = json!({"device_id": device.id()});
            if let Some(narrowed) = narrowed {
                params["scopes"] = json!(narrowed);
            }
            let refused = gateway.call_as("helper", scopes, method, params).await;
            assert_eq!(refused["error"]["code"], -32002, "{method}: {refused}");
        }
    }
    let listed = gateway.call("device.list", json!({})).await.expect("listed");
    assert_eq!(listed["devices"][0]["is_approved"], true, "{listed}");
    // And a token never grants more than the device was approved for.
    let reader = Device::new(3);
    near(&gateway, &reader, connect_params(TOKEN, READ)).await.expect("connects");
    let more = json!({"device_id": reader.id(), "scopes": ["operator.admin"]});
    let refused = gateway.call_as("owner", &[Scope::Admin], "device.rotate", more).await;
    assert_eq!(refused["error"]["code"], -32602, "{refused}");
}

#[tokio::test]
async fn security_14_declared_scopes_are_cut_to_those_of_the_credential() {
    let gateway = TestGateway::start().await;
    let made = gateway
        .call(
            "keys.create",
            json!({"name": "reader", "scopes": ["operator.read", "operator.pairing"]}),
        )
        .await
        .expect("made");
    let key = made["key"].as_str().expect("a key").to_owned();
    let device = Device::new(2);
    // An API key is not the owner's own: even from this machine the device waits.
    let request = request_id(near(&gateway, &device, connect_params(&key, ADMIN)).await);
    let listed = gateway.call("device.list", json!({})).await.expect("listed");
    assert_eq!(listed["pending"][0]["scopes"], json!(["operator.read", "operator.pairing"]));
    gateway.call("device.approve", json!({"request_id": request})).await.expect("approved");
    let mut client = TsClient::open(&gateway, &[]).await;
    client.connect(&device, connect_params(&key, ADMIN)).await.expect("connects");
    let set = json!({"raw": "{}"});
    let refused = client.call("config.set", set).await.expect_err("refused");
    assert_eq!(refused["message"], "missing scope: operator.admin");
    assert!(client.call("health", json!({})).await.is_ok());
    // Its token is good for what it was approved for, and asking for more waits.
    let mut client = TsClient::open(&gateway, &[]).await;
    let hello =
        client.connect(&Device::new(4), connect_params(TOKEN, READ)).await.expect("connects");
    let more = near(&gateway, &Device::new(4), connect_params(&token(&hello), ADMIN)).await;
    request_id(more);
}

#[tokio::test]
async fn security_15_revoking_and_rotating_end_sockets_within_a_second() {
    let gateway = TestGateway::start().await;
    for method in ["device.revoke", "device.rotate"] {
        let device = Device::new(2);
        let mut by_gateway_token = TsClient::open(&gateway, &[]).await;
        let hello =
            by_gateway_token.connect(&device, connect_params(TOKEN, READ)).await.expect("connects");
        let mut by_own_token = TsClient::open(&gateway, &[]).await;
        by_own_token
            .connect(&device, connect_params(&token(&hello), READ))
            .await
            .expect("connects");
        let began = Instant::now();
        gateway.call(method, json!({"device_id": device.id()})).await.expect("done");
        for client in [&mut by_gateway_token, &mut by_own_token] {
            let (code, _) = timeout(Duration::from_secs(5), client.end()).await.expect("ends");
            assert_eq!(code, Some(1008), "{method}");
        }
        assert!(began.elapsed() < Duration::from_secs(1), "{method}: {:?}", began.elapsed());
        gateway.call("device.revoke", json!({"device_id": device.id()})).await.expect("revoked");
    }
}

#[tokio::test]
async fn security_16_an_old_device_token_is_refused_at_once() {
    let gateway = TestGateway::start().await;
    let device = Device::new(2);
    let hello = near(&gateway, &device, connect_params(TOKEN, READ)).await.expect("connects");
    let old = token(&hello);
    let rotated =
        gateway.call("device.rotate", json!({"device_id": device.id()})).await.expect("rotated");
    let fresh = rotated["token"].as_str().expect("a token").to_owned();
    assert!(near(&gateway, &device, connect_params(&old, READ)).await.is_err());
    assert!(near(&gateway, &device, connect_params(&fresh, READ)).await.is_ok());
    gateway.call("device.revoke", json!({"device_id": device.id()})).await.expect("revoked");
    assert!(near(&gateway, &device, connect_params(&fresh, READ)).await.is_err());
    // It has to be approved again.
    request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await);
}

#[tokio::test]
async fn security_17_a_request_is_single_use_and_bound_to_its_key() {
    let gateway = TestGateway::start().await;
    let device = Device::new(2);
    let request = request_id(far(&gateway, &device, connect_params(TOKEN, READ)).await);
    // What asks for something else is another request; the first one is gone.
    let more = request_id(far(&gateway, &device, connect_params(TOKEN, ADMIN)).await);
    let approve = |id: &str| json!({"request_id": id});
    assert!(gateway.call("device.approve", approve(&request)).await.is_err());
    gateway.call("device.approve", approve(&more)).await.expect("approved");
    assert!(gateway.call("device.approve", approve(&more)).await.is_err());
    // The approval is this key's; another key waits for its own.
    request_id(far(&gateway, &Device::new(3), connect_params(TOKEN, READ)).await);
}

#[tokio::test]
async fn what_another_gateway_on_the_store_takes_from_a_device_ends_here() {
    let gateway = TestGateway::start().await;
    let other = gateway.again().await;
    for method in ["device.revoke", "device.rotate"] {
        let (device, bystander) = (Device::new(2), Device::new(3));
        let mut by_gateway_token = TsClient::open(&gateway, &[]).await;
        let hello =
            by_gateway_token.connect(&device, connect_params(TOKEN, READ)).await.expect("connects");
        let mut by_own = TsClient::open(&gateway, &[]).await;
        by_own.connect(&device, connect_params(&token(&hello), READ)).await.expect("connects");
        let mut stays = TsClient::open(&gateway, &[]).await;
        stays.connect(&bystander, connect_params(TOKEN, READ)).await.expect("connects");
        assert!(!gateway.state.devices.refresh().await.expect("reads"), "all hold");
        // A rotation is told from the connection before it by its time.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        other.call(method, json!({"device_id": device.id()})).await.expect("done");
        assert!(gateway.state.devices.refresh().await.expect("reads"), "{method}");
        gateway.state.hub.wake_all();
        for client in [&mut by_gateway_token, &mut by_own] {
            assert_eq!(client.end().await.0, Some(1008), "{method}");
        }
        assert!(stays.call("health", json!({})).await.is_ok(), "{method}");
        other.call("device.revoke", json!({"device_id": device.id()})).await.expect("revoked");
    }
}
