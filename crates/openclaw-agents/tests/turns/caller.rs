use openclaw_agents::{HistoryMessage, history_entries};
use openclaw_core::{CallId, MessageContent, ToolName};
use openclaw_sessions::TurnResult;
use openclaw_storage::rows::{CallerCall, CallerChoice, CallerResult, CallerRun, CallerTool};
use openclaw_testkit::model::{RecordedRequest, Reply, Script, ScriptedCall};
use serde_json::json;

use crate::on_every_wire;
use crate::support::{Harness, Setup};

fn lookup() -> CallerTool {
    CallerTool {
        name: ToolName::new("lookup").expect("valid"),
        description: "Looks a word up.".to_owned(),
        parameters: json!({"type": "object", "properties": {"word": {"type": "string"}}}),
    }
}

fn call_id(text: &str) -> CallId {
    CallId::new(text).expect("valid")
}

async fn handed_over(harness: &Harness, caller: CallerRun) -> (String, Vec<CallerCall>) {
    let mut turn = harness.turn(MessageContent::text("look it up")).await;
    turn.inputs[0].options.caller = Some(Box::new(caller));
    match harness.run(turn).await.result {
        TurnResult::HandedOver { reply, entry, calls } => {
            harness.append(None, entry).await;
            (reply, calls)
        }
        other => panic!("{other:?}"),
    }
}

/// The id that a call has on the wire; Gemini's have none and are told apart by their places.
fn sent_id(api: openclaw_testkit::model::Api, id: &str, place: usize) -> String {
    match api {
        openclaw_testkit::model::Api::Gemini => format!("call-{place}"),
        _ => id.to_owned(),
    }
}

on_every_wire! {
    async fn a_call_of_the_callers_tool_ends_the_turn_and_its_result_goes_on(api: Api) {
        let script = Script::new()
            .then(Reply::text("One moment.").then_call(
                ScriptedCall::new("lookup", &json!({"word": "crab"})).with_id("call-1")))
            .then(Reply::text("It has claws."));
        let harness = Setup::new(api).script(script).build().await;
        let caller = CallerRun {
            instructions: Some("Speak like a sailor.".to_owned()),
            tools: vec![lookup()],
            ..CallerRun::default()
        };
        let (reply, calls) = handed_over(&harness, caller.clone()).await;
        assert_eq!(reply, "One moment.");
        assert_eq!(calls.len(), 1);
        assert_eq!((calls[0].id.as_str(), calls[0].name.as_str()), ("call-1", "lookup"));
        assert_eq!(calls[0].arguments, r#"{"word":"crab"}"#);
        let request = harness.server.last_request();
        assert!(request.system_text().contains("Speak like a sailor."));
        assert!(request.tool_names().contains(&"lookup".to_owned()));
        assert!(request.tool_names().contains(&"add".to_owned()), "ours are offered too");

        let mut input = harness.input(77, MessageContent::text(""));
        let result = CallerResult { call_id: call_id("call-1"), text: "a crustacean".to_owned() };
        input.options.caller = Some(Box::new(CallerRun { results: vec![result], ..caller }));
        let reply = harness.answer(input).await;
        assert_eq!(reply, "It has claws.");
        let last = harness.server.last_request();
        assert_eq!(last.tool_results(), [(sent_id(api, "call-1", 0), "a crustacean".to_owned())]);
        let envelopes = |request: &RecordedRequest| {
            request.body.to_string().matches("[/context ").count()
        };
        assert_eq!(envelopes(&last), envelopes(&request), "results alone are no message");
        harness.assert_sound();
    }

    async fn our_tools_run_before_the_caller_is_asked(api: Api) {
        let script = Script::new().then(Reply::calls([
            ScriptedCall::new("add", &json!({"a": 1, "b": 2})).with_id("ours"),
            ScriptedCall::new("lookup", &json!({})).with_id("theirs"),
        ])).then(Reply::text("done"));
        let harness = Setup::new(api).script(script).build().await;
        let caller = CallerRun { tools: vec![lookup()], ..CallerRun::default() };
        let (_, calls) = handed_over(&harness, caller).await;
        assert_eq!(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>(), ["theirs"]);
        let mut input = harness.input(78, MessageContent::text(""));
        let results = vec![CallerResult { call_id: call_id("theirs"), text: "found".to_owned() }];
        input.options.caller = Some(Box::new(CallerRun { results, ..CallerRun::default() }));
        assert_eq!(harness.answer(input).await, "done");
        let results = harness.server.last_request().tool_results();
        assert_eq!(results, [
            (sent_id(api, "ours", 0), "3".to_owned()),
            (sent_id(api, "theirs", 1), "found".to_owned()),
        ]);
        harness.assert_sound();
    }

    async fn a_tool_that_has_to_be_called_is_offered_alone(api: Api) {
        let script = Script::new().then(Reply::call("lookup", &json!({})));
        let harness = Setup::new(api).script(script).build().await;
        let choice = CallerChoice::Required;
        let caller = CallerRun { tools: vec![lookup()], choice, ..CallerRun::default() };
        handed_over(&harness, caller).await;
        let request = harness.server.last_request();
        assert_eq!(request.tool_names(), ["lookup"]);
        let choice = match api {
            Api::Gemini => &request.body["toolConfig"]["functionCallingConfig"]["mode"],
            // It has no such thing.
            Api::Ollama => return harness.assert_sound(),
            Api::Chat | Api::Messages | Api::Responses => &request.body["tool_choice"],
        };
        assert!(!choice.is_null(), "{}", request.body);
        harness.assert_sound();
    }

    async fn a_history_comes_before_the_message(api: Api) {
        let harness = Setup::new(api).script(Script::new().then(Reply::text("ok"))).build().await;
        let user = |text: &str| HistoryMessage::User { text: text.to_owned(), media: Vec::new() };
        let call = CallerCall {
            id: call_id("call-9"),
            name: ToolName::new("lookup").expect("valid"),
            arguments: r#"{"word":"sea"}"#.to_owned(),
        };
        let result = CallerResult { call_id: call_id("call-9"), text: "water".to_owned() };
        let stray = CallerResult { call_id: call_id("nobody"), text: "lost".to_owned() };
        let history = [
            user("what is the sea?"),
            HistoryMessage::Assistant { text: String::new(), calls: vec![call] },
            HistoryMessage::Result(result),
            HistoryMessage::Result(stray),
            HistoryMessage::Assistant { text: "Water.".to_owned(), calls: Vec::new() },
        ];
        for entry in history_entries(&history) {
            harness.append(None, entry).await;
        }
        assert_eq!(harness.reply("and the sky?").await, "ok");
        let request = harness.server.last_request();
        assert_eq!(request.tool_results(), [(sent_id(api, "call-9", 0), "water".to_owned())]);
        assert!(request.last_user_text().contains("and the sky?"));
        harness.assert_sound();
    }
}
