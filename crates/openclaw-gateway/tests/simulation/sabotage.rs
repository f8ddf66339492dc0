use openclaw_core::{ExternalId, Inbound};
use openclaw_storage::rows::OutboxState;
use openclaw_storage::{Batch, Write};

/// What a store leaves out, to see that the simulation misses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Nothing: the store as it is.
    Nothing,
    /// An event that is stored already is stored once more.
    Dedupe,
    /// Nobody sees that a row is being sent.
    SendingMark,
    /// Whoever lost a lease may write on.
    FenceCheck,
    /// A start does not find what the last one left.
    Resume,
    /// Rows come newest first.
    Order,
}

impl Missing {
    /// The batch as this store takes it.
    pub(crate) fn taken(self, mut batch: Batch) -> Batch {
        match self {
            Self::Nothing | Self::Dedupe | Self::Resume | Self::Order => {}
            Self::FenceCheck => batch.fences.clear(),
            Self::SendingMark => {
                batch.writes.retain(|write| !is_mark(write));
                for write in &mut batch.writes {
                    if let Write::ChangeOutbox(change) = write {
                        change.from.push(OutboxState::Pending);
                    }
                }
            }
        }
        batch
    }

    /// Rows as this store hands them out: `limit` of them, of all that there are in order.
    pub(crate) fn handed_out<T>(self, mut rows: Vec<T>, limit: u32) -> Vec<T> {
        if self == Self::Order {
            rows.reverse();
        }
        rows.truncate(limit as usize);
        rows
    }
}

pub(crate) fn is_mark(write: &Write) -> bool {
    matches!(write, Write::ChangeOutbox(change)
        if change.to == OutboxState::Sending && change.from == [OutboxState::Pending])
}

/// The batch with its input as an event of its own, whatever is stored already.
pub(crate) fn as_another_event(batch: &Batch, number: u64) -> Batch {
    let mut batch = batch.clone();
    for write in &mut batch.writes {
        if let Write::AcceptInput(input) = write {
            let id = format!("{}#{number}", input.inbound.external_id);
            let external_id = ExternalId::new(id).expect("valid");
            input.inbound = Inbound { external_id, ..input.inbound.clone() };
        }
    }
    batch
}
