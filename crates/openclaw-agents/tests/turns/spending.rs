//! What runs cost, and the limits of it.

use openclaw_core::{AgentId, StopReason};
use openclaw_sessions::TurnResult;
use openclaw_testkit::model::{Api, Reply, ReplyUsage, Script, ScriptedCall};
use serde_json::json;

use crate::support::{Harness, Setup};

const PRICES: &str = "[models.providers.fake.models.test-model]\n\
    cost = { input = 2.0, output = 10.0, cache_read = 0.5 }\n";

fn reply(input: u64, output: u64, cached: u64) -> Reply {
    Reply::text("fine").usage(ReplyUsage { input, output, cached })
}

async fn with(script: Script, agents: &str) -> Harness {
    Setup::new(Api::Chat).script(script).agents(agents).toml(PRICES).build().await
}

async fn refusal(harness: &Harness) -> String {
    match harness.say("more").await.result {
        TurnResult::Failed(error) => {
            assert_eq!(error.code, "rate_limited");
            format!("{}\n{}", error.message, error.hint.expect("one"))
        }
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_run_costs_what_its_calls_cost() {
    let script = Script::new()
        .then(
            Reply::text("")
                .then_call(ScriptedCall::new("add", &json!({"a": 1, "b": 2})))
                .usage(ReplyUsage { input: 1_000, output: 100, cached: 600 }),
        )
        .then(reply(2_000, 10, 0));
    let harness = with(script, "").await;
    let outcome = harness.say("add").await;
    // 400 · 2 + 600 · 0.5 + 100 · 10 + 2000 · 2 + 10 · 10, in millionths of a dollar.
    assert_eq!(outcome.usage.cost_micro_usd, 6_200);
    assert_eq!(outcome.usage.model_calls, 2);
}

#[tokio::test]
async fn a_day_ends_at_its_limit_and_another_begins() {
    let script = Script::new().on(|_| Some(reply(1_000, 0, 0)));
    let harness = with(script, "limits = { max_cost_per_day_usd = 0.005 }").await;
    for _ in 0..3 {
        harness.finish("hello").await;
    }
    assert_eq!(harness.server.requests().len(), 3);
    insta::assert_snapshot!(refusal(&harness).await, @r"
    today's limit of the agent main is reached: $0.0060 of $0.0050
    it begins anew at midnight, in 12 h; agents.limits.max_cost_per_day_usd is the limit
    ");
    assert_eq!(harness.server.requests().len(), 3, "no model was asked");
    harness.advance_hours(13);
    harness.finish("hello again").await;
    assert_eq!(harness.server.requests().len(), 4);
}

#[tokio::test]
async fn a_restart_forgets_nothing_of_the_day() {
    let script = Script::new().on(|_| Some(reply(1_000, 500, 0)));
    let mut harness = with(script, "limits = { max_tokens_per_day = 2000 }").await;
    harness.finish("one").await;
    harness.restart();
    harness.finish("two").await;
    harness.restart();
    insta::assert_snapshot!(refusal(&harness).await, @r"
    today's limit of the agent main is reached: 3000 of 2000 tokens
    it begins anew at midnight, in 12 h; agents.limits.max_tokens_per_day is the limit
    ");
    let other = AgentId::new("other").expect("valid");
    let (used, _) = harness.ledger().today(&other, harness.now()).await.expect("read");
    assert_eq!(used.tokens(), 0, "another agent's day is its own");
}

#[tokio::test]
async fn a_run_stops_at_its_limit_with_what_it_said() {
    let script = Script::new().on(|_| {
        Some(
            Reply::text("Looking.")
                .then_call(ScriptedCall::new("count", &json!({})))
                .usage(ReplyUsage { input: 1_000, output: 0, cached: 0 }),
        )
    });
    let harness = with(script, "limits = { max_cost_per_run_usd = 0.004 }").await;
    match harness.say("go on").await.result {
        TurnResult::Done { reply, stop_reason, .. } => {
            assert_eq!(stop_reason, StopReason::SpendLimit);
            insta::assert_snapshot!(reply, @r"
            Looking.

            Looking.

            I stopped here: the limit of one run is reached: $0.0040 of $0.0040 (a new message begins a new run; agents.limits.max_cost_per_run_usd is the limit).
            ");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(harness.server.requests().len(), 2);
}
