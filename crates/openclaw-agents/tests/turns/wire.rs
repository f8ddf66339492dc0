//! Everything that was sent, judged by the vendors' own types.

use std::io::Write;
use std::process::{Command, Stdio};

use openclaw_core::{MessageContent, SessionConfig, ThinkingLevel};
use openclaw_testkit::model::{Api, Reply, Script, ScriptedCall};
use serde_json::json;

use crate::support::Setup;

fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "tests are told of peers by the environment")]
    let value = std::env::var(name).ok();
    value.filter(|value| !value.is_empty())
}

/// The peer that a test needs; `None` skips it, which CI does not allow.
pub(crate) fn peer(name: &str) -> Option<String> {
    let found = variable(name);
    assert!(found.is_some() || variable("CI").as_deref() != Some("true"), "{name} is not set");
    found
}

#[tokio::test]
async fn the_official_types_take_what_is_sent() {
    let Some(python) = peer("OPENCLAW_TEST_PYTHON") else { return };
    let mut journal = String::new();
    for api in Api::ALL {
        let script = Script::new()
            .then(
                Reply::text("Both.")
                    .then_call(ScriptedCall::new("add", &json!({"a": 1, "b": 2})))
                    .then_call(ScriptedCall::new("fail", &json!({}))),
            )
            .then(Reply::text("Done."));
        let mut harness = Setup::new(api).script(script).build().await;
        harness.session.config =
            SessionConfig { thinking: Some(ThinkingLevel::High), ..SessionConfig::default() };
        harness.reply("go").await;
        let image =
            harness.media.put_bytes(b"\x89PNG\r\n\x1a\n", Some("a.png")).await.expect("stored");
        let content = MessageContent::Media { media: vec![image], caption: None };
        let turn = harness.turn(content).await;
        harness.run(turn).await;
        harness.assert_sound();
        journal.push_str(&harness.server.journal());
    }
    assert_eq!(journal.lines().count(), 15);
    let script = "../openclaw-testkit/validators/model_requests.py";
    let mut child = Command::new(python)
        .arg(script)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("python starts");
    child.stdin.take().expect("piped").write_all(journal.as_bytes()).expect("written");
    let output = child.wait_with_output().expect("python ends");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(said.trim(), "15 requests are sound");
}
