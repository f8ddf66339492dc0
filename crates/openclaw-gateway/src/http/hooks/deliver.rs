use openclaw_core::{Conversation, SessionKey};
use openclaw_errors::ErrorKind;

use super::refused::Refused;
use crate::GatewayState;
use crate::schedule::target as chat_of;

/// Where an answer is sent; `None` where it stays in its session.
///
/// # Errors
/// When there is no such channel, or no chat to send to.
pub(super) async fn target(
    state: &GatewayState,
    main: &SessionKey,
    channel: Option<&str>,
    to: Option<&str>,
) -> Result<Option<Conversation>, Refused> {
    chat_of(state, main, channel, to).await.map_err(|error| match error.kind() {
        ErrorKind::InvalidParams => Refused::bad(error.message()),
        _ => Refused::from(error),
    })
}
