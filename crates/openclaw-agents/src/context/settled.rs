use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use rig_core::message::{AssistantContent, Message, ToolResultContent, UserContent};

use super::size::size_of;

/// The rounds of a conversation that are over, oldest first: nothing of them changes any more.
///
/// They end with an answer that called no tool, so what follows begins with a user's words and is
/// encoded without them. That is why their encoding is kept: a turn encodes what is new, whatever
/// the age of its session.
#[derive(Default)]
pub struct Settled {
    messages: Vec<Message>,
    /// The place in the transcript of the last entry that is in here.
    last_seq: i64,
    size: usize,
    /// The room that earlier messages were left out for, if any were.
    cut_for: Option<usize>,
    /// The place of the summary that it begins with; 0 where it begins with none.
    summary_seq: i64,
    /// Whether all of it is text and calls, which every wire encodes message by message.
    is_plain: bool,
    encoded: Mutex<Option<Encoding>>,
}

/// What messages are on one wire.
#[derive(Clone)]
pub(crate) struct Encoding {
    /// The model it was made for: what a message becomes depends on it.
    pub(crate) model: Arc<str>,
    /// Whether tools were offered: without them calls are told as text.
    pub(crate) with_tools: bool,
    /// How many messages.
    pub(crate) messages: usize,
    /// Elements of a JSON array, with commas between them.
    pub(crate) bytes: Arc<Vec<u8>>,
}

impl Settled {
    /// Nothing yet.
    pub(crate) fn new() -> Self {
        Self { is_plain: true, ..Self::default() }
    }

    /// Nothing yet, but what follows begins with the summary at this place.
    pub(crate) fn after_summary(seq: i64) -> Self {
        Self { summary_seq: seq, ..Self::new() }
    }

    /// Nothing yet, with all that is known besides messages.
    pub(crate) fn emptied(&self) -> Self {
        Self { summary_seq: self.summary_seq, cut_for: self.cut_for, ..Self::new() }
    }

    pub(crate) fn summary_seq(&self) -> i64 {
        self.summary_seq
    }

    /// The messages.
    pub fn messages(&self) -> &[Message] {
        &self.messages
    }

    pub(crate) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// The size in bytes, as the conversation's room counts it.
    pub(crate) fn size(&self) -> usize {
        self.size
    }

    pub(crate) fn is_plain(&self) -> bool {
        self.is_plain
    }

    /// The room it was cut for; with more of it, the transcript may give more.
    pub(crate) fn cut_for(&self) -> Option<usize> {
        self.cut_for
    }

    /// Notes that there may be more than fits into so much room.
    pub(crate) fn note_cut(&mut self, room: usize) {
        self.cut_for = Some(self.cut_for.map_or(room, |before| before.min(room)));
    }

    /// About how many bytes it occupies in memory, with the encoding that the turn will add.
    pub(crate) fn footprint(&self) -> usize {
        const MESSAGE: usize = 384;
        let encoded = self.encoding().map_or(0, |encoding| encoding.bytes.capacity());
        let encoded = if self.is_plain { encoded.max(self.size) } else { encoded };
        self.size + encoded + self.messages.len() * MESSAGE
    }

    /// Adds rounds that are over.
    pub(crate) fn extend(&mut self, messages: impl IntoIterator<Item = Message>, last_seq: i64) {
        for message in messages {
            self.size += size_of(&message);
            self.is_plain &= is_plain(&message);
            self.messages.push(message);
        }
        self.last_seq = last_seq;
    }

    pub(crate) fn encoding(&self) -> Option<Encoding> {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The encoding for changing; no one else holds it meanwhile.
    pub(crate) fn take_encoding(&self) -> Option<Encoding> {
        self.encoded.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(crate) fn keep_encoding(&self, encoding: Encoding) {
        *self.encoded.lock().unwrap_or_else(PoisonError::into_inner) = Some(encoding);
    }
}

impl Clone for Settled {
    fn clone(&self) -> Self {
        Self {
            messages: self.messages.clone(),
            last_seq: self.last_seq,
            size: self.size,
            cut_for: self.cut_for,
            summary_seq: self.summary_seq,
            is_plain: self.is_plain,
            encoded: Mutex::new(self.encoding()),
        }
    }
}

impl fmt::Debug for Settled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settled")
            .field("messages", &self.messages.len())
            .field("last_seq", &self.last_seq)
            .field("size", &self.size)
            .finish_non_exhaustive()
    }
}

fn is_plain(message: &Message) -> bool {
    match message {
        Message::System { .. } => false,
        Message::User { content } => content.iter().all(|block| match block {
            UserContent::Text(_) => true,
            UserContent::ToolResult(result) => {
                result.content.iter().all(|part| matches!(part, ToolResultContent::Text(_)))
            }
            _ => false,
        }),
        Message::Assistant(turn) => turn.content.iter().all(|block| match block {
            AssistantContent::Text(_) => true,
            AssistantContent::ToolCall(call) => call.native.is_none(),
            _ => false,
        }),
    }
}
