//! A session is told of the end of what it began in another one.

use openclaw_core::{OriginKind, QueueMode, RunStatus};
use openclaw_sessions::StopTarget;
use openclaw_storage::rows::InboxRow;

use crate::world::{Plan, World, input, key, run};

/// What the session `one` was told, in order.
async fn told(world: &World) -> Vec<(RunStatus, InboxRow)> {
    let rows = world.inputs("one").await;
    let report = |row: InboxRow| match &row.options.origin.as_ref()?.kind {
        OriginKind::Report { status, .. } => Some((*status, row.clone())),
        OriginKind::Task | OriginKind::Message => None,
    };
    rows.into_iter().filter_map(report).collect()
}

#[test]
fn the_parent_is_told_how_a_subagent_ended_whatever_the_way() {
    for (text, expected, says) in [
        ("m", RunStatus::Done, "re: m"),
        ("fail", RunStatus::Error, "failed: the model refused"),
        ("panic", RunStatus::Error, "a fault of the gateway"),
        ("late", RunStatus::Timeout, "ran out of time"),
    ] {
        let world = World::new(QueueMode::Queue);
        world.live(async |life| {
            life.say(input("m0", "m0")).await;
            life.ended("m0").await;
            life.spawn("child", "c0", text).await;
            life.ended("c0").await;
            life.pass(1_000).await;
            let told = told(&world).await;
            assert_eq!(told.len(), 1, "{text}");
            let (status, row) = &told[0];
            assert_eq!(*status, expected, "{text}");
            let said = row.inbound.content.plain_text();
            assert!(said.starts_with("Subagent \"c\" "), "{said}");
            assert!(said.contains(says), "{said}");
            assert_eq!(row.status, RunStatus::Done, "its turn has run");
            assert!(row.reply_back, "what is said of it goes to the chat");
        });
    }
}

#[test]
fn a_stopped_one_is_told_without_an_answer_in_the_chat() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        life.spawn("child", "c0", "slow").await;
        life.spawn("child", "c1", "slow").await;
        life.pass(100).await;
        assert_eq!(life.lanes.stop(StopTarget::Session(&key("child"))).await.expect("reads"), 2);
        life.pass(1_000).await;
        let told = told(&world).await;
        let statuses: Vec<RunStatus> = told.iter().map(|(status, _)| *status).collect();
        assert_eq!(statuses, [RunStatus::Stopped, RunStatus::Stopped]);
        assert!(told.iter().all(|(_, row)| !row.reply_back));
        assert_eq!(world.texts().await, ["re: m0"]);
    });
}

#[test]
fn the_subagents_of_a_session_stop_with_it_and_theirs_too() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        life.spawn("child", "c0", "slow").await;
        life.spawn_below("child", "grandchild", "g0", "slow").await;
        life.spawn_below("another", "stranger", "s0", "slow").await;
        life.pass(100).await;
        assert_eq!(life.lanes.subagents().await.expect("reads").len(), 3);
        assert_eq!(life.lanes.stop_subagents(&key("one")).await.expect("reads"), 2);
        life.pass(1_000).await;
        for name in ["c0", "g0"] {
            assert_eq!(world.row(name).await.status, RunStatus::Stopped, "{name}");
        }
        assert_eq!(world.row("s0").await.status, RunStatus::Running);
    });
}

/// A subagent at work, cut off somewhere; all is over in a second life.
fn cut(plan: Plan) -> (World, usize) {
    let world = World::new(QueueMode::Queue);
    let commits = world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        world.spawn("one", "child", "c0", "tools").await;
        world.cut.plan(plan);
        life.lanes.recover().await.expect("reads");
        life.pass(30_000).await;
        world.cut.commits()
    });
    world.cut.clear();
    world.live(async |life| {
        life.lanes.recover().await.expect("reads");
        life.ended("c0").await;
        life.pass(30_000).await;
    });
    (world, commits)
}

#[test]
fn a_cut_anywhere_leaves_the_result_told_exactly_once() {
    let (_, commits) = cut(Plan::EndAfter(usize::MAX));
    assert!(commits >= 4, "the subagent's turn and the one that its result begins: {commits}");
    let plans = (0..commits).map(Plan::EndAfter);
    for plan in plans.chain((1..=commits).map(Plan::LoseAnswer)) {
        let (world, _) = cut(plan);
        world.live(async |_| {
            assert!(world.is_settled().await, "{plan:?}");
            let told = told(&world).await;
            assert_eq!(told.len(), 1, "{plan:?}");
            assert_eq!(told[0].0, RunStatus::Done, "{plan:?}");
            assert_eq!(told[0].1.status, RunStatus::Done, "{plan:?}");
            let answers = world.texts().await;
            assert_eq!(answers.len(), 2, "{plan:?}: {answers:?}");
        });
    }
}

#[test]
fn a_parent_that_was_reset_meanwhile_is_told_in_its_new_session() {
    let world = World::new(QueueMode::Queue);
    world.live(async |life| {
        life.say(input("m0", "m0")).await;
        life.ended("m0").await;
        life.spawn("child", "c0", "slow").await;
        life.pass(100).await;
        world.reset("one").await;
        life.ended("c0").await;
        life.pass(1_000).await;
        let session = world.session_of("one").await;
        let told = told(&world).await;
        assert_eq!(told.len(), 1);
        assert_eq!(told[0].1.session_id, session.id);
        assert_eq!(world.row("c0").await.run_id, run("c0"));
    });
}
