//! Keeps the counts of what is open without counting.

use super::connection::Connection;
use super::decode;
use super::query;
use crate::rows::{Backlog, InputState, OutboxState};
use crate::{InputChange, OutboxChange, Write};

const OPEN_INPUTS: &str = "SELECT COUNT(*) FROM inbox INDEXED BY inbox_open WHERE ended_at IS NULL";
const OPEN_OUTBOX: &str = "SELECT COUNT(*) FROM outbox INDEXED BY outbox_open
    WHERE state IN ('pending', 'sending')";
const UNKNOWN: &str = "SELECT COUNT(*) FROM outbox INDEXED BY outbox_troubled
    WHERE state IN ('unknown', 'failed') AND state = 'unknown'";
const FAILED: &str = "SELECT COUNT(*) FROM outbox INDEXED BY outbox_troubled
    WHERE state IN ('unknown', 'failed') AND state = 'failed'";
const RESENT: &str = "SELECT COALESCE(SUM(uncertain), 0) FROM outbox INDEXED BY outbox_resent
    WHERE uncertain > 0";

#[cfg(test)]
pub(super) const STATEMENTS: &[&str] = &[OPEN_INPUTS, OPEN_OUTBOX, UNKNOWN, FAILED, RESENT];

/// Counts all anew.
pub(super) async fn counted(connection: &mut Connection) -> Result<Backlog, sqlx::Error> {
    let mut counts = [0; 5];
    let statements = [OPEN_INPUTS, OPEN_OUTBOX, UNKNOWN, FAILED, RESENT];
    for (count, sql) in counts.iter_mut().zip(statements) {
        *count = query::optional(connection, sql, [], decode::count).await?.unwrap_or_default();
    }
    let [inputs, outbox, unknown, failed, resent] = counts;
    Ok(Backlog { inputs, outbox, unknown, failed, resent })
}

/// By how much one batch changes the counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) struct Tally {
    inputs: i64,
    outbox: i64,
    unknown: i64,
    failed: i64,
    resent: i64,
    /// A change may have come from rows of several counts: all must be counted anew.
    pub(super) is_unknown: bool,
}

fn add(count: u64, change: i64) -> u64 {
    count.saturating_add_signed(change)
}

impl Tally {
    pub(super) fn apply_to(self, backlog: &mut Backlog) {
        backlog.inputs = add(backlog.inputs, self.inputs);
        backlog.outbox = add(backlog.outbox, self.outbox);
        backlog.unknown = add(backlog.unknown, self.unknown);
        backlog.failed = add(backlog.failed, self.failed);
        backlog.resent = add(backlog.resent, self.resent);
    }

    /// Counts one write of a committed batch.
    pub(super) fn count(&mut self, write: &Write) {
        match write {
            Write::AcceptInput(new) => self.inputs += i64::from(!new.state.is_final()),
            Write::ChangeInput(change) => self.input_changed(change),
            Write::Enqueue(new) => self.add_outbox(new.state, 1),
            Write::ChangeOutbox(change) => self.outbox_changed(change),
            _ => {}
        }
    }

    fn input_changed(&mut self, change: &InputChange) {
        let mut was_open = change.from.iter().map(|state: &InputState| !state.is_final());
        let first = was_open.next().unwrap_or_default();
        if was_open.any(|open| open != first) {
            self.is_unknown = true;
        }
        self.inputs += i64::from(!change.to.is_final()) - i64::from(first);
    }

    fn outbox_changed(&mut self, change: &OutboxChange) {
        let Some(first) = change.from.first() else { return };
        let is_open = |state: &OutboxState| !state.is_final();
        if change.from.iter().any(|state| state != first && !(is_open(state) && is_open(first))) {
            self.is_unknown = true;
        }
        self.add_outbox(*first, -1);
        self.add_outbox(change.to, 1);
        self.resent += i64::from(change.uncertain);
    }

    /// A row that had ended was deleted.
    pub(super) fn outbox_deleted(&mut self, state: OutboxState, uncertain: u64) {
        self.add_outbox(state, -1);
        self.resent = self.resent.saturating_sub_unsigned(uncertain);
    }

    fn add_outbox(&mut self, state: OutboxState, change: i64) {
        match state {
            OutboxState::Pending | OutboxState::Sending => self.outbox += change,
            OutboxState::Unknown => self.unknown += change,
            OutboxState::Failed => self.failed += change,
            OutboxState::Sent => {}
        }
    }
}
