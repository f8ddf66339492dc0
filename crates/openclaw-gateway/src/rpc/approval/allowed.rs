use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{AllowedCommand, ApprovalAllowedResult};

use crate::GatewayState;
use crate::approvals::{allowed_command, board};

pub(in crate::rpc) async fn run(
    state: &GatewayState,
) -> Result<ApprovalAllowedResult, OpenClawError> {
    Ok(ApprovalAllowedResult { allowed: all(state).await? })
}

pub(super) async fn all(state: &GatewayState) -> Result<Vec<AllowedCommand>, OpenClawError> {
    let all = board(state)?.allowed().await;
    let all = all.map_err(|error| OpenClawError::new(ErrorKind::Database, error))?;
    Ok(all.into_iter().map(|(key, allowed)| allowed_command(key, allowed)).collect())
}
