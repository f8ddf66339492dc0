use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_protocol::webhooks::WakeWhen;

use super::agent::{Order, run};
use super::refused::Refused;
use crate::GatewayState;

/// Tells the main session of the default agent.
///
/// # Errors
/// As [`run`], and for a wake that has to wait for heartbeats.
pub(super) async fn wake(
    state: &Arc<GatewayState>,
    text: String,
    when: WakeWhen,
    name: Option<String>,
    is_trusted: bool,
    key: Option<String>,
) -> Result<(), Refused> {
    if when == WakeWhen::NextHeartbeat {
        let message =
            "next-heartbeat is not offered: there are no heartbeats yet; use the mode now";
        return Err(Refused::bad(message));
    }
    let agent = state.config.current().default_agent().id.clone();
    let order = Order {
        message: text,
        name,
        session: Some(SessionKey::main(&agent).rest().to_owned()),
        agent: Some(agent),
        deliver: true,
        is_trusted,
        key,
        ..Order::default()
    };
    run(state, order).await.map(|_| ())
}
