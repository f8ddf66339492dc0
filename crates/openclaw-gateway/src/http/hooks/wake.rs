use std::sync::Arc;

use openclaw_core::SessionKey;
use openclaw_protocol::webhooks::WakeWhen;

use super::agent::{Order, from_outside, run};
use super::refused::Refused;
use crate::GatewayState;
use crate::schedule::note_for_main;

/// Tells the main session of the default agent.
///
/// # Errors
/// As [`run`], and when it cannot be stored.
pub(super) async fn wake(
    state: &Arc<GatewayState>,
    text: String,
    when: WakeWhen,
    name: Option<String>,
    is_trusted: bool,
    key: Option<String>,
) -> Result<(), Refused> {
    if when == WakeWhen::NextHeartbeat {
        let agent = state.config.current().default_agent().id.clone();
        let text = if is_trusted { text } else { from_outside(state, name.as_deref(), &text) };
        note_for_main(state, &agent, &text).await?;
        return Ok(());
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
