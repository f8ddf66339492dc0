use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use async_trait::async_trait;
use openclaw_core::{
    AgentEvent, ChannelId, MessageContent, SessionConfig, StopReason, ToolPhase, UserId,
};
use openclaw_sessions::{Steering, Turn, TurnResult};
use openclaw_storage::rows::TranscriptKind::{Assistant, ToolResult, User};
use openclaw_storage::rows::{InboxRow, TranscriptRow};
use openclaw_testkit::model::{Api, Reply, Script, ScriptedCall};
use serde_json::json;

use crate::on_every_wire;
use crate::support::{Harness, LIMIT, Setup};

/// Calls the tool whenever there is no fresh result, and ends with what the results were.
fn calling(calls: Vec<ScriptedCall>) -> Script {
    let reply = Reply::calls(calls);
    Script::new().on(move |request| (!request.has_tool_result()).then(|| reply.clone())).on(
        |request| {
            let results: Vec<_> =
                request.tool_results().into_iter().map(|(_, text)| text).collect();
            Some(Reply::text(results.join(" | ")))
        },
    )
}

on_every_wire! {
    async fn several_rounds_are_stored_step_by_step(api: Api) {
        let script = Script::new()
            .then(Reply::text("Let me see.").then_call(
                ScriptedCall::new("add", &json!({"a": 1, "b": 2})).with_id("one").fragmented(3)))
            .then(Reply::call("add", &json!({"a": 3, "b": 4})))
            .then(Reply::text("It is 7."));
        let harness = Setup::new(api).script(script).build().await;
        let outcome = harness.say("add").await;
        match &outcome.result {
            TurnResult::Done { reply, .. } => assert_eq!(reply, "Let me see.\n\nIt is 7."),
            other => panic!("{other:?}"),
        }
        assert_eq!(outcome.usage.model_calls, 3);
        assert_eq!(harness.stream.text(), "Let me see.\n\nIt is 7.");
        assert_eq!(harness.kinds().await, [User, Assistant, ToolResult, Assistant, ToolResult]);
        let requests = harness.server.requests();
        let results: Vec<_> =
            requests[2].tool_results().into_iter().map(|(_, text)| text).collect();
        assert_eq!(results, ["3", "7"]);
        let events = harness.tool_events().await;
        let phases: Vec<_> = events.iter().map(|(phase, ..)| phase.as_str()).collect();
        assert_eq!(phases, ["started", "finished", "started", "finished"]);
        assert_eq!(events[0].1, "one");
        let output = harness.stream.events().into_iter().find(|event| {
            matches!(event, AgentEvent::Tool { phase: ToolPhase::Output, .. })
        });
        match output {
            Some(AgentEvent::Tool { result, .. }) => assert_eq!(result.as_deref(), Some("adding")),
            other => panic!("{other:?}"),
        }
        harness.assert_sound();
    }

    async fn parallel_calls_run_at_once_and_keep_their_order(api: Api) {
        // The first call can only end once the second has run.
        let script = calling(vec![
            ScriptedCall::new("wait", &json!({})).with_id("first"),
            ScriptedCall::new("count", &json!({})).with_id("second"),
        ]);
        let harness = Setup::new(api).script(script).build().await;
        let turn = harness.turn(openclaw_core::MessageContent::text("go")).await;
        let running = harness.start(turn);
        tokio::time::timeout(LIMIT, harness.tools.waiting.notified()).await.expect("it waits");
        while harness.tools.counted.load(Ordering::SeqCst) == 0 {
            tokio::task::yield_now().await;
        }
        harness.tools.release.notify_one();
        match running.await.expect("no panic").result {
            TurnResult::Done { reply, .. } => assert_eq!(reply, "released | count 1"),
            other => panic!("{other:?}"),
        }
        let ids: Vec<_> = harness.tool_events().await.into_iter()
            .map(|(phase, id, _)| format!("{phase} {id}")).collect();
        assert_eq!(ids, ["started first", "started second", "finished first", "finished second"]);
        harness.assert_sound();
    }

    async fn what_goes_wrong_is_told_to_the_model(api: Api) {
        let script = calling(vec![
            ScriptedCall::raw("add", "{\"a\": 1, \"b\":"),
            ScriptedCall::raw("add", "[1, 2]"),
            ScriptedCall::new("add", &json!({"a": "one", "b": 2})),
            ScriptedCall::new("fail", &json!({})),
            ScriptedCall::new("nonsense", &json!({})),
            ScriptedCall::new("bad name!", &json!({})),
        ]);
        let harness = Setup::new(api).script(script).build().await;
        let reply = harness.reply("go").await;
        let told: Vec<_> = reply.split(" | ").collect();
        assert_eq!(told.len(), 6, "{reply}");
        // What is no JSON cannot be said on these wires, where arguments are part of the document.
        let broken = match api {
            Api::Gemini | Api::Ollama => "error: invalid arguments for add: missing field `a`",
            Api::Chat | Api::Messages | Api::Responses => "error: the arguments are not valid JSON",
        };
        assert!(told[0].starts_with(broken), "{}", told[0]);
        assert!(matches!(api, Api::Gemini | Api::Ollama) || told[1].starts_with("error: the arguments are not valid JSON"), "{}", told[1]);
        assert!(told[2].starts_with("error: invalid arguments for add: a: "), "{}", told[2]);
        assert_eq!(told[3], "error: the disk is full");
        assert_eq!(told[4], "error: there is no tool \"nonsense\"");
        assert_eq!(told[5], "error: there is no tool \"bad name!\"");
        assert!(harness.tool_events().await.iter()
            .filter(|(phase, ..)| phase == "finished").all(|(.., error)| *error == Some(true)));
        harness.assert_sound();
    }

    async fn a_denied_tool_is_not_offered_and_does_not_run(api: Api) {
        let script = calling(vec![ScriptedCall::new("count", &json!({}))]);
        let harness = Setup::new(api).script(script)
            .toml("[tools]\nallow = [\"*\"]\ndeny = [\"count\"]").build().await;
        let reply = harness.reply("go").await;
        assert!(reply.starts_with("error: the tool count is not allowed here"), "{reply}");
        assert!(!harness.server.requests()[0].tool_names().contains(&"count".to_owned()));
        assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 0);
        harness.assert_sound();
    }

    async fn a_session_without_tools_offers_none(api: Api) {
        let mut harness = Setup::new(api).build().await;
        harness.session.config =
            SessionConfig { tools_enabled: Some(false), ..SessionConfig::default() };
        harness.reply("hello").await;
        assert!(harness.server.last_request().body.get("tools").is_none());
        harness.assert_sound();
    }

    async fn a_fatal_tool_ends_the_turn(api: Api) {
        let script = calling(vec![ScriptedCall::new("break", &json!({}))]);
        let harness = Setup::new(api).script(script).build().await;
        match harness.say("go").await.result {
            TurnResult::Failed(error) => {
                assert_eq!((error.code.as_str(), error.message.as_str()),
                    ("tool", "the sandbox is gone"));
            }
            other => panic!("{other:?}"),
        }
        // The next turn sends a conversation in which the call is answered.
        harness.server.script(Script::new());
        harness.reply("again").await;
        harness.assert_sound();
    }

    async fn going_in_circles_is_warned_about_and_stopped(api: Api) {
        let script = Script::new()
            .on(|_| Some(Reply::call("add", &json!({"a": 1, "b": 1}))));
        let harness = Setup::new(api).script(script).build().await;
        match harness.say("go").await.result {
            TurnResult::Done { reply, stop_reason, .. } => {
                assert_eq!(stop_reason, StopReason::ToolLoop);
                assert!(reply.contains("going in circles"), "{reply}");
            }
            other => panic!("{other:?}"),
        }
        let requests = harness.server.requests();
        assert_eq!(requests.len(), 20);
        let warned: Vec<_> = requests[19].tool_results().into_iter().enumerate()
            .filter(|(_, (_, text))| text.contains("do something else"))
            .map(|(index, _)| index).collect();
        assert_eq!(warned, [9]);
        harness.assert_sound();
    }

    async fn a_hundred_rounds_are_the_limit(api: Api) {
        let script = Script::new().on(|_| Some(Reply::call("count", &json!({}))));
        let harness = Setup::new(api).script(script).build().await;
        match harness.say("go").await.result {
            TurnResult::Done { stop_reason, entry, .. } => {
                assert_eq!(stop_reason, StopReason::ToolLimit);
                harness.append(None, entry).await;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(harness.server.requests().len(), 101);
        assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 100);
        harness.server.script(Script::new());
        harness.reply("go on").await;
        harness.assert_sound();
    }

    async fn call_ids_that_repeat_are_kept_apart(api: Api) {
        let script = Script::new()
            .then(Reply::calls([
                ScriptedCall::new("count", &json!({})).with_id("same"),
                ScriptedCall::new("count", &json!({})).with_id("same"),
            ]))
            .then(Reply::calls([ScriptedCall::new("count", &json!({})).with_id("same")]))
            .then(Reply::text("done"));
        let harness = Setup::new(api).script(script).build().await;
        assert_eq!(harness.reply("go").await, "done");
        let ids = |ids: Vec<String>| ids.into_iter().collect::<std::collections::HashSet<_>>();
        let told = harness.server.last_request().tool_results();
        assert_eq!(ids(told.into_iter().map(|(id, _)| id).collect()).len(), 3);
        let started = harness.tool_events().await.into_iter()
            .filter(|(phase, ..)| phase == "started").map(|(_, id, _)| id);
        assert_eq!(ids(started.collect()).len(), 3);
        harness.assert_sound();
    }

    async fn what_is_said_meanwhile_joins_between_two_requests(api: Api) {
        let script = Script::new()
            .then(Reply::call("count", &json!({})))
            .then(Reply::text("both"));
        let harness = Setup::new(api).script(script).build().await;
        let mut turn = harness.turn(openclaw_core::MessageContent::text("one")).await;
        let steered = harness.steered(&turn, 9, "and two").await;
        turn.steering = Arc::new(Once(Mutex::new(vec![steered])));
        match harness.run(turn).await.result {
            TurnResult::Done { reply, .. } => assert_eq!(reply, "both"),
            other => panic!("{other:?}"),
        }
        let last = harness.server.last_request();
        assert!(last.last_user_text().ends_with("\nand two"), "{}", last.last_user_text());
        assert_eq!(last.tool_results().len(), 1);
        harness.assert_sound();
    }
}

/// A message of somebody in a chat of Telegram.
fn by(harness: &Harness, number: usize, sender: &str) -> InboxRow {
    let mut input = harness.input(number, MessageContent::text("hello"));
    input.principal = "channel:telegram".to_owned();
    input.inbound.conversation.channel_id = ChannelId::new("telegram").expect("valid");
    input.inbound.sender.id = UserId::new(sender).expect("valid");
    input
}

const NOT_THE_GUEST: &str = "[tools.by_sender.\"telegram:7\"]\nallow = []\n\
    [tools.by_channel.telegram]\ndeny = [\"add\"]\n";

#[tokio::test]
async fn who_joins_a_turn_takes_away_what_they_may_not_use() {
    let call = || Reply::call("count", &json!({}));
    let script = Script::new().then(call()).then(call()).then(Reply::text("done"));
    let harness = Setup::new(Api::Chat).script(script).toml(NOT_THE_GUEST).build().await;
    let mut turn = harness.turn_of(by(&harness, 1, "8")).await;
    let steered = harness.steered_by(&turn, by(&harness, 9, "7")).await;
    turn.steering = Arc::new(Once(Mutex::new(vec![steered])));
    let again = Turn { attempt: 2, ..turn.clone() };
    assert!(matches!(harness.run(turn).await.result, TurnResult::Done { .. }));
    assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 1, "the guest ran a tool");
    let requests = harness.server.requests();
    let with_tools: Vec<bool> =
        requests.iter().map(|request| !request.tool_names().is_empty()).collect();
    assert_eq!(with_tools, [true, false, false]);
    // Nor does an interruption give it back.
    harness.server.script(Script::new().then(call()).then(Reply::text("done")));
    assert!(matches!(harness.run(again).await.result, TurnResult::Done { .. }));
    assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 1, "the guest ran a tool");
}

#[tokio::test]
async fn rules_follow_the_message_and_not_the_session() {
    let harness = Setup::new(Api::Chat)
        .toml(NOT_THE_GUEST)
        .toml("[tools.by_sender.\"*\"]\ndeny = [\"count\"]")
        .build()
        .await;
    let offered = |sender: Option<&str>| {
        let input = match sender {
            Some(sender) => by(&harness, 1, sender),
            None => harness.input(2, MessageContent::text("hello")),
        };
        let harness = &harness;
        async move {
            harness.answer(input).await;
            let mut names = harness.server.last_request().tool_names();
            names.retain(|name| ["add", "count", "fail"].contains(&name.as_str()));
            names.sort();
            names
        }
    };
    // The owner's own program, in a session of the web channel.
    assert_eq!(offered(None).await, ["add", "count", "fail"]);
    assert_eq!(offered(Some("8")).await, ["fail"]);
    assert_eq!(offered(Some("7")).await, [""; 0]);
}

struct Once(Mutex<Vec<TranscriptRow>>);

#[async_trait]
impl Steering for Once {
    async fn take(&self) -> Vec<TranscriptRow> {
        std::mem::take(&mut self.0.lock().expect("sound"))
    }
}
