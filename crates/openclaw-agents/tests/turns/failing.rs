use std::time::Duration;

use openclaw_sessions::TurnResult;
use openclaw_storage::rows::StoredError;
use openclaw_testkit::model::{Ending, ModelServer, Part, Reply, Script};
use tokio::time::Instant;

use crate::on_every_wire;
use crate::support::{Harness, Setup};

/// A harness whose model always answers like this.
async fn always(api: openclaw_testkit::model::Api, reply: Reply) -> Harness {
    Setup::new(api).script(Script::new().on(move |_| Some(reply.clone()))).build().await
}

async fn failure(harness: &Harness) -> StoredError {
    match harness.say("hello").await.result {
        TurnResult::Failed(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Fails once like this, then answers "fine".
async fn recovers(api: openclaw_testkit::model::Api, reply: Reply) -> Harness {
    let script = Script::new().then(reply).then(Reply::text("fine"));
    let harness = Setup::new(api).script(script).build().await;
    assert_eq!(harness.reply("hello").await, "fine");
    assert_eq!(harness.stream.text(), "fine");
    assert_eq!(harness.server.requests().len(), 2);
    harness.assert_sound();
    harness
}

on_every_wire! {
    async fn refusals_fail_at_once(api: Api) {
        for (status, kind, code) in [
            (400, "invalid_request_error", "agent"),
            (401, "authentication_error", "agent"),
            (402, "billing_error", "agent"),
            (403, "permission_error", "agent"),
            (404, "not_found_error", "agent"),
            (422, "invalid_request_error", "agent"),
            (429, "insufficient_quota", "agent"),
        ] {
            let message = format!("no, canary-key, {status}");
            let harness = always(api, Reply::error(status, kind, &message)).await;
            let error = failure(&harness).await;
            assert_eq!(error.code, code, "{status}");
            let expected = format!("fake/test-model: answered {status}: no, ***, {status}");
            assert_eq!(error.message, expected);
            assert!(error.hint.is_some());
            assert_eq!(harness.server.requests().len(), 1, "{status}");
        }
    }

    async fn what_passes_is_tried_four_times(api: Api) {
        for (status, code) in [
            (408, "timeout"), (425, "unavailable"), (429, "rate_limited"), (500, "unavailable"),
            (502, "unavailable"), (503, "unavailable"), (504, "timeout"), (529, "unavailable"),
        ] {
            let harness = always(api, Reply::error(status, "some_error", "busy")).await;
            assert_eq!(failure(&harness).await.code, code, "{status}");
            assert_eq!(harness.server.requests().len(), 4, "{status}");
        }
    }

    async fn a_short_retry_after_is_kept(api: Api) {
        let error = Reply::error(429, "rate_limit_error", "slow").header("retry-after", "1");
        let at = Instant::now();
        recovers(api, error).await;
        assert!(at.elapsed() >= Duration::from_secs(1), "{:?}", at.elapsed());
    }

    async fn a_long_retry_after_fails_at_once(api: Api) {
        let error = Reply::error(429, "rate_limit_error", "slow").header("retry-after", "30");
        let harness = always(api, error).await;
        assert_eq!(failure(&harness).await.code, "rate_limited");
        assert_eq!(harness.server.requests().len(), 1);
    }

    async fn broken_answers_are_tried_again(api: Api) {
        for reply in [
            Reply::new().ending(Ending::ResetBeforeHeaders),
            Reply::text("hal").ending(Ending::Reset),
            Reply::text("hal").ending(Ending::Cut),
            Reply::text("hal").ending(Ending::HalfEvent),
            Reply::text("hal").then(Part::Raw(b"data: {\"never\": ended\n\n".to_vec())),
            Reply::body(200, "text/event-stream", ""),
            Reply::body(200, "text/html", "<html>a proxy's page</html>"),
            Reply::text("hal").then_error("overloaded_error", "busy"),
            Reply::text("hal").then_error("rate_limit_error", "busy"),
            Reply::text("hal").then_error("never_heard_of", "busy"),
        ] {
            recovers(api, reply).await;
        }
    }

    async fn a_try_that_had_begun_is_taken_back(api: Api) {
        let reply = Reply::text("nonsense").ending(Ending::Cut);
        let harness = recovers(api, reply).await;
        assert_eq!(harness.stream.resets(), 1);
    }

    async fn an_error_in_the_stream_that_does_not_pass_fails_at_once(api: Api) {
        if api == Api::Ollama {
            // Its errors in a stream have no code.
            return;
        }
        for kind in ["invalid_request_error", "authentication_error"] {
            let harness = always(api, Reply::text("hal").then_error(kind, "no")).await;
            let error = failure(&harness).await;
            let told = match api {
                // Its errors carry a status wherever they stand.
                Api::Gemini => "answered 40",
                _ => "in the middle of its reply",
            };
            assert!(error.message.contains(told), "{}", error.message);
            assert_eq!(harness.server.requests().len(), 1, "{kind}");
        }
    }

    async fn silence_ends_the_try(api: Api) {
        for reply in [Reply::hang(), Reply::text("hal").ending(Ending::Hang)] {
            let script = Script::new().then(reply).then(Reply::text("fine"));
            let harness = Setup::new(api).script(script).agents("idle_timeout_seconds = 1")
                .build().await;
            let at = Instant::now();
            assert_eq!(harness.reply("hello").await, "fine");
            let elapsed = at.elapsed();
            assert!(elapsed >= Duration::from_secs(1), "{elapsed:?}");
            assert!(elapsed < Duration::from_secs(3), "{elapsed:?}");
        }
    }

    async fn a_reply_without_a_reason_to_end_is_whole_on_the_chat_wire(api: Api) {
        let done = b"data: [DONE]\n\n".to_vec();
        let reply = Reply::text("fine").then(Part::Raw(done)).ending(Ending::Cut);
        let harness = always(api, reply).await;
        match (api, harness.say("hello").await.result) {
            (openclaw_testkit::model::Api::Chat, TurnResult::Done { reply, .. }) => {
                assert_eq!(reply, "fine");
            }
            (_, TurnResult::Failed(_)) if api != openclaw_testkit::model::Api::Chat => {}
            (_, other) => panic!("{other:?}"),
        }
    }

    async fn an_error_document_under_status_200_is_classified_by_its_code(api: Api) {
        let body = r#"{"error":{"code":"invalid_api_key","message":"bad canary-key"}}"#;
        let harness = always(api, Reply::body(200, "application/json", body)).await;
        let error = failure(&harness).await;
        assert_eq!(error.code, "agent");
        assert!(error.message.contains("instead of a stream"), "{}", error.message);
        assert!(!error.message.contains("canary"), "{}", error.message);
        assert_eq!(harness.server.requests().len(), 1);
    }

    async fn a_withheld_answer_is_a_failure(api: Api) {
        let harness = always(api, Reply::text("I").finish("content_filter")).await;
        let error = failure(&harness).await;
        assert!(error.hint.is_some_and(|hint| hint.contains("other words")), "{}", error.message);
    }

    async fn the_next_model_takes_over(api: Api) {
        let second = ModelServer::with(Script::new().on(|_| Some(Reply::text("from the second"))))
            .await;
        let wire = if api == Api::Chat { "anthropic-messages" } else { "openai-chat" };
        let provider = format!(
            "[models.providers.second]\napi = \"{wire}\"\nbase_url = \"{}\"", second.base_url());
        let begun = Reply::text("nonsense").then_error("authentication_error", "no");
        let harness = Setup::new(api)
            .script(Script::new().on(move |_| Some(begun.clone())))
            .agents("fallbacks = [\"second/other-model\"]")
            .toml(&provider)
            .build().await;
        assert_eq!(harness.reply("hello").await, "from the second");
        assert_eq!(harness.stream.text(), "from the second");
        assert!(harness.stream.resets() >= 1);
        // The first one cools: it is not asked again while the second is well.
        assert_eq!(harness.reply("again").await, "from the second");
        let tries = if api == Api::Ollama { 4 } else { 1 };
        assert_eq!(harness.server.requests().len(), tries);
        assert_eq!(second.requests().len(), 2);
        assert_eq!(second.violations(), Vec::<String>::new());
        harness.assert_sound();
    }

    async fn a_conversation_that_is_too_long_is_shortened(api: Api) {
        let too_long = |request: &openclaw_testkit::model::RecordedRequest| {
            (request.body_bytes > 60_000)
                .then(|| Reply::error(400, "invalid_request_error", "prompt is too long"))
        };
        let harness = Setup::new(api)
            .script(Script::new().on(too_long)).agents("max_context_tokens = 100000").build().await;
        for _ in 0..8 {
            let long = "word ".repeat(2_000);
            harness.reply(&format!("{long}\nsaid")).await;
        }
        assert_eq!(harness.reply("the last").await, "You said: the last");
        let sent = harness.server.requests();
        assert!(sent.iter().any(|request| request.body_bytes > 60_000));
        let last = sent.last().expect("requests");
        assert!(last.dialogue()[0].1.contains("[summary "));
        harness.assert_sound();
    }
}

/// The server's own window is small, and it cuts what is longer without a word.
#[tokio::test]
async fn ollama_is_told_the_window() {
    for (model, window) in [("qwen3:4b", 32_768), ("big", 65_536)] {
        let ollama = ModelServer::start().await;
        let provider = format!(
            "[models.providers.home]\napi = \"ollama\"\nbase_url = \"{}/v1\"\n\
             [models.providers.home.models.big]\ncontext_window = 65536",
            ollama.url()
        );
        let harness = Setup::new(openclaw_testkit::model::Api::Chat)
            .agents(&format!("model = \"home/{model}\""))
            .toml(&provider)
            .build()
            .await;
        assert_eq!(harness.reply("hello").await, "You said: hello");
        let request = ollama.last_request();
        assert_eq!(request.model(), model);
        assert_eq!(request.body["options"]["num_ctx"], window);
        assert_eq!(ollama.violations(), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_server_that_is_not_there_is_named_without_its_address() {
    let harness = Setup::new(openclaw_testkit::model::Api::Chat)
        .agents("model = \"gone/m\"")
        .toml(
            "[models.providers.gone]\napi = \"openai-chat\"\nbase_url = \"http://127.0.0.1:9/v1\"",
        )
        .build()
        .await;
    let error = failure(&harness).await;
    assert_eq!(error.code, "unavailable");
    assert!(error.message.starts_with("gone/m: cannot connect: "), "{}", error.message);
    assert!(!error.message.contains("127.0.0.1"), "{}", error.message);
}

#[tokio::test]
async fn openrouter_is_told_who_asks_and_models_keep_their_slashes() {
    let router = ModelServer::start().await;
    let harness = Setup::new(openclaw_testkit::model::Api::Chat)
        .agents("model = \"openrouter/anthropic/claude-sonnet-4.5\"")
        .toml(&format!(
            "[models.providers.openrouter]\nbase_url = \"{}\"\napi_key = \"canary-key\"",
            router.base_url()
        ))
        .build()
        .await;
    assert_eq!(harness.reply("hello").await, "You said: hello");
    let request = router.last_request();
    assert_eq!(request.model(), "anthropic/claude-sonnet-4.5");
    assert_eq!(request.header("x-title"), Some("OpenClaw"));
    assert_eq!(request.header("http-referer"), Some("https://openclaw.ai"));
    assert_eq!(router.violations(), Vec::<String>::new());
}
