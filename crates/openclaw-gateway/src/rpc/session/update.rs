use openclaw_core::{SandboxMode, Session, SessionConfig};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use openclaw_protocol::methods::SessionUpdateParams;
use openclaw_storage::{Batch, SessionPatch, Write};

use super::create::check_label;
use super::find::{find, find_live};
use crate::GatewayState;
use crate::rpc::Caller;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: SessionUpdateParams,
) -> Result<Session, OpenClawError> {
    let session = find_live(state, params.session_id.as_ref(), params.session_key.as_ref()).await?;
    check_label(params.patch.label.as_ref().and_then(Option::as_deref))?;
    let config = match params.patch.config {
        Some(patch) => {
            if let Some(mode) = patch.sandbox_mode {
                check_sandbox(caller, mode, "patch.config")?;
            }
            let mut config = session.config.clone();
            patch.apply(&mut config);
            check_limits(&config, "patch.config")?;
            Some(config)
        }
        None => None,
    };
    let now = state.clock.now();
    let patch = SessionPatch {
        label: params.patch.label,
        config,
        updated_at: Some(now),
        ..SessionPatch::default()
    };
    state
        .storage
        .apply(Batch::new().with(Write::UpdateSession { id: session.id.clone(), patch }))
        .await?;
    find(state, Some(&session.id), None).await
}

/// A session must not let itself out of the sandbox.
pub(super) fn check_sandbox(
    caller: &Caller,
    mode: Option<SandboxMode>,
    field: &str,
) -> Result<(), OpenClawError> {
    let loosens = !matches!(mode, Some(SandboxMode::Always));
    let is_admin =
        caller.principal().is_some_and(|principal| principal.scopes.allows(Scope::Admin));
    if loosens && !is_admin {
        return Err(OpenClawError::new(
            ErrorKind::Forbidden,
            "loosening the sandbox needs the scope operator.admin",
        )
        .with_field(format!("{field}.sandbox_mode")));
    }
    Ok(())
}

pub(super) fn check_limits(config: &SessionConfig, field: &str) -> Result<(), OpenClawError> {
    if matches!(config.timeout_seconds, Some(seconds) if !(1..=86_400).contains(&seconds)) {
        return Err(OpenClawError::invalid_params(
            format!("{field}.timeout_seconds"),
            "not in 1 to 86,400",
        ));
    }
    if config.max_context_length == Some(0) {
        return Err(OpenClawError::invalid_params(
            format!("{field}.max_context_length"),
            "must be above 0",
        ));
    }
    Ok(())
}
