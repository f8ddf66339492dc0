//! Commands of the agent on the program itself: sandboxed, asked for, and without a secret in reach.

use openclaw_core::SessionKey;
use openclaw_protocol::event::topic;
use openclaw_protocol::methods::{
    AgentRun, AgentRunParams, AgentRunResult, ApprovalListResult, MessageHistory,
};
use openclaw_protocol::methods::{MessageHistoryParams, ToolCall, ToolCallParams};
use openclaw_testkit::model::{ModelServer, Reply, Script, ScriptedCall};
use openclaw_testkit::telegram::SentMessage;
use serde_json::{Value, json};
use tokio::time::timeout;

use crate::support::{LIMIT, Telegram, TestGateway};

/// Calls `bash` with what the user says, then says what came out.
fn obedient() -> Script {
    Script::new().on(|request| {
        Some(match request.tool_results().last() {
            Some((_, result)) => Reply::text(format!("it said: {result}")),
            None => {
                let said = request.last_user_text();
                let command = said.split("run: ").nth(1).unwrap_or_default().trim().to_owned();
                Reply::text("").then_call(ScriptedCall::new("bash", &json!({"command": command})))
            }
        })
    })
}

fn run(command: &str) -> AgentRunParams {
    AgentRunParams {
        message: format!("run: {command}"),
        session_key: Some(SessionKey::parse("agent:main:commands").expect("a key")),
        wait: true,
        ..AgentRunParams::default()
    }
}

async fn reply(gateway: &TestGateway, command: &str) -> String {
    let (client, _events) = gateway.connect().await;
    let result = client.call_within::<AgentRun>(&run(command), LIMIT).await.expect("it runs");
    result.reply.unwrap_or_default()
}

#[tokio::test]
async fn a_command_runs_in_the_sandbox_unasked() {
    let model = ModelServer::with(obedient()).await;
    let gateway = TestGateway::with_model(&model, "").await;
    let said = reply(&gateway, "echo $((40 + 2)) > answer; cat answer; pwd; id -u; exit 3").await;
    assert_eq!(said, "it said: 42\n/workspace\n1000\n[exit 3]");
    let answer = gateway.state().join("workspace/answer");
    assert_eq!(std::fs::read_to_string(answer).expect("it is in the workspace"), "42\n");
    assert!(model.violations().is_empty(), "{:?}", model.violations());
}

#[tokio::test]
async fn s31_s37_no_secret_is_in_reach_and_none_leaves() {
    let model = ModelServer::with(obedient()).await;
    let more = "[tools.exec]\nask = \"off\"\n[[agents.sandbox.egress]]\nhost = \"api.example.org\"\nsecret = \"Bearer sk-test-of-egress\"\n";
    let gateway = TestGateway::with_model(&model, more).await;
    let state = gateway.state().display().to_string();
    for command in [
        "env; cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'".to_owned(),
        format!("cat {state}/gateway.token {state}/openclaw.toml {state}/*; ls -la {state}; find / -name '*.toml' -path '*state*'"),
        "grep -rsl 'sk-[t]est' / --include='*' --exclude-dir=proc --exclude-dir=usr --exclude-dir=lib; grep -rs 'sk-[t]est' /workspace /tmp /etc /opt".to_owned(),
        format!("ln -s {state} way; cat way/openclaw.toml; cat way/gateway.token"),
    ] {
        let said = reply(&gateway, &command).await;
        assert!(!said.contains("sk-test") && !said.contains(crate::support::TOKEN), "{command}: {said}");
    }
    let (client, _events) = gateway.connect().await;
    let read = ToolCallParams {
        name: openclaw_core::ToolName::new("read").expect("a name"),
        arguments: json!({"path": "way/openclaw.toml"}).as_object().cloned().expect("an object"),
        session_key: None,
    };
    let outcome = client.call::<ToolCall>(&read).await.expect("it answers");
    assert!(outcome.is_error && !outcome.result.contains("sk-test"), "{outcome:?}");
    for request in model.requests() {
        assert!(
            !request.body.to_string().contains("sk-test"),
            "the key stands in a request's body"
        );
    }
    let params = MessageHistoryParams {
        session_id: None,
        session_key: run("").session_key,
        limit: None,
        before: None,
    };
    let history = client.call::<MessageHistory>(&params).await.expect("it is there");
    let text = serde_json::to_string(&history).expect("JSON");
    // What was asked names it; what was answered must not.
    assert!(!text.contains("api_key = "), "{text}");
}

#[tokio::test]
async fn what_leaves_the_sandbox_asks_and_exactly_that_runs() {
    let model = ModelServer::with(obedient()).await;
    let gateway = TestGateway::with_model(&model, "[agents.sandbox]\nmode = \"never\"\n").await;
    let (client, mut events) = gateway.connect().await;
    let params = run("echo out > outside; echo done");
    let answering = async {
        let asked = loop {
            let event = timeout(LIMIT, events.next()).await.expect("it asks").expect("it is open");
            if event.topic == topic::APPROVAL_REQUESTED {
                break event;
            }
        };
        assert!(asked.seq.is_some(), "it is stored");
        let output = gateway.openclaw(&["approvals", "list", "--json"]).await;
        let list: ApprovalListResult = serde_json::from_slice(&output.stdout).expect("JSON");
        assert_eq!(list.approvals.len(), 1);
        let approval = &list.approvals[0];
        assert_eq!(asked.data["id"], Value::from(approval.id.clone()));
        assert_eq!(approval.command.argv, ["bash", "-c", "echo out > outside; echo done"]);
        assert!(!approval.command.sandboxed);
        let shown = gateway.openclaw(&["approvals", "list"]).await;
        let shown = String::from_utf8(shown.stdout).expect("text");
        assert!(shown.contains("runs on this machine"), "{shown}");
        let output = gateway.openclaw(&["approvals", "approve", &approval.id]).await;
        assert!(output.status.success(), "{output:?}");
        let again = gateway.openclaw(&["approvals", "approve", &approval.id]).await;
        assert_eq!(again.status.code(), Some(6), "{again:?}");
        loop {
            let event = timeout(LIMIT, events.next()).await.expect("it ends").expect("it is open");
            if event.topic == topic::APPROVAL_RESOLVED {
                break event.data;
            }
        }
    };
    let (result, resolved) =
        tokio::join!(client.call_within::<AgentRun>(&params, LIMIT), answering);
    let AgentRunResult { reply, .. } = result.expect("it runs");
    assert_eq!(reply.as_deref(), Some("it said: done\n[exit 0]"));
    assert_eq!((&resolved["outcome"], &resolved["by"]), (&json!("allow_once"), &json!("owner")));
}

#[tokio::test]
async fn doctor_proves_the_sandbox() {
    let model = ModelServer::start().await;
    let gateway = TestGateway::with_model(&model, "").await;
    let output = gateway.openclaw(&["doctor", "--json"]).await;
    let report: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let findings = report["findings"].as_array().expect("a list");
    let sandbox: Vec<&Value> = findings.iter().filter(|one| one["subject"] == "sandbox").collect();
    assert_eq!(sandbox[0]["severity"], "ok", "{sandbox:#?}");
    let message = sandbox[0]["message"].as_str().expect("a text");
    assert!(message.contains("walls and limits hold, shown by a probe"), "{message}");
}

const ANN: i64 = 4_711;
const EVE: i64 = 6_666;
const GROUP: i64 = -77;

/// A gateway on which every command asks, whose owner is Ann, with a group that Eve is in too.
async fn asking_in_chats(model: &ModelServer, telegram: &Telegram) -> TestGateway {
    telegram.bot.add_user(ANN, "Ann", None);
    telegram.bot.add_user(EVE, "Eve", None);
    telegram.bot.add_group(GROUP, "Friends", &[ANN, EVE]);
    let more = format!(
        "[tools.exec]\nask = \"always\"\n[session]\nowners = [\"telegram:{ANN}\"]\n{}",
        telegram.config("dm_policy = \"open\"\ngroup_policy = \"open\"\nrequire_mention = false")
    );
    TestGateway::with_model(model, &more).await
}

/// The id in a question, and the message that asks it.
async fn question(telegram: &Telegram, chat: i64) -> (String, SentMessage) {
    let asked = telegram.wait_for_text(chat, |text| text.contains("May this command run")).await;
    let id = asked.text.split("/approve ").nth(1).and_then(|rest| rest.split(' ').next());
    (id.expect("an id").to_owned(), asked)
}

#[tokio::test]
async fn an_owner_answers_in_the_chat_by_a_button() {
    let (model, telegram) = (ModelServer::with(obedient()).await, Telegram::start().await);
    let gateway = asking_in_chats(&model, &telegram).await;
    telegram.bot.say(ANN, ANN, "run: echo `touch made` && cat made && echo did it");
    let (id, asked) = question(&telegram, ANN).await;
    assert!(asked.text.contains("echo `touch made` && cat made"), "{}", asked.text);
    assert!(asked.text.contains("every command asks here"), "{}", asked.text);
    let keyboard = asked.json["reply_markup"].clone();
    let buttons: Vec<&str> = keyboard["inline_keyboard"]
        .as_array()
        .expect("rows")
        .iter()
        .flat_map(|row| row.as_array().expect("a row"))
        .map(|button| button["callback_data"].as_str().expect("data"))
        .collect();
    let says = |word: &str| format!("/approve {id} {word}");
    assert_eq!(buttons, [says("allow-once"), says("allow-always"), says("deny")]);
    assert!(!gateway.state().join("workspace/made").exists());
    telegram.bot.press(ANN, ANN, asked.message_id, &says("allow-once"));
    telegram.wait_for_text(ANN, |text| text.contains("it said:") && text.contains("did it")).await;
    telegram.wait_for_text(ANN, |text| text == "Allowed once.").await;
    assert!(gateway.state().join("workspace/made").exists());
    telegram.bot.press(ANN, ANN, asked.message_id, &says("deny"));
    // The first word counts, and is said again.
    telegram.bot.say(ANN, ANN, "/approve nosuchid deny");
    telegram.wait_for_text(ANN, |text| text.contains("No command with the id nosuchid")).await;
    assert!(model.violations().is_empty(), "{:?}", model.violations());
}

#[tokio::test]
async fn s18_only_the_owner_answers_wherever_it_is_said() {
    let (model, telegram) = (ModelServer::with(obedient()).await, Telegram::start().await);
    let gateway = asking_in_chats(&model, &telegram).await;
    telegram.bot.say(GROUP, EVE, "run: touch made");
    let (id, asked) = question(&telegram, GROUP).await;
    let allow = format!("/approve {id} allow-once");
    telegram.bot.press(GROUP, EVE, asked.message_id, &allow);
    telegram.bot.say(GROUP, EVE, &allow);
    // Alone with the assistant she is not the owner either.
    telegram.bot.say(EVE, EVE, &allow);
    telegram.wait_for_text(EVE, |text| text == "Only the owner can use /approve.").await;
    // A client's message is not an answer: that takes the right to approve.
    let (client, _events) = gateway.connect().await;
    let said = AgentRunParams { message: allow.clone(), wait: true, ..AgentRunParams::default() };
    let told = client.call_within::<AgentRun>(&said, LIMIT).await.expect("it is answered");
    assert!(told.reply.unwrap_or_default().contains("openclaw approvals"));
    let list = gateway.openclaw(&["approvals", "list", "--json"]).await;
    let list: ApprovalListResult = serde_json::from_slice(&list.stdout).expect("JSON");
    assert_eq!(list.approvals.len(), 1, "it still waits");
    assert!(!gateway.state().join("workspace/made").exists());
    telegram.bot.say(GROUP, ANN, &format!("/approve {id} deny"));
    telegram.wait_for_text(GROUP, |text| text.contains("the answer was no")).await;
    telegram.wait_for_text(GROUP, |text| text == "Denied.").await;
    assert!(!gateway.state().join("workspace/made").exists());
}

#[tokio::test]
async fn a_tool_that_may_not_be_called_says_why_and_where_it_may() {
    let (model, telegram) = (ModelServer::with(obedient()).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let more = format!(
        "[tools.by_channel.telegram]\nallow = [\"*\"]\ndeny = [\"group:runtime\"]\n{}",
        telegram.config("dm_policy = \"open\"")
    );
    let gateway = TestGateway::with_model(&model, &more).await;
    telegram.bot.say(ANN, ANN, "run: echo hello");
    let said = telegram.wait_for_text(ANN, |text| text.contains("it said:")).await.text;
    for words in
        ["group:runtime", "tools.by_channel.telegram", "other channels do not have this rule"]
    {
        assert!(said.contains(words), "{words}: {said}");
    }
    // Elsewhere the same is done.
    assert_eq!(reply(&gateway, "echo hello").await, "it said: hello\n[exit 0]");
}
