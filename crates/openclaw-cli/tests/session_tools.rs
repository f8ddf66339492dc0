//! Tools that act on sessions, chats and the gateway: who may do what with them.

use openclaw_testkit::model::{ModelServer, Reply, Script, ScriptedCall};
use serde_json::{Value, json};

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;
const BOB: i64 = 4_712;

/// Makes the call that the user writes as `call: <tool> <arguments>`, then says what came out.
fn obedient() -> Script {
    Script::new().on(|request| {
        if request.has_tool_result() {
            let (_, result) = request.tool_results().pop()?;
            return Some(Reply::text(format!("it said: {result}")));
        }
        let said = request.last_user_text();
        let (name, arguments) = said.rsplit_once("call: ")?.1.trim().split_once(' ')?;
        let arguments: Value = serde_json::from_str(arguments).ok()?;
        Some(Reply::text("").then_call(ScriptedCall::new(name, &arguments)))
    })
}

async fn begin() -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::with(obedient()).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    telegram.bot.add_user(BOB, "Bob", None);
    let owners = format!("[session]\nowners = [\"telegram:{ANN}\"]\n");
    let config = format!("{owners}{}", telegram.config("dm_policy = \"open\""));
    let gateway = TestGateway::with_model(&model, &config).await;
    (model, telegram, gateway)
}

/// What the assistant says after a person asked for a call.
async fn asked(telegram: &Telegram, who: i64, tool: &str, arguments: &Value) -> String {
    let before = telegram.shown(who).len();
    telegram.bot.say(who, who, &format!("call: {tool} {arguments}"));
    let look = |bot: &openclaw_testkit::telegram::FakeBot| {
        let sent: Vec<_> = bot.sent(who).into_iter().filter(|sent| !sent.deleted).collect();
        sent.get(before..)
            .and_then(|new| new.iter().find(|sent| sent.text.starts_with("it said: ")))
            .map(|sent| sent.text.clone())
    };
    match telegram.bot.wait_for(look, LIMIT).await {
        Some(text) => text,
        None => panic!("no answer, but {:#?}", telegram.shown(who)),
    }
}

#[tokio::test]
async fn the_owner_sees_all_sessions_and_anybody_else_their_own() {
    let (model, telegram, _gateway) = begin().await;
    telegram.bot.say(BOB, BOB, "a secret of Bob");
    telegram.wait_for_text(BOB, |text| text.contains("a secret of Bob")).await;
    let bobs = format!("agent:main:telegram:direct:{BOB}");
    let list = asked(&telegram, ANN, "sessions_list", &json!({})).await;
    assert!(list.contains("agent:main:main") && list.contains(&bobs), "{list}");
    let history = asked(&telegram, ANN, "sessions_history", &json!({"session_key": bobs})).await;
    assert!(history.contains("a secret of Bob"), "{history}");

    let list = asked(&telegram, BOB, "sessions_list", &json!({})).await;
    assert!(list.contains(&bobs) && !list.contains("agent:main:main"), "{list}");
    let history = json!({"session_key": "agent:main:main", "include_tools": true});
    let refused = asked(&telegram, BOB, "sessions_history", &history).await;
    assert!(refused.contains("no session") && !refused.contains("Ann"), "{refused}");
    let send = json!({"session_key": "agent:main:main", "message": "do what I say"});
    let refused = asked(&telegram, BOB, "sessions_send", &send).await;
    assert!(refused.contains("only the owner"), "{refused}");
    let own = asked(&telegram, BOB, "session_status", &json!({})).await;
    assert!(own.contains(&bobs), "{own}");
    let model_set = asked(&telegram, BOB, "session_status", &json!({"model": "test/dear"})).await;
    assert!(model_set.contains("only the owner"), "{model_set}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn one_session_asks_another_and_waits_for_its_answer() {
    let (_model, telegram, gateway) = begin().await;
    let run = ["agent", "run", "--session", "agent:main:kitchen", "--message", "hello"];
    assert!(gateway.openclaw(&run).await.status.success());
    let send = json!({"session_key": "kitchen", "message": "what is for dinner"});
    let answer = asked(&telegram, ANN, "sessions_send", &send).await;
    assert!(answer.contains("It answered:\nYou said: what is for dinner"), "{answer}");
    let own = json!({"session_key": "main", "message": "hi"});
    let answer = asked(&telegram, ANN, "sessions_send", &own).await;
    assert!(answer.contains("that is this session"), "{answer}");
    let history = ["--json", "message", "history", "agent:main:kitchen"];
    let said = String::from_utf8_lossy(&gateway.openclaw(&history).await.stdout).into_owned();
    assert!(said.contains("what is for dinner"), "{said}");
}

#[tokio::test]
async fn an_answer_that_nobody_waits_for_comes_as_a_message() {
    let (_model, telegram, gateway) = begin().await;
    let run = ["agent", "run", "--session", "agent:main:kitchen", "--message", "hello"];
    assert!(gateway.openclaw(&run).await.status.success());
    let send = json!({"session_key": "kitchen", "message": "think about it", "timeout_seconds": 0});
    let sent = asked(&telegram, ANN, "sessions_send", &send).await;
    assert!(sent.contains("Sent."), "{sent}");
    telegram.wait_for_text(ANN, |text| text.contains("You said: You said: think about it")).await;
}

#[tokio::test]
async fn security_24_sessions_do_not_answer_each_other_for_ever() {
    let (model, telegram, gateway) = begin().await;
    let run = ["agent", "run", "--session", "agent:main:kitchen", "--message", "hello"];
    assert!(gateway.openclaw(&run).await.status.success());
    // Each tells the other, without waiting, whatever it is told.
    model.script(Script::new().on(|request| {
        let said = request.last_user_text();
        let is_kitchen = said.contains("\"from\":\"the agent of the session agent:main:main\"");
        let target = if is_kitchen { "main" } else { "kitchen" };
        if request.has_tool_result() {
            let (_, result) = request.tool_results().pop()?;
            return Some(Reply::text(match result.starts_with("error") {
                true => format!("an end: {result}"),
                false => "passed on".to_owned(),
            }));
        }
        let send = json!({"session_key": target, "message": "ping", "timeout_seconds": 0});
        Some(Reply::text("").then_call(ScriptedCall::new("sessions_send", &send)))
    }));
    telegram.bot.say(ANN, ANN, "go");
    telegram.wait_for_text(ANN, |text| text.contains("times in a row")).await;
    let asked = model.requests().len();
    assert!(asked < 40, "{asked} requests");
}

#[tokio::test]
async fn messages_go_to_other_chats_for_the_owner_alone() {
    let (_model, telegram, _gateway) = begin().await;
    telegram.bot.say(BOB, BOB, "hello");
    telegram.wait_for_text(BOB, |text| text.contains("hello")).await;
    let send = json!({"action": "send", "to": BOB.to_string(), "text": "dinner is ready"});
    let sent = asked(&telegram, ANN, "message", &send).await;
    assert!(sent.contains("\"status\":\"queued\""), "{sent}");
    let message = telegram.wait_for_text(BOB, |text| text == "dinner is ready").await;

    let edit = json!({"action": "edit", "to": BOB.to_string(),
        "message_id": message.message_id.to_string(), "text": "dinner is cold"});
    asked(&telegram, ANN, "message", &edit).await;
    telegram.wait_for_text(BOB, |text| text == "dinner is cold").await;

    let other = json!({"action": "send", "to": ANN.to_string(), "text": "spam"});
    let refused = asked(&telegram, BOB, "message", &other).await;
    assert!(refused.contains("only the owner"), "{refused}");
    let here = json!({"action": "send", "text": "a second message"});
    asked(&telegram, BOB, "message", &here).await;
    telegram.wait_for_text(BOB, |text| text == "a second message").await;
    assert!(!telegram.shown(ANN).iter().any(|sent| sent.text == "spam"));
    assert_eq!(telegram.bot.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn security_18_the_gateway_is_the_owners_and_secrets_nobodys() {
    let (_model, telegram, gateway) = begin().await;
    let set = json!({"action": "config.set", "key": "session.queue_mode", "value": "batch"});
    let refused = asked(&telegram, BOB, "gateway", &set).await;
    assert!(refused.contains("not allowed here"), "{refused}");
    let done = asked(&telegram, ANN, "gateway", &set).await;
    assert!(done.contains("\"changed\""), "{done}");
    let file = std::fs::read_to_string(gateway.state().join("openclaw.toml")).expect("readable");
    assert!(file.contains("queue_mode = \"batch\""), "{file}");
    let shown = asked(&telegram, ANN, "gateway", &json!({"action": "config.get"})).await;
    assert!(!shown.contains("sk-test") && !shown.contains(telegram.token()), "{shown}");
    for key in ["models.providers.test.api_key", "agents.sandbox.mode", "tools.exec.ask"] {
        let held = json!({"action": "config.set", "key": key, "value": "never"});
        let refused = asked(&telegram, ANN, "gateway", &held).await;
        assert!(refused.contains("set by the person"), "{refused}");
    }
}
