use std::sync::atomic::Ordering;
use std::time::Duration;

use openclaw_core::QueueMode;
use openclaw_sessions::{RunEnd, WaitError};
use openclaw_storage::rows::OutboxKind;
use serde_json::{Value, json};

use crate::world::{Input, World, input, run};

/// The stored events after `message.received`: topic, data or the text of the message.
async fn events(world: &World) -> Vec<(String, Value)> {
    let shown = |row: openclaw_storage::rows::EventRow| {
        let said = row.message.map(|message| message.content.plain_text().to_owned());
        (row.topic, row.data.unwrap_or_else(|| json!(said)))
    };
    let events = world.events("one").await.into_iter();
    events.filter(|row| row.topic != "message.received").map(shown).collect()
}

#[test]
fn an_answer_is_stored_with_its_message_entry_event_and_outbox_row() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "hello")).await;
        life.ended("m0").await;
        insta::assert_json_snapshot!(events(&world).await, @r#"
        [
          [
            "agent.started",
            {
              "model": "test/scripted"
            }
          ],
          [
            "agent.done",
            {
              "reply": "re: hello",
              "usage": {
                "input_tokens": 10,
                "output_tokens": 2,
                "cache_read_tokens": 0,
                "cache_write_tokens": 0,
                "model_calls": 1
              },
              "stop_reason": "end_turn"
            }
          ]
        ]
        "#);
        assert_eq!(
            world.sent().await,
            [("m0".to_owned(), OutboxKind::Reply, "re: hello".to_owned())]
        );
        let row = world.row("m0").await;
        assert_eq!((row.delivered, row.reply.as_deref()), (Some(true), Some("re: hello")));
        let session = world.session_of("one").await;
        assert_eq!((session.context.runs, session.context.usage.input_tokens), (1, 10));
        assert_eq!(session.state, openclaw_core::SessionState::Idle);
        let entry = world.transcript("one").await.pop().expect("an entry");
        let event = world.events("one").await.pop().expect("an event");
        assert_eq!(entry.seq, event.seq);
        assert!(entry.message_id.is_some());
        assert_eq!(world.delivery.finished(), 1);
        assert!(life.lanes.active_runs().is_empty());
    });
}

#[test]
fn what_the_commit_delivers_is_sent_at_once() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(Input { channel: "web", ..input("m0", "hello") }).await;
        life.ended("m0").await;
        let topics: Vec<_> = events(&world).await.into_iter().map(|(topic, _)| topic).collect();
        assert_eq!(topics, ["agent.started", "agent.done", "message.sent"]);
        assert_eq!(events(&world).await[2].1, json!("re: hello"));
    });
}

#[test]
fn an_answer_that_is_kept_back_stays_in_the_session() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(Input { reply_back: false, ..input("m0", "hello") }).await;
        life.ended("m0").await;
        assert!(world.sent().await.is_empty());
        let row = world.row("m0").await;
        assert_eq!((row.state.as_str(), row.delivered), ("answered", Some(false)));
        assert_eq!(row.reply.as_deref(), Some("re: hello"));
        assert!(!world.delivery.begun()[0].reply_back);
    });
}

#[test]
fn silence_is_an_answer_that_nobody_hears() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "silent")).await;
        life.ended("m0").await;
        assert!(world.sent().await.is_empty());
        let row = world.row("m0").await;
        assert_eq!((row.state.as_str(), row.delivered), ("answered", Some(false)));
        assert_eq!(row.reply.as_deref(), Some(""));
    });
}

#[test]
fn a_failure_is_told_to_the_chat() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "fail")).await;
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await, ("failed", "error", None));
        let notice = "I could not answer: the model refused.".to_owned();
        assert_eq!(world.sent().await, [("m0".to_owned(), OutboxKind::Notice, notice)]);
        assert_eq!(
            events(&world).await.pop(),
            Some((
                "agent.error".into(),
                json!({ "code": "agent", "message": "the model refused" })
            ))
        );
    });
}

#[test]
fn a_panic_fails_the_turn_and_not_the_lane() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "panic")).await;
        life.say(input("m1", "m1")).await;
        life.ended("m1").await;
        assert_eq!(world.end_of("m0").await, ("failed", "error", None));
        assert_eq!(world.row("m0").await.error.expect("an error").code, "internal");
        assert_eq!(world.texts().await[1], "re: m1");
    });
}

#[test]
fn without_a_model_each_message_is_refused_with_one_notice() {
    let world = World::new(QueueMode::Queue);
    world.runner.refuses.store(true, Ordering::SeqCst);
    world.live(async |life| {
        life.say(input("m0", "hello")).await;
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await, ("refused", "error", None));
        assert_eq!(world.texts().await, ["no model is configured. Set agents.model."]);
        assert_eq!(world.row("m0").await.attempts, 0);
        assert!(world.runner.turns().is_empty());
        // It is not run later by itself.
        world.runner.refuses.store(false, Ordering::SeqCst);
        life.lanes.recover().await.expect("reads");
        life.pass(1_000).await;
        assert!(world.runner.turns().is_empty());
    });
}

#[test]
fn a_refused_batch_ends_each_input_with_one_notice_for_all() {
    let world = World::new(QueueMode::Batch);
    world.runner.refuses.store(true, Ordering::SeqCst);
    world.live(async |_| {
        for name in ["m0", "m1", "m2"] {
            world.accept(input(name, name)).await;
        }
    });
    world.live(async |life| {
        for name in ["m0", "m1", "m2"] {
            life.ended(name).await;
            assert_eq!(world.end_of(name).await, ("refused", "error", None), "{name}");
        }
        assert_eq!(world.texts().await.len(), 1);
        let errors = world.events("one").await;
        let errors: Vec<_> = errors.iter().filter(|row| row.topic == "agent.error").collect();
        assert_eq!(errors.len(), 3);
    });
}

#[test]
fn a_time_limit_keeps_the_partial_text_and_says_so() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(Input { timeout_seconds: Some(5), ..input("m0", "late answer") }).await;
        life.pass(4_900).await;
        assert_eq!(world.end_of("m0").await, ("running", "running", None));
        life.pass(200).await;
        assert_eq!(world.end_of("m0").await, ("failed", "timeout", None));
        assert_eq!(world.row("m0").await.reply.as_deref(), Some("late answer"));
        assert_eq!(
            world.texts().await,
            ["late answer\n\n(the time limit of 5 s ran out. Ask for less at once, or raise the time limit.)"]
        );
        assert_eq!(events(&world).await.pop().expect("an event").1["stop_reason"], "timeout");
    });
}

#[test]
fn a_turn_that_heeds_no_limit_is_dropped() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(Input { timeout_seconds: Some(5), ..input("m0", "deaf") }).await;
        life.say(input("m1", "m1")).await;
        life.pass(11_000).await;
        assert_eq!(world.end_of("m0").await, ("failed", "timeout", None));
        assert_eq!(world.end_of("m1").await, ("answered", "done", None));
        assert_eq!(world.delivery.finished(), 2);
    });
}

#[test]
fn those_who_wait_are_told_whenever_they_ask() {
    let world = World::new(QueueMode::Immediate);
    world.live(async |life| {
        let limit = Duration::from_secs(60);
        let before = life.lanes.watch_run(&run("m0"));
        let joining = life.lanes.watch_run(&run("m1"));
        life.say(input("m0", "tools")).await;
        life.pass(500).await;
        life.say(input("m1", "m1")).await;
        let early = life.lanes.wait_for_run(&run("m1"), Duration::from_millis(100)).await;
        assert!(matches!(early, Err(WaitError::TimedOut(_))), "{early:?}");
        life.pass(1_000).await;
        // It is merged, and the run that took it goes on.
        assert_eq!(world.end_of("m1").await.0, "merged");
        let during = life.lanes.wait_for_run(&run("m1"), limit).await.expect("ends");
        assert_eq!(during.status, openclaw_core::RunStatus::Merged);
        assert_eq!(during.merged_into, Some(run("m0")));
        assert_eq!(during.reply.as_deref(), Some("re: tools+m1"));
        assert_eq!(joining.ended(limit).await.expect("ended"), during);
        // Why the model stopped is told only to those who wait meanwhile.
        assert_eq!(during.stop_reason, Some(openclaw_core::StopReason::EndTurn));
        let later = RunEnd { stop_reason: None, ..during };
        assert_eq!(life.lanes.wait_for_run(&run("m1"), limit).await.expect("ended"), later);
        let done = before.ended(limit).await.expect("ended");
        assert_eq!(done.delivered, Some(true));
        let later = RunEnd { stop_reason: None, ..done };
        assert_eq!(life.lanes.wait_for_run(&run("m0"), limit).await.expect("ended"), later);
        let unknown = life.lanes.wait_for_run(&run("nobody"), limit).await;
        assert!(matches!(unknown, Err(WaitError::Unknown(_))), "{unknown:?}");
    });
}

#[test]
fn a_session_that_is_reset_during_a_turn_ends_it_and_takes_the_next() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        world.reset("one").await;
        life.lanes.wake(&crate::world::key("one"), openclaw_sessions::Wake::Reset);
        life.pass(300).await;
        assert_eq!(world.end_of("m0").await, ("failed", "stopped", None));
        life.say(input("m1", "m1")).await;
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: m1"]);
        let entries = world.transcript("one").await;
        assert_eq!(entries.len(), 2, "the new session knows nothing of the old: {entries:?}");
    });
}

#[test]
fn a_turn_whose_session_ended_without_a_word_is_answered_all_the_same() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        world.reset("one").await;
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await, ("answered", "done", None));
        assert_eq!(world.texts().await, ["re: slow"]);
    });
}
