//! What was said before a session began, for callers that keep the conversation themselves.

use openclaw_core::{CallId, MediaRef};
use openclaw_storage::TranscriptDraft;
use openclaw_storage::rows::{CallerCall, CallerResult};
use rig_core::message::{CallId as RigCallId, ToolName as RigToolName};
use serde_json::{Map, Value};

use crate::input::note_file;
use crate::transcript::{AssistantEntry, CallEntry, ToolResultEntry, UserEntry};

/// One message of a conversation that the gateway did not hold.
#[derive(Debug, Clone, PartialEq)]
pub enum HistoryMessage {
    /// Of the user, with files that are stored already.
    User {
        /// The text.
        text: String,
        /// The files.
        media: Vec<MediaRef>,
    },
    /// Of the assistant.
    Assistant {
        /// The text.
        text: String,
        /// Its calls of the caller's tools.
        calls: Vec<CallerCall>,
    },
    /// What came out of one of those calls.
    Result(CallerResult),
}

/// The messages as entries for the beginning of a session's transcript, in order.
///
/// Results whose call is not among the messages before them are left out.
pub fn history_entries(messages: &[HistoryMessage]) -> Vec<TranscriptDraft> {
    let mut names: Vec<(&CallId, RigToolName)> = Vec::new();
    let mut drafts = Vec::with_capacity(messages.len());
    for message in messages {
        match message {
            HistoryMessage::User { text, media } => {
                let mut entry = UserEntry { text: text.clone(), ..UserEntry::default() };
                media.iter().for_each(|media| note_file(&mut entry, media));
                drafts.push(entry.draft(None));
            }
            HistoryMessage::Assistant { text, calls } => {
                let mut entry = AssistantEntry::text(text.as_str(), None);
                for call in calls {
                    let Ok(name) = RigToolName::new(call.name.as_str()) else { continue };
                    names.push((&call.id, name.clone()));
                    entry.calls.push(call_entry(call, name));
                }
                drafts.push(entry.draft());
            }
            HistoryMessage::Result(result) => {
                let named = names.iter().rev().find(|(id, _)| **id == result.call_id);
                let Some((_, name)) = named else { continue };
                let entry = ToolResultEntry {
                    call: RigCallId::from_wire(result.call_id.as_str()),
                    name: name.clone(),
                    text: result.text.clone(),
                    is_error: false,
                    images: Vec::new(),
                };
                drafts.push(entry.draft());
            }
        }
    }
    drafts
}

fn call_entry(call: &CallerCall, name: RigToolName) -> CallEntry {
    let (arguments, invalid_arguments) = match serde_json::from_str(&call.arguments) {
        Ok(Value::Object(arguments)) => (arguments, None),
        // Some programs send nothing for a call without arguments.
        _ if call.arguments.trim().is_empty() => (Map::new(), None),
        _ => (Map::new(), Some(call.arguments.clone())),
    };
    CallEntry { id: RigCallId::from_wire(call.id.as_str()), name, arguments, invalid_arguments }
}
