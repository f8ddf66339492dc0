use openclaw_core::{AgentEvent, SessionConfig, StopReason, ThinkingLevel, Usage};
use openclaw_sessions::TurnResult;
use openclaw_storage::rows::TranscriptKind;
use openclaw_testkit::model::{Reply, ReplyUsage, Script};

use crate::on_every_wire;
use crate::support::{Setup, load};
use std::time::Duration;

on_every_wire! {
    async fn an_answer_is_streamed_and_its_tokens_counted(api: Api) {
        let gap = Duration::from_millis(30);
        let usage = ReplyUsage { input: 100, output: 7, cached: 60 };
        let reply = Reply::chunks(["Hel", "lo, ", "Ann."]).gap(gap).usage(usage);
        let harness = Setup::new(api).script(Script::new().then(reply)).build().await;
        let outcome = harness.say("hello").await;
        assert_eq!(outcome.usage, Usage {
            input_tokens: 100, output_tokens: 7, cache_read_tokens: 60, cache_write_tokens: 0,
            model_calls: 1, cost_micro_usd: 0,
        });
        let TurnResult::Done { reply, entry, stop_reason } = outcome.result else {
            panic!("no answer: {:?}", outcome.result);
        };
        assert_eq!((reply.as_str(), stop_reason), ("Hello, Ann.", StopReason::EndTurn));
        assert_eq!(entry.kind, TranscriptKind::Assistant);
        assert_eq!(entry.data["text"], "Hello, Ann.");
        let deltas: Vec<_> = harness.stream.events().into_iter().map(|event| match event {
            AgentEvent::Delta { text, index, reset: false } => (text, index),
            other => panic!("{other:?}"),
        }).collect();
        let expected = [("Hel", 0), ("lo, ", 1), ("Ann.", 2)];
        assert_eq!(deltas, expected.map(|(text, index)| (text.to_owned(), index)));
        // The final entry is the lane's to store.
        assert_eq!(harness.kinds().await, [TranscriptKind::User]);
        harness.assert_sound();
    }

    async fn the_conversation_goes_along(api: Api) {
        let harness = Setup::new(api).build().await;
        harness.reply("first").await;
        harness.reply("second").await;
        let request = harness.server.last_request();
        let said: Vec<_> = request.dialogue().into_iter()
            .map(|(role, text)| (role, text.lines().last().unwrap_or_default().to_owned()))
            .collect();
        let expected = [("user", "first"), ("assistant", "You said: first"), ("user", "second")];
        assert_eq!(said, expected.map(|(role, text)| (role.to_owned(), text.to_owned())));
        let headers = ["authorization", "x-api-key", "x-goog-api-key"];
        assert_eq!(headers.iter().find_map(|name| request.header(name))
            .map(|key| key.trim_start_matches("Bearer ")), Some("canary-key"));
        harness.assert_sound();
    }

    async fn one_connection_serves_many_turns(api: Api) {
        let harness = Setup::new(api).build().await;
        for number in 0..5 {
            harness.reply(&format!("message {number}")).await;
            harness.settle().await;
        }
        assert_eq!(harness.server.connections(), 1);
    }

    async fn the_first_request_is_small_and_its_prefix_stands_still(api: Api) {
        let harness = Setup::new(api).file_tools().build().await;
        harness.reply("hello").await;
        harness.reply("again").await;
        let requests = harness.server.requests();
        assert_eq!(requests[0].tool_names(), ["read", "write", "edit", "list", "search", "apply_patch"]);
        assert!(requests[0].body_bytes <= 8 * 1024, "{}", requests[0].body_bytes);
        assert_eq!(requests[0].system_text(), requests[1].system_text());
        assert_eq!(requests[0].body["tools"], requests[1].body["tools"]);
        harness.assert_sound();
    }

    async fn an_answer_at_the_limit_says_so(api: Api) {
        let reply = Reply::text("half an ans").finish("length");
        let harness = Setup::new(api).script(Script::new().then(reply)).build().await;
        match harness.say("hello").await.result {
            TurnResult::Done { reply, stop_reason, .. } => {
                assert_eq!((reply.as_str(), stop_reason), ("half an ans", StopReason::MaxTokens));
            }
            other => panic!("{other:?}"),
        }
    }

    async fn saying_nothing_is_an_answer(api: Api) {
        let harness = Setup::new(api).script(Script::new().then(Reply::new())).build().await;
        assert_eq!(harness.reply("hello").await, "");
        assert_eq!(harness.reply("hello again").await, "You said: hello again");
        harness.assert_sound();
    }

    async fn a_whole_document_is_understood_where_a_stream_was_asked_for(api: Api) {
        let body = serde_json::json!({
            "id": "x", "object": "chat.completion", "created": 1, "model": "m",
            "choices": [{"index": 0, "finish_reason": "stop",
                "message": {"role": "assistant", "content": "in one piece"}}],
            "usage": {"prompt_tokens": 3, "completion_tokens": 4, "total_tokens": 7},
        });
        let reply = Reply::body(200, "application/json", body.to_string());
        let harness = Setup::new(api).script(Script::new().on(move |_| Some(reply.clone())))
            .build().await;
        let outcome = harness.say("hello").await;
        match (api, outcome.result) {
            (Api::Chat, TurnResult::Done { reply, .. }) => {
                assert_eq!(reply, "in one piece");
                assert_eq!(outcome.usage.output_tokens, 4);
            }
            (_, TurnResult::Failed(error)) if api != Api::Chat => {
                assert_eq!(error.code, "unavailable");
            }
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn thinking_is_asked_for_and_not_shown(api: Api) {
        let reply = Reply::new()
            .then(openclaw_testkit::model::Part::Thinking("hmm".to_owned()))
            .then_text("42");
        let mut harness = Setup::new(api).script(Script::new().then(reply)).build().await;
        harness.session.config =
            SessionConfig { thinking: Some(ThinkingLevel::Low), ..SessionConfig::default() };
        assert_eq!(harness.reply("think").await, "42");
        assert_eq!(harness.stream.text(), "42");
        let body = harness.server.last_request().body;
        match api {
            Api::Chat => assert_eq!(body["reasoning_effort"], "low"),
            Api::Messages => assert_eq!(body["thinking"]["budget_tokens"], 2_048),
            Api::Responses => assert_eq!(body["reasoning"]["effort"], "low"),
            Api::Gemini => assert_eq!(
                body["generationConfig"]["thinkingConfig"]["thinkingBudget"], 2_048),
            Api::Ollama => assert_eq!(body["think"], true),
        }
        // Its signature goes back with the next request.
        harness.reply("and now?").await;
        let sent = harness.server.last_request().body.to_string();
        match api {
            Api::Chat => {}
            Api::Ollama => assert!(sent.contains("\"thinking\":\"hmm\""), "{sent}"),
            Api::Messages | Api::Responses | Api::Gemini => {
                assert!(sent.contains("c2lnbmVk"), "{sent}");
            }
        }
        harness.assert_sound();
    }
}

#[test]
fn without_a_model_the_refusal_names_what_to_set() {
    use openclaw_agents::model::candidates;
    use openclaw_agents::{ModelProbe, probe};
    use openclaw_storage::rows::RunOptions;

    let folder = tempfile::tempdir().expect("a folder");
    let agent = openclaw_core::AgentId::main();
    let two = "[models.providers.one]\napi = \"ollama\"\nbase_url = \"http://127.0.0.1:1\"\n\
        [models.providers.two]\napi = \"ollama\"\nbase_url = \"http://127.0.0.1:2\"";
    let elsewhere = RunOptions { model: Some("nowhere/x".to_owned()), ..RunOptions::default() };
    let mut shown = String::new();
    for (text, options) in [("", None), (two, None), (two, Some(&elsewhere))] {
        let config = load(&folder, text, &[]);
        let error = candidates(&config, None, options, &agent).expect_err("no model").stored();
        assert_eq!(error.code, "unavailable");
        shown.push_str(&format!("{}\n  {}\n", error.message, error.hint.unwrap_or_default()));
        assert!(matches!(probe(&config, &agent), ModelProbe::Missing(_)));
    }
    insta::assert_snapshot!(shown, @r#"
    no model is configured, and no provider's key was found in the environment
      set OPENAI_API_KEY, ANTHROPIC_API_KEY, GEMINI_API_KEY or OPENROUTER_API_KEY where the gateway starts, or add [models.providers.<name>] and agents.model to openclaw.toml
    no model is configured for the agent main
      set agents.model = "provider/model" in openclaw.toml
    the model "nowhere/x" names no configured provider
      write agents.model as provider/model with one of: one, two; or add [models.providers.<name>]
    "#);
}

#[test]
fn a_key_in_the_environment_is_enough() {
    use openclaw_agents::{ModelProbe, probe};

    let folder = tempfile::tempdir().expect("a folder");
    let config = load(&folder, "", &[("ANTHROPIC_API_KEY", "canary")]);
    match probe(&config, &openclaw_core::AgentId::main()) {
        ModelProbe::Ready { model, from_environment: true, has_key: true, .. } => {
            assert!(model.starts_with("anthropic/claude-"), "{model}");
        }
        other => panic!("{other:?}"),
    }
}
