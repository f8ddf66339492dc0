use std::time::Duration;

use serde_json::{Value, json};

/// What the server answers to one request.
#[derive(Debug, Clone, PartialEq)]
pub struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    /// The whole body, for a reply that is no stream of parts.
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) before_headers: Duration,
    pub(crate) gap: Duration,
    pub(crate) parts: Vec<Part>,
    pub(crate) finish: Option<String>,
    pub(crate) usage: ReplyUsage,
    pub(crate) ending: Ending,
}

/// One piece of a streamed reply.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// A chunk of text.
    Text(String),
    /// A chunk of thinking.
    Thinking(String),
    /// A tool call.
    Call(ScriptedCall),
    /// Silence.
    Pause(Duration),
    /// An error event within the stream.
    Error {
        /// Its `type` (and, on the chat wire, `code`).
        kind: String,
        /// Its message.
        message: String,
    },
    /// Bytes as they are.
    Raw(Vec<u8>),
}

/// A tool call the model makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScriptedCall {
    /// Its id; made from its place where empty.
    pub id: String,
    /// The tool.
    pub name: String,
    /// The arguments' JSON text as it is streamed; joined it need not be JSON.
    pub fragments: Vec<String>,
}

impl ScriptedCall {
    /// A call whose arguments come in one piece.
    pub fn new(name: impl Into<String>, arguments: &Value) -> Self {
        Self { id: String::new(), name: name.into(), fragments: vec![arguments.to_string()] }
    }

    /// A call with this text as its arguments, in one piece.
    pub fn raw(name: impl Into<String>, arguments: impl Into<String>) -> Self {
        Self { id: String::new(), name: name.into(), fragments: vec![arguments.into()] }
    }

    /// Sets the id.
    #[must_use]
    pub fn with_id(mut self, id: impl Into<String>) -> Self {
        self.id = id.into();
        self
    }

    /// Cuts the arguments into pieces of `size` bytes, at character boundaries.
    #[must_use]
    pub fn fragmented(mut self, size: usize) -> Self {
        let text = self.fragments.concat();
        let mut fragments = vec![String::new()];
        for character in text.chars() {
            if fragments.last().is_some_and(|last| last.len() >= size) {
                fragments.push(String::new());
            }
            if let Some(last) = fragments.last_mut() {
                last.push(character);
            }
        }
        self.fragments = fragments;
        self
    }
}

/// The tokens a reply says were used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReplyUsage {
    /// All tokens read, cached ones included.
    pub input: u64,
    /// Tokens written.
    pub output: u64,
    /// Of the input, those from the cache.
    pub cached: u64,
}

impl Default for ReplyUsage {
    fn default() -> Self {
        Self { input: 10, output: 5, cached: 0 }
    }
}

/// How a streamed reply ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Ending {
    /// As the wire asks for.
    #[default]
    Complete,
    /// It never does: the connection stays open without a word.
    Hang,
    /// The connection is reset.
    Reset,
    /// The body ends properly, without the wire's end marker.
    Cut,
    /// The connection closes in the middle of an event.
    HalfEvent,
    /// The connection is reset before any header.
    ResetBeforeHeaders,
}

impl Reply {
    /// An empty stream.
    pub fn new() -> Self {
        Self {
            status: 200,
            headers: Vec::new(),
            body: None,
            before_headers: Duration::ZERO,
            gap: Duration::ZERO,
            parts: Vec::new(),
            finish: None,
            usage: ReplyUsage::default(),
            ending: Ending::Complete,
        }
    }

    /// One chunk of text.
    pub fn text(text: impl Into<String>) -> Self {
        Self::new().then_text(text)
    }

    /// Text in these chunks.
    pub fn chunks<S: Into<String>>(chunks: impl IntoIterator<Item = S>) -> Self {
        chunks.into_iter().fold(Self::new(), Self::then_text)
    }

    /// One tool call.
    pub fn call(name: impl Into<String>, arguments: &Value) -> Self {
        Self::new().then_call(ScriptedCall::new(name, arguments))
    }

    /// Several tool calls at once.
    pub fn calls(calls: impl IntoIterator<Item = ScriptedCall>) -> Self {
        calls.into_iter().fold(Self::new(), Self::then_call)
    }

    /// An error status with the body that the wires use.
    pub fn error(status: u16, kind: &str, message: &str) -> Self {
        let body =
            json!({"type": "error", "error": {"type": kind, "code": kind, "message": message}});
        Self::body(status, "application/json", body.to_string())
    }

    /// This status and body.
    pub fn body(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        Self { status, body: Some(body.into()), ..Self::new() }.header("content-type", content_type)
    }

    /// Takes the request and never answers.
    pub fn hang() -> Self {
        Self { before_headers: Duration::MAX, ..Self::new() }
    }

    /// Adds text.
    #[must_use]
    pub fn then_text(self, text: impl Into<String>) -> Self {
        self.then(Part::Text(text.into()))
    }

    /// Adds a tool call.
    #[must_use]
    pub fn then_call(self, call: ScriptedCall) -> Self {
        self.then(Part::Call(call))
    }

    /// Adds silence.
    #[must_use]
    pub fn then_pause(self, pause: Duration) -> Self {
        self.then(Part::Pause(pause))
    }

    /// Adds an error event; nothing follows it.
    #[must_use]
    pub fn then_error(self, kind: &str, message: &str) -> Self {
        self.then(Part::Error { kind: kind.to_owned(), message: message.to_owned() })
            .ending(Ending::Cut)
    }

    /// Adds a part.
    #[must_use]
    pub fn then(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Waits before the headers.
    #[must_use]
    pub fn after(mut self, delay: Duration) -> Self {
        self.before_headers = delay;
        self
    }

    /// Waits between two parts.
    #[must_use]
    pub fn gap(mut self, gap: Duration) -> Self {
        self.gap = gap;
        self
    }

    /// Sets the finish reason, in the wire's own word.
    #[must_use]
    pub fn finish(mut self, reason: &str) -> Self {
        self.finish = Some(reason.to_owned());
        self
    }

    /// Sets the usage.
    #[must_use]
    pub fn usage(mut self, usage: ReplyUsage) -> Self {
        self.usage = usage;
        self
    }

    /// Sets how it ends.
    #[must_use]
    pub fn ending(mut self, ending: Ending) -> Self {
        self.ending = ending;
        self
    }

    pub(crate) fn has_calls(&self) -> bool {
        self.parts.iter().any(|part| matches!(part, Part::Call(_)))
    }
}

impl Default for Reply {
    fn default() -> Self {
        Self::new()
    }
}
