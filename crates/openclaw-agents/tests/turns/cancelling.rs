use std::time::Duration;

use openclaw_core::MessageContent;
use openclaw_sessions::TurnResult;
use openclaw_storage::rows::TranscriptKind::{Assistant, ToolResult, User};
use openclaw_testkit::model::{Ending, Reply, Script, ScriptedCall};
use serde_json::json;
use tokio::time::Instant;

use crate::on_every_wire;
use crate::support::{LIMIT, Setup};

/// How soon a turn must have ended, and its connection with it.
const SOON: Duration = Duration::from_millis(250);

on_every_wire! {
    async fn before_the_headers(api: Api) {
        let harness = Setup::new(api).script(Script::new().then(Reply::hang())).build().await;
        let turn = harness.turn(MessageContent::text("hello")).await;
        let cancel = turn.cancel.clone();
        let running = harness.start(turn);
        harness.server.wait_for_requests(1, LIMIT).await;
        let at = Instant::now();
        cancel.cancel();
        let result = running.await.expect("no panic").result;
        assert_eq!(result, TurnResult::Cancelled { partial: String::new(), entry: None });
        assert!(harness.server.wait_closed(SOON).await);
        assert!(at.elapsed() < SOON, "{:?}", at.elapsed());
        assert_eq!(harness.server.abandoned(), 1);
    }

    async fn in_the_middle_of_the_answer(api: Api) {
        let reply = Reply::text("I was about to").ending(Ending::Hang);
        let harness = Setup::new(api).script(Script::new().then(reply)).build().await;
        let turn = harness.turn(MessageContent::text("hello")).await;
        let cancel = turn.cancel.clone();
        let running = harness.start(turn);
        harness.stream.wait_for("about to").await;
        let at = Instant::now();
        cancel.cancel();
        match running.await.expect("no panic").result {
            TurnResult::Cancelled { partial, entry: Some(entry) } => {
                assert_eq!(partial, "I was about to");
                harness.append(None, entry).await;
            }
            other => panic!("{other:?}"),
        }
        assert!(harness.server.wait_closed(SOON).await);
        assert!(at.elapsed() < SOON, "{:?}", at.elapsed());
        harness.reply("what?").await;
        harness.assert_sound();
    }

    async fn in_a_tool(api: Api) {
        let calls = Reply::calls([
            ScriptedCall::new("count", &json!({})),
            ScriptedCall::new("wait", &json!({})),
        ]);
        let harness = Setup::new(api).script(Script::new().then(calls)).build().await;
        let turn = harness.turn(MessageContent::text("hello")).await;
        let cancel = turn.cancel.clone();
        let running = harness.start(turn);
        tokio::time::timeout(LIMIT, harness.tools.waiting.notified()).await.expect("it waits");
        let at = Instant::now();
        cancel.cancel();
        let result = running.await.expect("no panic").result;
        assert!(matches!(result, TurnResult::Cancelled { .. }), "{result:?}");
        assert!(at.elapsed() < SOON, "{:?}", at.elapsed());
        assert_eq!(harness.kinds().await, [User, Assistant, ToolResult, ToolResult]);
        harness.reply("again").await;
        let results = harness.server.last_request().tool_results();
        assert_eq!(results[0].1, "count 1");
        assert!(results[1].1.starts_with("error: the turn was stopped"), "{}", results[1].1);
        harness.assert_sound();
    }

    async fn while_waiting_to_try_again(api: Api) {
        let error = Reply::error(429, "rate_limit_error", "slow down").header("retry-after", "2");
        let harness =
            Setup::new(api).script(Script::new().on(move |_| Some(error.clone()))).build().await;
        let turn = harness.turn(MessageContent::text("hello")).await;
        let cancel = turn.cancel.clone();
        let running = harness.start(turn);
        harness.server.wait_for_requests(1, LIMIT).await;
        harness.server.wait_closed(LIMIT).await;
        let at = Instant::now();
        cancel.cancel();
        let result = running.await.expect("no panic").result;
        assert!(matches!(result, TurnResult::Cancelled { .. }), "{result:?}");
        assert!(at.elapsed() < SOON, "{:?}", at.elapsed());
    }

    async fn the_time_limit_keeps_what_was_said(api: Api) {
        let reply = Reply::text("Well, ").ending(Ending::Hang);
        let harness = Setup::new(api).script(Script::new().then(reply)).build().await;
        let mut turn = harness.turn(MessageContent::text("hello")).await;
        turn.timeout = Duration::from_millis(200);
        match harness.run(turn).await.result {
            TurnResult::TimedOut { partial, entry } => {
                assert_eq!(partial, "Well, ");
                assert_eq!(entry.expect("an entry").data["stop"], "timeout");
            }
            other => panic!("{other:?}"),
        }
        assert!(harness.server.wait_closed(SOON).await);
    }

    async fn the_time_limit_ends_a_tool(api: Api) {
        let calls = Reply::call("wait", &json!({}));
        let harness = Setup::new(api).script(Script::new().then(calls)).build().await;
        let mut turn = harness.turn(MessageContent::text("hello")).await;
        turn.timeout = Duration::from_millis(200);
        let result = harness.run(turn).await.result;
        assert_eq!(result, TurnResult::TimedOut { partial: String::new(), entry: None });
        assert_eq!(harness.kinds().await, [User, Assistant, ToolResult]);
    }
}
