use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Mutex;
use std::time::Duration;

use openclaw_config::RateLimitSettings;
use openclaw_core::Timestamp;

/// Buckets remembered; beyond it those that have rested are forgotten, then the fullest.
const MOST: usize = 10_000;
/// The longest wait that is told.
const LONGEST: Duration = Duration::from_secs(24 * 3_600);

/// One bucket per key, which fills with time and empties with what is taken.
#[derive(Debug)]
pub(super) struct Buckets<K>(Mutex<HashMap<K, Bucket>>);

impl<K> Default for Buckets<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

#[derive(Debug, Clone, Copy)]
struct Bucket {
    left: f64,
    at: Timestamp,
}

impl<K: Hash + Eq + Clone> Buckets<K> {
    /// Takes one.
    ///
    /// # Errors
    /// When the next one may come, where there is none left.
    pub(super) fn take(
        &self,
        key: &K,
        settings: RateLimitSettings,
        now: Timestamp,
    ) -> Result<(), Duration> {
        // Anything but a positive rate switches the limit off.
        if settings.requests_per_second.is_nan() || settings.requests_per_second <= 0.0 {
            return Ok(());
        }
        let (rate, most) = (settings.requests_per_second, f64::from(settings.burst.max(1)));
        let filled =
            |bucket: &Bucket| (bucket.left + now.since(bucket.at).as_secs_f64() * rate).min(most);
        let mut buckets = self.0.lock().expect("no panic while the buckets are held");
        if buckets.len() >= MOST && !buckets.contains_key(key) {
            buckets.retain(|_, bucket| filled(bucket) < most);
            let fullest = buckets.iter().max_by(|(_, a), (_, b)| filled(a).total_cmp(&filled(b)));
            if let Some(fullest) =
                fullest.map(|(key, _)| key.clone()).filter(|_| buckets.len() >= MOST)
            {
                buckets.remove(&fullest);
            }
        }
        let bucket = buckets.entry(key.clone()).or_insert(Bucket { left: most, at: now });
        let left = filled(bucket);
        let is_free = left >= 1.0;
        *bucket = Bucket { left: if is_free { left - 1.0 } else { left }, at: now };
        if is_free {
            return Ok(());
        }
        // With a rate next to nothing the wait is longer than a duration can be.
        let wait = Duration::try_from_secs_f64((1.0 - left) / rate).unwrap_or(LONGEST);
        Err(wait.min(LONGEST))
    }
}

#[cfg(test)]
mod tests {
    use super::Buckets;
    use openclaw_config::RateLimitSettings;
    use openclaw_core::Timestamp;
    use std::time::Duration;

    const SETTINGS: RateLimitSettings = RateLimitSettings { requests_per_second: 2.0, burst: 3 };

    #[test]
    fn a_burst_then_the_rate_for_each_key() {
        let buckets = Buckets::default();
        let start = Timestamp::from_millis(1_000);
        for _ in 0..3 {
            assert_eq!(buckets.take(&"one", SETTINGS, start), Ok(()));
        }
        assert_eq!(buckets.take(&"one", SETTINGS, start), Err(Duration::from_millis(500)));
        assert_eq!(buckets.take(&"other", SETTINGS, start), Ok(()));
        let later = start.plus(Duration::from_millis(500));
        assert_eq!(buckets.take(&"one", SETTINGS, later), Ok(()));
        assert!(buckets.take(&"one", SETTINGS, later).is_err());
        let much_later = start.plus(Duration::from_secs(3_600));
        for _ in 0..3 {
            assert_eq!(buckets.take(&"one", SETTINGS, much_later), Ok(()));
        }
        assert!(buckets.take(&"one", SETTINGS, much_later).is_err());
    }

    #[test]
    fn zero_is_off() {
        let buckets = Buckets::default();
        let off = RateLimitSettings { requests_per_second: 0.0, burst: 0 };
        for _ in 0..1_000 {
            assert_eq!(buckets.take(&"one", off, Timestamp::from_millis(0)), Ok(()));
        }
    }

    #[test]
    fn a_rate_next_to_nothing_is_told_as_a_day() {
        let buckets = Buckets::default();
        for rate in [f64::MIN_POSITIVE, 1e-300, 1e-30, 1e-9] {
            let tiny = RateLimitSettings { requests_per_second: rate, burst: 1 };
            let key = rate.to_bits();
            assert_eq!(buckets.take(&key, tiny, Timestamp::from_millis(0)), Ok(()));
            let told = buckets.take(&key, tiny, Timestamp::from_millis(0));
            assert_eq!(told, Err(Duration::from_secs(24 * 3_600)), "{rate}");
        }
    }

    #[test]
    fn memory_stays_bounded() {
        let buckets = Buckets::default();
        for key in 0..2 * super::MOST {
            assert_eq!(buckets.take(&key, SETTINGS, Timestamp::from_millis(0)), Ok(()));
        }
        assert_eq!(buckets.0.lock().expect("not poisoned").len(), super::MOST);
    }
}
