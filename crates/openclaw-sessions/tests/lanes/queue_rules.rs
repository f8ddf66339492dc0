//! How long inputs wait, and how many may.

use std::time::Duration;

use openclaw_config::QueueSettings;
use openclaw_core::{QueueDrop, QueueMode};

use crate::world::{World, input};

fn world(mode: QueueMode, debounce_ms: u64, cap: u32, drop: QueueDrop) -> World {
    World::with_queue(
        mode,
        QueueSettings { debounce: Duration::from_millis(debounce_ms), cap, drop },
    )
}

#[test]
fn a_turn_waits_until_nobody_writes_any_more() {
    let world = world(QueueMode::Batch, 1_000, 0, QueueDrop::Summarize);
    world.live(async |life| {
        for name in ["m0", "m1", "m2"] {
            life.say(input(name, name)).await;
            life.pass(700).await;
        }
        assert!(world.runner.turns().is_empty(), "somebody wrote 700 ms ago");
        life.ended("m2").await;
        assert_eq!(world.texts().await, ["re: m0+m1+m2"]);
    });
}

#[test]
fn who_never_stops_writing_is_answered_all_the_same() {
    let world = world(QueueMode::Queue, 1_000, 0, QueueDrop::Summarize);
    world.live(async |life| {
        for number in 0..25 {
            life.say(input(&format!("m{number}"), "more")).await;
            life.pass(500).await;
        }
        assert!(!world.runner.turns().is_empty(), "the first has waited for 12 s");
    });
}

#[test]
fn a_command_does_not_wait() {
    let world = world(QueueMode::Queue, 60_000, 0, QueueDrop::Summarize);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.pass(100).await;
        assert!(world.runner.turns().is_empty());
        life.say(input("c0", "/status")).await;
        life.pass(1_000).await;
        assert_eq!(world.runner.runs(), ["m0", "c0"], "what came before it is not left behind");
    });
}

/// A slow turn and five messages during it, of which two may wait.
fn five_too_many(drop: QueueDrop) -> World {
    let world = world(QueueMode::Queue, 0, 2, drop);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        for number in 1..=5 {
            let name = format!("m{number}");
            life.say(input(&name, &name)).await;
            life.pass(10).await;
        }
        for number in 0..=5 {
            life.ended(&format!("m{number}")).await;
        }
    });
    world
}

const REFUSED: (&str, &str, Option<String>) = ("refused", "error", None);

#[test]
fn the_oldest_beyond_the_cap_are_refused_and_it_is_said() {
    let world = five_too_many(QueueDrop::Old);
    world.live(async |_| {
        let told = "the oldest 3 messages were not read: more than 2 waited while I was busy. Send again what is still needed.";
        assert_eq!(world.texts().await, ["re: slow", told, "re: m4", "re: m5"]);
        for name in ["m1", "m2", "m3"] {
            assert_eq!(world.end_of(name).await, REFUSED, "{name}");
        }
    });
}

#[test]
fn the_newest_beyond_the_cap_are_refused_and_it_is_said() {
    let world = five_too_many(QueueDrop::New);
    world.live(async |_| {
        let told = "the last 3 messages were not read: more than 2 waited while I was busy. Send again what is still needed.";
        assert_eq!(world.texts().await, ["re: slow", told, "re: m1", "re: m2"]);
        for name in ["m3", "m4", "m5"] {
            assert_eq!(world.end_of(name).await, REFUSED, "{name}");
        }
    });
}

#[test]
fn what_is_too_much_becomes_a_list_in_the_next_turn() {
    let world = five_too_many(QueueDrop::Summarize);
    world.live(async |_| {
        let list = "re: (shortened) m1+(shortened) m2+(shortened) m3+m4";
        assert_eq!(world.texts().await, ["re: slow", list, "re: m5"]);
        for name in ["m1", "m2", "m3"] {
            let merged = ("merged", "merged", Some("m4".to_owned()));
            assert_eq!(world.end_of(name).await, merged, "{name}");
        }
    });
}

#[test]
fn backlog_mode_shows_the_running_turn_what_it_answers_afterwards() {
    let world = world(QueueMode::ImmediateBacklog, 0, 0, QueueDrop::Summarize);
    world.live(async |life| {
        life.say(input("m0", "tools")).await;
        life.pass(500).await;
        life.say(input("m1", "m1")).await;
        life.ended("m0").await;
        life.ended("m1").await;
        assert_eq!(world.texts().await, ["re: tools+m1", "re: m1"]);
        assert_eq!(world.end_of("m1").await, ("answered", "done", None));
    });
}
