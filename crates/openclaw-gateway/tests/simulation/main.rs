//! The whole way of a message under faults that a seed decides: commits that fail or whose answers
//! are lost, crashes between two commits, lost connections, events handed in twice, sends refused
//! or of unknown outcome. It drives what the program drives, [`openclaw_gateway::lifecycle::Gateway`],
//! on a paused clock; only the disk, the service and the model are doubles.
//!
//! A failure names its seed: put it into `replays_one_seed` to see that seed alone.

mod channel;
mod check;
mod life;
mod runner;
mod service;
mod world;

use life::simulate;

const SEEDS: u64 = 1_000;
/// The seed to look at.
const REPLAYED: u64 = 7;

fn assert_good(seed: u64) -> u64 {
    let outcome = simulate(seed);
    assert!(
        outcome.violations.is_empty(),
        "seed {seed}: {:#?}\n{}",
        outcome.violations,
        outcome.trace
    );
    outcome.crashes
}

#[test]
fn no_message_is_lost_or_sent_twice_unnoticed() {
    let crashes: u64 = (0..SEEDS).map(assert_good).sum();
    assert!(crashes > SEEDS, "only {crashes} crashes were tried");
}

#[test]
fn replays_one_seed() {
    assert_good(REPLAYED);
    assert_eq!(simulate(REPLAYED).trace, simulate(REPLAYED).trace, "a seed repeats itself");
}
