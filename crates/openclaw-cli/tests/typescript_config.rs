//! The configuration as clients of the TypeScript protocol change it, over a real file.

use futures_util::{SinkExt as _, StreamExt as _};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::{WebSocketStream, client_async};

use crate::support::{LIMIT, TOKEN, TestGateway};

const SCOPES: [&str; 3] = ["operator.admin", "operator.read", "operator.write"];

/// A local program that speaks version 4.
struct Program {
    socket: WebSocketStream<TcpStream>,
    next_id: u64,
}

impl Program {
    async fn connect(gateway: &TestGateway) -> Self {
        let stream = TcpStream::connect(gateway.address()).await.expect("it listens");
        let url = format!("ws://{}/", gateway.address());
        let (socket, _) = client_async(url, stream).await.expect("it upgrades");
        let mut program = Self { socket, next_id: 1 };
        let client = json!({
            "id": "gateway-client", "version": "1", "platform": "linux", "mode": "backend",
        });
        let params = json!({
            "minProtocol": 4, "maxProtocol": 4, "client": client, "role": "operator",
            "scopes": SCOPES, "auth": {"token": TOKEN},
        });
        program.call("connect", params).await.expect("it is let in");
        program
    }

    async fn call(&mut self, method: &str, params: Value) -> Result<Value, Value> {
        let id = self.next_id.to_string();
        self.next_id += 1;
        let frame = json!({"type": "req", "id": id, "method": method, "params": params});
        self.socket.send(Message::text(frame.to_string())).await.expect("it is sent");
        loop {
            let message = timeout(LIMIT, self.socket.next()).await.expect("an answer in time");
            let message = message.expect("it stays open").expect("it is readable");
            let Message::Text(text) = message else { continue };
            let frame: Value = serde_json::from_str(&text).expect("JSON");
            if frame["id"] == id {
                let is_ok = frame["ok"] == true;
                let part = |name: &str| frame[name].clone();
                return if is_ok { Ok(part("payload")) } else { Err(part("error")) };
            }
        }
    }

    async fn patch(&mut self, patch: Value) -> Result<Value, Value> {
        let hash = self.call("config.get", json!({})).await.expect("read")["hash"].clone();
        self.call("config.patch", json!({"raw": patch.to_string(), "baseHash": hash})).await
    }
}

const FILE: &str = r#"# Mine.
[gateway]
max_connections = 100

[hooks]
enabled = true
token = "hook-token"
mappings = [{ id = "ci", match = { path = "ci" }, message_template = "x", signing_secret = "word" }]

# The first.
[[agents.list]]
id = "work"
workspace = "${HOME}/work" # moves with me

[[agents.list]]
id = "play"
workspace = "${HOME}/play"
"#;

fn text(gateway: &TestGateway) -> String {
    std::fs::read_to_string(gateway.state().join("openclaw.toml")).expect("readable")
}

#[tokio::test]
async fn only_what_a_client_changes_is_written_to_the_file() {
    let gateway = TestGateway::with_config(FILE).await;
    let mut program = Program::connect(&gateway).await;
    let read = program.call("config.get", json!({})).await.expect("read");
    assert!(!read.to_string().contains("\"word\""), "{read}");

    // A default is removed from where it does not stand, and the rest of the call still counts.
    let patch = json!({"gateway": {"max_connections": 101, "openai_http": null}});
    program.patch(patch).await.expect("patched");
    assert_eq!(text(&gateway), FILE.replace("100", "101"));

    // A mapping is changed without its secret being known.
    let mut mappings = read["config"]["hooks"]["mappings"].clone();
    mappings[0]["message_template"] = json!("y");
    program.patch(json!({"hooks": {"mappings": mappings}})).await.expect("patched");
    let changed = FILE.replace("100", "101").replace("\"x\"", "\"y\"");
    assert_eq!(text(&gateway), changed);
    mappings[0]["id"] = json!("other");
    let refused = program.patch(json!({"hooks": {"mappings": mappings}})).await;
    let message = refused.expect_err("a secret would be lost")["message"].clone();
    let told = "hooks.mappings: give the secret itself, it cannot be copied from where it was";
    assert_eq!(message, told);
    assert_eq!(text(&gateway), changed);

    let created = json!({"name": "Third", "workspace": "/tmp/third"});
    program.call("agents.create", created).await.expect("created");
    let third = "\n[[agents.list]]\nid = \"third\"\nworkspace = \"/tmp/third\"\n";
    assert_eq!(text(&gateway), format!("{changed}{third}"));
    let moved = json!({"agentId": "third", "workspace": "/tmp/3"});
    program.call("agents.update", moved).await.expect("updated");
    assert_eq!(text(&gateway), format!("{changed}{third}").replace("/tmp/third", "/tmp/3"));
    program.call("agents.delete", json!({"agentId": "play"})).await.expect("deleted");
    let deleted = json!({"agentId": "third"});
    program.call("agents.delete", deleted).await.expect("deleted");
    let play = "\n[[agents.list]]\nid = \"play\"\nworkspace = \"${HOME}/play\"\n";
    assert_eq!(text(&gateway), changed.replace(play, ""));

    let list = json!([{"id": "work", "workspace": "/tmp/work"}, {"id": "more"}]);
    program.patch(json!({"agents": {"list": list}})).await.expect("patched");
    let after = text(&gateway);
    assert!(after.contains("workspace = \"/tmp/work\" # moves with me"), "{after}");
    assert!(after.ends_with("\n[[agents.list]]\nid = \"more\"\n"), "{after}");
    let shorter = json!([{"id": "more"}]);
    program.patch(json!({"agents": {"list": shorter}})).await.expect("patched");
    let after = text(&gateway);
    assert_eq!(after.matches("[[agents.list]]\nid = \"more\"").count(), 1, "{after}");
    assert!(!after.contains("\"work\""), "{after}");
}
