//! The whole way of a message under faults that a seed decides: commits that fail or whose answers
//! are lost, crashes between two commits, lost connections, events handed in twice, sends refused
//! or of unknown outcome. It drives what the program drives, [`openclaw_gateway::lifecycle::Gateway`],
//! on a paused clock; only the disk, the service and the model are doubles. In half of the seeds two
//! gateways share the store, and one of them is now and then cut off from it until the other takes
//! over.
//!
//! Each safeguard is also taken away, one at a time: then some seed must fail for that reason.
//!
//! A failure names its seed: put it into `replays_one_seed` to see that seed alone.

mod channel;
mod check;
mod life;
mod marks;
mod plan;
mod policies;
mod runner;
mod sabotage;
mod sends;
mod service;
mod store;
mod world;

use life::{Outcome, simulate};
use sabotage::Missing;

const SEEDS: u64 = 1_000;
/// The seed to look at.
const REPLAYED: u64 = 7;

/// Simulates every seed with everything in place, on two threads; gives those that went wrong and
/// the number of crashes.
fn simulate_all(seeds: u64) -> (Vec<(u64, Outcome)>, u64) {
    let half = |first: u64| -> Vec<(u64, Outcome)> {
        let seeds = (first..seeds).step_by(2);
        seeds.map(|seed| (seed, simulate(seed, Missing::Nothing))).collect()
    };
    let mut all = std::thread::scope(|scope| {
        let even = scope.spawn(|| half(0));
        let mut all = half(1);
        all.extend(even.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        all
    });
    let crashes = all.iter().map(|(_, outcome)| outcome.crashes).sum();
    all.retain(|(_, outcome)| !outcome.violations.is_empty());
    all.sort_by_key(|(seed, _)| *seed);
    (all, crashes)
}

/// The failing seeds with what went wrong, then the trace of the first.
fn report(failed: &[(u64, Outcome)]) -> String {
    let lines =
        failed.iter().map(|(seed, outcome)| format!("seed {seed}: {:?}\n", outcome.violations));
    let trace = failed.first().map(|(_, outcome)| outcome.trace.as_str()).unwrap_or_default();
    format!("{}{trace}", lines.collect::<String>())
}

#[test]
fn no_message_is_lost_or_sent_twice_unnoticed() {
    let (failed, crashes) = simulate_all(SEEDS);
    assert!(failed.is_empty(), "{}", report(&failed));
    assert!(crashes > SEEDS, "only {crashes} crashes were tried");
}

#[test]
fn replays_one_seed() {
    let [one, two] = [1, 2].map(|_| simulate(REPLAYED, Missing::Nothing));
    assert_eq!(one.violations, Vec::<String>::new(), "{}", one.trace);
    assert_eq!(one.trace, two.trace, "a seed repeats itself");
}

/// Takes something away and sees that a seed fails for this reason, which is good with everything in
/// its place.
fn assert_missed(missing: Missing, reason: &str) {
    let fails = |seed: &u64| {
        let violations = simulate(*seed, missing).violations;
        violations.iter().any(|violation| violation.contains(reason))
    };
    let Some(seed) = (0..SEEDS).find(fails) else {
        panic!("no seed misses {missing:?}: none says {reason:?}");
    };
    let whole = simulate(seed, Missing::Nothing);
    assert!(whole.violations.is_empty(), "{}", report(&[(seed, whole)]));
}

#[test]
fn deduplication_is_missed() {
    assert_missed(Missing::Dedupe, "was accepted twice");
}

#[test]
fn the_mark_of_what_is_being_sent_is_missed() {
    assert_missed(Missing::SendingMark, "0 times uncertain, and arrived 2 times");
}

#[test]
fn the_check_of_fences_is_missed() {
    assert_missed(Missing::FenceCheck, "has 2 steps");
}

#[test]
fn going_on_after_a_restart_is_missed() {
    assert_missed(Missing::Resume, "the gateway is not done");
}

#[test]
fn order_is_missed() {
    assert_missed(Missing::Order, "order");
}
