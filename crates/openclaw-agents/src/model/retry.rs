use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::{ErrorClass, Event, EventStream, Model, ModelError, OnLimit, Request};
use futures_util::StreamExt;
use openclaw_core::Rng;

/// How often and when a model is asked again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The pauses between tries; one try more than pauses.
    pub pauses: Vec<Duration>,
    /// A provider that asks for a longer pause than this is not asked again.
    pub longest_retry_after: Duration,
}

impl Default for RetryPolicy {
    /// Four tries, pauses of 0.25, 0.5 and 1 s, at most 2 s on the provider's request.
    fn default() -> Self {
        Self {
            pauses: [250, 500, 1_000].map(Duration::from_millis).to_vec(),
            longest_retry_after: Duration::from_secs(2),
        }
    }
}

impl RetryPolicy {
    /// The pause before try `number + 1`; `None` when there is none.
    fn pause(
        &self,
        number: usize,
        error: &ModelError,
        on_limit: OnLimit,
        rng: &dyn Rng,
    ) -> Option<Duration> {
        let gives_up = on_limit == OnLimit::GiveUp && error.class == ErrorClass::RateLimited;
        if gives_up || !error.class.is_transient() {
            return None;
        }
        let pause = jittered(*self.pauses.get(number)?, rng);
        match error.retry_after {
            Some(asked) if asked > self.longest_retry_after => None,
            Some(asked) => Some(pause.max(asked)),
            None => Some(pause),
        }
    }
}

/// How long may be paused between tries, over all candidates of a request.
#[derive(Debug)]
pub struct PauseBudget(Mutex<Duration>);

impl PauseBudget {
    /// This long.
    pub fn new(length: Duration) -> Self {
        Self(Mutex::new(length))
    }

    /// Takes a pause out of it; `false` when that much is not left.
    fn take(&self, pause: Duration) -> bool {
        let mut left = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match left.checked_sub(pause) {
            Some(rest) => {
                *left = rest;
                true
            }
            None => false,
        }
    }
}

/// 80 to 120 %.
fn jittered(pause: Duration, rng: &dyn Rng) -> Duration {
    let percent = 80 + u32::try_from(rng.below(41)).unwrap_or(20);
    pause * percent / 100
}

/// A model that is asked again after failures that pass.
#[derive(Debug, Clone)]
pub struct Retry {
    model: Arc<dyn Model>,
    policy: Arc<RetryPolicy>,
    rng: Arc<dyn Rng>,
}

impl Retry {
    /// Wraps a model.
    pub fn new(model: Arc<dyn Model>, policy: Arc<RetryPolicy>, rng: Arc<dyn Rng>) -> Self {
        Self { model, policy, rng }
    }
}

impl Model for Retry {
    fn name(&self) -> &str {
        self.model.name()
    }

    fn stream(&self, request: Request) -> EventStream {
        let Self { model, policy, rng } = self.clone();
        Box::pin(async_stream::stream! {
            for number in 0.. {
                let mut events = model.stream(request.clone());
                let mut said = false;
                let failed = loop {
                    match events.next().await {
                        Some(Ok(event)) => {
                            said |= matches!(event, Event::Text(_));
                            let finished = matches!(event, Event::Finished(_));
                            yield Ok(event);
                            if finished {
                                return;
                            }
                        }
                        Some(Err(error)) => break error,
                        None => break ended_early(model.name()),
                    }
                };
                drop(events);
                let pause = policy.pause(number, &failed, request.on_limit, &*rng).filter(|pause| {
                    request.pauses.as_ref().is_none_or(|budget| budget.take(*pause))
                });
                let Some(pause) = pause else {
                    yield Err(failed);
                    return;
                };
                tracing::info!(model = model.name(), error = %failed, ?pause, "asking the model again");
                if said {
                    yield Ok(Event::Reset);
                }
                tokio::time::sleep(pause).await;
            }
        })
    }
}

fn ended_early(model: &str) -> ModelError {
    ModelError::new(model, ErrorClass::Transport, "the reply ended without an end")
}
