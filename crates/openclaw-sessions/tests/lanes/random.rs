//! Random talks with crashes, stops, resets and changing modes.

use std::collections::BTreeMap;

use openclaw_core::{QueueMode, RunStatus};
use openclaw_sessions::{StopTarget, Wake};
use openclaw_storage::rows::InputState;
use openclaw_storage::{OutboxReads, TranscriptReads};
use proptest::prelude::*;

use crate::world::{Input, Life, Plan, World, key, run};

#[derive(Debug, Clone)]
enum Act {
    Say { key: &'static str, text: &'static str, web: bool },
    Pass(u64),
    Mode(&'static str, QueueMode),
    StopRun(usize),
    StopKey(&'static str),
    Reset(&'static str),
    Recover,
    Crash,
    CrashAfter(usize),
    Shutdown,
}

fn any_act() -> impl Strategy<Value = Act> {
    let keys = || prop::sample::select(vec!["one", "two"]);
    let modes = prop::sample::select(vec![
        QueueMode::Queue,
        QueueMode::Batch,
        QueueMode::Immediate,
        QueueMode::Interrupt,
    ]);
    let texts = prop::sample::select(vec!["hi", "tools", "slow", "fail", "silent"]);
    prop_oneof![
        10 => (keys(), texts, prop::bool::weighted(0.2))
            .prop_map(|(key, text, web)| Act::Say { key, text, web }),
        6 => prop::sample::select(vec![0, 5, 15, 300, 1_500, 12_000]).prop_map(Act::Pass),
        2 => (keys(), modes).prop_map(|(key, mode)| Act::Mode(key, mode)),
        1 => (0_usize..20).prop_map(Act::StopRun),
        1 => keys().prop_map(Act::StopKey),
        1 => keys().prop_map(Act::Reset),
        1 => Just(Act::Recover),
        1 => Just(Act::Crash),
        1 => (0_usize..6).prop_map(Act::CrashAfter),
        1 => Just(Act::Shutdown),
    ]
}

/// What was said: run and text, by key, in order.
#[derive(Default)]
struct Said {
    by_key: BTreeMap<&'static str, Vec<String>>,
    count: usize,
}

/// Does acts until one ends the life; answers whether it came to the end of them.
async fn act(
    world: &World,
    life: &Life<'_>,
    acts: &mut std::vec::IntoIter<Act>,
    said: &mut Said,
) -> bool {
    for act in acts.by_ref() {
        match act {
            Act::Say { key: name, text, web } => {
                let run = format!("r{}", said.count);
                let text = format!("{text} {run}");
                let channel = if web { "web" } else { "telegram" };
                let input = Input {
                    run: &run,
                    text: &text,
                    key: name,
                    channel,
                    reply_back: true,
                    timeout_seconds: None,
                };
                life.say(input).await;
                said.count += 1;
                said.by_key.entry(name).or_default().push(run);
            }
            Act::Pass(millis) => life.pass(millis).await,
            Act::Mode(name, mode) if said.by_key.contains_key(name) => {
                world.set_mode(name, mode).await;
            }
            Act::StopRun(number) => {
                let name = format!("r{number}");
                life.lanes.stop(StopTarget::Run(&run(&name))).await.expect("reads");
            }
            Act::StopKey(name) => {
                life.lanes.stop(StopTarget::Session(&key(name))).await.expect("reads");
            }
            Act::Reset(name) if said.by_key.contains_key(name) => {
                world.reset(name).await;
                life.lanes.wake(&key(name), Wake::Reset);
            }
            Act::Mode(..) | Act::Reset(_) => {}
            Act::Recover => {
                life.lanes.recover().await.expect("reads");
            }
            Act::Crash => return false,
            Act::CrashAfter(commits) => {
                world.cut.plan(Plan::EndAfter(commits));
                life.pass(20_000).await;
                return false;
            }
            Act::Shutdown => {
                life.lanes.shutdown(std::time::Duration::from_secs(3)).await;
                return false;
            }
        }
    }
    true
}

async fn check(world: &World, said: &Said) -> Result<(), TestCaseError> {
    prop_assert!(world.is_settled().await);
    for runs in said.by_key.values() {
        let mut last_reply = 0;
        for name in runs {
            let row = world.row(name).await;
            prop_assert!(row.state.is_final(), "{} is {:?}", name, row.state);
            let rows = world.storage.outbox_of_run(&row.run_id).await.expect("reads");
            let expected = match row.state {
                InputState::Answered => usize::from(row.delivered == Some(true)),
                InputState::Failed => usize::from(row.status != RunStatus::Stopped),
                InputState::Merged | InputState::Refused => 0,
                InputState::Waiting | InputState::Running => unreachable!("checked above"),
            };
            prop_assert_eq!(rows.len(), expected, "{} is {:?}", name, row.status);
            if let Some(reply) = rows.first() {
                prop_assert!(reply.position > last_reply, "the answer to {} came too early", name);
                last_reply = reply.position;
            }
            if row.state == InputState::Merged {
                let taker = row.merged_into.clone().expect("a merged run names its taker");
                let taker = world.row(taker.as_str()).await;
                prop_assert!(
                    taker.state != InputState::Merged && taker.session_id == row.session_id
                );
                let entries = world
                    .storage
                    .transcript_of_run(&taker.session_id, &taker.run_id)
                    .await
                    .expect("reads");
                let heard = entries
                    .iter()
                    .filter(|entry| entry.kind.as_str() == "user")
                    .flat_map(|entry| entry.data.as_str().unwrap_or_default().split('+'))
                    .filter(|text| text.ends_with(&format!(" {name}")))
                    .count();
                prop_assert_eq!(heard, 1, "{} was heard by the run that took it", name);
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn each_input_ends_once_and_answers_come_in_order(
        mode in prop::sample::select(vec![
            QueueMode::Queue, QueueMode::Batch, QueueMode::Immediate, QueueMode::Interrupt,
        ]),
        acts in prop::collection::vec(any_act(), 1..40),
    ) {
        let world = World::new(mode);
        let mut acts = acts.into_iter();
        let mut said = Said::default();
        loop {
            let is_over = world.live(async |life| act(&world, &life, &mut acts, &mut said).await);
            world.cut.clear();
            if is_over {
                break;
            }
        }
        world.live(async |life| {
            life.pass(2_000_000).await;
            check(&world, &said).await
        })?;
    }
}
