use std::time::Duration;

use openclaw_agents::model::candidates;
use openclaw_core::{AgentId, RunId, RunStatus, SessionKey};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::methods::{AgentRunParams, AgentRunResult};
use openclaw_sessions::WaitError;
use openclaw_storage::rows::{InputState, RunOptions};

use super::attachments;
use super::outcome::{info, result_of, result_of_end};
use crate::GatewayState;
use crate::ingress::{AcceptedRun, RunRequest};
use crate::rpc::Caller;
use crate::rpc::session::find::{check_agent, find_live};
use crate::rpc::stored_error::as_error;

/// The longest a caller may wait: the longest time limit of a run, and as long in the queue.
const LONGEST_WAIT: Duration = Duration::from_secs(2 * 86_400);

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: AgentRunParams,
) -> Result<AgentRunResult, OpenClawError> {
    if params.message.trim().is_empty() && params.attachments.is_empty() {
        return Err(OpenClawError::invalid_params(
            "message",
            "is empty and there is no attachment",
        ));
    }
    if matches!(params.timeout_seconds, Some(seconds) if !(1..=86_400).contains(&seconds)) {
        return Err(OpenClawError::invalid_params("timeout_seconds", "not in 1 to 86,400"));
    }
    let session_key = session_key(state, &params).await?;
    let options = RunOptions {
        model: params.model.clone(),
        thinking: params.thinking,
        timeout_seconds: params.timeout_seconds,
        by_owner: caller.is_owner(),
        ..RunOptions::default()
    };
    check_model(state, &options, &session_key)?;
    let media = attachments::store(state, &params.attachments).await?;
    let run_id = match params.idempotency_key {
        Some(key) => key,
        None => RunId::new(state.ids.new_id()).map_err(|error| {
            OpenClawError::internal("the id source gave an unusable id").with_source(error)
        })?,
    };
    // Before it is accepted, so that the starter misses nothing.
    if let Some(client) = &caller.client {
        state.hub.watch_run(client, &run_id);
    }
    let request = RunRequest {
        principal: caller.principal_name(),
        session_key,
        message: params.message,
        media,
        options,
        conversation: None,
        history: Vec::new(),
        run_id: Some(run_id.clone()),
    };
    let accepted = match state.ingress.accept_run(request).await {
        Ok(accepted) => accepted,
        Err(error) => {
            forget(state, caller, &run_id);
            return Err(error);
        }
    };
    answer(state, caller, accepted, params.wait).await
}

async fn answer(
    state: &GatewayState,
    caller: &Caller,
    accepted: AcceptedRun,
    wait: bool,
) -> Result<AgentRunResult, OpenClawError> {
    if let Some(refusal) = accepted.refusal {
        return Err(as_error(refusal));
    }
    match accepted.existing {
        Some(row) if row.state == InputState::Refused => {
            forget(state, caller, &row.run_id);
            return Err(row
                .error
                .map_or_else(|| OpenClawError::unavailable("the run was refused"), as_error));
        }
        Some(row) => {
            let is_over = row.state.is_final();
            if is_over {
                forget(state, caller, &row.run_id);
            }
            // A merged one has ended, but not yet the run that took it.
            if !wait || (is_over && row.merged_into.is_none()) {
                return Ok(result_of(info(state, *row).await?));
            }
        }
        None if !wait => {
            return Ok(AgentRunResult {
                run_id: accepted.run_id,
                session_key: accepted.session_key,
                status: RunStatus::Accepted,
                merged_into: None,
                reply: None,
                usage: None,
                error: None,
            });
        }
        None => {}
    }
    let waiting = state.lanes.wait_for_run(&accepted.run_id, LONGEST_WAIT);
    // The run goes on without its caller: it is stored, and `agent.stop` is there to end it.
    tokio::select! {
        end = waiting => Ok(result_of_end(end.map_err(not_seen)?, accepted.session_key)),
        () = caller.gone.cancelled() => Err(OpenClawError::unavailable("the caller is gone")),
    }
}

fn not_seen(error: WaitError) -> OpenClawError {
    match error {
        WaitError::Unknown(_) => OpenClawError::not_found(error.to_string()),
        WaitError::TimedOut(_) => OpenClawError::new(ErrorKind::Timeout, error.to_string())
            .with_hint("agent.status tells how it stands"),
        WaitError::Stopping => OpenClawError::unavailable(error.to_string()).with_hint(
            "the run goes on after the next start; ask again with the same idempotency_key",
        ),
        WaitError::Storage(source) => source.into(),
    }
}

async fn session_key(
    state: &GatewayState,
    params: &AgentRunParams,
) -> Result<SessionKey, OpenClawError> {
    if let Some(agent) = &params.agent_id {
        check_agent(state, agent, "agent_id")?;
    }
    let key = match (&params.session_key, &params.session_id) {
        (Some(_), Some(_)) => {
            return Err(OpenClawError::invalid_params(
                "session_id",
                "give session_key or session_id, not both",
            ));
        }
        (Some(key), None) => {
            check_agent(state, &key.agent_id(), "session_key")?;
            key.clone()
        }
        (None, Some(id)) => find_live(state, Some(id), None).await?.session_key,
        (None, None) => SessionKey::main(params.agent_id.as_ref().unwrap_or(&AgentId::main())),
    };
    match &params.agent_id {
        Some(agent) if key.agent_id() != *agent => Err(OpenClawError::invalid_params(
            "agent_id",
            format!("the session belongs to agent {}", key.agent_id()),
        )),
        _ => Ok(key),
    }
}

/// A model that was named must be one that can be asked; having none at all is another matter.
fn check_model(
    state: &GatewayState,
    options: &RunOptions,
    key: &SessionKey,
) -> Result<(), OpenClawError> {
    let Some(model) = &options.model else { return Ok(()) };
    candidates(&state.config.current(), None, Some(options), &key.agent_id()).map(|_| ()).map_err(
        |error| OpenClawError::invalid_params("model", format!("{model} cannot be used: {error}")),
    )
}

fn forget(state: &GatewayState, caller: &Caller, run_id: &RunId) {
    if let Some(client) = &caller.client {
        state.hub.forget_run(client, run_id);
    }
}
