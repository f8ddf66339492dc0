use std::sync::Arc;

use openclaw_core::{MessageId, RunId, SessionId};
use openclaw_storage::rows::TranscriptRow;
use proptest::prelude::*;
use rig_core::message::{CallId, Message, ToolName, ToolResultContent, UserContent};

use super::{Images, Settled, assemble};
use crate::transcript::{AssistantEntry, CallEntry, SummaryEntry, ToolResultEntry, UserEntry};

#[derive(Debug, Clone)]
enum Entry {
    User(String),
    Assistant(String, Vec<u8>),
    Result(u8, String),
    Compaction(String),
    Broken,
}

fn entry() -> impl Strategy<Value = Entry> {
    let text = "[a-z ]{0,40}|[a-z]{2000,3000}";
    prop_oneof![
        text.prop_map(Entry::User),
        (text, proptest::collection::vec(0u8..6, 0..3)).prop_map(|(t, c)| Entry::Assistant(t, c)),
        (0u8..6, text).prop_map(|(call, text)| Entry::Result(call, text)),
        (0u8..6, text).prop_map(|(call, text)| Entry::Result(call, text)),
        text.prop_map(Entry::Compaction),
        Just(Entry::Broken),
    ]
}

fn call_id(number: u8) -> CallId {
    CallId::from_wire(format!("call-{number}"))
}

fn tool() -> ToolName {
    ToolName::new("tool").expect("not empty")
}

fn rows(entries: &[Entry]) -> Vec<TranscriptRow> {
    let mut used = std::collections::HashSet::new();
    let drafts = entries.iter().map(|entry| match entry {
        Entry::User(text) => UserEntry { text: text.clone(), ..UserEntry::default() }.draft(None),
        Entry::Compaction(text) => SummaryEntry {
            text: text.clone(),
            through: 0,
            tokens: 10_000,
            previous: None,
            code: "0a1b2c3d".to_owned(),
            model: None,
        }
        .draft(),
        Entry::Assistant(text, calls) => {
            let mut entry = AssistantEntry::text(text.as_str(), None);
            // The turn loop keeps ids apart, so they are in the store.
            entry.calls = calls
                .iter()
                .filter(|call| used.insert(**call))
                .map(|call| CallEntry {
                    id: call_id(*call),
                    name: tool(),
                    arguments: serde_json::Map::new(),
                    invalid_arguments: None,
                })
                .collect();
            entry.draft()
        }
        Entry::Result(call, text) => ToolResultEntry {
            call: call_id(*call),
            name: tool(),
            text: text.clone(),
            is_error: false,
            images: Vec::new(),
        }
        .draft(),
        Entry::Broken => {
            let mut draft = AssistantEntry::text("", None).draft();
            draft.data = serde_json::json!([1]);
            draft
        }
    });
    let row = |(seq, draft): (usize, openclaw_storage::TranscriptDraft)| TranscriptRow {
        session_id: SessionId::new("s").expect("valid"),
        seq: i64::try_from(seq).expect("small"),
        run_id: RunId::new("r").ok(),
        kind: draft.kind,
        message_id: MessageId::new("m").ok(),
        data: draft.data,
    };
    drafts.enumerate().map(row).collect()
}

/// What every provider asks of a conversation.
fn check(messages: &[Message]) -> Result<(), TestCaseError> {
    let is_user = |message: Option<&Message>| matches!(message, Some(Message::User { .. }));
    prop_assert!(
        is_user(messages.first()) && is_user(messages.last()),
        "the user is not at both ends"
    );
    let mut open: Vec<CallId> = Vec::new();
    let mut was_user = false;
    for message in messages {
        match message {
            Message::System { content } => {
                return Err(TestCaseError::fail(format!("a system message: {content}")));
            }
            Message::User { content } => {
                prop_assert!(!was_user, "two user messages in a row");
                prop_assert!(!content.is_empty());
                let mut results_over = false;
                for block in content {
                    match block {
                        UserContent::ToolResult(result) => {
                            prop_assert!(!results_over, "a result after other content");
                            let place = open.iter().position(|call| *call == result.call);
                            prop_assert!(place.is_some(), "an orphan result");
                            open.remove(place.unwrap_or_default());
                            prop_assert!(!result.content.is_empty());
                        }
                        UserContent::Text(text) => {
                            results_over = true;
                            prop_assert!(!text.text.trim().is_empty());
                        }
                        other => prop_assert!(false, "{other:?}"),
                    }
                }
                prop_assert!(open.is_empty(), "calls without result: {open:?}");
                was_user = true;
            }
            Message::Assistant(turn) => {
                prop_assert!(was_user, "two assistant messages in a row");
                prop_assert!(!turn.content.is_empty());
                open = turn.tool_calls().map(|call| call.id.clone()).collect();
                was_user = false;
            }
        }
    }
    Ok(())
}

proptest! {
    #[test]
    fn any_transcript_makes_a_sound_conversation(
        entries in proptest::collection::vec(entry(), 0..24),
        room in 0usize..12_000,
    ) {
        let mut context = assemble(Arc::new(Settled::new()), &rows(&entries), &Images::default());
        check(&context.messages().cloned().collect::<Vec<_>>())?;
        let before = context.size();
        let changed = context.fit(room);
        check(&context.messages().cloned().collect::<Vec<_>>())?;
        prop_assert_eq!(changed, before > room);
        // What cannot be dropped is the last round's words and its last step.
        prop_assert!(context.size() <= room.max(16_000), "{} of {room}", context.size());
    }

    #[test]
    fn a_cut_text_keeps_its_ends(text in "\\PC{0,300}", head in 0usize..64, tail in 0usize..64) {
        let cut = super::head_and_tail(&text, head, tail);
        if text.len() <= head + tail {
            prop_assert_eq!(cut, text);
        } else {
            let (first, last) = cut.split_once("\n[… ").expect("a note");
            let (_, last) = last.split_once(" …]\n").expect("a note");
            prop_assert!(text.starts_with(first) && first.len() <= head);
            prop_assert!(text.ends_with(last) && last.len() <= tail);
        }
    }
}

#[test]
fn a_call_without_result_is_answered() {
    let entries = [
        Entry::User("go".to_owned()),
        Entry::Assistant(String::new(), vec![1, 2]),
        Entry::Result(2, "two".to_owned()),
        Entry::User("well?".to_owned()),
    ];
    let context = assemble(Arc::new(Settled::new()), &rows(&entries), &Images::default());
    let messages: Vec<_> = context.messages().cloned().collect();
    let Some(Message::User { content }) = messages.last() else { panic!("{messages:?}") };
    let texts: Vec<_> = content
        .iter()
        .map(|block| match block {
            UserContent::ToolResult(result) => match &result.content[0] {
                ToolResultContent::Text(text) => (text.text.clone(), result.is_error),
                other => panic!("{other:?}"),
            },
            UserContent::Text(text) => (text.text.clone(), false),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        texts,
        [
            ("error: no result: the call was interrupted".to_owned(), true),
            ("two".to_owned(), false),
            ("well?".to_owned(), false),
        ]
    );
}

#[test]
fn many_words_without_an_answer_are_cut_too() {
    let entries = vec![Entry::User("word ".repeat(700)); 40];
    let mut context = assemble(Arc::new(Settled::new()), &rows(&entries), &Images::default());
    assert!(context.size() > 100_000);
    context.fit(12_000);
    assert!(context.size() <= 12_000, "{}", context.size());
}
