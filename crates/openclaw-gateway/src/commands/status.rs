use openclaw_agents::model::candidates;
use openclaw_config::Config;
use openclaw_core::Session;
use openclaw_errors::OpenClawError;

use super::CommandDeps;
use super::queue::name_of;

/// The most waiting inputs that are counted.
const MOST_COUNTED: u32 = 100;

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
) -> Result<String, OpenClawError> {
    let model = match candidates(config, Some(session), None, &session.agent_id) {
        Ok(found) => {
            found.iter().map(|candidate| candidate.name()).collect::<Vec<_>>().join(", then ")
        }
        Err(missing) => format!("none: {missing}"),
    };
    let open = deps.storage.open_inputs(&session.session_key, MOST_COUNTED).await?;
    // This command is one of them.
    let waiting = open.len().saturating_sub(1);
    let mode = session.config.queue_mode.unwrap_or(config.session.queue_mode);
    Ok(format!(
        "openclaw {}\nSession `{}`, agent `{}`\nModel: {model}\nQueue: {}, {waiting} waiting\n{}",
        deps.version,
        session.session_key,
        session.agent_id,
        name_of(&mode),
        super::usage::total(deps, config, session).await?,
    ))
}
