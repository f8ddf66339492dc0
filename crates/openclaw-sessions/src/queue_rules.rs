//! How long inputs wait, and how many may.

use std::time::Duration;

use openclaw_config::Config;
use openclaw_core::{MessageContent, QueueDrop, QueueMode, Session, Timestamp};
use openclaw_errors::ErrorKind;
use openclaw_storage::rows::{InboxRow, InputState, StoredError};

use crate::queue::{Group, is_same_place};

/// People who go on writing hold up their turn for this many quiet times at most.
const LONGEST_WAIT: u32 = 10;

/// The longest line of a message that is only listed, in characters.
const LONGEST_LINE: usize = 160;

/// The rules of one session's queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct QueueRules {
    pub(crate) mode: QueueMode,
    /// How long it must be quiet before a turn begins.
    debounce: Duration,
    /// The most inputs that may wait.
    cap: Option<usize>,
    drop: QueueDrop,
}

/// What becomes of inputs that are too many.
#[derive(Debug, PartialEq)]
pub(crate) enum Excess {
    /// There are none.
    None,
    /// These are refused, as one group.
    Refused(Box<Group>),
    /// These are listed in the next turn.
    Listed(Vec<InboxRow>),
}

impl QueueRules {
    /// The session's own rules, else those of the configuration.
    pub(crate) fn of(config: &Config, session: &Session) -> Self {
        let (own, settings) = (&session.config, &config.session);
        let cap = own.queue_cap.unwrap_or(settings.queue.cap);
        Self {
            mode: own.queue_mode.unwrap_or(settings.queue_mode),
            debounce: own.queue_debounce_ms.map_or(settings.queue.debounce, Duration::from_millis),
            cap: (cap > 0).then_some(cap as usize),
            drop: own.queue_drop.unwrap_or(settings.queue.drop),
        }
    }

    /// Whether more than the first input has to be looked at.
    pub(crate) fn looks_further(&self) -> bool {
        matches!(self.mode, QueueMode::Batch | QueueMode::Interrupt)
            || self.cap.is_some()
            || !self.debounce.is_zero()
    }

    /// How many inputs have to be looked at.
    pub(crate) fn reach(&self, usual: u32) -> u32 {
        self.cap.map_or(usual, |cap| usual.saturating_add(u32::try_from(cap).unwrap_or(u32::MAX)))
    }

    /// How long the inputs have to wait still; `None` where a turn can begin. What interrupts does
    /// not wait, nor do commands, nor does an interrupted turn.
    pub(crate) fn rest(
        &self,
        open: &[InboxRow],
        now: Timestamp,
        stands_alone: impl Fn(&InboxRow) -> bool,
    ) -> Option<Duration> {
        let (first, last) = (open.first()?, open.last()?);
        let waits = !self.debounce.is_zero()
            && self.mode != QueueMode::Interrupt
            && open.iter().all(|row| row.state == InputState::Waiting && !stands_alone(row));
        if !waits {
            return None;
        }
        let quiet = last.created_at.plus(self.debounce);
        let due = quiet.min(first.created_at.plus(self.debounce * LONGEST_WAIT));
        Some(due.since(now)).filter(|rest| !rest.is_zero())
    }

    /// Takes out of the open inputs, which are in order, what is too many. Commands and what other
    /// sessions report are not counted.
    pub(crate) fn excess(
        &self,
        open: &mut Vec<InboxRow>,
        stands_alone: impl Fn(&InboxRow) -> bool,
    ) -> Excess {
        let Some(cap) = self.cap else { return Excess::None };
        let counts = |row: &InboxRow| {
            row.state == InputState::Waiting && row.options.origin.is_none() && !stands_alone(row)
        };
        let Some(first) = open.iter().find(|row| counts(row)).cloned() else {
            return Excess::None;
        };
        let counted: Vec<usize> = open
            .iter()
            .enumerate()
            .filter(|(_, row)| counts(row) && is_same_place(row, &first))
            .map(|(index, _)| index)
            .collect();
        let too_many = counted.len().saturating_sub(cap);
        if too_many == 0 {
            return Excess::None;
        }
        let taken = match self.drop {
            QueueDrop::Old | QueueDrop::Summarize => &counted[..too_many],
            QueueDrop::New => &counted[cap..],
        };
        let mut rows: Vec<InboxRow> = taken.iter().map(|index| open[*index].clone()).collect();
        open.retain(|row| !rows.iter().any(|taken| taken.id == row.id));
        if self.drop == QueueDrop::Summarize {
            return Excess::Listed(rows);
        }
        match rows.pop() {
            Some(lead) => {
                let group = Group { lead, earlier: rows, superseded: Vec::new() };
                Excess::Refused(Box::new(group))
            }
            None => Excess::None,
        }
    }

    /// What the senders of refused inputs are told.
    pub(crate) fn refusal(&self, refused: usize) -> StoredError {
        let cap = self.cap.unwrap_or_default();
        let which = match self.drop {
            QueueDrop::New => "last",
            QueueDrop::Old | QueueDrop::Summarize => "oldest",
        };
        let messages = if refused == 1 { "message was" } else { "messages were" };
        StoredError {
            code: ErrorKind::Overloaded.as_str().to_owned(),
            message: format!(
                "the {which} {refused} {messages} not read: more than {cap} waited while I was busy"
            ),
            hint: Some("send again what is still needed".to_owned()),
        }
    }
}

/// An input that is only listed: its beginning, as a line.
pub(crate) fn listed(row: &InboxRow) -> InboxRow {
    let text = row.inbound.content.plain_text();
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if let Some((end, _)) = line.char_indices().nth(LONGEST_LINE) {
        line.truncate(end);
        line.push('…');
    }
    let mut row = row.clone();
    row.inbound.content = MessageContent::text(format!("(shortened) {line}"));
    row
}
