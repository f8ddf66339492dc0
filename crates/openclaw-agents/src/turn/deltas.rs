use std::sync::Arc;

use openclaw_core::AgentEvent;
use openclaw_sessions::TurnStream;

/// What separates the texts of two answers of one turn.
const BREAK: &str = "\n\n";

/// The text of a turn as its readers see it grow.
///
/// A turn with tools has several answers with text; together they are its reply.
pub(super) struct Deltas {
    stream: Arc<dyn TurnStream>,
    index: u64,
    /// The text of the answers that are committed.
    said: String,
    /// The text of the answer that is being given.
    current: String,
    /// Whether readers must forget what they saw.
    reset: bool,
}

impl Deltas {
    /// `said` are the texts of answers before an interruption, whose readers may have seen more.
    pub(super) fn new(stream: Arc<dyn TurnStream>, said: Vec<String>, interrupted: bool) -> Self {
        let mut deltas = Self {
            stream,
            index: 0,
            said: String::new(),
            current: String::new(),
            reset: interrupted,
        };
        for text in said {
            deltas.current = text;
            deltas.commit();
        }
        deltas
    }

    /// New text.
    pub(super) fn push(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let begins = self.current.is_empty();
        self.current.push_str(text);
        let shown = match (self.reset, begins && !self.said.is_empty()) {
            (true, _) => self.whole(),
            (false, true) => format!("{BREAK}{text}"),
            (false, false) => text.to_owned(),
        };
        let event = AgentEvent::Delta { text: shown, index: self.index, reset: self.reset };
        self.stream.emit(event);
        self.index += 1;
        self.reset = false;
    }

    /// The answer begins anew.
    pub(super) fn restart(&mut self) {
        if !self.current.is_empty() {
            self.current.clear();
            self.reset = true;
        }
    }

    /// The answer is whole and another follows.
    pub(super) fn commit(&mut self) {
        self.said = self.whole();
        self.current.clear();
    }

    /// The text of the answer that is being given.
    pub(super) fn current(&self) -> &str {
        &self.current
    }

    /// All text.
    pub(super) fn whole(&self) -> String {
        match (self.said.is_empty(), self.current.is_empty()) {
            (true, _) => self.current.clone(),
            (false, true) => self.said.clone(),
            (false, false) => format!("{}{BREAK}{}", self.said, self.current),
        }
    }
}
