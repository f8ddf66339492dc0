//! A canary in every secret: it must come out nowhere.

use openclaw_core::RunStatus;
use openclaw_protocol::methods::{AgentRun, AgentRunParams};
use openclaw_testkit::model::{ModelServer, Reply, Script};

use crate::support::{TOKEN, Telegram, TestGateway};

const KEY: &str = "sk-canary-4f1c9d";

#[tokio::test]
async fn secrets_come_out_nowhere() {
    let telegram = Telegram::start().await;
    telegram.bot.set_revoked(true);
    // Providers repeat the key they refuse.
    let refusal =
        Reply::error(401, "invalid_api_key", &format!("Incorrect API key provided: {KEY}"));
    let model = ModelServer::with(Script::new().then(refusal.clone()).then(refusal)).await;
    let config = format!(
        "[agents]\nmodel = \"test/test-model\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = \"{KEY}\"\n{}",
        model.base_url(),
        telegram.config("")
    );
    let gateway = TestGateway::with_config(&config).await;
    let (client, mut events) = gateway.connect().await;
    let params =
        AgentRunParams { message: "hello".to_owned(), wait: true, ..AgentRunParams::default() };
    let failed = client.call::<AgentRun>(&params).await.expect("the run ends");
    assert_eq!(failed.status, RunStatus::Error);
    let mut seen = format!("{failed:?}");
    while let Some(event) = events.next().await {
        seen.push_str(&format!("{event:?}"));
        if event.topic == "agent.error" {
            break;
        }
    }
    for arguments in [
        vec!["config", "show"],
        vec!["--json", "config", "show"],
        vec!["config", "get", "models.providers.test"],
        vec!["config", "get", "channels.telegram"],
        vec!["rpc", "config.get"],
        vec!["gateway", "status", "--deep"],
        vec!["channels", "status", "--all", "--probe"],
        vec!["doctor"],
        vec!["-vv", "agent", "run", "-m", "again"],
        vec!["message", "history"],
        vec!["config", "set", "models.providers.test.api_key", "5"],
    ] {
        let output = gateway.openclaw(&arguments).await;
        seen.push_str(&String::from_utf8_lossy(&output.stdout));
        seen.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    seen.push_str(&gateway.log());
    let state = gateway.state();
    for file in ["config-journal.jsonl", "openclaw.db", "openclaw.db-wal"] {
        seen.push_str(&String::from_utf8_lossy(
            &std::fs::read(state.join(file)).unwrap_or_default(),
        ));
    }
    for secret in [KEY, TOKEN, telegram.token()] {
        let at = seen.find(secret);
        let around = at.map(|at| {
            seen[..at]
                .chars()
                .rev()
                .take(200)
                .collect::<Vec<_>>()
                .into_iter()
                .rev()
                .collect::<String>()
        });
        assert_eq!(at, None, "{secret} came out after: {around:?}");
    }
    assert!(seen.contains("***"), "something was looked at");
}
