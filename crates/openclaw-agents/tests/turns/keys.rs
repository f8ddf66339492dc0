//! Providers with several keys.

use openclaw_sessions::TurnResult;
use openclaw_testkit::model::{RecordedRequest, Reply, Script};

use crate::on_every_wire;
use crate::support::{Harness, Setup};

const KEYS: &str = "api_keys = [\"canary-second\", \"canary-third\"]\n";

/// The key that a request was sent with.
fn key(request: &RecordedRequest) -> String {
    let headers = ["authorization", "x-api-key", "x-goog-api-key"];
    let value = headers.iter().find_map(|name| request.header(name)).expect("a key");
    value.trim_start_matches("Bearer ").to_owned()
}

fn keys(harness: &Harness) -> Vec<String> {
    harness.server.requests().iter().map(key).collect()
}

/// Refuses requests with these keys like this, answers the others.
fn refusing(refused: &'static [&'static str], reply: Reply) -> Script {
    Script::new().on(move |request| refused.contains(&&*key(request)).then(|| reply.clone()))
}

on_every_wire! {
    async fn a_failing_key_gives_way_to_the_next_and_the_session_keeps_it(api: Api) {
        let reply = Reply::error(401, "authentication_error", "no such key: canary-key");
        let harness = Setup::new(api)
            .script(refusing(&["canary-key"], reply)).provider(KEYS).build().await;
        assert_eq!(harness.reply("one").await, "You said: one");
        assert_eq!(harness.reply("two").await, "You said: two");
        assert_eq!(keys(&harness), ["canary-key", "canary-second", "canary-second"]);
        let cooling = harness.models().cooling();
        assert_eq!(cooling.len(), 1);
        assert_eq!((&*cooling[0].credential, cooling[0].class.as_str()), ("fake#1", "auth"));
        harness.assert_sound();
    }

    async fn a_limited_key_is_not_waited_for(api: Api) {
        let reply = Reply::error(429, "rate_limit_error", "slow").header("retry-after", "1");
        let harness = Setup::new(api)
            .script(refusing(&["canary-key", "canary-second"], reply)).provider(KEYS).build().await;
        assert_eq!(harness.reply("one").await, "You said: one");
        assert_eq!(keys(&harness), ["canary-key", "canary-second", "canary-third"]);
    }

    async fn keys_come_before_fallbacks_and_the_error_names_them_all_by_their_short_names(api: Api) {
        let all = &["canary-key", "canary-second", "canary-third"];
        let reply = Reply::error(429, "insufficient_quota", "no credit: canary-second");
        let harness = Setup::new(api)
            .script(refusing(all, reply))
            .agents("fallbacks = [\"fake/other-model\"]")
            .provider(KEYS)
            .build().await;
        let TurnResult::Failed(error) = harness.say("hello").await.result else {
            panic!("no key has credit");
        };
        let models: Vec<_> = harness.server.requests().iter()
            .map(|request| request.model().to_owned()).collect();
        let expected = ["test-model"; 3].into_iter().chain(["other-model"; 3]);
        assert_eq!(models, expected.collect::<Vec<_>>());
        assert!(error.message.starts_with("fake/test-model (fake#1): answered 429"), "{}", error.message);
        assert!(error.message.contains("fake/test-model (fake#3)"), "{}", error.message);
        assert!(!error.message.contains("canary-key"), "{}", error.message);
    }

    async fn without_a_healthy_one_the_user_hears_why_and_until_when(api: Api) {
        let reply = Reply::error(429, "rate_limit_error", "slow down").header("retry-after", "200");
        let harness = Setup::new(api)
            .script(Script::new().on(move |_| Some(reply.clone())))
            .agents("fallbacks = [\"fake/other-model\"]")
            .build().await;
        for expected in [2, 4] {
            let TurnResult::Failed(error) = harness.say("hello").await.result else {
                panic!("all are limited");
            };
            assert_eq!(error.code, "rate_limited");
            assert_eq!(error.message, "fake/test-model: answered 429: slow down; \
                fake/other-model: answered 429: slow down");
            let hint = error.hint.expect("one");
            assert_eq!(hint, "try again in 4 min, or add agents.fallbacks");
            assert_eq!(harness.server.requests().len(), expected);
        }
    }
}

#[tokio::test]
async fn a_probe_tells_per_key_what_it_came_to() {
    let reply = Reply::error(402, "billing_error", "no credit, canary-second");
    let harness = Setup::new(openclaw_testkit::model::Api::Messages)
        .script(refusing(&["canary-second"], reply))
        .provider(KEYS)
        .build()
        .await;
    let candidate =
        openclaw_agents::model::resolve(&harness.config, "fake/test-model").expect("configured");
    let probes =
        harness.models().probe(&candidate, crate::support::LIMIT).await.expect("it is asked");
    let told: Vec<_> = probes
        .iter()
        .map(|probe| {
            let failed = probe.answer.as_ref().err().map(|error| error.class.as_str());
            (&*probe.credential, failed)
        })
        .collect();
    assert_eq!(told, [("fake#1", None), ("fake#2", Some("billing")), ("fake#3", None)]);
    assert_eq!(harness.server.requests().len(), 3);
    assert!(!format!("{probes:?}").contains("canary"), "{probes:?}");
}
