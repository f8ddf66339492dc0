use openclaw_protocol::typescript::methods::{METHODS, Need, Standing};
use serde_json::{Value, json};

use super::support::TsClient;
use crate::support::TestGateway;

async fn said(client: &mut TsClient, session: &str, text: &str) {
    let params = json!({"message": text, "sessionKey": session, "idempotencyKey": format!("say-{session}-{text}").replace(' ', "-")});
    let id = client.ask("agent", params).await;
    client.answer_to(&id).await.expect("accepted");
    client.answer_to(&id).await.expect("ended");
}

#[tokio::test]
async fn what_is_not_there_says_what_takes_its_place() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    for method in METHODS {
        let (expected, code) = match (method.need, method.standing) {
            (Need::Node, _) => ("unauthorized role: operator".to_owned(), "INVALID_REQUEST"),
            (_, Standing::Done(_)) => continue,
            (_, Standing::Alternative(instead)) => (instead.to_owned(), "UNAVAILABLE"),
            (_, Standing::Waits(part)) => (part.to_owned(), "UNAVAILABLE"),
        };
        let error = client.call(method.name, json!({})).await.expect_err(method.name);
        let message = error["message"].as_str().expect("a message");
        assert!(message.contains(&expected), "{}: {message}", method.name);
        assert_eq!(error["code"], code, "{}", method.name);
    }
    let error = client.call("nope", json!({})).await.expect_err("unknown");
    assert_eq!(error["message"], "unknown method: nope");
    let closed = client.call("health", json!({"nope": 1})).await.expect_err("closed");
    assert!(closed["message"].as_str().is_some_and(|text| text.contains("unknown field `nope`")));
}

#[tokio::test]
async fn sessions_are_listed_named_reset_and_deleted() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    said(&mut client, "main", "first words").await;
    said(&mut client, "agent:main:other", "second words").await;
    let params = json!({"includeDerivedTitles": true, "includeLastMessage": true});
    let listed = client.call("sessions.list", params).await.expect("listed");
    assert_eq!(
        (&listed["count"], &listed["sessions"][0]["key"]),
        (&json!(2), &json!("agent:main:other"))
    );
    assert_eq!(listed["sessions"][0]["derivedTitle"], "second words");
    assert_eq!(listed["sessions"][0]["lastMessagePreview"], "re: second words");
    let patch = json!({"key": "agent:main:other", "label": "lbl", "thinkingLevel": "low", "verboseLevel": null});
    let patched = client.call("sessions.patch", patch).await.expect("patched");
    assert_eq!(
        (&patched["entry"]["label"], &patched["entry"]["thinkingLevel"]),
        (&json!("lbl"), &json!("low"))
    );
    let loud = json!({"key": "main", "verboseLevel": "full"});
    assert!(client.call("sessions.patch", loud).await.is_err());
    let found = client.call("sessions.resolve", json!({"label": "lbl"})).await.expect("found");
    assert_eq!(found, json!({"ok": true, "key": "agent:main:other"}));
    let keys = json!({"keys": ["main", "agent:main:nobody"]});
    let previews = client.call("sessions.preview", keys).await.expect("previews");
    assert_eq!(
        previews["previews"][0]["items"][1],
        json!({"role": "assistant", "text": "re: first words"})
    );
    assert_eq!(previews["previews"][1]["status"], "missing");
    let reset =
        client.call("sessions.reset", json!({"key": "agent:main:other"})).await.expect("reset");
    assert_ne!(reset["entry"]["sessionId"], patched["entry"]["sessionId"]);
    let deleted =
        client.call("sessions.delete", json!({"key": "agent:main:other"})).await.expect("deleted");
    assert_eq!(deleted["deleted"], true);
    let again =
        client.call("sessions.delete", json!({"key": "agent:main:other"})).await.expect("none");
    assert_eq!(again["deleted"], false);
    assert!(client.call("sessions.delete", json!({"key": "main"})).await.is_err());
}

#[tokio::test]
async fn injected_words_stand_in_the_session_and_go_nowhere() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    said(&mut client, "main", "hello").await;
    let params = json!({"sessionKey": "main", "message": "inj", "label": "note"});
    let injected = client.call("chat.inject", params).await.expect("injected");
    assert_eq!(injected["ok"], true);
    let history = client.call("chat.history", json!({"sessionKey": "main"})).await.expect("there");
    let last = history["messages"].as_array().and_then(|all| all.last()).expect("messages");
    assert_eq!(
        (&last["role"], &last["content"][0]["text"]),
        (&json!("assistant"), &json!("[note]\n\ninj"))
    );
}

#[tokio::test]
async fn presence_is_told_by_those_who_are_here() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let event =
        json!({"text": "Node: phone", "deviceId": "p", "mode": "ui", "lastInputSeconds": 3});
    client.call("system-event", event).await.expect("noted");
    let present = client.call("system-presence", json!({})).await.expect("listed");
    let present: Vec<&Value> = present.as_array().expect("entries").iter().collect();
    assert_eq!(present.len(), 3);
    assert_eq!(present[0]["mode"], "gateway");
    assert!(present.iter().any(|entry| entry["deviceId"] == "p" && entry["lastInputSeconds"] == 3));
    let is_of_phone = |payload: &Value| payload["presence"].to_string().contains("Node: phone");
    let told = client.event("presence", is_of_phone).await;
    let told = told["payload"]["presence"].as_array().expect("entries").clone();
    assert_eq!((told.len(), &told[0]["mode"]), (3, &json!("gateway")));
}

#[tokio::test]
async fn wake_talks_to_the_main_session() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let woken = client.call("wake", json!({"mode": "now", "text": "get up"})).await.expect("woken");
    assert_eq!(woken["ok"], true);
    let told = client.event("chat", |payload| payload["state"] == "final").await;
    assert_eq!(told["payload"]["message"]["content"][0]["text"], "re: get up");
    let later = json!({"mode": "next-heartbeat", "text": "x"});
    assert_eq!(client.call("wake", later).await.expect("noted"), json!({"ok": true}));
}

#[tokio::test]
async fn files_of_a_workspace_are_those_of_the_agent_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let config = format!("[agents]\nworkspace = '{}'\n", folder.path().display());
    let gateway = TestGateway::with(&config, Default::default()).await;
    let mut client = TsClient::owner(&gateway).await;
    let file = |name: &str| json!({"agentId": "main", "name": name});
    let missing = client.call("agents.files.get", file("SOUL.md")).await.expect("told");
    assert_eq!(missing["file"]["missing"], true);
    let mut written = file("SOUL.md");
    written["content"] = json!("be kind");
    client.call("agents.files.set", written).await.expect("written");
    let read = client.call("agents.files.get", file("SOUL.md")).await.expect("read");
    assert_eq!((&read["file"]["content"], &read["file"]["size"]), (&json!("be kind"), &json!(7)));
    for name in ["../SOUL.md", "/etc/passwd", "notes.md", ""] {
        assert!(client.call("agents.files.get", file(name)).await.is_err(), "{name}");
    }
    // A link out of the workspace is not followed.
    std::os::unix::fs::symlink("/etc/passwd", folder.path().join("USER.md")).expect("links");
    assert!(client.call("agents.files.get", file("USER.md")).await.is_err());
}

#[tokio::test]
async fn tools_run_under_the_same_policy() {
    let gateway = TestGateway::start().await;
    let mut client = TsClient::owner(&gateway).await;
    let catalog = client.call("tools.catalog", json!({})).await.expect("listed");
    assert_eq!(catalog["groups"][0]["tools"][0]["id"], "echo");
    let call = json!({"name": "echo", "args": {"text": "hi"}});
    let done = client.call("tools.invoke", call).await.expect("done");
    assert_eq!(done, json!({"ok": true, "toolName": "echo", "output": "hi"}));
    let wrong = json!({"name": "echo", "args": {"text": "wrong"}});
    let done = client.call("tools.invoke", wrong).await.expect("told");
    assert_eq!((&done["ok"], &done["error"]["message"]), (&json!(false), &json!("that is wrong")));
}
