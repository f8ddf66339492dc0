use std::sync::Arc;

use openclaw_storage::rows::{CallerResult, TranscriptKind, TranscriptRow};
use rig_core::message::{
    AssistantMessage, Message, ToolCall, ToolResult, ToolResultContent, UserContent,
};
use serde::de::DeserializeOwned;

use super::{Context, Images, Settled};
use crate::transcript::{AssistantEntry, SummaryEntry, ToolResultEntry, UserEntry};

/// Makes a conversation of transcript entries, oldest first, that follow what is settled.
///
/// **Whatever the entries are, the conversation is one that every provider takes**: it begins and
/// ends with the user, roles alternate, every call has exactly one result right after it, and no
/// result stands alone. A call without a stored result gets one that says so.
///
/// What the entries settle is added to what was settled before. A summary stands before the entries
/// that follow what it stands for, whatever its own place.
pub(crate) fn assemble(
    mut settled: Arc<Settled>,
    rows: &[TranscriptRow],
    images: &Images,
) -> Context {
    let mut builder = Builder {
        messages: Vec::with_capacity(rows.len() + 1),
        open: Vec::new(),
        settled: None,
        last_seq: settled.last_seq(),
    };
    for row in rows {
        match row.kind {
            TranscriptKind::User | TranscriptKind::Note => {
                if let Some(entry) = read::<UserEntry>(row) {
                    let unknown = builder.caller_results(&entry.results);
                    builder.user(user_content(&entry, &unknown, images));
                }
            }
            TranscriptKind::Assistant => {
                if let Some(message) = read::<AssistantEntry>(row).and_then(|e| e.to_message()) {
                    builder.assistant(message);
                }
            }
            TranscriptKind::ToolResult => {
                if let Some(entry) = read::<ToolResultEntry>(row) {
                    builder.result(result_of(&entry, images));
                }
            }
            // What is settled begins with it.
            TranscriptKind::Compaction if row.seq == settled.summary_seq() => {}
            TranscriptKind::Compaction => {
                if let Some(entry) = read::<SummaryEntry>(row) {
                    settled = Arc::new(Settled::after_summary(row.seq));
                    builder.messages.clear();
                    builder.open.clear();
                    builder.settled = None;
                    builder.user(vec![UserContent::text(entry.message())]);
                }
            }
        }
        builder.last_seq = row.seq;
    }
    builder.finish(settled)
}

/// Whether rows follow settled rounds as they are: they begin with what a user said, and hold no
/// other summary than the one that the rounds begin with.
pub(crate) fn continues(rows: &[TranscriptRow], summary: i64) -> bool {
    rows.first().is_some_and(|row| row.kind == TranscriptKind::User)
        && rows.iter().all(|row| row.kind != TranscriptKind::Compaction || row.seq == summary)
}

pub(super) fn result_of(entry: &ToolResultEntry, images: &Images) -> ToolResult {
    let mut result = entry.to_result();
    result.content.extend(entry.images.iter().map(|image| images.of_result(image)));
    result
}

/// What a user said. Results whose calls are not there any more are told as text.
pub(super) fn user_content(
    entry: &UserEntry,
    unknown: &[&CallerResult],
    images: &Images,
) -> Vec<UserContent> {
    let mut content = Vec::with_capacity(entry.images.len() + 1 + unknown.len());
    content.extend(unknown.iter().map(|result| {
        UserContent::text(format!("[result of call {}]\n{}", result.call_id, result.text))
    }));
    // A blank block is refused by some wires.
    if !entry.text.trim().is_empty() {
        content.push(UserContent::text(&entry.text));
    }
    content.extend(entry.images.iter().map(|image| images.of_user(image)));
    content
}

fn read<T: DeserializeOwned>(row: &TranscriptRow) -> Option<T> {
    match T::deserialize(&row.data) {
        Ok(entry) => Some(entry),
        Err(error) => {
            tracing::warn!(seq = row.seq, %error, "a transcript entry is not readable");
            None
        }
    }
}

struct Builder {
    messages: Vec<Message>,
    /// The calls of the last assistant message, with the results that came.
    open: Vec<(ToolCall, Option<ToolResult>)>,
    /// How many messages are over, and the last entry in them.
    settled: Option<(usize, i64)>,
    /// The entry before the one that is added.
    last_seq: i64,
}

impl Builder {
    fn user(&mut self, new: Vec<UserContent>) {
        self.close();
        if new.is_empty() {
            return;
        }
        match self.messages.last_mut() {
            Some(Message::User { content }) => content.extend(new),
            last => {
                if last.is_some() {
                    self.settled = Some((self.messages.len(), self.last_seq));
                }
                self.messages.push(Message::User { content: new });
            }
        }
    }

    fn assistant(&mut self, message: AssistantMessage) {
        self.close();
        if self.messages.is_empty() {
            self.user(vec![UserContent::text(EARLIER)]);
        }
        self.open = message.tool_calls().map(|call| (call.clone(), None)).collect();
        match self.messages.last_mut() {
            // Two in a row come of what the gateway said in between.
            Some(Message::Assistant(last)) => {
                let mut content = std::mem::take(&mut last.content);
                content.extend(message.content);
                *last = AssistantMessage::new(content).with_stop(message.stop);
            }
            _ => self.messages.push(Message::Assistant(message)),
        }
    }

    /// Adds results of a caller's tools; gives back those whose calls are not open.
    fn caller_results<'r>(&mut self, results: &'r [CallerResult]) -> Vec<&'r CallerResult> {
        let mut unknown = Vec::new();
        for result in results {
            let open = self
                .open
                .iter_mut()
                .find(|(call, got)| got.is_none() && call.id.wire() == result.call_id.as_str());
            match open {
                Some((call, got)) => {
                    let text = if result.text.is_empty() { "(no output)" } else { &result.text };
                    *got = Some(call.result(vec![ToolResultContent::text(text)]));
                }
                None => unknown.push(result),
            }
        }
        unknown
    }

    fn result(&mut self, result: ToolResult) {
        let waiting =
            self.open.iter_mut().find(|(call, got)| got.is_none() && call.id == result.call);
        if let Some((_, got)) = waiting {
            *got = Some(result);
        }
    }

    /// Answers the calls of the last assistant message.
    fn close(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let results = self.open.drain(..).map(|(call, got)| {
            got.unwrap_or_else(|| call.error_result(vec![ToolResultContent::text(NO_RESULT)]))
        });
        let message = Message::tool_results(results.collect());
        self.messages.push(message);
    }

    fn finish(mut self, mut settled: Arc<Settled>) -> Context {
        self.close();
        let over = self.settled;
        if !matches!(self.messages.last(), Some(Message::User { .. })) {
            self.user(vec![UserContent::text(GO_ON)]);
        }
        // How many images are shown depends on what comes later, so their rounds stay open.
        let over = over.filter(|(messages, _)| !self.messages[..*messages].iter().any(has_image));
        if let Some((messages, last_seq)) = over {
            let over = self.messages.drain(..messages);
            Arc::make_mut(&mut settled).extend(over, last_seq);
        }
        Context::new(settled, self.messages)
    }
}

fn has_image(message: &Message) -> bool {
    let Message::User { content } = message else { return false };
    content.iter().any(|block| match block {
        UserContent::Image(_) => true,
        UserContent::ToolResult(result) => {
            result.content.iter().any(|part| matches!(part, ToolResultContent::Image(_)))
        }
        _ => false,
    })
}

const EARLIER: &str = "[what was said before is left out]";
const GO_ON: &str = "[go on]";
const NO_RESULT: &str = "error: no result: the call was interrupted";
