use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{AllowedCommand, ApprovalForgetParams};

use super::allowed::all;
use crate::GatewayState;
use crate::approvals::board;

/// The shortest beginning of a key that is taken for it.
const SHORTEST: usize = 8;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: ApprovalForgetParams,
) -> Result<AllowedCommand, OpenClawError> {
    let wanted = params.key.to_ascii_lowercase();
    if wanted.len() < SHORTEST {
        return Err(OpenClawError::invalid_params("key", "give at least 8 characters of the key"));
    }
    let mut found = all(state).await?;
    found.retain(|allowed| allowed.key.starts_with(&wanted));
    let (Some(allowed), 0) = (found.pop(), found.len()) else {
        return Err(OpenClawError::not_found("no allowed command, or more than one, has this key")
            .with_field("key")
            .with_hint("approval.allowed lists them"));
    };
    let forgotten = board(state)?.forget(&allowed.agent_id, &allowed.key).await;
    match forgotten {
        Ok(true) => Ok(allowed),
        Ok(false) => Err(OpenClawError::not_found("it was taken back meanwhile")),
        Err(error) => Err(OpenClawError::new(ErrorKind::Database, error)),
    }
}
