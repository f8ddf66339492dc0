//! `subscribe` and `unsubscribe`.

pub(super) mod subscribe;
pub(super) mod unsubscribe;

use std::sync::Arc;

use openclaw_errors::OpenClawError;

use super::Caller;
use crate::hub::Client;

/// The connection that events go to.
fn client(caller: &Caller) -> Result<&Arc<Client>, OpenClawError> {
    caller.client.as_ref().ok_or_else(|| {
        OpenClawError::unavailable("events need a connection that stays open")
            .with_hint("open a WebSocket at /ws, or poll with message.receive")
    })
}
