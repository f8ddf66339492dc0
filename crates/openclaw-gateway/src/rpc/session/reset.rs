use openclaw_core::{Session, SessionId};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::SessionRef;
use openclaw_sessions::{Wake, renewed};
use openclaw_storage::{Batch, Write};

use super::find::find_live;
use crate::GatewayState;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: SessionRef,
) -> Result<Session, OpenClawError> {
    let before = find_live(state, params.session_id.as_ref(), params.session_key.as_ref()).await?;
    let now = state.clock.now();
    let id = SessionId::new(state.ids.new_id()).map_err(|error| {
        OpenClawError::internal("the id source gave an unusable id").with_source(error)
    })?;
    let fresh = renewed(&before, id, now);
    let batch = Batch::new()
        .with(Write::EndSession { id: before.id, at: now })
        .with(Write::CreateSession(Box::new(fresh.clone())));
    state.storage.apply(batch).await?;
    state.lanes.wake(&fresh.session_key, Wake::Reset);
    Ok(fresh)
}
