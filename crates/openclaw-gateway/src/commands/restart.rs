use openclaw_core::Inbound;
use openclaw_errors::OpenClawError;

use super::CommandDeps;

pub(super) fn run(deps: &CommandDeps, inbound: &Inbound) -> Result<String, OpenClawError> {
    let state = deps.handle.get()?;
    tracing::info!(channel = %inbound.conversation.channel_id, "the owner restarts the gateway");
    state.shutdown.request_restart();
    Ok("The gateway restarts now.".to_owned())
}
