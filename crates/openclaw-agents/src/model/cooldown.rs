use std::collections::HashMap;
use std::sync::Mutex;
use std::time::Duration;

use tokio::time::Instant;

use super::{ErrorClass, ModelError};

/// Which models failed lately, and how. A cooling model is asked last, never left out.
///
/// The key is (model, class): a rate limit of one model says nothing of its sister, and a healthy
/// answer clears what was held against a model.
#[derive(Debug, Default)]
pub struct Cooldowns(Mutex<HashMap<(String, ErrorClass), Instant>>);

impl Cooldowns {
    /// Nothing cools.
    pub fn new() -> Self {
        Self::default()
    }

    /// Notes a failure.
    pub fn failed(&self, error: &ModelError) {
        if let Some(length) = length(error) {
            let until = Instant::now() + length;
            self.lock().insert((error.model.clone(), error.class), until);
        }
    }

    /// Notes a success.
    pub fn succeeded(&self, model: &str) {
        let mut cooling = self.lock();
        if !cooling.is_empty() {
            cooling.retain(|(name, _), _| name != model);
        }
    }

    /// Whether a model cools.
    pub fn is_cooling(&self, model: &str) -> bool {
        let mut cooling = self.lock();
        if cooling.is_empty() {
            return false;
        }
        let now = Instant::now();
        cooling.retain(|_, until| *until > now);
        cooling.keys().any(|(name, _)| name == model)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(String, ErrorClass), Instant>> {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

/// How long a failure is held against the model.
fn length(error: &ModelError) -> Option<Duration> {
    const LONGEST: Duration = Duration::from_secs(3_600);
    match error.class {
        ErrorClass::RateLimited => {
            Some(error.retry_after.unwrap_or(Duration::from_secs(60)).min(LONGEST))
        }
        ErrorClass::Auth | ErrorClass::Billing | ErrorClass::ModelNotFound => {
            Some(Duration::from_secs(300))
        }
        ErrorClass::Overloaded
        | ErrorClass::Server
        | ErrorClass::Timeout
        | ErrorClass::Transport
        | ErrorClass::Unreadable => Some(Duration::from_secs(30)),
        ErrorClass::ContextTooLong
        | ErrorClass::Filtered
        | ErrorClass::InvalidRequest
        | ErrorClass::Unsupported => None,
    }
}

#[cfg(test)]
mod tests {
    use super::Cooldowns;
    use crate::model::{ErrorClass, ModelError};
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn a_limit_of_one_model_leaves_the_other_alone_and_ends() {
        let cooldowns = Cooldowns::new();
        let mut error = ModelError::new("a/large", ErrorClass::RateLimited, "slow down");
        error.retry_after = Some(Duration::from_secs(20));
        cooldowns.failed(&error);
        assert!(cooldowns.is_cooling("a/large"));
        assert!(!cooldowns.is_cooling("a/small"));
        tokio::time::advance(Duration::from_secs(21)).await;
        assert!(!cooldowns.is_cooling("a/large"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_refused_request_is_not_held_against_the_model_and_success_clears() {
        let cooldowns = Cooldowns::new();
        cooldowns.failed(&ModelError::new("a/b", ErrorClass::InvalidRequest, "bad"));
        assert!(!cooldowns.is_cooling("a/b"));
        cooldowns.failed(&ModelError::new("a/b", ErrorClass::Server, "broken"));
        assert!(cooldowns.is_cooling("a/b"));
        cooldowns.succeeded("a/b");
        assert!(!cooldowns.is_cooling("a/b"));
    }
}
