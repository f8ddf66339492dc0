use std::sync::Arc;

use http::StatusCode;
use openclaw_config::{HookAction, HookMapping, WakeMode};
use openclaw_core::RunId;
use openclaw_protocol::webhooks::WakeWhen;
use serde_json::Value;

use super::agent::{Order, run};
use super::refused::Refused;
use super::template::{Facts, fill};
use super::wake::wake;
use crate::GatewayState;

/// What came of a mapping.
pub(super) enum Done {
    Woken(WakeWhen),
    Runs(RunId),
}

/// The first mapping that fits.
pub(super) fn find<'m>(
    mappings: &'m [HookMapping],
    path: &str,
    payload: &Value,
) -> Option<&'m HookMapping> {
    mappings.iter().find(|mapping| {
        fits_path(mapping, path)
            && mapping.source.as_deref().is_none_or(|source| payload["source"] == source)
    })
}

/// Whether a mapping is for this path.
pub(super) fn fits_path(mapping: &HookMapping, path: &str) -> bool {
    mapping.path.as_deref().is_none_or(|wanted| wanted == path)
}

/// Does what a mapping says.
///
/// # Errors
/// As [`run`] and [`wake`].
pub(super) async fn apply(
    state: &Arc<GatewayState>,
    mapping: &HookMapping,
    facts: Facts<'_>,
    key: Option<String>,
) -> Result<Done, Refused> {
    if mapping.needs_transform {
        let message = format!("the mapping {} needs a module, which cannot be run yet", mapping.id);
        return Err(Refused::new(StatusCode::FORBIDDEN, message));
    }
    let filled = |template: &Option<String>| template.as_deref().map(|text| fill(text, facts));
    let name = mapping.name.clone().or_else(|| Some(mapping.id.clone()));
    let is_trusted = mapping.allow_unsafe_external_content;
    match mapping.action {
        HookAction::Wake => {
            let when = match mapping.wake_mode {
                WakeMode::Now => WakeWhen::Now,
                WakeMode::NextHeartbeat => WakeWhen::NextHeartbeat,
            };
            let text = filled(&mapping.text_template).unwrap_or_default();
            wake(state, text, when, name, is_trusted, key).await?;
            Ok(Done::Woken(when))
        }
        HookAction::Agent => {
            let order = Order {
                message: filled(&mapping.message_template).unwrap_or_default(),
                name,
                agent: mapping.agent_id.clone(),
                session: filled(&mapping.session_key),
                deliver: mapping.deliver,
                channel: mapping.channel.clone(),
                to: filled(&mapping.to),
                model: mapping.model.clone(),
                thinking: mapping.thinking,
                timeout_seconds: mapping.timeout.map(|limit| limit.as_secs()),
                is_trusted,
                key,
            };
            run(state, order).await.map(Done::Runs)
        }
    }
}
