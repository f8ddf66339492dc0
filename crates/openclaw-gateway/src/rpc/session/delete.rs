use std::time::Duration;

use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{SessionDeleteResult, SessionRef};
use openclaw_sessions::{StopTarget, Wake};
use openclaw_storage::{ApplyError, Batch, Conflict, Write};

use super::find::find;
use crate::GatewayState;
use crate::hub::WatchFor;

/// How often a session is tried while its runs end.
const TRIES: u32 = 20;
const PAUSE: Duration = Duration::from_millis(250);

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: SessionRef,
) -> Result<SessionDeleteResult, OpenClawError> {
    let session = find(state, params.session_id.as_ref(), params.session_key.as_ref()).await?;
    let ends = state.hub.watch_session(session.session_key.clone(), WatchFor::RunEnds);
    for _ in 0..TRIES {
        state.lanes.stop(StopTarget::Session(&session.session_key)).await?;
        match state
            .storage
            .apply(Batch::new().with(Write::DeleteSession { id: session.id.clone() }))
            .await
        {
            Ok(_) => {
                state.lanes.wake(&session.session_key, Wake::Reset);
                return Ok(SessionDeleteResult { deleted: true });
            }
            Err(ApplyError::Conflict(Conflict::StateChanged { .. })) => {
                // Not seeing the end in time only means another look.
                let seen = tokio::time::timeout(PAUSE, ends.changed()).await;
                tracing::trace!(
                    in_time = seen.is_ok(),
                    "waited for runs to end before a session is deleted"
                );
            }
            Err(error) => return Err(error.into()),
        }
    }
    Err(OpenClawError::new(
        ErrorKind::Conflict,
        format!("runs of {} do not end", session.session_key),
    )
    .with_hint("try again in a moment"))
}
