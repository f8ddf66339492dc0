use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::{SinkExt as _, StreamExt as _};
use openclaw_core::{Clock as _, SystemClock};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{PATIENCE, TOKEN, TestGateway};

pub(super) const ADMIN: &[&str] = &[
    "operator.admin",
    "operator.approvals",
    "operator.pairing",
    "operator.read",
    "operator.write",
];

/// A device with its key.
pub(super) struct Device(Ed25519KeyPair);

impl Device {
    pub(super) fn new(seed: u8) -> Self {
        Self(Ed25519KeyPair::from_seed_unchecked(&[seed; 32]).expect("32 bytes"))
    }

    pub(super) fn id(&self) -> String {
        hex::encode(Sha256::digest(self.0.public_key().as_ref()))
    }

    /// The proof in a `connect` of version 3.
    fn proof(&self, params: &Value, nonce: &str) -> Value {
        let scopes: Vec<&str> =
            params["scopes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let signed_at = SystemClock.now().as_millis();
        let text = format!(
            "v2|{}|{}|{}|{}|{}|{signed_at}|{}|{nonce}",
            self.id(),
            params["client"]["id"].as_str().unwrap_or_default(),
            params["client"]["mode"].as_str().unwrap_or_default(),
            params["role"].as_str().unwrap_or("operator"),
            scopes.join(","),
            params["auth"]["token"].as_str().unwrap_or_default(),
        );
        json!({
            "id": self.id(),
            "publicKey": URL_SAFE_NO_PAD.encode(self.0.public_key().as_ref()),
            "signature": URL_SAFE_NO_PAD.encode(self.0.sign(text.as_bytes()).as_ref()),
            "signedAt": signed_at,
            "nonce": nonce,
        })
    }
}

/// The params of `connect` for a credential and scopes.
pub(super) fn connect_params(token: &str, scopes: &[&str]) -> Value {
    json!({
        "minProtocol": 3, "maxProtocol": 3,
        "client": {"id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend"},
        "caps": ["tool-events"], "role": "operator", "scopes": scopes,
        "auth": {"token": token},
    })
}

/// A client of the TypeScript protocol.
pub(super) struct TsClient {
    socket: WebSocketStream<TcpStream>,
    pub(super) nonce: String,
    next_id: u64,
    /// Events that came while an answer was waited for.
    pub(super) events: Vec<Value>,
}

/// What a socket brings.
#[derive(Debug, PartialEq)]
pub(super) enum Heard {
    Frame(Value),
    Closed(Option<u16>, String),
}

impl TsClient {
    /// Opens a socket with some headers and hears the challenge.
    pub(super) async fn open(gateway: &TestGateway, headers: &[(&'static str, &str)]) -> Self {
        let mut request =
            format!("ws://127.0.0.1:{}/", gateway.port).into_client_request().expect("valid");
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().expect("valid"));
        }
        let (socket, _) = client_async(request, gateway.connect().await).await.expect("upgrades");
        let mut client = Self { socket, nonce: String::new(), next_id: 1, events: Vec::new() };
        match client.next().await {
            Heard::Frame(frame) => {
                assert_eq!(
                    (&frame["type"], &frame["event"]),
                    (&json!("event"), &json!("connect.challenge"))
                );
                client.nonce = frame["payload"]["nonce"].as_str().expect("a nonce").to_owned();
            }
            other => panic!("instead of the challenge: {other:?}"),
        }
        client
    }

    /// A connected client on a device of its own with every scope.
    pub(super) async fn owner(gateway: &TestGateway) -> Self {
        let mut client = Self::open(gateway, &[]).await;
        client.connect(&Device::new(1), connect_params(TOKEN, ADMIN)).await.expect("connects");
        client
    }

    /// Connects as a device; `hello-ok`, else the error.
    pub(super) async fn connect(
        &mut self,
        device: &Device,
        mut params: Value,
    ) -> Result<Value, Value> {
        params["device"] = device.proof(&params, &self.nonce);
        self.call("connect", params).await
    }

    pub(super) async fn say(&mut self, frame: &Value) {
        self.socket.send(Message::text(frame.to_string())).await.expect("sends");
    }

    pub(super) async fn ask(&mut self, method: &str, params: Value) -> String {
        let id = self.next_id.to_string();
        self.next_id += 1;
        self.say(&json!({"type": "req", "id": id, "method": method, "params": params})).await;
        id
    }

    /// Calls and waits for the answer; events before it are kept.
    pub(super) async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.ask(method, params).await;
        self.answer_to(&id).await
    }

    pub(super) async fn answer_to(&mut self, id: &str) -> Result<Value, Value> {
        loop {
            match self.next().await {
                Heard::Frame(frame) if frame["type"] == "res" && frame["id"] == id => {
                    return match frame["ok"].as_bool() {
                        Some(true) => Ok(frame["payload"].clone()),
                        _ => Err(frame["error"].clone()),
                    };
                }
                Heard::Frame(frame) if frame["type"] == "event" => self.events.push(frame),
                // The second answer to an earlier request.
                Heard::Frame(frame) if frame["type"] == "res" => {}
                other => panic!("instead of the answer to {id}: {other:?}"),
            }
        }
    }

    /// The next event of this name that fits; others before it are kept.
    pub(super) async fn event(&mut self, name: &str, fits: impl Fn(&Value) -> bool) -> Value {
        let is_it = |frame: &Value| frame["event"] == name && fits(&frame["payload"]);
        if let Some(at) = self.events.iter().position(is_it) {
            return self.events.remove(at);
        }
        loop {
            match self.next().await {
                Heard::Frame(frame) if is_it(&frame) => return frame,
                Heard::Frame(frame) => self.events.push(frame),
                other => panic!("instead of {name}: {other:?}"),
            }
        }
    }

    pub(super) async fn next(&mut self) -> Heard {
        loop {
            match timeout(PATIENCE, self.socket.next()).await.expect("something in time") {
                Some(Ok(Message::Text(text))) => {
                    return Heard::Frame(serde_json::from_str(&text).expect("JSON"));
                }
                Some(Ok(Message::Close(Some(frame)))) => {
                    return Heard::Closed(Some(frame.code.into()), frame.reason.to_string());
                }
                Some(Ok(Message::Close(None))) | Some(Err(_)) | None => {
                    return Heard::Closed(None, String::new());
                }
                Some(Ok(_)) => {}
            }
        }
    }

    /// Waits for the end; frames before it are dropped.
    pub(super) async fn end(&mut self) -> (Option<u16>, String) {
        loop {
            if let Heard::Closed(code, reason) = self.next().await {
                return (code, reason);
            }
        }
    }
}
