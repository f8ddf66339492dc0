use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::{RecordedRequest, Reply};

type Answer = Arc<dyn Fn(&RecordedRequest) -> Option<Reply> + Send + Sync>;

/// What the server answers: first what is queued, then the first rule that matches, then an echo
/// of the last line the user wrote.
#[derive(Clone, Default)]
pub struct Script {
    queue: VecDeque<Reply>,
    rules: Vec<Answer>,
}

impl Script {
    /// Echoes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Queues a reply to the next request.
    #[must_use]
    pub fn then(mut self, reply: Reply) -> Self {
        self.queue.push_back(reply);
        self
    }

    /// Answers requests whose last user text holds `needle` and that carry no fresh tool result.
    #[must_use]
    pub fn on_user(self, needle: impl Into<String>, reply: Reply) -> Self {
        let needle = needle.into();
        self.on(move |request| {
            (!request.has_tool_result() && request.last_user_text().contains(&needle))
                .then(|| reply.clone())
        })
    }

    /// Answers requests that carry a fresh tool result.
    #[must_use]
    pub fn on_tool_result(self, reply: Reply) -> Self {
        self.on(move |request| request.has_tool_result().then(|| reply.clone()))
    }

    /// Answers with what the closure gives, if it gives something.
    #[must_use]
    pub fn on(
        mut self,
        answer: impl Fn(&RecordedRequest) -> Option<Reply> + Send + Sync + 'static,
    ) -> Self {
        self.rules.push(Arc::new(answer));
        self
    }

    pub(crate) fn push(&mut self, reply: Reply) {
        self.queue.push_back(reply);
    }

    pub(crate) fn answer(&mut self, request: &RecordedRequest) -> Reply {
        if let Some(reply) = self.queue.pop_front() {
            return reply;
        }
        self.rules.iter().find_map(|rule| rule(request)).unwrap_or_else(|| echo(request))
    }
}

fn echo(request: &RecordedRequest) -> Reply {
    let text = request.last_user_text();
    let line = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("hello");
    Reply::chunks(["You said: ".to_owned(), line.to_owned()])
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Script")
            .field("queued", &self.queue.len())
            .field("rules", &self.rules.len())
            .finish()
    }
}
