use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::ApprovalListResult;

use crate::GatewayState;
use crate::approvals::{approval, board};

pub(in crate::rpc) async fn run(state: &GatewayState) -> Result<ApprovalListResult, OpenClawError> {
    let waiting = board(state)?.waiting();
    Ok(ApprovalListResult { approvals: waiting.iter().map(approval).collect() })
}
