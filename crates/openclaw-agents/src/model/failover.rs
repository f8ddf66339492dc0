use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;

use super::{
    Action, Affinity, Cooldowns, ErrorClass, Event, EventStream, Model, ModelError, OnLimit,
    PauseBudget, Request,
};

/// The pauses between tries of all candidates together, so that a chain of failures ends soon.
const LONGEST_PAUSES: Duration = Duration::from_secs(12);

/// The most failures that an error names besides its own.
const MOST_NAMED: usize = 3;

/// A model with one of the keys that it can be asked with.
#[derive(Debug, Clone)]
pub struct Attempt {
    /// The model.
    pub model: Arc<dyn Model>,
    /// The key's short name, such as `openai#2`.
    pub credential: Arc<str>,
}

/// What is remembered over all requests.
#[derive(Debug, Default)]
pub struct Standing {
    /// What failed lately.
    pub cooldowns: Cooldowns,
    /// Which session uses which key.
    pub affinity: Affinity,
}

/// Several models in the order they are asked, each only when those before it failed, and each with
/// all its keys before the next.
///
/// What failed lately is asked last. None is left out: while one is healthy, there is a reply.
#[derive(Debug, Clone)]
pub struct Failover {
    /// Per model, its attempts.
    candidates: Vec<Vec<Attempt>>,
    standing: Arc<Standing>,
    session: Arc<str>,
    name: String,
}

impl Failover {
    /// In this order; each candidate holds the attempts of one model, one per key.
    pub fn new(candidates: Vec<Vec<Attempt>>, standing: Arc<Standing>, session: Arc<str>) -> Self {
        let first = candidates.first().and_then(|attempts| attempts.first());
        let name = first.map_or_else(String::new, |attempt| attempt.model.name().to_owned());
        Self { candidates, standing, session, name }
    }

    fn in_order(&self) -> VecDeque<Attempt> {
        let mut order = Vec::with_capacity(self.candidates.iter().map(Vec::len).sum());
        for attempts in &self.candidates {
            let mut credentials: Vec<Arc<str>> =
                attempts.iter().map(|attempt| attempt.credential.clone()).collect();
            let provider = attempts.first().map_or("", |attempt| provider_of(attempt));
            self.standing.affinity.order(&self.session, provider, &mut credentials);
            order.extend(credentials.iter().filter_map(|credential| {
                attempts.iter().find(|attempt| attempt.credential == *credential).cloned()
            }));
        }
        if order.len() > 1 {
            order.sort_by_cached_key(|attempt| self.is_cooling(attempt));
        }
        order.into()
    }

    fn is_cooling(&self, attempt: &Attempt) -> bool {
        self.standing.cooldowns.cooling(&attempt.credential, attempt.model.name()).is_some()
    }

    /// Whether waiting for a limit is better than what else there is.
    fn on_limit(&self, attempt: &Attempt, rest: &VecDeque<Attempt>) -> OnLimit {
        let cooling = self.standing.cooldowns.cooling(&attempt.credential, attempt.model.name());
        let is_limited = cooling.is_some_and(|cooling| cooling.class == ErrorClass::RateLimited);
        let other_key = rest
            .iter()
            .any(|other| other.model.name() == attempt.model.name() && !self.is_cooling(other));
        if is_limited || other_key { OnLimit::GiveUp } else { OnLimit::Wait }
    }

    /// The soonest end of a cooldown that time alone ends.
    fn try_again_in(&self) -> Option<Duration> {
        let attempts = self.candidates.iter().flatten();
        let cooling = attempts.filter_map(|attempt| {
            self.standing.cooldowns.cooling(&attempt.credential, attempt.model.name())
        });
        cooling.filter(|cooling| cooling.class.is_transient()).map(|cooling| cooling.ends_in).min()
    }

    fn has_several_keys(&self, attempt: &Attempt) -> bool {
        self.candidates
            .iter()
            .any(|attempts| attempts.len() > 1 && attempts[0].model.name() == attempt.model.name())
    }
}

fn provider_of(attempt: &Attempt) -> &str {
    attempt.model.name().split('/').next().unwrap_or_default()
}

/// Takes out of the queue what a failure says something of.
fn reorder(rest: &mut VecDeque<Attempt>, failed: &Attempt, action: Action) {
    let is_same = |attempt: &Attempt| attempt.model.name() == failed.model.name();
    match action {
        Action::OtherKey | Action::OtherKeyOrAgain => {}
        Action::OtherModel => rest.retain(|attempt| !is_same(attempt)),
        Action::Again => {
            let (same, others): (Vec<_>, Vec<_>) = rest.drain(..).partition(is_same);
            rest.extend(others);
            rest.extend(same);
        }
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
            let mut rest = this.in_order();
            let mut failures: Vec<ModelError> = Vec::new();
            while let Some(attempt) = rest.pop_front() {
                let (model, credential) = (&attempt.model, &attempt.credential);
                request.on_limit = this.on_limit(&attempt, &rest);
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
                                    this.standing.cooldowns.succeeded(credential, model.name());
                                    this.standing.affinity.used(
                                        &this.session, provider_of(&attempt), credential,
                                    );
                                    yield Ok(event);
                                    return;
                                }
                            }
                            yield Ok(event);
                        }
                        Err(mut error) => {
                            this.standing.cooldowns.failed(credential, &error);
                            tracing::warn!(
                                model = model.name(), credential = &**credential,
                                class = error.class.as_str(), error = error.message,
                                "the model failed"
                            );
                            if this.has_several_keys(&attempt) {
                                error.credential = Some(credential.clone());
                            }
                            reorder(&mut rest, &attempt, error.class.action());
                            failures.push(error);
                            break;
                        }
                    }
                }
                drop(events);
                if said && !rest.is_empty() {
                    yield Ok(Event::Reset);
                }
            }
            yield Err(this.summed_up(failures));
        })
    }
}

impl Failover {
    /// The failure that helps most, which names the others: the first one, unless a later one says
    /// that the conversation is too long, which the caller can do something about.
    fn summed_up(&self, mut failures: Vec<ModelError>) -> ModelError {
        if failures.is_empty() {
            return ModelError::new(&self.name, ErrorClass::Unsupported, "no model to ask");
        }
        let too_long = failures.iter().position(|f| f.class == ErrorClass::ContextTooLong);
        let mut error = failures.remove(too_long.unwrap_or_default());
        error.try_again_in = self.try_again_in();
        let named: Vec<String> =
            failures.iter().take(MOST_NAMED).map(ToString::to_string).collect();
        if !named.is_empty() {
            error.message = format!("{}; {}", error.message, named.join("; "));
        }
        if let Some(more) = failures.len().checked_sub(MOST_NAMED).filter(|more| *more > 0) {
            error.message = format!("{}; and {more} more", error.message);
        }
        error
    }
}

#[cfg(test)]
mod tests;
