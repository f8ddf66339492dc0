use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::{Cooldowns, ErrorClass, Event, EventStream, Model, ModelError, PauseBudget, Request};

/// The pauses between tries of all candidates together, so that a chain of failures ends soon.
const LONGEST_PAUSES: Duration = Duration::from_secs(12);

/// Several models in the order they are asked, each only when those before it failed.
///
/// Those that failed lately are asked last. None is left out: while one is healthy, there is a
/// reply.
#[derive(Debug, Clone)]
pub struct Failover {
    candidates: Vec<Arc<dyn Model>>,
    cooldowns: Arc<Cooldowns>,
    name: String,
}

impl Failover {
    /// In this order.
    pub fn new(candidates: Vec<Arc<dyn Model>>, cooldowns: Arc<Cooldowns>) -> Self {
        let name = candidates.first().map_or_else(String::new, |model| model.name().to_owned());
        Self { candidates, cooldowns, name }
    }

    fn in_order(&self) -> Vec<Arc<dyn Model>> {
        let mut order = self.candidates.clone();
        if order.len() > 1 {
            order.sort_by_cached_key(|model| self.cooldowns.is_cooling(model.name()));
        }
        order
    }
}

impl Model for Failover {
    fn name(&self) -> &str {
        &self.name
    }

    fn stream(&self, mut request: Request) -> EventStream {
        let this = self.clone();
        Box::pin(async_stream::stream! {
            request.pauses.get_or_insert_with(|| Arc::new(PauseBudget::new(LONGEST_PAUSES)));
            let order = this.in_order();
            let mut first_error: Option<ModelError> = None;
            let last = order.len().saturating_sub(1);
            for (place, model) in order.into_iter().enumerate() {
                let mut events = model.stream(request.clone());
                let mut said = false;
                while let Some(event) = events.next().await {
                    match event {
                        Ok(event) => {
                            match &event {
                                Event::Text(_) => said = true,
                                Event::Reset => said = false,
                                Event::Thinking(_) => {}
                                Event::Finished(_) => {
                                    this.cooldowns.succeeded(model.name());
                                    yield Ok(event);
                                    return;
                                }
                            }
                            yield Ok(event);
                        }
                        Err(error) => {
                            this.cooldowns.failed(&error);
                            tracing::warn!(
                                model = model.name(), class = ?error.class, error = %error,
                                "the model failed"
                            );
                            keep(&mut first_error, error);
                            break;
                        }
                    }
                }
                drop(events);
                if said && place < last {
                    yield Ok(Event::Reset);
                }
            }
            yield Err(first_error.unwrap_or_else(|| {
                ModelError::new(&this.name, ErrorClass::Unsupported, "no model to ask")
            }));
        })
    }
}

/// Keeps the error that helps most: the first one, unless a later one says that the conversation
/// is too long, which the caller can do something about.
fn keep(kept: &mut Option<ModelError>, error: ModelError) {
    let better = error.class == ErrorClass::ContextTooLong;
    if kept.is_none() || better {
        *kept = Some(error);
    }
}

#[cfg(test)]
mod tests {
    use super::Failover;
    use crate::model::{
        Cooldowns, ErrorClass, Event, EventStream, Model, ModelError, Reply, Request, Retry,
        RetryPolicy,
    };
    use futures_util::StreamExt;
    use openclaw_core::{StopReason, SystemRng, ThinkingLevel, Usage};
    use proptest::prelude::*;
    use rig_core::message::AssistantMessage;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    /// Says something, fails as it is told so many times, then answers.
    #[derive(Debug)]
    struct Scripted {
        name: String,
        failures: Vec<ErrorClass>,
        retry_after: Option<Duration>,
        asked: AtomicUsize,
    }

    impl Scripted {
        fn new(name: &str, failures: &[ErrorClass]) -> Self {
            Self {
                name: name.to_owned(),
                failures: failures.to_vec(),
                retry_after: None,
                asked: AtomicUsize::new(0),
            }
        }
    }

    impl Model for Scripted {
        fn name(&self) -> &str {
            &self.name
        }

        fn stream(&self, _: Request) -> EventStream {
            let number = self.asked.fetch_add(1, Ordering::SeqCst);
            let text = Event::Text(format!("{} {number}", self.name));
            let last = match self.failures.get(number) {
                Some(class) => {
                    let mut error = ModelError::new(&self.name, *class, "scripted");
                    error.retry_after = self.retry_after;
                    Err(error)
                }
                None => Ok(Event::Finished(Box::new(Reply {
                    model: self.name.clone(),
                    message: AssistantMessage::new(Vec::new()),
                    usage: Usage::default(),
                    stop: StopReason::EndTurn,
                }))),
            };
            Box::pin(futures_util::stream::iter([Ok(text), last]))
        }
    }

    fn request() -> Request {
        Request {
            system: "".into(),
            settled: Arc::default(),
            messages: Arc::default(),
            tools: Arc::new([]),
            tool_choice: None,
            max_output: None,
            thinking: ThinkingLevel::Off,
            pauses: None,
        }
    }

    fn chain(models: &[Arc<Scripted>]) -> Failover {
        let policy = Arc::new(RetryPolicy::default());
        let candidates = models
            .iter()
            .map(|model| {
                Arc::new(Retry::new(model.clone(), policy.clone(), Arc::new(SystemRng)))
                    as Arc<dyn Model>
            })
            .collect();
        Failover::new(candidates, Arc::new(Cooldowns::new()))
    }

    /// The model that answered and the text left after resets.
    async fn ask(model: &Failover) -> Result<(String, String), ModelError> {
        let mut text = String::new();
        let mut events = model.stream(request());
        while let Some(event) = events.next().await {
            match event? {
                Event::Text(new) => text.push_str(&new),
                Event::Reset => text.clear(),
                Event::Thinking(_) => {}
                Event::Finished(reply) => return Ok((reply.model, text)),
            }
        }
        panic!("the stream ended without an end");
    }

    #[tokio::test(start_paused = true)]
    async fn four_tries_then_the_next_and_only_the_last_text_stays() {
        let broken = Arc::new(Scripted::new("a/x", &[ErrorClass::Server; 9]));
        let healthy = Arc::new(Scripted::new("b/y", &[ErrorClass::Transport]));
        let answer = ask(&chain(&[broken.clone(), healthy.clone()])).await;
        assert_eq!(answer, Ok(("b/y".to_owned(), "b/y 1".to_owned())));
        assert_eq!(broken.asked.load(Ordering::SeqCst), 4);
        assert_eq!(healthy.asked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_long_retry_after_fails_over_at_once() {
        let mut limited = Scripted::new("a/x", &[ErrorClass::RateLimited; 9]);
        limited.retry_after = Some(Duration::from_secs(30));
        let limited = Arc::new(limited);
        let healthy = Arc::new(Scripted::new("b/y", &[]));
        let start = tokio::time::Instant::now();
        let failover = chain(&[limited.clone(), healthy.clone()]);
        assert_eq!(ask(&failover).await.expect("an answer").0, "b/y");
        assert_eq!(start.elapsed(), Duration::ZERO);
        assert_eq!(limited.asked.load(Ordering::SeqCst), 1);
        // While it cools, the healthy one is asked first.
        assert_eq!(ask(&failover).await.expect("an answer").0, "b/y");
        assert_eq!(limited.asked.load(Ordering::SeqCst), 1);
    }

    #[tokio::test(start_paused = true)]
    async fn twenty_broken_candidates_end_within_fifteen_seconds() {
        let models: Vec<_> = (0..20)
            .map(|number| Arc::new(Scripted::new(&format!("a/{number}"), &[ErrorClass::Server; 9])))
            .collect();
        let start = tokio::time::Instant::now();
        let error = ask(&chain(&models)).await.expect_err("all are broken");
        assert_eq!(error.model, "a/0");
        assert!(start.elapsed() < Duration::from_secs(15), "{:?}", start.elapsed());
        assert!(models.iter().all(|model| model.asked.load(Ordering::SeqCst) >= 1));
    }

    fn class() -> impl Strategy<Value = ErrorClass> {
        proptest::sample::select(ErrorClass::ALL.to_vec())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn with_one_healthy_candidate_there_is_an_answer(
            broken in proptest::collection::vec(class(), 1..6),
            place in 0usize..6,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_time().start_paused(true).build().expect("a runtime");
            let mut models: Vec<_> = broken
                .iter()
                .enumerate()
                .map(|(n, class)| Arc::new(Scripted::new(&format!("a/{n}"), &[*class; 9])))
                .collect();
            let place = place.min(models.len());
            models.insert(place, Arc::new(Scripted::new("healthy/one", &[])));
            let failover = chain(&models);
            for _ in 0..2 {
                let (model, text) = runtime.block_on(ask(&failover)).expect("an answer");
                prop_assert_eq!(&model, "healthy/one");
                prop_assert!(text.starts_with("healthy/one"));
            }
        }
    }
}
