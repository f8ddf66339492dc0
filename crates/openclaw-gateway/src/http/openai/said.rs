use openclaw_agents::HistoryMessage;
use openclaw_core::MediaRef;
use openclaw_storage::rows::{CallerCall, CallerResult};

use super::error::Refused;
use super::files::FileSource;

/// One message of a request, whichever interface it came by.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Said<F> {
    /// For the assistant, of its programmer.
    Instruction(String),
    /// Of the user.
    User {
        /// The text.
        text: String,
        /// The files.
        files: Vec<F>,
    },
    /// Of the assistant.
    Assistant {
        /// The text.
        text: String,
        /// Its calls.
        calls: Vec<CallerCall>,
    },
    /// What came out of a call.
    Result(CallerResult),
}

impl<F> Said<F> {
    /// The files of a message.
    pub(super) fn files(&self) -> &[F] {
        match self {
            Self::User { files, .. } => files,
            Self::Instruction(_) | Self::Assistant { .. } | Self::Result(_) => &[],
        }
    }
}

/// A request's conversation, taken apart.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Conversation {
    /// All instructions.
    pub(super) instructions: Option<String>,
    /// Up to the assistant's last message.
    pub(super) history: Vec<HistoryMessage>,
    /// What follows: the text.
    pub(super) text: String,
    /// The files.
    pub(super) media: Vec<MediaRef>,
    /// The results of calls.
    pub(super) results: Vec<CallerResult>,
}

/// Joins with a blank line.
pub(super) fn add_text(text: &mut String, more: &str) {
    if !text.is_empty() && !more.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

/// Checks that there is something to answer, and that every result belongs to a call.
///
/// # Errors
/// When it is not so; `param` names where messages are in the request.
pub(super) fn check(said: &[Said<FileSource>], param: &str) -> Result<(), Refused> {
    let mut calls: Vec<&str> = Vec::new();
    let mut has_assistant = false;
    for message in said {
        match message {
            Said::Assistant { calls: made, .. } => {
                has_assistant = true;
                calls.extend(made.iter().map(|call| call.id.as_str()));
            }
            // Without the assistant's messages the session itself knows the calls.
            Said::Result(result) if has_assistant && !calls.contains(&result.call_id.as_str()) => {
                let message = format!("no message before calls a tool as {}", result.call_id);
                return Err(Refused::bad(message, param));
            }
            Said::Result(_) | Said::User { .. } | Said::Instruction(_) => {}
        }
    }
    let last = said.iter().rev().find(|message| !matches!(message, Said::Instruction(_)));
    match last {
        Some(Said::User { text, files }) if text.trim().is_empty() && files.is_empty() => {
            Err(Refused::bad("the last message is empty", param))
        }
        Some(Said::User { .. } | Said::Result(_)) => Ok(()),
        _ => {
            Err(Refused::bad("the last message must be the user's, or the result of a tool", param))
        }
    }
}

/// Takes a conversation apart at the assistant's last message.
pub(super) fn take_apart(said: Vec<Said<MediaRef>>) -> Conversation {
    let after = said
        .iter()
        .rposition(|message| matches!(message, Said::Assistant { .. }))
        .map_or(0, |last| last + 1);
    let mut conversation = Conversation::default();
    for (index, message) in said.into_iter().enumerate() {
        match message {
            Said::Instruction(text) => {
                add_text(conversation.instructions.get_or_insert_default(), &text);
            }
            Said::User { text, files } if index >= after => {
                add_text(&mut conversation.text, &text);
                conversation.media.extend(files);
            }
            Said::Result(result) if index >= after => conversation.results.push(result),
            Said::User { text, files } => {
                conversation.history.push(HistoryMessage::User { text, media: files });
            }
            Said::Result(result) => conversation.history.push(HistoryMessage::Result(result)),
            Said::Assistant { text, calls } => {
                conversation.history.push(HistoryMessage::Assistant { text, calls });
            }
        }
    }
    conversation
}

#[cfg(test)]
mod tests {
    use super::{Said, take_apart};
    use openclaw_agents::HistoryMessage;
    use openclaw_core::MediaRef;

    fn user(text: &str) -> Said<MediaRef> {
        Said::User { text: text.to_owned(), files: Vec::new() }
    }

    fn assistant(text: &str) -> Said<MediaRef> {
        Said::Assistant { text: text.to_owned(), calls: Vec::new() }
    }

    #[test]
    fn what_follows_the_assistant_is_the_message_and_the_rest_is_history() {
        let said = vec![
            Said::Instruction("Be brief.".to_owned()),
            user("one"),
            assistant("two"),
            Said::Instruction("In verse.".to_owned()),
            user("three"),
            user("four"),
        ];
        let conversation = take_apart(said);
        assert_eq!(conversation.instructions.as_deref(), Some("Be brief.\n\nIn verse."));
        assert_eq!(conversation.text, "three\n\nfour");
        assert!(matches!(
            conversation.history.as_slice(),
            [HistoryMessage::User { .. }, HistoryMessage::Assistant { .. }]
        ));
    }

    #[test]
    fn without_an_assistant_everything_is_the_message() {
        let conversation = take_apart(vec![user("one"), user("two")]);
        assert_eq!((conversation.text.as_str(), conversation.history.len()), ("one\n\ntwo", 0));
    }
}
