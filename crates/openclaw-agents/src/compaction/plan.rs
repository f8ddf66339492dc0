use std::collections::HashSet;

use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
use serde::Deserialize;

use crate::context::IMAGE_BYTES;
use crate::transcript::{AssistantEntry, ToolResultEntry, UserEntry};

/// Where a conversation is cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cut {
    /// The last entry that is summarised.
    pub(super) through: i64,
    /// About how many bytes are summarised.
    pub(super) old_bytes: usize,
}

/// Cuts so that at least `keep` bytes stay as they are, and no result is parted from its call. It
/// cuts before what a person said where that keeps not much more. `None` when nothing is before the
/// cut.
pub(super) fn cut(rows: &[TranscriptRow], keep: usize) -> Option<Cut> {
    let places = Places::of(rows);
    let total: usize = places.sizes.iter().sum();
    let mut kept = 0;
    let mut step = None;
    for index in (1..rows.len()).rev() {
        kept += places.sizes[index];
        if kept < keep || !places.may_begin[index] {
            continue;
        }
        let is_round = rows[index].kind == TranscriptKind::User;
        if step.is_none() || (is_round && kept <= keep + keep / 2) {
            step = Some((index, kept));
        }
        if is_round || kept > keep + keep / 2 {
            break;
        }
    }
    let (index, kept) = step?;
    Some(Cut { through: rows[index - 1].seq, old_bytes: total - kept })
}

/// About how many bytes of each entry are sent, and before which one may cut.
struct Places {
    sizes: Vec<usize>,
    may_begin: Vec<bool>,
}

impl Places {
    fn of(rows: &[TranscriptRow]) -> Self {
        let mut places = Self { sizes: Vec::new(), may_begin: Vec::new() };
        let mut open: HashSet<String> = HashSet::new();
        for row in rows {
            let (size, may_begin) = match row.kind {
                TranscriptKind::User | TranscriptKind::Note => {
                    let entry = UserEntry::deserialize(&row.data).unwrap_or_default();
                    let before = open.is_empty();
                    for result in &entry.results {
                        open.remove(result.call_id.as_str());
                    }
                    let results: usize = entry.results.iter().map(|result| result.text.len()).sum();
                    let size = entry.text.len() + entry.images.len() * IMAGE_BYTES + results;
                    (size, before && row.kind == TranscriptKind::User)
                }
                TranscriptKind::Assistant => {
                    let before = open.is_empty();
                    // Calls that were never answered hold nothing open for ever.
                    open.clear();
                    let size = match AssistantEntry::deserialize(&row.data) {
                        Ok(entry) => {
                            open.extend(entry.calls.iter().map(|call| call.id.wire().into_owned()));
                            entry.text.len() + call_bytes(&entry)
                        }
                        Err(_) => 0,
                    };
                    (size, before)
                }
                TranscriptKind::ToolResult => match ToolResultEntry::deserialize(&row.data) {
                    Ok(entry) => {
                        open.remove(entry.call.wire().as_ref());
                        (entry.text.len() + entry.images.len() * IMAGE_BYTES, false)
                    }
                    Err(_) => (0, false),
                },
                TranscriptKind::Compaction => (0, false),
            };
            places.sizes.push(size + FRAME);
            places.may_begin.push(may_begin);
        }
        places
    }
}

const FRAME: usize = 24;

fn call_bytes(entry: &AssistantEntry) -> usize {
    let arguments = |call: &crate::transcript::CallEntry| -> usize {
        let values = call.arguments.iter();
        values
            .map(|(key, value)| {
                key.len() + value.as_str().map_or_else(|| value.to_string().len(), str::len)
            })
            .sum()
    };
    entry.calls.iter().map(|call| 64 + arguments(call)).sum()
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use openclaw_core::SessionId;
    use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
    use proptest::prelude::*;
    use rig_core::message::{CallId, ToolName};
    use serde::Deserialize;

    use super::{Places, cut};
    use crate::transcript::{AssistantEntry, CallEntry, ToolResultEntry, UserEntry};

    #[derive(Debug, Clone)]
    enum Step {
        User(usize),
        Answer(usize),
        Calls(usize, usize),
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            (1usize..600).prop_map(Step::User),
            (1usize..600).prop_map(Step::Answer),
            (1usize..4, 1usize..900).prop_map(|(calls, size)| Step::Calls(calls, size)),
        ]
    }

    fn rows(steps: &[Step]) -> Vec<TranscriptRow> {
        let tool = ToolName::new("read").expect("a name");
        let mut drafts = Vec::new();
        for (number, step) in steps.iter().enumerate() {
            match step {
                Step::User(size) => {
                    let entry = UserEntry { text: "u".repeat(*size), ..UserEntry::default() };
                    drafts.push(entry.draft(None));
                }
                Step::Answer(size) => {
                    drafts.push(AssistantEntry::text("a".repeat(*size), None).draft());
                }
                Step::Calls(calls, size) => {
                    let ids: Vec<_> = (0..*calls)
                        .map(|call| CallId::from_wire(format!("call-{number}-{call}")))
                        .collect();
                    let mut entry = AssistantEntry::text("", None);
                    entry.calls = ids
                        .iter()
                        .map(|id| CallEntry {
                            id: id.clone(),
                            name: tool.clone(),
                            arguments: serde_json::Map::new(),
                            invalid_arguments: None,
                        })
                        .collect();
                    drafts.push(entry.draft());
                    drafts.extend(ids.into_iter().map(|call| {
                        let text = "r".repeat(*size);
                        let (name, images) = (tool.clone(), Vec::new());
                        ToolResultEntry { call, name, text, is_error: false, images }.draft()
                    }));
                }
            }
        }
        let row = |(seq, draft): (usize, openclaw_storage::TranscriptDraft)| TranscriptRow {
            session_id: SessionId::new("s").expect("valid"),
            seq: i64::try_from(seq * 2 + 1).expect("small"),
            run_id: None,
            kind: draft.kind,
            message_id: None,
            data: draft.data,
        };
        drafts.into_iter().enumerate().map(row).collect()
    }

    proptest! {
        #[test]
        fn enough_is_kept_and_no_pair_is_parted(
            steps in proptest::collection::vec(step(), 1..40),
            keep in 1usize..8_000,
        ) {
            let rows = rows(&steps);
            let sizes = Places::of(&rows).sizes;
            let total: usize = sizes.iter().sum();
            let Some(cut) = cut(&rows, keep) else { return Ok(()) };
            let (old, kept): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row.seq <= cut.through);
            prop_assert!(!old.is_empty() && !kept.is_empty());
            prop_assert!(total - cut.old_bytes >= keep);
            let calls: HashSet<_> = kept
                .iter()
                .filter_map(|row| AssistantEntry::deserialize(&row.data).ok())
                .flat_map(|entry| entry.calls)
                .map(|call| call.id)
                .collect();
            for row in kept.iter().filter(|row| row.kind == TranscriptKind::ToolResult) {
                let entry = ToolResultEntry::deserialize(&row.data).expect("readable");
                prop_assert!(calls.contains(&entry.call), "a result without its call");
            }
        }
    }

    #[test]
    fn it_cuts_before_what_a_person_said() {
        let rows = rows(&[
            Step::User(100),
            Step::Answer(100),
            Step::User(100),
            Step::Calls(1, 100),
            Step::Answer(300),
        ]);
        let through = |keep| cut(&rows, keep).map(|cut| cut.through);
        assert_eq!(through(300), Some(9), "an answer alone");
        assert_eq!(through(500), Some(3), "the whole round, for little more");
        assert_eq!(through(10_000), None);
    }
}
