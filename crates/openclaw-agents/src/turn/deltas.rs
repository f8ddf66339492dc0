use std::sync::Arc;
use std::time::Duration;

use openclaw_core::AgentEvent;
use openclaw_sessions::TurnStream;
use tokio::time::Instant;

use super::scrub::{Scrubber, scrubbed};

/// What separates the texts of two answers of one turn.
const BREAK: &str = "\n\n";

/// Text that comes sooner than this after a delta waits for the next, so that a fast model costs no
/// event per word; nobody reads faster.
const PACE: Duration = Duration::from_millis(20);

/// How much text does not wait.
const LONGEST_DELTA: usize = 4 * 1024;

/// The text of a turn as its readers see it grow.
///
/// A turn with tools has several answers with text; together they are its reply.
pub(crate) struct Deltas {
    stream: Arc<dyn TurnStream>,
    index: u64,
    /// The text of the answers that are committed.
    said: String,
    /// The text of the answer that is being given.
    current: String,
    /// Whether readers must forget what they saw.
    reset: bool,
    /// The end of `current` that readers were not shown yet.
    held: String,
    /// When that is shown.
    next: Option<Instant>,
    scrubber: Scrubber,
}

impl Deltas {
    /// `said` are the texts of answers before an interruption, whose readers may have seen more.
    pub(crate) fn new(stream: Arc<dyn TurnStream>, said: Vec<String>, interrupted: bool) -> Self {
        let mut deltas = Self {
            stream,
            index: 0,
            said: String::new(),
            current: String::new(),
            reset: interrupted,
            held: String::new(),
            next: None,
            scrubber: Scrubber::default(),
        };
        for text in said {
            deltas.current = scrubbed(&text);
            deltas.commit();
        }
        deltas
    }

    /// New text; shown at once unless the last was shown just before.
    pub(crate) fn push(&mut self, text: &str) {
        let text = self.scrubber.push(text);
        self.take(&text);
    }

    /// The answer has ended: shows all of it.
    pub(crate) fn end(&mut self) {
        let rest = self.scrubber.finish();
        self.take(&rest);
        self.show();
    }

    fn take(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.current.push_str(text);
        self.held.push_str(text);
        let is_due = self.next.is_none_or(|next| next <= Instant::now());
        if is_due || self.held.len() >= LONGEST_DELTA {
            self.show();
        }
    }

    /// When the text that waits is to be shown.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.next.filter(|_| !self.held.is_empty())
    }

    /// Shows the text that waits.
    pub(crate) fn show(&mut self) {
        if self.held.is_empty() {
            return;
        }
        let held = std::mem::take(&mut self.held);
        let begins = held.len() == self.current.len();
        let text = match (self.reset, begins && !self.said.is_empty()) {
            (true, _) => self.whole(),
            (false, true) => format!("{BREAK}{held}"),
            (false, false) => held,
        };
        let event = AgentEvent::Delta { text, index: self.index, reset: self.reset };
        self.stream.emit(event);
        self.index += 1;
        self.reset = false;
        self.next = Some(Instant::now() + PACE);
    }

    /// The answer begins anew.
    pub(crate) fn restart(&mut self) {
        let shown = self.current.len() - self.held.len();
        self.reset |= shown > 0;
        self.current.clear();
        self.held.clear();
        self.scrubber = Scrubber::default();
    }

    /// The answer is whole and another follows.
    pub(crate) fn commit(&mut self) {
        self.end();
        self.said = self.whole();
        self.current.clear();
    }

    /// The text of the answer that is being given.
    pub(crate) fn current(&self) -> &str {
        &self.current
    }

    /// All text.
    pub(crate) fn whole(&self) -> String {
        match (self.said.is_empty(), self.current.is_empty()) {
            (true, _) => self.current.clone(),
            (false, true) => self.said.clone(),
            (false, false) => format!("{}{BREAK}{}", self.said, self.current),
        }
    }
}
