use openclaw_core::MessageContent;
use openclaw_sessions::TurnResult;
use openclaw_testkit::model::{RecordedRequest, Reply, Script, ScriptedCall};
use serde_json::{Value, json};

use crate::on_every_wire;
use crate::support::Setup;

/// Adds when asked to, answers anything else with its own words.
fn echoing() -> Script {
    Script::new()
        .on(|request| {
            let text = request.last_user_text();
            (text.ends_with("add") && !request.has_tool_result()).then(|| {
                let id = format!("call-{}", request.messages().len());
                let numbers = json!({"a": 1, "b": request.messages().len()});
                Reply::text("Adding.").then_call(ScriptedCall::new("add", &numbers).with_id(id))
            })
        })
        .on(|request| Some(Reply::text(format!("You said: {}", request.last_user_text()))))
}

/// The conversation without the marks that stand on its end.
fn conversation(request: &RecordedRequest) -> Vec<Value> {
    fn unmarked(value: &Value) -> Value {
        match value {
            Value::Object(map) => map
                .iter()
                .filter(|(key, _)| *key != "cache_control")
                .map(|(key, value)| (key.clone(), unmarked(value)))
                .collect(),
            Value::Array(items) => items.iter().map(unmarked).collect(),
            other => other.clone(),
        }
    }
    let is_said =
        |message: &&Value| !matches!(message["role"].as_str(), Some("system" | "developer"));
    request.messages().iter().filter(is_said).map(unmarked).collect()
}

on_every_wire! {
    async fn what_is_kept_of_a_session_is_what_its_transcript_says(api: Api) {
        let mut harness = Setup::new(api).script(echoing()).build().await;
        for text in ["one", "add", "two \"quoted\" \u{fc}\n{[,", "add", "three", "add", "four"] {
            harness.reply(text).await;
        }
        let last = harness.server.last_request();
        assert_eq!(last.tool_results().len(), 3, "calls are told as calls");
        let warm = conversation(&last);
        harness.restart();
        harness.reply("five").await;
        let cold = conversation(&harness.server.last_request());
        assert!(warm.len() > 16, "{}", warm.len());
        assert_eq!(cold.get(..warm.len()), Some(&*warm));
        harness.assert_sound();
    }

    async fn a_run_with_a_small_window_does_not_make_the_session_forget(api: Api) {
        let harness = Setup::new(api).script(echoing()).build().await;
        for turn in 0..30 {
            harness.reply(&format!("{turn} {}", "word ".repeat(100))).await;
        }
        let mut turn = harness.turn(MessageContent::text("small")).await;
        turn.session.config.max_context_length = Some(9_000);
        let TurnResult::Done { entry, .. } = harness.run(turn).await.result else { panic!() };
        harness.append(None, entry).await;
        let small = conversation(&harness.server.last_request());
        assert!(small.len() < 60, "{}", small.len());
        harness.reply("whole").await;
        let whole = conversation(&harness.server.last_request());
        assert_eq!(whole.len(), 63);
        harness.assert_sound();
    }

    async fn a_full_window_is_not_cut_in_every_turn(api: Api) {
        let harness =
            Setup::new(api).script(echoing()).agents("max_context_tokens = 9000").build().await;
        let mut beginnings = std::collections::HashSet::new();
        let mut longest = 0;
        for turn in 0..60 {
            harness.reply(&format!("{turn} {}", "word ".repeat(100))).await;
            let conversation = conversation(&harness.server.last_request());
            // The note of what was left out is a message of its own on some wires.
            let beginning: Vec<String> =
                conversation.iter().take(2).map(ToString::to_string).collect();
            beginnings.insert(beginning);
            let length = conversation.iter().map(|message| message.to_string().len()).sum();
            longest = longest.max(length);
        }
        assert!((5_000..30_000).contains(&longest), "{longest}");
        assert!((3..=20).contains(&beginnings.len()), "{}", beginnings.len());
        harness.assert_sound();
    }
}
