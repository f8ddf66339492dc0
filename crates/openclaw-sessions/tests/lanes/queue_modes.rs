use openclaw_core::QueueMode;

use crate::runner::SeenTurn;
use crate::world::{Input, World, input, key};
use openclaw_sessions::Wake;

/// A slow first message and three more during its turn; waits until all have ended.
fn three_during_a_slow_turn(mode: QueueMode, first: &str) -> World {
    let world = World::new(mode);
    world.live(async |life| {
        life.say(input("m0", first)).await;
        life.pass(500).await;
        for name in ["m1", "m2", "m3"] {
            life.say(input(name, name)).await;
            life.pass(20).await;
        }
        for name in ["m0", "m1", "m2", "m3"] {
            life.ended(name).await;
        }
    });
    world
}

fn seen(run: &str, texts: &[&str]) -> SeenTurn {
    SeenTurn {
        run: run.into(),
        attempt: 1,
        texts: texts.iter().map(|text| (*text).to_owned()).collect(),
    }
}

const DONE: (&str, &str, Option<String>) = ("answered", "done", None);

fn merged(into: &str) -> (&'static str, &'static str, Option<String>) {
    ("merged", "merged", Some(into.into()))
}

#[test]
fn queue_runs_one_turn_per_message_in_order() {
    let world = three_during_a_slow_turn(QueueMode::Queue, "slow");
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: slow", "re: m1", "re: m2", "re: m3"]);
        for name in ["m0", "m1", "m2", "m3"] {
            assert_eq!(world.end_of(name).await, DONE, "{name}");
        }
        assert_eq!(world.runner.turns().len(), 4);
    });
}

#[test]
fn batch_makes_one_turn_of_what_waits() {
    let world = three_during_a_slow_turn(QueueMode::Batch, "slow");
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: slow", "re: m1+m2+m3"]);
        assert_eq!(world.end_of("m0").await, DONE);
        assert_eq!(world.end_of("m1").await, merged("m3"));
        assert_eq!(world.end_of("m2").await, merged("m3"));
        assert_eq!(world.end_of("m3").await, DONE);
        assert_eq!(world.runner.turns(), [seen("m0", &["slow"]), seen("m3", &["m1", "m2", "m3"])]);
    });
}

#[test]
fn batch_keeps_inputs_of_other_chats_apart() {
    let world = World::new(QueueMode::Batch);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        life.say(input("m1", "m1")).await;
        life.say(Input { channel: "web", ..input("w1", "w1") }).await;
        life.say(input("m2", "m2")).await;
        for name in ["m0", "m1", "w1", "m2"] {
            life.ended(name).await;
            assert_eq!(world.end_of(name).await, DONE, "{name}");
        }
        assert_eq!(world.texts().await, ["re: slow", "re: m1", "re: m2"]);
    });
}

#[test]
fn immediate_joins_the_running_turn_at_a_tool_boundary() {
    let world = three_during_a_slow_turn(QueueMode::Immediate, "tools");
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: tools+m1+m2+m3"]);
        for name in ["m1", "m2", "m3"] {
            assert_eq!(world.end_of(name).await, merged("m0"), "{name}");
        }
        let transcript: Vec<_> = world
            .transcript("one")
            .await
            .into_iter()
            .map(|row| (row.kind.as_str(), row.run_id.expect("a run").into_string(), row.data))
            .collect();
        let user = |text: &str| ("user", "m0".to_owned(), serde_json::json!(text));
        assert_eq!(
            transcript,
            [
                user("tools"),
                user("m1"),
                user("m2"),
                user("m3"),
                ("assistant", "m0".into(), serde_json::json!("re: tools+m1+m2+m3")),
            ]
        );
    });
}

#[test]
fn immediate_without_a_boundary_runs_as_turns_of_its_own() {
    let world = three_during_a_slow_turn(QueueMode::Immediate, "slow");
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: slow", "re: m1", "re: m2", "re: m3"]);
    });
}

#[test]
fn an_input_of_another_chat_does_not_join() {
    let world = World::new(QueueMode::Immediate);
    world.live(async |life| {
        life.say(input("m0", "tools")).await;
        life.pass(500).await;
        life.say(Input { channel: "web", ..input("w1", "w1") }).await;
        life.ended("w1").await;
        assert_eq!(world.end_of("w1").await, DONE);
        assert_eq!(world.texts().await, ["re: tools"]);
    });
}

#[test]
fn interrupt_runs_the_newest_and_answers_only_it() {
    let world = three_during_a_slow_turn(QueueMode::Interrupt, "slow zero");
    world.live(async |_| {
        // Each of the later ones takes 10 ms and they come 20 ms apart.
        assert_eq!(world.texts().await, ["re: m1", "re: m2", "re: m3"]);
        assert_eq!(world.end_of("m0").await, ("failed", "stopped", None));
        assert_eq!(world.row("m0").await.reply.as_deref(), Some("partial slow zero"));
        let kept: Vec<_> = world.transcript("one").await.into_iter().map(|row| row.data).collect();
        assert!(kept.contains(&serde_json::json!("partial slow zero")), "{kept:?}");
    });
}

#[test]
fn interrupt_hands_older_waiting_inputs_to_the_newest() {
    let world = World::new(QueueMode::Interrupt);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        for name in ["m1", "m2", "m3"] {
            world.accept(input(name, name)).await;
        }
        life.lanes.wake(&key("one"), Wake::Input);
        for name in ["m0", "m1", "m2", "m3"] {
            life.ended(name).await;
        }
        assert_eq!(world.texts().await, ["re: m1+m2+m3"]);
        assert_eq!(world.end_of("m1").await, merged("m3"));
        assert_eq!(world.end_of("m2").await, merged("m3"));
        assert_eq!(world.end_of("m3").await, DONE);
    });
}

/// The run of a text.
fn name(text: &str) -> &str {
    text.trim_start_matches('/')
}

/// A slow first message, then these, of which `/c` stands alone; waits until all have ended.
fn a_command_during_a_turn(mode: QueueMode, texts: &[&str]) -> World {
    let world = World::new(mode);
    world.live(async |life| {
        life.say(input(name(texts[0]), texts[0])).await;
        life.pass(500).await;
        for text in &texts[1..] {
            world.accept(input(name(text), text)).await;
        }
        life.lanes.wake(&key("one"), Wake::Input);
        for text in texts {
            life.ended(name(text)).await;
        }
    });
    world
}

#[test]
fn immediate_lets_a_command_wait_for_a_turn_of_its_own() {
    let world = a_command_during_a_turn(QueueMode::Immediate, &["tools", "m1", "/c", "m2"]);
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: tools+m1", "re: /c", "re: m2"]);
        assert_eq!(world.end_of("m1").await, merged("tools"));
        assert_eq!(world.end_of("c").await, DONE);
    });
}

#[test]
fn batch_runs_a_command_by_itself() {
    let world = a_command_during_a_turn(QueueMode::Batch, &["slow", "m1", "m2", "/c", "m3", "m4"]);
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: slow", "re: m1+m2", "re: /c", "re: m3+m4"]);
        assert_eq!(world.end_of("c").await, DONE);
    });
}

#[test]
fn interrupt_lets_a_command_wait() {
    let world = a_command_during_a_turn(QueueMode::Interrupt, &["slow", "/c"]);
    world.live(async |_| {
        assert_eq!(world.texts().await, ["re: slow", "re: /c"]);
        assert_eq!(world.end_of("slow").await, DONE);
    });
    let world = a_command_during_a_turn(QueueMode::Interrupt, &["slow", "m1", "/c", "m2"]);
    world.live(async |_| {
        assert_eq!(world.texts().await.last().map(String::as_str), Some("re: m2"));
        assert_eq!(world.end_of("c").await, DONE);
    });
}

#[test]
fn a_command_is_answered_without_a_model() {
    let world = World::new(QueueMode::Queue);
    world.runner.refuses.store(true, std::sync::atomic::Ordering::SeqCst);
    world.live(async |life| {
        life.say(input("c", "/c")).await;
        life.ended("c").await;
        assert_eq!(world.texts().await, ["re: /c"]);
    });
}

#[test]
fn a_spurious_wake_interrupts_nothing() {
    let world = World::new(QueueMode::Interrupt);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        life.lanes.wake(&key("one"), Wake::Input);
        life.ended("m0").await;
        assert_eq!(world.texts().await, ["re: slow"]);
    });
}

#[test]
fn the_sessions_own_mode_counts_from_the_next_turn_on() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(500).await;
        world.set_mode("one", QueueMode::Interrupt).await;
        life.say(input("m1", "slow again")).await;
        life.pass(10_000).await;
        assert_eq!(world.end_of("m0").await, DONE);
        life.say(input("m2", "m2")).await;
        life.ended("m2").await;
        assert_eq!(world.end_of("m1").await, ("failed", "stopped", None));
    });
}

#[test]
fn sessions_do_not_wait_for_each_other() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "slow")).await;
        life.pass(100).await;
        life.say(Input { key: "two", ..input("n0", "n0") }).await;
        life.pass(100).await;
        assert_eq!(world.end_of("n0").await, DONE);
        assert_eq!(world.end_of("m0").await, ("running", "running", None));
    });
}

#[test]
fn turns_at_work_are_bounded_and_none_starves() {
    let mut world = World::new(QueueMode::Queue);
    world.limits.concurrent_turns = 2;
    world.live(async |life| {
        let names: Vec<String> = (0..6).map(|number| format!("n{number}")).collect();
        for name in &names {
            life.say(Input { key: name, ..input(name, "slow") }).await;
        }
        life.pass(5_000).await;
        assert_eq!(life.lanes.active_runs().len(), 2);
        life.pass(30_000).await;
        for name in &names {
            assert_eq!(world.end_of(name).await, DONE, "{name}");
        }
        assert_eq!(world.runner.runs(), names);
    });
}
