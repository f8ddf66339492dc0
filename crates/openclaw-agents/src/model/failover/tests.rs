use super::{Attempt, Failover, Standing};
use crate::model::{
    Action, ErrorClass, Event, EventStream, Model, ModelError, OnLimit, Reply, Request, Retry,
    RetryPolicy, Sampling,
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
        on_limit: OnLimit::Wait,
        sampling: Sampling::default(),
    }
}

fn chain(models: &[Arc<Scripted>]) -> Failover {
    with_keys(&models.iter().map(|model| vec![model.clone()]).collect::<Vec<_>>())
}

/// Per model, how it fails with each of its keys.
fn with_keys(models: &[Vec<Arc<Scripted>>]) -> Failover {
    let policy = Arc::new(RetryPolicy::default());
    let attempt = |model: &Arc<Scripted>, number: usize| Attempt {
        model: Arc::new(Retry::new(model.clone(), policy.clone(), Arc::new(SystemRng))),
        credential: format!("{}#{}", model.name, number + 1).into(),
    };
    let candidates = models
        .iter()
        .map(|keys| keys.iter().enumerate().map(|(n, model)| attempt(model, n)).collect())
        .collect();
    Failover::new(candidates, Arc::<Standing>::default(), "session".into())
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
    assert_eq!(error.message.matches("scripted").count(), 4);
    assert!(error.message.ends_with("; and 16 more"), "{}", error.message);
    assert!(error.try_again_in.is_some_and(|time| time <= Duration::from_secs(30)));
}

fn asked(model: &Scripted) -> usize {
    model.asked.load(Ordering::SeqCst)
}

#[tokio::test(start_paused = true)]
async fn a_limited_key_gives_way_to_the_next_at_once_and_the_session_stays_there() {
    let limited = Arc::new(Scripted::new("a/x", &[ErrorClass::RateLimited; 9]));
    let second = Arc::new(Scripted::new("a/x", &[]));
    let other = Arc::new(Scripted::new("b/y", &[]));
    let start = tokio::time::Instant::now();
    let failover = with_keys(&[vec![limited.clone(), second.clone()], vec![other.clone()]]);
    for _ in 0..3 {
        assert_eq!(ask(&failover).await.expect("an answer").0, "a/x");
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    assert_eq!((asked(&limited), asked(&second), asked(&other)), (1, 3, 0));
    // When it may be asked again, the session's own key still comes first.
    tokio::time::advance(Duration::from_secs(61)).await;
    ask(&failover).await.expect("an answer");
    assert_eq!((asked(&limited), asked(&second)), (1, 4));
}

#[tokio::test(start_paused = true)]
async fn a_wrong_key_is_asked_once_a_wrong_request_with_one_key_only() {
    let wrong = Arc::new(Scripted::new("a/x", &[ErrorClass::Auth; 9]));
    let good = Arc::new(Scripted::new("a/x", &[ErrorClass::InvalidRequest; 9]));
    let third = Arc::new(Scripted::new("a/x", &[]));
    let failover = with_keys(&[vec![wrong.clone(), good.clone(), third.clone()]]);
    let error = ask(&failover).await.expect_err("no key helps");
    assert_eq!((asked(&wrong), asked(&good), asked(&third)), (1, 1, 0));
    assert_eq!(error.to_string(), "a/x (a/x#1): scripted; a/x (a/x#2): scripted");
}

#[tokio::test(start_paused = true)]
async fn when_all_are_limited_the_error_says_until_when() {
    let mut models = Vec::new();
    for (name, seconds) in [("a/x", 1_800), ("b/y", 240)] {
        let mut model = Scripted::new(name, &[ErrorClass::RateLimited; 9]);
        model.retry_after = Some(Duration::from_secs(seconds));
        models.push(Arc::new(model));
    }
    let failover = chain(&models);
    let error = ask(&failover).await.expect_err("all are limited");
    assert_eq!(error.try_again_in, Some(Duration::from_secs(240)));
    let hint = error.stored().hint.expect("one");
    assert_eq!(hint, "try again in 4 min, or add agents.fallbacks");
    // While they cool each is asked once, not four times.
    tokio::time::advance(Duration::from_secs(100)).await;
    ask(&failover).await.expect_err("all are limited");
    assert_eq!((asked(&models[0]), asked(&models[1])), (2, 2));
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
        keys in 1usize..4,
        key in 0usize..4,
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time().start_paused(true).build().expect("a runtime");
        let mut models: Vec<_> = broken
            .iter()
            .enumerate()
            .map(|(n, class)| {
                (0..keys)
                    .map(|_| Arc::new(Scripted::new(&format!("a/{n}"), &[*class; 40])))
                    .collect::<Vec<_>>()
            })
            .collect();
        // A healthy model has keys that fail, each in its own way.
        let mut healthy: Vec<_> = broken
            .iter()
            .filter(|class| class.action() != Action::OtherModel)
            .take(keys)
            .map(|class| Arc::new(Scripted::new("healthy/one", &[*class; 40])))
            .collect();
        let place_of_key = key.min(healthy.len());
        healthy.insert(place_of_key, Arc::new(Scripted::new("healthy/one", &[])));
        let place = place.min(models.len());
        models.insert(place, healthy);
        let failover = with_keys(&models);
        for _ in 0..2 {
            let (model, text) = runtime.block_on(ask(&failover)).expect("an answer");
            prop_assert_eq!(&model, "healthy/one");
            prop_assert!(text.starts_with("healthy/one"));
        }
    }
}
