use openclaw_core::QueueMode;
use openclaw_sessions::StopTarget;

use crate::world::{Input, World, input, key, run};

const STOPPED: (&str, &str, Option<String>) = ("failed", "stopped", None);

#[test]
fn a_running_turn_stops_within_a_quarter_second_and_keeps_its_text() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.say(input("m1", "m1")).await;
        life.pass(1_000).await;
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("m0"))).await.expect("reads"), 1);
        life.pass(250).await;
        assert_eq!(world.end_of("m0").await, STOPPED);
        assert_eq!(world.row("m0").await.reply.as_deref(), Some("partial slow"));
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: m1"]);
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("m0"))).await.expect("reads"), 0);
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("nobody"))).await.expect("reads"), 0);
    });
}

#[test]
fn a_waiting_run_ends_without_a_turn() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        let watch = life.lanes.watch_run(&run("m1"));
        life.say(input("m0", "slow")).await;
        life.say(input("m1", "m1")).await;
        life.pass(100).await;
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("m1"))).await.expect("reads"), 1);
        let limit = std::time::Duration::from_millis(1);
        let end = watch.ended(limit).await.expect("told at once");
        assert_eq!(end.status, openclaw_core::RunStatus::Stopped);
        life.ended("m0").await;
        life.pass(1_000).await;
        assert_eq!(world.end_of("m1").await, STOPPED);
        assert_eq!(world.runner.runs(), ["m0"]);
    });
}

#[test]
fn a_session_stops_whole() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        for name in ["m0", "m1", "m2"] {
            life.say(input(name, "slow")).await;
        }
        life.say(Input { key: "two", ..input("n0", "slow") }).await;
        life.pass(100).await;
        assert_eq!(life.lanes.stop(StopTarget::Session(&key("one"))).await.expect("reads"), 3);
        life.pass(250).await;
        for name in ["m0", "m1", "m2"] {
            assert_eq!(world.end_of(name).await, STOPPED, "{name}");
        }
        assert_eq!(world.end_of("n0").await.0, "running");
        assert_eq!(world.runner.runs(), ["m0", "n0"]);
    });
}

#[test]
fn stopping_a_merged_run_stops_the_one_that_took_it() {
    let world = World::new(QueueMode::Immediate);
    world.live(async |life| {
        life.say(input("m0", "tools")).await;
        life.pass(500).await;
        life.say(input("m1", "m1")).await;
        life.pass(1_000).await;
        assert_eq!(world.end_of("m1").await.0, "merged");
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("m1"))).await.expect("reads"), 1);
        life.pass(250).await;
        assert_eq!(world.end_of("m0").await, STOPPED);
    });
}

#[test]
fn a_turn_that_does_not_listen_is_dropped() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "deaf")).await;
        life.pass(100).await;
        life.lanes.stop(StopTarget::Run(&run("m0"))).await.expect("reads");
        life.pass(600).await;
        assert_eq!(world.end_of("m0").await, STOPPED);
    });
}

#[test]
fn a_run_interrupted_by_a_crash_can_be_stopped_before_it_goes_on() {
    let mut world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(100).await;
    });
    world.limits.concurrent_turns = 1;
    world.live(async |life| {
        // Its lane has not come to it yet.
        assert_eq!(life.lanes.stop(StopTarget::Run(&run("m0"))).await.expect("reads"), 1);
        life.ended("m0").await;
        assert_eq!(world.end_of("m0").await, STOPPED);
        assert_eq!(world.runner.runs(), ["m0"]);
    });
}
