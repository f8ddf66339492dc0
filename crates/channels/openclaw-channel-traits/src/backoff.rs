use std::time::Duration;

use openclaw_core::Rng;

/// Pauses between tries that grow to a cap: pure, the caller waits.
#[derive(Debug, Clone)]
pub struct Backoff {
    first: Duration,
    cap: Duration,
    failures: u32,
}

impl Backoff {
    /// The first pause is about `first`, each later one twice as long, none above `cap`.
    pub fn new(first: Duration, cap: Duration) -> Self {
        Self { first, cap, failures: 0 }
    }

    /// The next pause: from half to the whole of what is due, so that many who failed together do
    /// not try again together.
    pub fn next_delay(&mut self, rng: &dyn Rng) -> Duration {
        let factor = 1_u32.checked_shl(self.failures).unwrap_or(u32::MAX);
        self.failures = self.failures.saturating_add(1);
        let due = self.first.saturating_mul(factor).min(self.cap);
        let millis = u64::try_from(due.as_millis()).unwrap_or(u64::MAX);
        let half = millis / 2;
        Duration::from_millis(half + rng.below(millis - half + 1))
    }

    /// As [`Self::next_delay`], but no shorter than what the service asks for.
    pub fn next_delay_after(&mut self, asked: Option<Duration>, rng: &dyn Rng) -> Duration {
        self.next_delay(rng).max(asked.unwrap_or_default())
    }

    /// How many pauses were given since the last reset.
    pub fn failures(&self) -> u32 {
        self.failures
    }

    /// It worked: the next pause is the first again.
    pub fn reset(&mut self) {
        self.failures = 0;
    }
}

#[cfg(test)]
mod tests {
    use openclaw_testkit::SeededRng;
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn pauses_double_up_to_the_cap(seed in any::<u64>(), first in 1_u64..5_000, cap in 1_u64..600_000) {
            let rng = SeededRng::new(seed);
            let (first, cap) = (Duration::from_millis(first), Duration::from_millis(cap));
            let mut backoff = Backoff::new(first, cap);
            for round in 0..2 {
                for failure in 0..100_u32 {
                    let due = first.saturating_mul(2_u32.saturating_pow(failure)).min(cap);
                    let delay = backoff.next_delay(&rng);
                    prop_assert!(delay <= due, "{delay:?} above {due:?} in round {round}");
                    prop_assert!(delay + Duration::from_millis(1) >= due / 2, "{delay:?} of {due:?}");
                }
                prop_assert_eq!(backoff.failures(), 100);
                backoff.reset();
            }
        }
    }

    #[test]
    fn the_service_may_ask_for_more() {
        let mut backoff = Backoff::new(Duration::from_millis(100), Duration::from_secs(1));
        let asked = Duration::from_secs(30);
        assert_eq!(backoff.next_delay_after(Some(asked), &SeededRng::new(1)), asked);
        assert!(backoff.next_delay_after(None, &SeededRng::new(1)) <= Duration::from_millis(200));
    }

    #[test]
    fn pauses_are_spread() {
        let rng = SeededRng::new(7);
        let delay =
            || Backoff::new(Duration::from_secs(8), Duration::from_secs(8)).next_delay(&rng);
        let delays: std::collections::BTreeSet<_> = (0..50).map(|_| delay()).collect();
        assert!(delays.len() > 40, "{} different pauses of 50", delays.len());
    }
}
