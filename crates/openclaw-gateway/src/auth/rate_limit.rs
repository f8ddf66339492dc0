use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use openclaw_config::RateLimitSettings;
use openclaw_core::Timestamp;

/// Credentials remembered; beyond it those that have rested are forgotten.
const PRINCIPALS: usize = 10_000;

/// Counts the calls of each credential: a bucket that fills with time and empties with calls.
#[derive(Debug, Default)]
pub struct RateLimiter(Mutex<HashMap<Arc<str>, Bucket>>);

#[derive(Debug, Clone, Copy)]
struct Bucket {
    calls: f64,
    at: Timestamp,
}

impl RateLimiter {
    /// Takes one call of a principal.
    ///
    /// # Errors
    /// When the next one may come, where there is none left.
    pub fn take(
        &self,
        principal: &Arc<str>,
        settings: RateLimitSettings,
        now: Timestamp,
    ) -> Result<(), Duration> {
        // Anything but a positive rate switches the limit off.
        if settings.requests_per_second.is_nan() || settings.requests_per_second <= 0.0 {
            return Ok(());
        }
        let (rate, most) = (settings.requests_per_second, f64::from(settings.burst.max(1)));
        let filled =
            |bucket: &Bucket| (bucket.calls + now.since(bucket.at).as_secs_f64() * rate).min(most);
        let mut buckets = self.0.lock().expect("no panic while the buckets are held");
        if buckets.len() >= PRINCIPALS && !buckets.contains_key(principal) {
            buckets.retain(|_, bucket| filled(bucket) < most);
        }
        let bucket = buckets.entry(principal.clone()).or_insert(Bucket { calls: most, at: now });
        let calls = filled(bucket);
        let is_free = calls >= 1.0;
        *bucket = Bucket { calls: if is_free { calls - 1.0 } else { calls }, at: now };
        if is_free { Ok(()) } else { Err(Duration::from_secs_f64((1.0 - calls) / rate)) }
    }
}

#[cfg(test)]
mod tests {
    use super::RateLimiter;
    use openclaw_config::RateLimitSettings;
    use openclaw_core::Timestamp;
    use std::sync::Arc;
    use std::time::Duration;

    const SETTINGS: RateLimitSettings = RateLimitSettings { requests_per_second: 2.0, burst: 3 };

    #[test]
    fn a_burst_then_the_rate_for_each_credential() {
        let limiter = RateLimiter::default();
        let (one, other): (Arc<str>, Arc<str>) = ("one".into(), "other".into());
        let start = Timestamp::from_millis(1_000);
        for _ in 0..3 {
            assert_eq!(limiter.take(&one, SETTINGS, start), Ok(()));
        }
        assert_eq!(limiter.take(&one, SETTINGS, start), Err(Duration::from_millis(500)));
        assert_eq!(limiter.take(&other, SETTINGS, start), Ok(()));
        let later = start.plus(Duration::from_millis(500));
        assert_eq!(limiter.take(&one, SETTINGS, later), Ok(()));
        assert!(limiter.take(&one, SETTINGS, later).is_err());
        let much_later = start.plus(Duration::from_secs(3_600));
        for _ in 0..3 {
            assert_eq!(limiter.take(&one, SETTINGS, much_later), Ok(()));
        }
        assert!(limiter.take(&one, SETTINGS, much_later).is_err());
    }

    #[test]
    fn zero_is_off() {
        let limiter = RateLimiter::default();
        let off = RateLimitSettings { requests_per_second: 0.0, burst: 0 };
        for _ in 0..1_000 {
            assert_eq!(limiter.take(&"one".into(), off, Timestamp::from_millis(0)), Ok(()));
        }
    }
}
