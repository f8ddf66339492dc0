//! Which of the inputs that wait become the next turn.

use openclaw_core::{Conversation, QueueMode};
use openclaw_storage::rows::{InboxRow, InputState};

/// The next turn, and what becomes of the others that were looked at.
#[derive(Debug, PartialEq)]
pub(crate) struct Group {
    /// The input whose run the turn is: the last of those it takes.
    pub(crate) lead: InboxRow,
    /// Inputs that the turn takes too, in order: they end merged into the lead's run.
    pub(crate) earlier: Vec<InboxRow>,
    /// Inputs that a newer one of another session made void: they end stopped.
    pub(crate) superseded: Vec<InboxRow>,
}

impl Group {
    fn alone(lead: InboxRow) -> Self {
        Self { lead, earlier: Vec::new(), superseded: Vec::new() }
    }

    /// All inputs of the turn, in order.
    pub(crate) fn inputs(&self) -> Vec<InboxRow> {
        self.earlier.iter().chain([&self.lead]).cloned().collect()
    }
}

/// Groups open inputs, given in order; `None` when there are none.
///
/// An interrupted turn goes on first, alone: it took its inputs when it began. In `batch` mode the
/// inputs at the head that came from the same place for the same session become one turn; its run is
/// that of the last, whose options count and which is answered. In `interrupt` mode the newest is
/// run, with the text of those before it. An input that stands alone is a turn by itself, and those
/// after it wait for it.
pub(crate) fn group(
    mode: QueueMode,
    mut open: Vec<InboxRow>,
    stands_alone: impl Fn(&InboxRow) -> bool,
) -> Option<Group> {
    if let Some(index) = open.iter().position(|row| row.state == InputState::Running) {
        return Some(Group::alone(open.swap_remove(index)));
    }
    match open.iter().position(stands_alone) {
        Some(0) => return Some(Group::alone(open.swap_remove(0))),
        Some(first) => open.truncate(first),
        None => {}
    }
    match mode {
        QueueMode::Queue | QueueMode::Immediate | QueueMode::ImmediateBacklog => {
            (!open.is_empty()).then(|| Group::alone(open.swap_remove(0)))
        }
        QueueMode::Batch => {
            let first = open.first()?.clone();
            let together = open.iter().take_while(|row| is_same_place(row, &first)).count();
            open.truncate(together);
            let lead = open.pop()?;
            Some(Group { lead, earlier: open, superseded: Vec::new() })
        }
        QueueMode::Interrupt => {
            let lead = open.pop()?;
            let (earlier, superseded) =
                open.into_iter().partition(|row| row.session_id == lead.session_id);
            Some(Group { lead, earlier, superseded })
        }
    }
}

/// Whether two inputs belong to one session and are answered in one place.
pub(crate) fn is_same_place(one: &InboxRow, other: &InboxRow) -> bool {
    one.session_id == other.session_id
        && is_same_chat(&one.inbound.conversation, &other.inbound.conversation)
}

/// Whether two conversations are one, whatever their titles say.
pub(crate) fn is_same_chat(one: &Conversation, other: &Conversation) -> bool {
    one.channel_id == other.channel_id
        && one.chat_id == other.chat_id
        && one.thread_id == other.thread_id
}
