use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use openclaw_core::MessageContent;
use openclaw_sessions::{TurnOutcome, TurnResult};
use openclaw_storage::memory::CommitHook;
use openclaw_storage::rows::TranscriptKind::{Assistant, ToolResult, User};
use openclaw_storage::{Batch, StorageError};
use openclaw_testkit::model::{Ending, Reply, Script, ScriptedCall};
use serde_json::json;

use crate::on_every_wire;
use crate::support::{Harness, LIMIT, Setup};

/// Breaks at one commit of a turn: before it, or after it without an answer.
#[derive(Debug)]
struct BreakAt {
    commit: usize,
    after: bool,
    seen: AtomicUsize,
}

impl BreakAt {
    /// The commits before those of the turn: session and input.
    const SETUP: usize = 2;

    fn new(commit: usize, after: bool) -> Arc<Self> {
        Arc::new(Self { commit: Self::SETUP + commit, after, seen: AtomicUsize::new(0) })
    }

    fn lost() -> StorageError {
        StorageError::Lost("pulled the plug".into())
    }
}

impl CommitHook for BreakAt {
    fn before_commit(&self, _: &Batch) -> Result<(), StorageError> {
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        if !self.after && number == self.commit { Err(Self::lost()) } else { Ok(()) }
    }

    fn after_commit(&self, _: &Batch) -> Result<(), StorageError> {
        let number = self.seen.load(Ordering::SeqCst) - 1;
        if self.after && number == self.commit { Err(Self::lost()) } else { Ok(()) }
    }
}

/// Two rounds with one call each, then an answer, whatever is asked again.
fn script() -> Script {
    Script::new().on(|request| {
        Some(match request.tool_results().len() {
            0 => Reply::text("One.").then_call(ScriptedCall::new("count", &json!({}))),
            1 => Reply::text("Two.").then_call(ScriptedCall::new("count", &json!({}))),
            _ => Reply::text("Done."),
        })
    })
}

fn reply_of(outcome: TurnOutcome) -> String {
    match outcome.result {
        TurnResult::Done { reply, .. } => reply,
        other => panic!("{other:?}"),
    }
}

/// Runs a turn that breaks at a commit, and then the same turn again.
async fn broken_and_resumed(api: openclaw_testkit::model::Api, hook: Arc<BreakAt>) -> Harness {
    let harness = Setup::new(api).script(script()).hook(hook).build().await;
    let turn = harness.turn(MessageContent::text("go")).await;
    let mut again = turn.clone();
    again.attempt = 2;
    match harness.run(turn).await.result {
        TurnResult::Parked(reason) => assert!(reason.contains("pulled the plug"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(reply_of(harness.run(again).await), "One.\n\nTwo.\n\nDone.");
    assert_eq!(harness.stream.text(), "One.\n\nTwo.\n\nDone.");
    assert_eq!(harness.kinds().await, [User, Assistant, ToolResult, Assistant, ToolResult]);
    harness.assert_sound();
    harness
}

on_every_wire! {
    /// The commits of the turn: calls, results, calls, results.
    async fn a_turn_goes_on_from_its_last_commit(api: Api) {
        for (commit, after, requests, runs) in [
            (0, false, 1 + 3, 2), // nothing was stored: all again
            (0, true, 1 + 2, 1),  // the call was stored: told as interrupted
            (1, false, 1 + 2, 2), // it had run, but its result was lost: told as interrupted
            (1, true, 1 + 2, 2),  // its result was stored
            (2, false, 2 + 2, 2),
            (2, true, 2 + 1, 1),
            (3, false, 2 + 1, 2),
            (3, true, 2 + 1, 2),
        ] {
            let place = format!("commit {commit} after {after}");
            let harness = broken_and_resumed(api, BreakAt::new(commit, after)).await;
            assert_eq!(harness.server.requests().len(), requests, "{place}");
            assert_eq!(harness.tools.counted.load(Ordering::SeqCst), runs, "{place}");
            let told = harness.server.last_request().tool_results();
            let interrupted =
                told.iter().filter(|(_, text)| text.contains("interrupted by a restart")).count();
            let expected = usize::from(matches!((commit, after),
                (0, true) | (1, false) | (2, true) | (3, false)));
            assert_eq!(interrupted, expected, "{place}: {told:?}");
        }
    }

    async fn a_process_killed_while_the_model_speaks_asks_again(api: Api) {
        let script = Script::new()
            .then(Reply::text("I was ab").ending(Ending::Hang))
            .then(Reply::text("Here."));
        let harness = Setup::new(api).script(script).build().await;
        let turn = harness.turn(MessageContent::text("go")).await;
        let mut again = turn.clone();
        let running = harness.start(turn);
        harness.stream.wait_for("ab").await;
        running.abort();
        assert!(harness.server.wait_closed(LIMIT).await);
        again.attempt = 2;
        assert_eq!(reply_of(harness.run(again).await), "Here.");
        // Readers may have seen the first words.
        assert_eq!(harness.stream.text(), "Here.");
        assert_eq!(harness.stream.resets(), 1);
        harness.assert_sound();
    }

    async fn a_tool_that_ran_when_the_process_was_killed_is_not_run_again(api: Api) {
        let script = Script::new()
            .then(Reply::calls([
                ScriptedCall::new("count", &json!({})),
                ScriptedCall::new("wait", &json!({})),
            ]))
            .then(Reply::text("I see."));
        let harness = Setup::new(api).script(script).build().await;
        let turn = harness.turn(MessageContent::text("go")).await;
        let mut again = turn.clone();
        let running = harness.start(turn);
        tokio::time::timeout(LIMIT, harness.tools.waiting.notified()).await.expect("it waits");
        while harness.kinds().await.len() < 3 {
            tokio::task::yield_now().await;
        }
        running.abort();
        again.attempt = 2;
        assert_eq!(reply_of(harness.run(again).await), "I see.");
        assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 1);
        let told = harness.server.last_request().tool_results();
        assert_eq!(told[0].1, "count 1");
        assert!(told[1].1.contains("it may or may not have taken effect"), "{}", told[1].1);
        harness.assert_sound();
    }
}

#[tokio::test]
async fn a_lane_that_was_taken_over_parks_the_turn() {
    let harness = Setup::new(openclaw_testkit::model::Api::Chat).script(script()).build().await;
    let mut turn = harness.turn(MessageContent::text("go")).await;
    turn.fence.fence -= 1;
    match harness.run(turn).await.result {
        TurnResult::Parked(reason) => assert!(reason.contains("taken over"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(harness.kinds().await, [User]);
    assert_eq!(harness.tools.counted.load(Ordering::SeqCst), 0);
}
