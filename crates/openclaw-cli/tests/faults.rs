//! A disk that is full, a database that is damaged: clear words, no crash, nothing accepted lost.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Duration;

use openclaw_core::{RunStatus, SessionKey};
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentStatus, AgentStatusParams, MessageHistory, MessageHistoryParams,
    NoParams, Ping,
};
use openclaw_testkit::model::{ModelServer, Reply};

use crate::support::{LIMIT, TestGateway, WriteLock};

fn hello(text: &str) -> AgentRunParams {
    AgentRunParams { message: text.to_owned(), wait: true, ..AgentRunParams::default() }
}

/// Writes until nothing fits any more.
fn fill(path: &Path) {
    let mut file = File::create(path).expect("the filler can be made");
    for size in [1 << 16, 1 << 12, 1 << 8, 1] {
        while file.write_all(&vec![0u8; size]).is_ok() {}
    }
}

#[tokio::test]
async fn a_full_disk_is_told_and_nothing_accepted_is_lost() {
    let model = ModelServer::start().await;
    let config = format!(
        "[agents]\nmodel = \"test/test-model\"\n[models.providers.test]\napi = \"openai-chat\"\nbase_url = \"{}\"\napi_key = \"sk-test\"\n",
        model.base_url()
    );
    let gateway = TestGateway::on_disk(&config, Some(4)).await;
    assert!(gateway.has_own_disk());
    let (client, _events) = gateway.connect().await;
    let before = client.call::<AgentRun>(&hello("before")).await.expect("there is room");
    assert_eq!(before.status, RunStatus::Done);

    let filler = gateway.state().join("filler");
    fill(&filler);
    // The write-ahead log may hold pages that are free again; they are used up first.
    let mut accepted = vec!["before".to_owned()];
    let refusal = loop {
        let text = format!("number {} {}", accepted.len(), "x".repeat(20_000));
        match client.call::<AgentRun>(&hello(&text)).await {
            Ok(_) => accepted.push(text),
            Err(openclaw_client::ClientError::Rpc(error)) => break error,
            Err(error) => panic!("{error}\n{}", gateway.log()),
        }
        assert!(accepted.len() < 500, "4 MiB cannot hold so much");
        fill(&gateway.state().join(format!("filler-{}", accepted.len())));
    };
    assert_eq!(refusal.code, -32006, "{refusal:?}");
    assert!(refusal.message.contains("disk is full"), "{refusal:?}");
    client.call::<Ping>(&NoParams {}).await.expect("the process goes on");

    for file in fs::read_dir(gateway.state()).expect("reads").flatten() {
        if file.file_name().to_string_lossy().starts_with("filler") {
            fs::remove_file(file.path()).expect("it can be removed");
        }
    }
    let after =
        client.call_within::<AgentRun>(&hello("after"), LIMIT).await.expect("there is room again");
    assert_eq!(after.reply.as_deref(), Some("You said: after"));
    let params = MessageHistoryParams {
        session_key: Some(SessionKey::parse("agent:main:main").expect("valid")),
        limit: Some(1_000),
        ..MessageHistoryParams::default()
    };
    let said = client.call::<MessageHistory>(&params).await.expect("reads");
    let texts: Vec<&str> =
        said.messages.iter().map(|message| message.content.plain_text()).collect();
    for text in &accepted {
        assert!(texts.contains(&text.as_str()), "an accepted message is gone");
        assert!(
            texts.iter().any(|said| *said == format!("You said: {text}")),
            "it was not answered"
        );
    }
}

#[tokio::test]
async fn a_locked_database_is_told_and_nothing_accepted_is_lost() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    let before = client.call::<AgentRun>(&hello("before")).await.expect("it is answered");
    assert_eq!(before.reply.as_deref(), Some("You said: before"));

    model.push(Reply::text("kept").after(Duration::from_secs(2)));
    let accepted = AgentRunParams { wait: false, ..hello("accepted") };
    let accepted = client.call::<AgentRun>(&accepted).await.expect("it is accepted");
    model.wait_for_requests(2, LIMIT).await;
    let lock = WriteLock::take(&gateway.state().join("openclaw.db")).await;
    let refusal = match client.call_within::<AgentRun>(&hello("refused"), LIMIT).await {
        Err(openclaw_client::ClientError::Rpc(error)) => error,
        other => panic!("the store takes nothing, but {other:?}"),
    };
    assert_eq!(refusal.code, -32006, "{refusal:?}");
    assert!(refusal.message.contains("locked by another process"), "{refusal:?}");
    client.call::<Ping>(&NoParams {}).await.expect("the process goes on");
    lock.release().await;

    let after = client.call_within::<AgentRun>(&hello("after"), LIMIT).await.expect("it runs");
    assert_eq!(after.reply.as_deref(), Some("You said: after"));
    let params = AgentStatusParams { run_id: Some(accepted.run_id), ..Default::default() };
    let kept = client.call::<AgentStatus>(&params).await.expect("the run is known").runs;
    assert_eq!(kept[0].reply.as_deref(), Some("kept"), "what was accepted is answered");
}

/// Overwrites bytes in the middle of a file, as a failing disk does.
fn overwrite(path: &Path, from: u64, length: usize) {
    let mut file = OpenOptions::new().write(true).open(path).expect("the database is there");
    file.seek(SeekFrom::Start(from)).expect("seeks");
    file.write_all(&vec![0xa5; length]).expect("writes");
}

async fn stopped_with_one_turn() -> (ModelServer, TestGateway) {
    let model = ModelServer::start().await;
    let mut gateway = TestGateway::with_model(&model, "").await;
    let (client, _events) = gateway.connect().await;
    client.call::<AgentRun>(&hello("hello")).await.expect("it is answered");
    client.close().await;
    assert!(gateway.terminate(LIMIT).await.success());
    (model, gateway)
}

#[tokio::test]
async fn a_file_that_is_no_database_is_named() {
    let (_model, gateway) = stopped_with_one_turn().await;
    let database = gateway.state().join("openclaw.db");
    overwrite(&database, 0, 100);
    let output = gateway.openclaw(&["gateway", "run"]).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains(&database.display().to_string()) && said.contains("is damaged"),
        "{said}"
    );
    assert!(said.contains("hint:") && !said.contains("panicked"), "{said}");
}

#[tokio::test]
async fn overwritten_pages_are_found_by_doctor() {
    let (_model, gateway) = stopped_with_one_turn().await;
    let database = gateway.state().join("openclaw.db");
    let pages = fs::metadata(&database).expect("it is there").len() / 4096;
    for page in 2..pages {
        overwrite(&database, page * 4096, 2_000);
    }
    let output = gateway.openclaw(&["--json", "doctor"]).await;
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("it is JSON");
    let findings = report["findings"].as_array().expect("a list");
    let storage: Vec<_> =
        findings.iter().filter(|finding| finding["subject"] == "storage").collect();
    assert!(storage.iter().any(|finding| finding["severity"] == "error"), "{findings:#?}");
    assert_eq!(output.status.code(), Some(1));
}
