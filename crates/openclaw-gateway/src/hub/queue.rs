use std::collections::VecDeque;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_tungstenite::tungstenite::Utf8Bytes;

/// The most events that wait for one client.
pub const QUEUE_EVENTS: usize = 256;
/// The most bytes of events that wait for one client.
pub const QUEUE_BYTES: usize = 1 << 20;
/// How long a queue may be full before its connection is ended.
pub(super) const FULL_LIMIT: Duration = Duration::from_secs(10);

/// What is on its way to a client.
#[derive(Debug)]
pub enum Outgoing {
    /// An event as JSON.
    Event(Utf8Bytes),
    /// The answer to a call as JSON. Holds the call's place among those that are worked on until it
    /// is sent, which bounds how many answers can wait.
    Answer(Utf8Bytes, Option<OwnedSemaphorePermit>),
    /// A sign of life is asked for.
    Ping,
}

/// What waits for one client, in order. Only events count towards the bounds; answers are bounded by
/// the calls that are worked on.
#[derive(Debug, Default)]
pub(super) struct Queue {
    items: VecDeque<Outgoing>,
    events: usize,
    bytes: usize,
    /// Since when a stored event did not fit, or deltas were dropped.
    full_since: Option<Instant>,
}

impl Queue {
    /// Whether one more event of this size fits. A single event of any size fits an empty queue.
    pub(super) fn has_room(&self, bytes: usize) -> bool {
        self.events == 0 || (self.events < QUEUE_EVENTS && self.bytes + bytes <= QUEUE_BYTES)
    }

    /// Whether one more event that cannot be had again fits: room is kept for those.
    pub(super) fn has_reserve(&self, bytes: usize) -> bool {
        self.events == 0
            || (self.events < 4 * QUEUE_EVENTS && self.bytes + bytes <= 4 * QUEUE_BYTES)
    }

    /// Whether half of it is free: then it is worth reading again what did not fit.
    pub(super) fn is_half_empty(&self) -> bool {
        self.events <= QUEUE_EVENTS / 2 && self.bytes <= QUEUE_BYTES / 2
    }

    pub(super) fn push_event(&mut self, text: Utf8Bytes) {
        self.events += 1;
        self.bytes += text.len();
        self.items.push_back(Outgoing::Event(text));
    }

    pub(super) fn push(&mut self, item: Outgoing) {
        self.items.push_back(item);
    }

    pub(super) fn pop(&mut self) -> Option<Outgoing> {
        let item = self.items.pop_front()?;
        if let Outgoing::Event(text) = &item {
            self.events -= 1;
            self.bytes -= text.len();
        }
        if self.is_half_empty() {
            self.full_since = None;
        }
        if self.items.is_empty() {
            // A burst must not keep its memory for the rest of an idle connection's life.
            self.items.shrink_to(8);
        }
        Some(item)
    }

    /// Notes that something did not fit; whether that has lasted too long.
    pub(super) fn overflows(&mut self) -> bool {
        let now = Instant::now();
        now.duration_since(*self.full_since.get_or_insert(now)) >= FULL_LIMIT
    }

    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }
}
