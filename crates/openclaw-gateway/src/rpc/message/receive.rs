use std::time::Duration;

use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{MessageReceiveParams, MessageReceiveResult};
use tokio::time::{Instant, timeout_at};

use crate::GatewayState;
use crate::hub::WatchFor;
use crate::rpc::Caller;
use crate::rpc::session::find::by_key;
use crate::rpc::session::list::limit;

const LONGEST_WAIT_MS: u64 = 55_000;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: MessageReceiveParams,
) -> Result<MessageReceiveResult, OpenClawError> {
    let limit = limit(params.limit)?;
    let wait = params.wait_ms.unwrap_or(0);
    if wait > LONGEST_WAIT_MS {
        return Err(OpenClawError::invalid_params(
            "wait_ms",
            format!("{wait} is above {LONGEST_WAIT_MS}"),
        ));
    }
    let after = params.after_seq.unwrap_or(0);
    if after < 0 {
        return Err(OpenClawError::invalid_params("after_seq", "must not be below 0"));
    }
    // Before the first look, so that what is stored in between is not missed.
    let watch = state.hub.watch_session(params.session_key.clone(), WatchFor::Messages);
    let until = Instant::now() + Duration::from_millis(wait);
    loop {
        let session = by_key(state, &params.session_key).await?;
        let messages = state.storage.messages_after(&session.id, after, limit).await?;
        let is_over = wait == 0 || state.shutdown.is_requested() || caller.gone.is_cancelled();
        if !messages.is_empty() || is_over || Instant::now() >= until {
            let next_seq = messages.last().map_or(after, |message| message.seq);
            return Ok(MessageReceiveResult { messages, next_seq });
        }
        tokio::select! {
            woken = timeout_at(until, watch.changed()) => if woken.is_err() { continue },
            () = state.shutdown.requested().cancelled() => {}
            () = caller.gone.cancelled() => {}
        }
    }
}
