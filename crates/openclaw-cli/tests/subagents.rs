//! Subagents on Telegram: their results, their limits, and what a kill leaves of them.

use std::time::Duration;

use openclaw_testkit::model::{ModelServer, RecordedRequest, Reply, Script};
use serde_json::{Value, json};

use crate::support::{LIMIT, Telegram, TestGateway};

const ANN: i64 = 4_711;

fn is_subagent(request: &RecordedRequest) -> bool {
    request.system_text().contains("# Subagent")
}

/// The report of a subagent's end, where the request carries one.
fn is_report(request: &RecordedRequest) -> bool {
    let said = request.last_user_text();
    let tells = said.contains("Subagent \"research\" ") && !said.contains("was stopped");
    tells && !request.has_tool_result()
}

/// Ann asks for a subagent, which answers `child`; what she is told then.
fn script(child: Reply, told: Reply) -> Script {
    let task = json!({"task": "find the number", "label": "research"});
    let spawn = Reply::call("sessions_spawn", &task);
    Script::new()
        .on(move |request| is_subagent(request).then(|| child.clone()))
        .on(move |request| is_report(request).then(|| told.clone()))
        .on_tool_result(Reply::text("I have begun."))
        .on_user("please research", spawn)
}

async fn begin(script: Script) -> (ModelServer, Telegram, TestGateway) {
    let (model, telegram) = (ModelServer::with(script).await, Telegram::start().await);
    telegram.bot.add_user(ANN, "Ann", None);
    let owners = format!("[session]\nowners = [\"telegram:{ANN}\"]\n");
    let config = format!("{owners}{}", telegram.config("dm_policy = \"open\""));
    let gateway = TestGateway::with_model(&model, &config).await;
    (model, telegram, gateway)
}

fn texts(telegram: &Telegram) -> Vec<String> {
    telegram.shown(ANN).into_iter().map(|sent| sent.text).collect()
}

async fn wait_for(model: &ModelServer, wanted: fn(&RecordedRequest) -> bool) -> RecordedRequest {
    let look = async {
        loop {
            if let Some(found) = model.requests().into_iter().find(&wanted) {
                return found;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, look).await.unwrap_or_else(|_| panic!("{}", model.journal()))
}

const TOLD: &str = "The research says 42.";

#[tokio::test]
async fn the_result_comes_to_the_chat_that_asked() {
    let (model, telegram, _gateway) =
        begin(script(Reply::text("It is 42."), Reply::text(TOLD))).await;
    telegram.bot.say(ANN, ANN, "please research");
    telegram.wait_for_text(ANN, |text| text == TOLD).await;
    let mut said = texts(&telegram);
    said.sort();
    assert_eq!(said, ["I have begun.", TOLD]);
    let child = wait_for(&model, is_subagent).await;
    assert!(child.last_user_text().contains("find the number"), "{}", child.last_user_text());
    let tools = child.tool_names();
    for name in ["sessions_spawn", "sessions_send", "message", "gateway", "subagents", "cron"] {
        assert!(!tools.iter().any(|tool| tool == name), "{name} among {tools:?}");
    }
    assert!(tools.iter().any(|tool| tool == "read"), "{tools:?}");
    let report = wait_for(&model, is_report).await.last_user_text();
    assert!(report.contains("It is 42."), "{report}");
    assert!(report.contains("\"report\":\"done\""), "{report}");
    assert_eq!(model.violations(), Vec::<String>::new());
}

#[tokio::test]
async fn a_kill_between_the_end_of_a_subagent_and_its_parents_turn_loses_nothing() {
    let (model, telegram, mut gateway) =
        begin(script(Reply::text("It is 42."), Reply::hang())).await;
    telegram.bot.say(ANN, ANN, "please research");
    wait_for(&model, is_report).await;
    telegram.wait_for_text(ANN, |text| text == "I have begun.").await;
    gateway.kill_hard().await;
    model.script(script(Reply::text("again?"), Reply::text(TOLD)));
    gateway.restart().await;
    telegram.wait_for_text(ANN, |text| text == TOLD).await;
    assert_eq!(texts(&telegram), ["I have begun.", TOLD]);
    let children = model.requests().iter().filter(|request| is_subagent(request)).count();
    assert_eq!(children, 1, "the subagent itself is not run again");
}

#[tokio::test]
async fn a_kill_in_a_subagent_is_resumed_and_its_result_told_once() {
    let (model, telegram, mut gateway) = begin(script(Reply::hang(), Reply::text(TOLD))).await;
    telegram.bot.say(ANN, ANN, "please research");
    wait_for(&model, is_subagent).await;
    telegram.wait_for_text(ANN, |text| text == "I have begun.").await;
    gateway.kill_hard().await;
    model.script(script(Reply::text("It is 42."), Reply::text(TOLD)));
    gateway.restart().await;
    telegram.wait_for_text(ANN, |text| text == TOLD).await;
    telegram.bot.say(ANN, ANN, "the last");
    telegram.wait_for_text(ANN, |text| text == "You said: the last").await;
    assert_eq!(texts(&telegram), ["I have begun.", TOLD, "You said: the last"]);
}

#[tokio::test]
async fn a_kill_in_a_tool_call_runs_nothing_twice() {
    let slow = json!({"command": "echo once >> done.txt; sleep 60"});
    let script = Script::new()
        .on_tool_result(Reply::text("I have looked."))
        .on_user("slowly", Reply::call("bash", &slow));
    let (model, telegram, mut gateway) = begin(script).await;
    telegram.bot.say(ANN, ANN, "slowly");
    let file = gateway.state().join("workspace/done.txt");
    let written = async {
        while std::fs::read_to_string(&file).unwrap_or_default().is_empty() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LIMIT, written).await.expect("the command has begun");
    gateway.kill_hard().await;
    gateway.restart().await;
    telegram.wait_for_text(ANN, |text| text == "I have looked.").await;
    assert_eq!(std::fs::read_to_string(&file).expect("readable"), "once\n");
    let told: Vec<(String, String)> = model.last_request().tool_results();
    assert!(told.iter().any(|(_, text)| text.contains("interrupted by a restart")), "{told:?}");
}

#[tokio::test]
async fn a_stop_ends_the_subagents_too_and_asks_no_model_about_it() {
    let (model, telegram, gateway) = begin(script(Reply::hang(), Reply::text(TOLD))).await;
    telegram.bot.say(ANN, ANN, "please research");
    wait_for(&model, is_subagent).await;
    telegram.wait_for_text(ANN, |text| text == "I have begun.").await;
    telegram.bot.say(ANN, ANN, "/stop");
    telegram.wait_for_text(ANN, |text| text == "Stopped.").await;
    assert!(model.wait_closed(LIMIT).await, "its model call ends");
    telegram.bot.say(ANN, ANN, "the last");
    telegram.wait_for_text(ANN, |text| text.contains("the last")).await;
    assert_eq!(texts(&telegram), ["I have begun.", "Stopped.", "You said: the last"]);
    let spoken: String =
        model.last_request().dialogue().into_iter().map(|(_, text)| text).collect();
    assert!(spoken.contains("was stopped"), "the model knows: {spoken}");
    let status = gateway.openclaw(&["--json", "agent", "status"]).await;
    let status: Value = serde_json::from_slice(&status.stdout).expect("it is JSON");
    let runs = status["runs"].as_array().expect("runs").clone();
    let child =
        |run: &&Value| run["session_key"].as_str().is_some_and(|key| key.contains(":subagent:"));
    let child = runs.iter().find(child).expect("the subagent's run");
    assert_eq!(child["status"], "stopped");
}
