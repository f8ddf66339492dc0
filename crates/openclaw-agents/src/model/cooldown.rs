use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{ErrorClass, ModelError};

/// Which models failed lately with which key, and how. What cools is asked last, never left out.
///
/// The key is (credential, model, class): a rate limit of one model says nothing of its sister, one
/// key's empty account nothing of another key. A healthy answer clears what was held against both.
#[derive(Debug, Default)]
pub struct Cooldowns(Mutex<HashMap<Key, Entry>>);

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    credential: Arc<str>,
    model: String,
    class: ErrorClass,
}

#[derive(Debug, Clone, Copy)]
struct Entry {
    /// Cooldowns in a row.
    failures: u32,
    until: Instant,
}

/// One cooldown that goes on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cooling {
    /// The key's short name, such as `openai#2`.
    pub credential: Arc<str>,
    /// `provider/model`.
    pub model: String,
    /// The failure.
    pub class: ErrorClass,
    /// Cooldowns in a row; each is longer than the one before.
    pub failures: u32,
    /// When it ends.
    pub ends_in: Duration,
}

/// After so long without a failure the next cooldown is short again.
const FAILURE_WINDOW: Duration = Duration::from_secs(24 * 3_600);

/// The most cooldowns that are remembered; no configuration has as many keys and models.
const MOST_ENTRIES: usize = 4_096;

impl Cooldowns {
    /// Nothing cools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a failure with a key. One that comes while it cools does not lengthen it, unless the
    /// provider asks for that.
    pub fn failed(&self, credential: &Arc<str>, error: &ModelError) {
        let Some(steps) = Steps::of(error.class) else { return };
        let now = Instant::now();
        let mut entries = self.lock();
        if entries.len() >= MOST_ENTRIES {
            entries.retain(|_, entry| entry.until > now);
        }
        let key =
            Key { credential: credential.clone(), model: error.model.clone(), class: error.class };
        let entry = entries.entry(key).or_insert(Entry { failures: 0, until: now });
        let cools = entry.failures > 0 && entry.until > now;
        if !cools {
            let is_old = now.saturating_duration_since(entry.until) > FAILURE_WINDOW;
            entry.failures = if is_old { 1 } else { entry.failures + 1 };
            entry.until = now
                + error
                    .retry_after
                    .map_or(steps.length(entry.failures), |asked| asked.min(steps.longest));
        } else if let Some(asked) = error.retry_after {
            entry.until = entry.until.max(now + asked.min(steps.longest));
        }
    }

    /// Notes a success.
    pub fn succeeded(&self, credential: &Arc<str>, model: &str) {
        let mut entries = self.lock();
        if !entries.is_empty() {
            entries.retain(|key, _| key.credential != *credential || key.model != model);
        }
    }

    /// Forgets what is held against a key: it was replaced.
    pub fn forget(&self, credential: &str) {
        self.lock().retain(|key, _| *key.credential != *credential);
    }

    /// The cooldown of a model with a key that ends last.
    pub fn cooling(&self, credential: &Arc<str>, model: &str) -> Option<Cooling> {
        let entries = self.lock();
        if entries.is_empty() {
            return None;
        }
        let now = Instant::now();
        let of_both = entries
            .iter()
            .filter(|(key, _)| key.credential == *credential && key.model == model)
            .filter(|(_, entry)| entry.until > now);
        of_both.max_by_key(|(_, entry)| entry.until).map(|(key, entry)| show(key, entry, now))
    }

    /// All that cools, by model and key.
    pub fn all(&self) -> Vec<Cooling> {
        let now = Instant::now();
        let mut all: Vec<Cooling> = self
            .lock()
            .iter()
            .filter(|(_, entry)| entry.until > now)
            .map(|(key, entry)| show(key, entry, now))
            .collect();
        all.sort_by(|a, b| (&a.model, &a.credential).cmp(&(&b.model, &b.credential)));
        all
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Key, Entry>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn show(key: &Key, entry: &Entry, now: Instant) -> Cooling {
    Cooling {
        credential: key.credential.clone(),
        model: key.model.clone(),
        class: key.class,
        failures: entry.failures,
        ends_in: entry.until.saturating_duration_since(now),
    }
}

/// How cooldowns of a class grow.
struct Steps {
    first: Duration,
    factor: u32,
    longest: Duration,
}

impl Steps {
    fn of(class: ErrorClass) -> Option<Self> {
        let steps = |first, factor, longest| {
            let (first, longest) = (Duration::from_secs(first), Duration::from_secs(longest));
            Some(Self { first, factor, longest })
        };
        match class {
            ErrorClass::RateLimited => steps(60, 5, 3_600),
            // Somebody has to do something about these.
            ErrorClass::Auth => steps(3_600, 2, 24 * 3_600),
            ErrorClass::Billing => steps(5 * 3_600, 2, 24 * 3_600),
            ErrorClass::ModelNotFound => steps(300, 5, 24 * 3_600),
            ErrorClass::Overloaded
            | ErrorClass::Server
            | ErrorClass::Timeout
            | ErrorClass::Transport
            | ErrorClass::Unreadable => steps(30, 2, 600),
            ErrorClass::ContextTooLong
            | ErrorClass::Filtered
            | ErrorClass::InvalidRequest
            | ErrorClass::Unsupported => None,
        }
    }

    fn length(&self, failures: u32) -> Duration {
        let grown = self.factor.saturating_pow(failures.saturating_sub(1).min(16));
        self.first.saturating_mul(grown).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::Cooldowns;
    use crate::model::{ErrorClass, ModelError};
    use proptest::prelude::*;
    use std::sync::Arc;
    use std::time::Duration;

    fn error(model: &str, class: ErrorClass) -> ModelError {
        ModelError::new(model, class, "scripted")
    }

    fn seconds(cooldowns: &Cooldowns, credential: &Arc<str>, model: &str) -> Option<u64> {
        cooldowns.cooling(credential, model).map(|cooling| cooling.ends_in.as_secs())
    }

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_one_model_and_key_leaves_the_others_alone_and_ends() {
        let (cooldowns, one, two) = (Cooldowns::new(), "a#1".into(), "a#2".into());
        let mut limited = error("a/large", ErrorClass::RateLimited);
        limited.retry_after = Some(Duration::from_secs(20));
        cooldowns.failed(&one, &limited);
        assert_eq!(seconds(&cooldowns, &one, "a/large"), Some(20));
        assert_eq!(seconds(&cooldowns, &one, "a/small"), None);
        assert_eq!(seconds(&cooldowns, &two, "a/large"), None);
        tokio::time::advance(Duration::from_secs(21)).await;
        assert_eq!(cooldowns.all(), []);
    }

    #[tokio::test(start_paused = true)]
    async fn cooldowns_grow_to_their_end_and_are_forgotten_after_a_day() {
        let (cooldowns, key) = (Cooldowns::new(), "a".into());
        for (class, expected) in [
            (ErrorClass::RateLimited, [60, 300, 1_500, 3_600, 3_600]),
            (ErrorClass::Billing, [18_000, 36_000, 72_000, 86_400, 86_400]),
            (ErrorClass::Server, [30, 60, 120, 240, 480]),
        ] {
            for length in expected {
                cooldowns.failed(&key, &error("a/b", class));
                // Another one while it cools changes nothing.
                cooldowns.failed(&key, &error("a/b", class));
                assert_eq!(seconds(&cooldowns, &key, "a/b"), Some(length), "{class:?}");
                tokio::time::advance(Duration::from_secs(length)).await;
            }
            tokio::time::advance(Duration::from_secs(86_401)).await;
            cooldowns.failed(&key, &error("a/b", class));
            assert_eq!(seconds(&cooldowns, &key, "a/b"), Some(expected[0]), "{class:?}");
            cooldowns.succeeded(&key, "a/b");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn success_and_another_key_clear() {
        let (cooldowns, one, two): (_, Arc<str>, Arc<str>) =
            (Cooldowns::new(), "a#1".into(), "a#2".into());
        for key in [&one, &two] {
            cooldowns.failed(key, &error("a/b", ErrorClass::Auth));
            cooldowns.failed(key, &error("a/c", ErrorClass::Auth));
        }
        cooldowns.succeeded(&one, "a/b");
        cooldowns.forget("a#2");
        let left: Vec<_> = cooldowns.all().into_iter().map(|c| (c.credential, c.model)).collect();
        assert_eq!(left, [(one, "a/c".to_owned())]);
    }

    proptest! {
        #[test]
        fn none_lasts_longer_than_a_day(
            class in proptest::sample::select(ErrorClass::ALL.to_vec()),
            asked in proptest::option::of(0u64..10_000_000),
            failures in 1usize..40,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().expect("a runtime");
            runtime.block_on(async {
                let (cooldowns, key) = (Cooldowns::new(), "a".into());
                let mut failed = error("a/b", class);
                failed.retry_after = asked.map(Duration::from_secs);
                for _ in 0..failures {
                    cooldowns.failed(&key, &failed);
                    let left = seconds(&cooldowns, &key, "a/b").unwrap_or_default();
                    assert!(left <= 86_400);
                    tokio::time::advance(Duration::from_secs(left + 1)).await;
                    assert_eq!(seconds(&cooldowns, &key, "a/b"), None);
                }
            });
        }
    }
}
