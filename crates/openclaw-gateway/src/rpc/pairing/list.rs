use openclaw_core::Timestamp;
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Pairing, PairingListParams, PairingListResult};
use openclaw_storage::rows::PairingRow;

use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: PairingListParams,
) -> Result<PairingListResult, OpenClawError> {
    let now = state.clock.now();
    let rows = state.storage.pairings(params.channel_id.as_ref()).await?;
    Ok(PairingListResult { pairings: rows.into_iter().map(|row| describe(row, now)).collect() })
}

/// A person as clients see it; a code that does not work any more is not shown.
pub(super) fn describe(row: PairingRow, now: Timestamp) -> Pairing {
    let works = row.approved_at.is_none() && row.expires_at.is_some_and(|at| at > now);
    Pairing {
        channel_id: row.channel_id,
        user_id: row.user_id,
        display_name: row.display_name,
        code: row.code.filter(|_| works),
        expires_at: row.expires_at.filter(|_| works),
        approved_at: row.approved_at,
        is_owner: row.is_owner,
        denied: row.denied,
        created_at: row.created_at,
    }
}
