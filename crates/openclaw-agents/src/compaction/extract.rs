use std::collections::BTreeSet;

use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
use serde::Deserialize;

use crate::context::head_and_tail;
use crate::transcript::{AssistantEntry, UserEntry};

/// What is kept of each thing that is extracted, in bytes.
const LONGEST: usize = 240;

/// Words that mark what was decided.
const DECIDING: [&str; 8] =
    ["decided", "decision", "agreed", "we will", "i will", "chose", "remember", "must"];

/// The most files that are named.
const FILES: usize = 40;

/// Picks from entries what matters most, without a model: what people asked, what was decided, and
/// which files were worked on.
#[derive(Debug, Default)]
pub(super) struct Extract {
    asked: Vec<String>,
    decided: Vec<String>,
    files: BTreeSet<String>,
}

impl Extract {
    pub(super) fn add(&mut self, row: &TranscriptRow) {
        match row.kind {
            TranscriptKind::User => {
                let Ok(entry) = UserEntry::deserialize(&row.data) else { return };
                let words = said(&entry.text);
                if !words.is_empty() {
                    self.asked.push(short(&words));
                }
            }
            TranscriptKind::Assistant => {
                let Ok(entry) = AssistantEntry::deserialize(&row.data) else { return };
                let decides = |line: &&str| {
                    let line = line.to_lowercase();
                    DECIDING.iter().any(|word| line.contains(word))
                };
                self.decided.extend(entry.text.lines().filter(decides).take(3).map(short));
                for call in &entry.calls {
                    let path = ["path", "file_path"].iter().find_map(|name| {
                        call.arguments.get(*name).and_then(serde_json::Value::as_str)
                    });
                    if let Some(path) = path
                        && self.files.len() < FILES
                    {
                        self.files.insert(short(path));
                    }
                }
            }
            TranscriptKind::ToolResult | TranscriptKind::Compaction | TranscriptKind::Note => {}
        }
    }

    /// The list of files, for a summary that a model wrote.
    pub(super) fn files(&self) -> Option<String> {
        (!self.files.is_empty()).then(|| {
            let files: Vec<&str> = self.files.iter().map(String::as_str).collect();
            format!("Files worked on: {}", files.join(", "))
        })
    }

    /// The whole of it in at most so many bytes, after the summary that was there before.
    pub(super) fn summary(&self, before: Option<&str>, most: usize) -> String {
        let mut text = String::new();
        if let Some(before) = before {
            text.push_str(&head_and_tail(before, most / 3, most / 12));
            text.push('\n');
        }
        let files = self.files().map(|files| head_and_tail(&files, most / 8, 0));
        let taken = text.len() + files.as_ref().map_or(0, String::len) + 160;
        let room = most.saturating_sub(taken);
        list(&mut text, "What was asked, oldest first:", &self.asked, room / 3 * 2);
        list(&mut text, "What was decided:", &self.decided, room / 3);
        if let Some(files) = files {
            text.push_str(&files);
            text.push('\n');
        }
        text.truncate(text.floor_char_boundary(most));
        text
    }
}

/// A list in at most so many bytes; where it is too long, its middle is left out.
fn list(text: &mut String, title: &str, items: &[String], room: usize) {
    if items.is_empty() {
        return;
    }
    // The first ones say what it was about, the last ones where it stands.
    let fitting = |items: &mut dyn Iterator<Item = &String>, room: usize| {
        let mut bytes = 0;
        items
            .take_while(|item| {
                bytes += item.len() + 3;
                bytes <= room
            })
            .count()
    };
    let head = fitting(&mut items.iter(), room / 3);
    let tail = fitting(&mut items.iter().rev(), room - room / 3);
    text.push_str(title);
    text.push('\n');
    let shown = |text: &mut String, items: &[String]| {
        items.iter().for_each(|item| text.push_str(&format!("- {item}\n")));
    };
    if head + tail >= items.len() {
        return shown(text, items);
    }
    shown(text, &items[..head]);
    text.push_str(&format!("- [{} left out]\n", items.len() - head - tail));
    shown(text, &items[items.len() - tail..]);
}

/// A person's own words, without the envelopes of the messages.
fn said(text: &str) -> String {
    let mut words = Vec::new();
    let mut end: Option<String> = None;
    for line in text.lines() {
        if let Some(mark) = &end {
            if line == mark {
                end = None;
            }
            continue;
        }
        match line.strip_prefix("[context ").and_then(|rest| rest.strip_suffix(']')) {
            Some(code) => end = Some(format!("[/context {code}]")),
            None => words.push(line.trim()),
        }
    }
    words.join(" ").trim().to_owned()
}

fn short(text: &str) -> String {
    let line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    match line.len() > LONGEST {
        true => format!("{}…", &line[..line.floor_char_boundary(LONGEST)]),
        false => line,
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::SessionId;
    use openclaw_storage::TranscriptDraft;
    use openclaw_storage::rows::TranscriptRow;
    use rig_core::message::{CallId, ToolName};
    use serde_json::json;

    use super::Extract;
    use crate::transcript::{AssistantEntry, CallEntry, UserEntry};

    fn add(extract: &mut Extract, draft: TranscriptDraft) {
        extract.add(&TranscriptRow {
            session_id: SessionId::new("s").expect("valid"),
            seq: 1,
            run_id: None,
            kind: draft.kind,
            message_id: None,
            data: draft.data,
        });
    }

    fn user(text: &str) -> TranscriptDraft {
        let text = format!("[context ab]\n{{\"from\":\"Ann\"}}\n[/context ab]\n{text}");
        UserEntry { text, ..UserEntry::default() }.draft(None)
    }

    #[test]
    fn what_matters_is_picked() {
        let mut extract = Extract::default();
        add(&mut extract, user("plan the trip\nto Lisbon"));
        let mut entry = AssistantEntry::text("Fine.\nWe decided to go by train.", None);
        entry.calls = vec![CallEntry {
            id: CallId::from_wire("c"),
            name: ToolName::new("write").expect("a name"),
            arguments: json!({"path": "trip.md"}).as_object().cloned().expect("an object"),
            invalid_arguments: None,
        }];
        add(&mut extract, entry.draft());
        insta::assert_snapshot!(extract.summary(Some("Before: tea."), 2_000), @r"
        Before: tea.
        What was asked, oldest first:
        - plan the trip to Lisbon
        What was decided:
        - We decided to go by train.
        Files worked on: trip.md
        ");
    }

    #[test]
    fn it_never_is_too_long() {
        let mut extract = Extract::default();
        for number in 0..400 {
            add(&mut extract, user(&format!("wish {number} {}", "ü".repeat(200))));
        }
        let summary = extract.summary(Some(&"before ".repeat(1_000)), 3_000);
        assert!(summary.len() <= 3_000, "{}", summary.len());
        assert!(summary.contains("wish 0 ") && summary.contains("wish 399 "), "{summary}");
        assert!(summary.contains("left out]"));
    }
}
