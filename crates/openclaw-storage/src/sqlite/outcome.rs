//! What a committed batch means for its caller, the observer and the counters.

use super::decode;
use super::plan::{Note, Plan};
use super::script::Outcome;
use super::tally::Tally;
use crate::assemble::{Report, is_visible};
use crate::rows::OutboxState;
use crate::sql::cells::Decoded;
use crate::{Applied, Batch, Committed, SessionChange, Write};

/// What a batch did.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) applied: Applied,
    pub(super) committed: Committed,
    pub(super) tally: Tally,
}

impl Done {
    pub(super) fn new(batch: &Batch, plan: &Plan, outcome: &Outcome) -> Decoded<Self> {
        let mut reading = Reading {
            outcome,
            report: Report::default(),
            applied: Applied::default(),
            tally: Tally::default(),
        };
        for (index, write) in batch.writes.iter().enumerate() {
            reading.tally.count(write);
            reading.write(write, plan.notes.get(&index).copied())?;
        }
        Ok(Self {
            applied: reading.applied,
            committed: reading.report.finish(),
            tally: reading.tally,
        })
    }
}

struct Reading<'a> {
    outcome: &'a Outcome,
    report: Report,
    applied: Applied,
    tally: Tally,
}

impl Reading<'_> {
    fn write(&mut self, write: &Write, note: Option<Note>) -> Decoded<()> {
        match note {
            None => {}
            Some(Note::Sequence { statement, after }) => {
                let row = self.outcome.rows(statement).next().ok_or("no session was returned")?;
                let (_, last_seq) = decode::key_and_seq(row)?;
                if let Write::Append(entry) = write {
                    self.report.appended(entry, last_seq - after);
                    self.applied.seqs.push(last_seq - after);
                }
            }
            Some(Note::SessionKey { statement }) => self.session_changed(write, statement)?,
            Some(Note::Deleted { session, outbox }) => {
                for row in self.outcome.rows(outbox) {
                    let (state, uncertain) = decode::state_and_uncertain(row)?;
                    self.tally.outbox_deleted(state, uncertain);
                }
                self.session_changed(write, session)?;
            }
            Some(Note::Position { statement }) => {
                self.applied.positions.push(self.outcome.row_id(statement));
            }
            Some(Note::Moved { statement }) => {
                let moved = self.outcome.rows(statement);
                moved.take(1).for_each(|_| self.report.outbox_due());
            }
            Some(Note::Lease { statement }) => {
                let row = self.outcome.rows(statement).next().ok_or("no lease was returned")?;
                self.applied.leases.push(decode::lease(row)?);
            }
        }
        match write {
            Write::Enqueue(new) if !new.state.is_final() => self.report.outbox_due(),
            Write::ChangeOutbox(change) if change.to == OutboxState::Pending => {
                self.report.outbox_due();
            }
            _ => {}
        }
        Ok(())
    }

    fn session_changed(&mut self, write: &Write, statement: usize) -> Decoded<()> {
        let (id, change) = match write {
            Write::CreateSession(session) => (&session.id, SessionChange::Created),
            Write::UpdateSession { id, patch } if is_visible(patch) => (id, SessionChange::Updated),
            Write::EndSession { id, .. } => (id, SessionChange::Ended),
            Write::DeleteSession { id } => (id, SessionChange::Deleted),
            _ => return Ok(()),
        };
        if let Some(row) = self.outcome.rows(statement).next() {
            self.report.session(decode::session_key(row)?, id.clone(), change);
        }
        Ok(())
    }
}
