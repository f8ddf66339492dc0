//! Memory from the command line, and a gateway that is killed while it indexes.

use std::fs;
use std::time::Duration;

use openclaw_protocol::methods::{
    MemoryIndex, MemoryIndexParams, MemoryStatusGet, MemoryStatusParams,
};
use openclaw_testkit::embedding::EmbeddingServer;
use openclaw_testkit::model::{ModelServer, Reply, Script};
use serde_json::{Value, json};

use crate::support::{LIMIT, Telegram, TestGateway};

const NOTES: usize = 300;
const OWNER: i64 = 1_001;
const ANN: i64 = 4_711;
const GROUP: i64 = -77;

fn write(gateway: &TestGateway, path: &str, text: &str) {
    let path = gateway.state().join("workspace").join(path);
    fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    fs::write(path, text).expect("written");
}

fn printed(output: &std::process::Output) -> String {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn notes_are_searched_from_the_command_line() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    write(&gateway, "MEMORY.md", "# Home\nThe spare key hangs behind the blue door.\n");
    let found = printed(&gateway.openclaw(&["memory", "search", "spare", "key"]).await);
    assert!(found.starts_with("MEMORY.md:1-2  "), "{found}");
    assert!(found.contains("\n  The spare key hangs behind the blue door.\n"), "{found}");
    let json = printed(&gateway.openclaw(&["memory", "search", "bicycle", "--json"]).await);
    let json: Value = serde_json::from_str(&json).expect("it is JSON");
    assert_eq!(json, json!({"results": [], "mode": "text"}));
    let indexed = printed(&gateway.openclaw(&["memory", "index", "--force"]).await);
    assert_eq!(indexed, "0 files or sessions indexed, 0 forgotten, 0 vectors made\n");
    let status = printed(&gateway.openclaw(&["memory", "status", "--deep"]).await);
    assert!(status.contains("Indexed:  1 notes, 0 sessions, 1 chunks\n"), "{status}");
    assert!(status.contains("Searched: by words; memory.provider"), "{status}");
    let unknown = gateway.openclaw(&["memory", "status", "--agent", "nobody"]).await;
    assert!(!unknown.status.success());
}

/// Vectors that were stored stay, the others are made after the restart, and nothing is there twice.
#[tokio::test]
async fn a_kill_during_indexing_is_made_up_for() {
    let model = ModelServer::start().await;
    let server = EmbeddingServer::start("sk-memory", &[&["odd"], &["even"]]).await;
    server.slow_down(Duration::from_millis(150));
    let config = format!(
        "[memory]\nprovider = \"openai\"\nbase_url = \"{}/v1\"\napi_key = \"sk-memory\"",
        server.root()
    );
    let mut gateway = TestGateway::with_model(&model, &config).await;
    for number in 0..NOTES {
        let kind = if number % 2 == 0 { "even" } else { "odd" };
        write(&gateway, &format!("memory/{number}.md"), &format!("{kind} note number {number}"));
    }
    let (client, _events) = gateway.connect().await;
    let indexing = tokio::time::timeout(
        Duration::from_millis(700),
        client.call::<MemoryIndex>(&MemoryIndexParams::default()),
    )
    .await;
    assert!(indexing.is_err(), "it was quick: {indexing:?}");
    while server.texts().is_empty() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    gateway.kill_hard().await;
    let before = server.texts().len();
    assert!(before < NOTES, "{before}");

    gateway.restart().await;
    let (client, _events) = gateway.connect().await;
    let params = MemoryIndexParams::default();
    let index = client.call::<MemoryIndex>(&params);
    let report = tokio::time::timeout(LIMIT, index).await.expect("in time").expect("indexed");
    assert!(report.finished && report.notice.is_none(), "{report:?}");
    let status = client.call::<MemoryStatusGet>(&MemoryStatusParams::default()).await;
    let status = status.expect("it tells");
    let all = NOTES as u64;
    assert_eq!((status.files, status.chunks, status.vectors), (all, all, all));
    // What was on its way when the gateway was killed is asked for again: at most one request's.
    assert!(server.texts().len() <= NOTES + 64, "{}", server.texts().len());
    let integrity = printed(&gateway.openclaw(&["memory", "search", "even", "--json"]).await);
    let found: Value = serde_json::from_str(&integrity).expect("it is JSON");
    assert_eq!(found["mode"], "hybrid");
    let first = found["results"][0]["snippet"].as_str().unwrap_or_default();
    assert!(first.starts_with("even"), "{found}");
}

/// The owner is told what the notes say, in a group too; others have no such tool.
#[tokio::test]
async fn the_tools_are_there_for_the_owner() {
    let script = Script::new()
        .then(Reply::call("memory_search", &json!({"query": "spare key"})))
        .then(Reply::text("behind the door"));
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(OWNER, "Olga", None);
    telegram.bot.add_user(ANN, "Ann", None);
    telegram.bot.add_group(GROUP, "Friends", &[OWNER, ANN]);
    let more = format!(
        "[session]\nowners = [\"telegram:{OWNER}\"]\n{}",
        telegram.config("dm_policy = \"open\"\ngroup_policy = \"open\"\nrequire_mention = false")
    );
    let gateway = TestGateway::with_model(&model, &more).await;
    write(&gateway, "MEMORY.md", "The spare key hangs behind the blue door.\n");
    let has_tools = || {
        // Rarely used tools are named by the one that finds them.
        let offered = model.last_request().body["tools"].to_string();
        ["memory_search", "memory_get"].map(|tool| offered.contains(tool))
    };

    telegram.bot.say(OWNER, OWNER, "where is the key");
    telegram.wait_for_text(OWNER, |text| text == "behind the door").await;
    let results = model.last_request().tool_results();
    assert!(results[0].1.contains("[MEMORY.md:1-1]"), "{results:?}");
    assert!(results[0].1.contains("behind the blue door"), "{results:?}");
    telegram.bot.say(GROUP, OWNER, "and in the group");
    telegram.wait_for_text(GROUP, |text| text.contains("and in the group")).await;
    assert_eq!(has_tools(), [true; 2]);
    telegram.bot.say(GROUP, ANN, "me too");
    telegram.wait_for_text(GROUP, |text| text.contains("me too")).await;
    assert_eq!(has_tools(), [false; 2]);
    telegram.bot.say(ANN, ANN, "alone with it");
    telegram.wait_for_text(ANN, |text| text.contains("alone with it")).await;
    assert_eq!(has_tools(), [false; 2]);
}
