//! What of a command cannot wait for the turn that runs.

use openclaw_core::Inbound;

use super::{Command, parse};

/// Whether a message begins a fresh session.
pub(crate) fn begins_anew(inbound: &Inbound) -> bool {
    parse(inbound).is_some_and(|(info, _)| info.command == Command::New)
}

/// Whether a message ends the runs of its session that are older.
pub(crate) fn stops_others(inbound: &Inbound) -> bool {
    parse(inbound).is_some_and(|(info, _)| info.command == Command::Stop)
}
