use std::sync::Arc;

use rig_core::message::{
    AssistantContent, AssistantMessage, Message, ToolResult, ToolResultContent, UserContent,
};

use super::assemble::{result_of, user_content};
use super::size::size_of;
use super::{IMAGE_BYTES, Images, Settled};
use crate::tokens::Sample;
use crate::transcript::{ToolResultEntry, UserEntry};

/// A conversation that is kept within its room without asking a model.
///
/// What goes first is what matters least: the insides of older tool results, then whole rounds from
/// the oldest on. A round is what a person said and all that followed; it goes as a whole, so no
/// result is ever parted from its call.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    settled: Arc<Settled>,
    fresh: Arc<Vec<Message>>,
}

const LEFT_OUT: &str = "[earlier messages were left out to save room]";

/// What is kept of an older tool result: its head and tail, in bytes.
const OLD_HEAD: usize = 768;
const OLD_TAIL: usize = 256;

/// How many of the newest results are left whole as long as possible.
const FRESH_RESULTS: usize = 3;

impl Context {
    pub(super) fn new(settled: Arc<Settled>, fresh: Vec<Message>) -> Self {
        Self { settled, fresh: Arc::new(fresh) }
    }

    /// The rounds that are over; cheap.
    pub(crate) fn settled(&self) -> Arc<Settled> {
        self.settled.clone()
    }

    /// The messages after those; cheap.
    pub(crate) fn fresh(&self) -> Arc<Vec<Message>> {
        self.fresh.clone()
    }

    /// All messages, oldest first.
    pub(crate) fn messages(&self) -> impl Iterator<Item = &Message> {
        self.settled.messages().iter().chain(self.fresh.iter())
    }

    /// Notes that earlier messages may be missing for lack of room.
    pub(crate) fn note_cut(&mut self, room: usize) {
        Arc::make_mut(&mut self.settled).note_cut(room);
    }

    /// Adds what the model answered.
    pub(crate) fn push_assistant(&mut self, message: AssistantMessage) {
        Arc::make_mut(&mut self.fresh).push(Message::Assistant(message));
    }

    /// Adds the results of all calls of the last answer.
    pub(crate) fn push_results(&mut self, results: &[ToolResultEntry], images: &Images) {
        let results = results.iter().map(|entry| result_of(entry, images)).collect();
        Arc::make_mut(&mut self.fresh).push(Message::tool_results(results));
    }

    /// Puts these results in the place of the placeholders that interrupted calls have.
    pub(crate) fn answer_interrupted(&mut self, results: &[ToolResultEntry]) {
        for message in Arc::make_mut(&mut self.fresh).iter_mut().rev() {
            let Message::User { content } = message else { continue };
            for block in content {
                let UserContent::ToolResult(given) = block else { continue };
                if let Some(entry) = results.iter().find(|entry| entry.call == given.call) {
                    *given = entry.to_result();
                }
            }
        }
    }

    /// Adds what people said meanwhile.
    pub(crate) fn push_user(&mut self, entry: &UserEntry, images: &Images) {
        let unknown: Vec<_> = entry.results.iter().collect();
        let new = user_content(entry, &unknown, images);
        if new.is_empty() {
            return;
        }
        let messages = Arc::make_mut(&mut self.fresh);
        match messages.last_mut() {
            Some(Message::User { content }) => content.extend(new),
            _ => messages.push(Message::User { content: new }),
        }
    }

    /// Shortens the older tool results; answers whether it changed.
    pub(crate) fn prune(&mut self) -> bool {
        let mut messages = self.messages().cloned().collect::<Vec<_>>();
        let saved = trim_results(&mut messages, FRESH_RESULTS, OLD_HEAD, OLD_TAIL);
        if saved > 0 {
            self.settle(messages);
        }
        saved > 0
    }

    /// Text of it for counting, the newest first.
    pub(crate) fn sample(&self) -> Sample {
        let mut sample = Sample::default();
        let newest = self.fresh.iter().rev().chain(self.settled.messages().iter().rev());
        for message in newest {
            if !add_text(&mut sample, message) {
                break;
            }
        }
        sample
    }

    /// The bytes of the summary that it begins with; 0 where it begins with none.
    pub(crate) fn summary_bytes(&self) -> usize {
        let first = self.messages().next().cloned();
        first.and_then(|message| summary_of(&[message])).map_or(0, |text| text.len())
    }

    /// The size in bytes.
    pub(crate) fn size(&self) -> usize {
        self.settled.size() + self.fresh.iter().map(size_of).sum::<usize>()
    }

    /// Makes it fit into so many bytes, as far as it can; answers whether it changed.
    pub(crate) fn fit(&mut self, room: usize) -> bool {
        let mut size = self.size();
        if size <= room {
            return false;
        }
        let mut messages = self.messages().cloned().collect::<Vec<_>>();
        size -= trim_results(&mut messages, FRESH_RESULTS, OLD_HEAD, OLD_TAIL);
        size -= drop_rounds(&mut messages, size, room);
        if size > room {
            size -= drop_steps(&mut messages, size, room);
        }
        if size > room {
            size -= trim_results(&mut messages, 0, OLD_HEAD, OLD_TAIL);
        }
        if size > room {
            cut_text(&mut messages, size - room);
        }
        self.settle(messages);
        true
    }

    /// Takes these messages for its own, settled as far as they were.
    fn settle(&mut self, messages: Vec<Message>) {
        let open = self.fresh.len();
        let over = messages.len().saturating_sub(open);
        let mut messages = messages.into_iter();
        let mut settled = self.settled.emptied();
        if !self.settled.messages().is_empty() {
            settled.extend(messages.by_ref().take(over), self.settled.last_seq());
        }
        self.settled = Arc::new(settled);
        self.fresh = Arc::new(messages.collect());
    }
}

/// Cuts the texts of all results but the newest ones; answers how many bytes that saved.
fn trim_results(messages: &mut [Message], fresh: usize, head: usize, tail: usize) -> usize {
    let with_results: Vec<usize> =
        (0..messages.len()).filter(|index| has_results(&messages[*index])).collect();
    let old = with_results.len().saturating_sub(fresh);
    let mut saved = 0;
    for index in &with_results[..old] {
        let Message::User { content } = &mut messages[*index] else { continue };
        for block in content {
            let UserContent::ToolResult(ToolResult { content, .. }) = block else { continue };
            for part in content {
                match part {
                    ToolResultContent::Text(text) if text.text.len() > head + tail + 64 => {
                        let before = text.text.len();
                        text.text = head_and_tail(&text.text, head, tail);
                        saved += before - text.text.len();
                    }
                    ToolResultContent::Image(_) => {
                        *part = ToolResultContent::text("[an image that is not shown any more]");
                        saved += IMAGE_BYTES;
                    }
                    ToolResultContent::Text(_) | ToolResultContent::Json { .. } => {}
                }
            }
        }
    }
    saved
}

/// Drops whole rounds from the oldest on, never the last; answers how many bytes that saved.
fn drop_rounds(messages: &mut Vec<Message>, size: usize, room: usize) -> usize {
    let mut saved = 0;
    let mut keep_from = 0;
    while size - saved > room {
        let next = (keep_from + 1..messages.len()).find(|index| begins_round(&messages[*index]));
        let Some(next) = next else { break };
        saved += messages[keep_from..next].iter().map(size_of).sum::<usize>();
        keep_from = next;
    }
    if keep_from > 0 {
        let summary = summary_of(messages);
        messages.drain(..keep_from);
        if let Some(Message::User { content }) = messages.first_mut() {
            content.insert(0, UserContent::text(LEFT_OUT));
            saved = saved.saturating_sub(LEFT_OUT.len());
            if let Some(text) = summary {
                saved = saved.saturating_sub(text.len());
                content.insert(0, UserContent::text(text));
            }
        }
    }
    saved
}

/// The summary that a conversation begins with: it stays when rounds go.
fn summary_of(messages: &[Message]) -> Option<String> {
    let Some(Message::User { content }) = messages.first() else { return None };
    match content.first() {
        Some(UserContent::Text(text)) if text.text.starts_with("[summary ") => {
            Some(text.text.clone())
        }
        _ => None,
    }
}

/// Drops the oldest steps (an answer with its results) of the only round that is left, never the
/// last step; what people said meanwhile moves to the round's beginning. Answers how many bytes
/// that saved.
fn drop_steps(messages: &mut Vec<Message>, size: usize, room: usize) -> usize {
    let mut saved = 0;
    while size - saved > room && messages.len() > 4 && has_results(&messages[2]) {
        let before: usize = messages[..3].iter().map(size_of).sum();
        let dropped = messages.drain(1..3).next_back();
        if let (Some(Message::User { content: results }), Some(Message::User { content })) =
            (dropped, messages.first_mut())
        {
            let said = results.into_iter();
            content.extend(said.filter(|block| !matches!(block, UserContent::ToolResult(_))));
        }
        saved += before - size_of(&messages[0]);
    }
    saved
}

/// Cuts the texts of users and results until so many bytes are saved: first those that stay long
/// all the same, and where there are too many for that, shorter ones too.
fn cut_text(messages: &mut [Message], mut excess: usize) {
    for least in [2_048, 512, 128] {
        excess = cut_text_to(messages, excess, least);
        if excess == 0 {
            return;
        }
    }
}

/// Leaves at least so much of each text; answers how many bytes are still too many.
fn cut_text_to(messages: &mut [Message], mut excess: usize, least: usize) -> usize {
    for message in messages.iter_mut() {
        let Message::User { content } = message else { continue };
        for block in content {
            let text = match block {
                UserContent::Text(text) => Some(&mut text.text),
                UserContent::ToolResult(result) => {
                    result.content.iter_mut().find_map(|part| match part {
                        ToolResultContent::Text(text) => Some(&mut text.text),
                        _ => None,
                    })
                }
                _ => None,
            };
            let Some(text) = text.filter(|text| text.len() > 2 * least) else { continue };
            let keep = text.len().saturating_sub(excess + NOTE).max(least);
            let cut = head_and_tail(text, keep * 3 / 4, keep / 4);
            excess = excess.saturating_sub(text.len().saturating_sub(cut.len()));
            *text = cut;
            if excess == 0 {
                return 0;
            }
        }
    }
    excess
}

/// The most bytes of the note in a text that was cut.
const NOTE: usize = 48;

/// The head and the tail of a text, cut at character boundaries, with a note of what is missing.
pub(crate) fn head_and_tail(text: &str, head: usize, tail: usize) -> String {
    if text.len() <= head + tail {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(head);
    let start = text.ceil_char_boundary(text.len() - tail);
    format!("{}\n[… {} bytes left out …]\n{}", &text[..end], start - end, &text[start..])
}

/// Adds what a message says; `false` when there is enough.
fn add_text(sample: &mut Sample, message: &Message) -> bool {
    match message {
        Message::System { content } => sample.add(content),
        Message::User { content } => content.iter().all(|block| match block {
            UserContent::Text(text) => sample.add(&text.text),
            UserContent::ToolResult(result) => result.content.iter().all(|part| match part {
                ToolResultContent::Text(text) => sample.add(&text.text),
                ToolResultContent::Image(_) | ToolResultContent::Json { .. } => true,
            }),
            _ => true,
        }),
        Message::Assistant(turn) => turn.content.iter().all(|block| match block {
            AssistantContent::Text(text) => sample.add(&text.text),
            AssistantContent::ToolCall(call) => {
                let mut arguments = call.function.arguments.values();
                arguments.all(|value| match value.as_str() {
                    Some(text) => sample.add(text),
                    None => sample.add(&value.to_string()),
                })
            }
            _ => true,
        }),
    }
}

fn has_results(message: &Message) -> bool {
    matches!(message, Message::User { content }
        if content.iter().any(|block| matches!(block, UserContent::ToolResult(_))))
}

fn begins_round(message: &Message) -> bool {
    matches!(message, Message::User { .. }) && !has_results(message)
}
