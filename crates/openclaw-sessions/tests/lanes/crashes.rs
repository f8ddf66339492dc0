//! The log is cut at every commit, and the answer of every commit is lost.

use std::time::Duration;

use openclaw_core::{QueueMode, RunStatus};

use crate::world::{Plan, World, input, run};

const MODES: [QueueMode; 4] =
    [QueueMode::Queue, QueueMode::Batch, QueueMode::Immediate, QueueMode::Interrupt];

const NAMES: [&str; 3] = ["m0", "m1", "m2"];

/// Three messages, the later two while the first is at work.
fn talk(mode: QueueMode, plan: Plan) -> (World, usize) {
    let world = World::new(mode);
    let commits = world.live(async |life| {
        world.accept(input("m0", "tools")).await;
        world.accept(input("m1", "m1")).await;
        world.accept(input("m2", "m2")).await;
        world.cut.plan(plan);
        life.lanes.recover().await.expect("reads");
        life.pass(30_000).await;
        world.cut.commits()
    });
    world.cut.clear();
    world.live(async |life| {
        for name in NAMES {
            life.ended(name).await;
        }
    });
    (world, commits)
}

async fn check(world: &World, what: &str) {
    assert!(world.is_settled().await, "{what}");
    let sent = world.sent().await;
    for name in NAMES {
        let row = world.row(name).await;
        let replies = sent.iter().filter(|(run, _, _)| run == name).count();
        let expected = usize::from(row.status == RunStatus::Done);
        assert_eq!(replies, expected, "{what}: {name} is {:?}", row.status);
        if let Some(taker) = row.merged_into {
            assert_eq!(world.row(taker.as_str()).await.status, RunStatus::Done, "{what}: {name}");
        }
        let ends = world.events("one").await;
        let ends = ends.iter().filter(|event| {
            event.run_id == Some(run(name))
                && matches!(event.topic.as_str(), "agent.done" | "agent.error")
        });
        assert_eq!(ends.count(), usize::from(row.status != RunStatus::Merged), "{what}: {name}");
    }
    let heard: Vec<String> = world
        .transcript("one")
        .await
        .into_iter()
        .filter(|entry| entry.kind.as_str() == "user")
        .flat_map(|entry| {
            let text = entry.data.as_str().unwrap_or_default().to_owned();
            text.split('+').map(str::to_owned).collect::<Vec<_>>()
        })
        .collect();
    assert_eq!(heard, ["tools", "m1", "m2"], "{what}");
}

#[test]
fn a_cut_anywhere_answers_each_message_once() {
    for mode in MODES {
        let (world, commits) = talk(mode, Plan::EndAfter(usize::MAX));
        world.live(async |_| check(&world, "uncut").await);
        assert!(commits >= 3, "{mode:?}: {commits}");
        for limit in 0..commits {
            let (world, _) = talk(mode, Plan::EndAfter(limit));
            world.live(async |_| check(&world, &format!("{mode:?} cut after {limit}")).await);
        }
    }
}

#[test]
fn a_lost_answer_anywhere_changes_nothing() {
    for mode in MODES {
        let (_, commits) = talk(mode, Plan::EndAfter(usize::MAX));
        for number in 1..=commits {
            let what = format!("{mode:?}, the answer of commit {number} lost");
            let (world, _) = talk(mode, Plan::LoseAnswer(number));
            world.live(async |_| check(&world, &what).await);
            let runs = world.runner.turns().len();
            assert!(runs <= 4, "{what}: {runs} turns");
        }
    }
}

#[test]
fn those_who_wait_are_told_though_an_answer_was_lost() {
    for mode in MODES {
        let (_, commits) = talk(mode, Plan::EndAfter(usize::MAX));
        for number in 1..=commits {
            let world = World::new(mode);
            world.live(async |life| {
                let watches = NAMES.map(|name| life.lanes.watch_run(&run(name)));
                for (name, text) in NAMES.into_iter().zip(["tools", "m1", "m2"]) {
                    world.accept(input(name, text)).await;
                }
                world.cut.plan(Plan::LoseAnswer(number));
                life.lanes.recover().await.expect("reads");
                for watch in watches {
                    let end = watch.ended(Duration::from_secs(60)).await;
                    let what = format!("{mode:?}, the answer of commit {number} lost");
                    assert!(end.is_ok_and(|end| end.reply.is_some()), "{what}");
                }
            });
        }
    }
}
