//! A model server that this project did not write.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use openclaw_testkit::model::Api;
use serde_json::json;

use crate::support::{LIMIT, Setup};
use crate::wire::peer;

struct Aimock {
    child: Child,
    url: String,
}

impl Drop for Aimock {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

impl Aimock {
    async fn start(binary: &str, folder: &std::path::Path) -> Self {
        let fixtures = folder.join("fixtures.json");
        let content = json!({"fixtures": [
            {"match": {"userMessage": "add", "hasToolResult": true}, "response": {"content": "It is 3."}},
            {"match": {"userMessage": "add"}, "response":
                {"toolCalls": [{"name": "add", "arguments": "{\"a\":1,\"b\":2}"}]}},
            {"match": {"userMessage": "hello"}, "response": {"content": "Hello from aimock."}},
        ]});
        std::fs::write(&fixtures, content.to_string()).expect("written");
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("a port").port();
        let mut child = Command::new(binary)
            .args(["-p", &port.to_string(), "-f"])
            .arg(&fixtures)
            .args(["--strict", "--log-level", "warn"])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("aimock starts");
        let stderr = child.stderr.take().expect("piped");
        let url = format!("http://127.0.0.1:{port}");
        let mut aimock = Self { child, url };
        let up = async {
            while tokio::net::TcpStream::connect(("127.0.0.1", port)).await.is_err() {
                if let Ok(Some(status)) = aimock.child.try_wait() {
                    let said: Vec<_> =
                        BufReader::new(stderr).lines().map_while(Result::ok).collect();
                    panic!("aimock ended with {status}: {said:?}");
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        tokio::time::timeout(LIMIT, up).await.expect("aimock listens");
        aimock
    }
}

#[tokio::test]
async fn plain_and_tool_turns_on_every_wire() {
    let Some(binary) = peer("OPENCLAW_TEST_AIMOCK") else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let aimock = Aimock::start(&binary, folder.path()).await;
    for (api, wire) in [(Api::Chat, "openai-chat"), (Api::Messages, "anthropic-messages")] {
        let provider = format!(
            "[models.providers.aimock]\napi = \"{wire}\"\nbase_url = \"{}/v1\"\napi_key = \"k\"",
            aimock.url
        );
        let harness =
            Setup::new(api).agents("model = \"aimock/gpt-4o\"").toml(&provider).build().await;
        assert_eq!(harness.reply("hello").await, "Hello from aimock.", "{wire}");
        assert_eq!(harness.reply("add 1 and 2").await, "It is 3.", "{wire}");
        assert_eq!(harness.stream.text(), "Hello from aimock.It is 3.");
    }
}
