use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{Approval, ApprovalResolveParams};

use crate::GatewayState;
use crate::approvals::answer;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: ApprovalResolveParams,
) -> Result<Approval, OpenClawError> {
    let by = caller.principal().map(|principal| principal.name.to_string()).unwrap_or_default();
    answer(state, &params.id, params.decision, &by)
}
