use std::time::Duration;

use openclaw_core::QueueMode;
use openclaw_sessions::WaitError;

use crate::world::{Input, Plan, World, input, key, run};

const DONE: (&str, &str, Option<String>) = ("answered", "done", None);

#[test]
fn a_crash_in_a_turn_resumes_it_and_answers_once() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.say(input("m1", "m1")).await;
        life.pass(5_000).await;
    });
    world.live(async |life| {
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: slow", "re: m1"]);
        let turns: Vec<_> =
            world.runner.turns().into_iter().map(|turn| (turn.run, turn.attempt)).collect();
        assert_eq!(turns, [("m0".into(), 1), ("m0".into(), 2), ("m1".into(), 1)]);
        let users = world.transcript("one").await;
        let users = users.iter().filter(|row| row.kind.as_str() == "user").count();
        assert_eq!(users, 2, "the entry of a resumed turn is not written twice");
        let topics = world.events("one").await;
        let started = topics.iter().filter(|row| row.topic == "agent.started").count();
        assert_eq!(started, 2);
    });
}

#[test]
fn a_batch_that_crashed_still_tells_what_it_took() {
    let world = World::new(QueueMode::Batch);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(100).await;
        life.say(input("m1", "m1")).await;
        life.say(Input { reply_back: false, ..input("m2", "slow too") }).await;
        life.ended("m0").await;
        life.pass(100).await;
        assert_eq!(world.end_of("m1").await, ("merged", "merged", Some("m2".into())));
    });
    world.live(async |life| {
        let end = life.lanes.wait_for_run(&run("m1"), Duration::from_secs(60)).await.expect("ends");
        assert_eq!(end.reply.as_deref(), Some("re: slow too"));
        // One of the inputs asked for the answer to be sent back.
        assert_eq!(end.delivered, Some(true));
    });
}

#[test]
fn recovery_goes_by_acceptance_and_changes_nothing_when_repeated() {
    let mut world = World::new(QueueMode::Queue);
    world.limits.concurrent_turns = 1;
    world.live(async |_| {
        for name in ["c", "a", "b"] {
            world.accept(Input { key: name, ..input(name, name) }).await;
        }
    });
    world.live(async |life| {
        assert_eq!(life.lanes.recover().await.expect("reads"), 3);
        for name in ["c", "a", "b"] {
            life.ended(name).await;
        }
        assert_eq!(life.lanes.recover().await.expect("reads"), 0);
        assert_eq!(world.runner.runs(), ["c", "a", "b"]);
        assert_eq!(world.texts().await, ["re: c", "re: a", "re: b"]);
    });
}

#[test]
fn a_turn_that_breaks_the_gateway_each_time_is_given_up() {
    let world = World::new(QueueMode::Queue);
    for life in 0..5 {
        world.live(async |gateway| {
            if life == 0 {
                gateway.say(input("m0", "slow")).await;
                gateway.say(input("m1", "m1")).await;
            }
            gateway.pass(100).await;
        });
    }
    world.live(async |life| {
        life.ended("m1").await;
        assert_eq!(world.end_of("m0").await, ("failed", "error", None));
        assert_eq!(
            world.texts().await,
            [
                "I could not answer: the turn was interrupted 5 times and is given up. \
                 See the gateway's log, then send the message again.",
                "re: m1",
            ]
        );
        assert_eq!(world.runner.turns().len(), 6);
    });
}

#[test]
fn a_shutdown_lets_short_turns_end_and_parks_long_ones() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.say(Input { timeout_seconds: Some(60), key: "two", ..input("n0", "late") }).await;
        life.say(Input { key: "two", ..input("n1", "n1") }).await;
        life.pass(1_000).await;
        let waits = life.lanes.watch_run(&run("n0"));
        let begin = tokio::time::Instant::now();
        life.lanes.shutdown(Duration::from_secs(12)).await;
        assert!(begin.elapsed() < Duration::from_secs(14), "{:?}", begin.elapsed());
        assert_eq!(life.lanes.live(), 0);
        assert_eq!(world.end_of("m0").await, DONE);
        assert_eq!(world.end_of("n0").await, ("running", "running", None));
        assert_eq!(world.end_of("n1").await, ("waiting", "accepted", None));
        assert!(matches!(waits.ended(Duration::from_secs(1)).await, Err(WaitError::Stopping)));
        // What is accepted while the gateway stops is for the next start.
        life.say(Input { key: "three", ..input("o0", "o0") }).await;
        assert_eq!(life.lanes.live(), 0);
    });
    world.live(async |life| {
        for name in ["n1", "o0"] {
            life.ended(name).await;
        }
        assert_eq!(world.end_of("n0").await, ("failed", "timeout", None));
        assert_eq!(world.texts().await.len(), 4);
    });
}

#[test]
fn an_idle_shutdown_is_quick() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        let begin = tokio::time::Instant::now();
        life.lanes.shutdown(Duration::from_secs(12)).await;
        assert!(begin.elapsed() < Duration::from_millis(10), "{:?}", begin.elapsed());
    });
}

#[test]
fn a_full_disk_delays_an_answer_and_does_not_lose_it() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        world.cut.plan(Plan::FailEnds(6));
        life.say(input("m0", "hello")).await;
        life.pass(1_000).await;
        assert_eq!(world.end_of("m0").await, ("running", "running", None));
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await, DONE);
        assert_eq!(world.texts().await, ["re: hello"]);
        assert_eq!(world.runner.turns().len(), 1, "the model is not asked again");
    });
}

#[test]
fn a_disk_that_stays_full_leaves_the_turn_to_the_next_start() {
    let mut world = World::new(QueueMode::Queue);
    world.limits.storage_patience = Duration::from_secs(30);
    world.live(async |life| {
        world.cut.plan(Plan::FailEnds(usize::MAX));
        life.say(input("m0", "hello")).await;
        life.pass(40_000).await;
        assert_eq!(world.end_of("m0").await, ("running", "running", None));
        assert_eq!(life.lanes.live(), 0);
    });
    world.cut.clear();
    world.live(async |life| {
        life.ended("m0").await;
        assert_eq!(world.texts().await, ["re: hello"]);
    });
}

#[test]
fn a_parked_turn_is_tried_again_and_ends() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "parked")).await;
        life.say(input("m1", "m1")).await;
        life.ended("m1").await;
        assert_eq!(world.end_of("m0").await, ("failed", "error", None));
        assert_eq!(world.runner.turns().len(), 6);
    });
}

#[test]
fn an_idle_lane_ends_and_a_new_input_starts_another() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        life.pass(59_000).await;
        assert_eq!(life.lanes.live(), 1);
        life.pass(2_000).await;
        assert_eq!(life.lanes.live(), 0);
        life.say(input("m1", "m1")).await;
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: m0", "re: m1"]);
        life.lanes.wake(&key("unheard"), openclaw_sessions::Wake::Reset);
        assert_eq!(life.lanes.live(), 1, "a reset starts no lane");
    });
}
