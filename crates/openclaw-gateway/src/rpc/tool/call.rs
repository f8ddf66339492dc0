use std::sync::Arc;

use openclaw_agents::{command_rules, restrict};
use openclaw_core::{AgentId, CallId, Session, SessionKey};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{ToolCallParams, ToolResult};
use openclaw_tools::commands::CommandRules;
use openclaw_tools::{Asker, ToolCall, ToolContext, ToolError, ToolOutput, ToolPolicy};
use serde_json::Value;

use crate::GatewayState;
use crate::rpc::Caller;
use crate::rpc::session::find::by_key;

/// What a call in a session goes by.
pub(crate) struct CallPolicy {
    pub(crate) session_key: SessionKey,
    /// The session, where it lives.
    session: Option<Session>,
    pub(crate) policy: ToolPolicy,
}

/// What calls in a session, or without one, go by.
///
/// # Errors
/// When there is no such session, or the store fails.
pub(crate) async fn policy_of(
    state: &GatewayState,
    session_key: Option<SessionKey>,
) -> Result<CallPolicy, OpenClawError> {
    let (session_key, session) = match session_key {
        None => {
            let key = SessionKey::main(&AgentId::main());
            let session = state.storage.session_by_key(&key).await?;
            (key, session)
        }
        Some(key) => {
            let session = by_key(state, &key).await?;
            (key, Some(session))
        }
    };
    let config = state.config.current();
    let agent_id = session_key.agent_id();
    let agent = config.agent(&agent_id).unwrap_or_else(|| config.default_agent());
    let channel = session.as_ref().map(|session| session.channel_id.to_string());
    let enabled = session.as_ref().and_then(|session| session.config.tools_enabled);
    let policy = match enabled {
        Some(false) => ToolPolicy::deny_all("the session's settings"),
        Some(true) | None => {
            let asker = channel.as_deref().map(|channel| Asker { channel, sender: None });
            ToolPolicy::asked_by(&config.tools, agent.tools.as_ref(), asker.as_slice())
        }
    };
    let policy = match &session {
        Some(session) => restrict(policy, &config, session),
        None => policy,
    };
    Ok(CallPolicy { session_key, session, policy })
}

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: ToolCallParams,
) -> Result<ToolResult, OpenClawError> {
    let CallPolicy { session_key, session, policy } = policy_of(state, params.session_key).await?;
    let config = state.config.current();
    let agent = config.agent(&session_key.agent_id()).unwrap_or_else(|| config.default_agent());
    let call_id = CallId::new(state.ids.new_id()).map_err(|error| {
        OpenClawError::internal("the id source gave an unusable id").with_source(error)
    })?;
    let call = ToolCall {
        call_id: call_id.clone(),
        name: params.name.clone(),
        arguments: Value::Object(params.arguments),
    };
    let context = ToolContext {
        agent_id: agent.id.clone(),
        commands: Arc::new(match &session {
            Some(session) => command_rules(&config, agent, session),
            None => CommandRules::new(&config, agent, None, &session_key),
        }),
        session_key,
        run_id: None,
        workspace: agent.workspace.clone(),
        cancel: state.shutdown.forced().child_token(),
        output: Arc::new(|_| {}),
    };
    let cancel = context.cancel.clone();
    let work = state.tools.call(&policy, call, context);
    tokio::pin!(work);
    let outcome = tokio::select! {
        outcome = &mut work => outcome,
        // A tool whose result nobody waits for any more is ended.
        () = caller.gone.cancelled() => {
            cancel.cancel();
            work.await
        }
    };
    let (output, is_error) = match outcome {
        Ok(output) => (output, false),
        Err(error) => (ToolOutput::text(refused(error)?), true),
    };
    Ok(ToolResult {
        call_id,
        name: params.name,
        result: output.text,
        is_error,
        media: output.media,
    })
}

/// What the tool itself says is a result; what kept it from running is an error.
fn refused(error: ToolError) -> Result<String, OpenClawError> {
    let text = error.to_string();
    Err(match error {
        ToolError::RespondToModel(text) => return Ok(text),
        ToolError::Unknown(_) => OpenClawError::not_found(text).with_field("name"),
        ToolError::Denied { .. } => OpenClawError::new(ErrorKind::Forbidden, text)
            .with_field("name")
            .with_hint("tools.allow and tools.deny say which tools may be called"),
        ToolError::InvalidArguments { .. } => OpenClawError::invalid_params("arguments", text),
        ToolError::Cancelled => OpenClawError::unavailable("the call was cancelled"),
        ToolError::Fatal(_) => OpenClawError::new(ErrorKind::Tool, text),
    })
}
