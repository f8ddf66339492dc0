use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use openclaw_core::ThinkingLevel;
use rig_core::message::Message;
use tokio::time::Instant;

use super::{Attempt, ErrorClass, Event, ModelError, OnLimit, Request, Sampling, Standing};

/// What one tiny request with one key came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyProbe {
    /// The key's short name.
    pub credential: Arc<str>,
    /// How long the whole answer took, or why there was none.
    pub answer: Result<Duration, ModelError>,
}

/// Enough for a word, also of models that cannot be kept from thinking first.
const MOST_TOKENS: u64 = 32;

/// Asks a model for a word, once. What comes of it counts for the cooldowns as any request does.
pub(super) async fn probe(attempt: &Attempt, standing: &Standing, limit: Duration) -> KeyProbe {
    let begun = Instant::now();
    let name = attempt.model.name();
    let answer = match tokio::time::timeout(limit, ask(attempt)).await {
        Ok(answer) => answer,
        Err(_) => {
            let message = format!("no answer within {} s", limit.as_secs_f32());
            Err(ModelError::new(name, ErrorClass::Timeout, message))
        }
    };
    match &answer {
        Ok(()) => standing.cooldowns.succeeded(&attempt.credential, name),
        Err(error) => standing.cooldowns.failed(&attempt.credential, error),
    }
    KeyProbe { credential: attempt.credential.clone(), answer: answer.map(|()| begun.elapsed()) }
}

async fn ask(attempt: &Attempt) -> Result<(), ModelError> {
    let mut events = attempt.model.stream(Request {
        system: "Answer with one word.".into(),
        settled: Arc::default(),
        messages: Arc::new(vec![Message::user("Say OK.")]),
        tools: Arc::new([]),
        tool_choice: None,
        max_output: Some(MOST_TOKENS),
        thinking: ThinkingLevel::Off,
        pauses: None,
        on_limit: OnLimit::GiveUp,
        sampling: Sampling::default(),
    });
    while let Some(event) = events.next().await {
        if let Event::Finished(_) = event? {
            return Ok(());
        }
    }
    let message = "the reply ended without an end";
    Err(ModelError::new(attempt.model.name(), ErrorClass::Transport, message))
}
