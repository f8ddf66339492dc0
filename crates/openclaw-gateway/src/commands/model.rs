use openclaw_agents::model::candidates;
use openclaw_config::Config;
use openclaw_core::{Session, SessionConfig};
use openclaw_errors::OpenClawError;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    if wanted.is_empty() {
        return Ok(match candidates(config, Some(session), None, &session.agent_id) {
            Ok(found) => found
                .iter()
                .enumerate()
                .map(|(index, candidate)| match index {
                    0 => format!("Model: `{}`", candidate.name()),
                    _ => format!("then `{}`", candidate.name()),
                })
                .collect::<Vec<_>>()
                .join(", "),
            Err(missing) => format!("No model: {missing}."),
        });
    }
    let model = (wanted != "default").then(|| wanted.to_owned());
    let changed = SessionConfig { model: model.clone(), ..session.config.clone() };
    let with = Session { config: changed, ..session.clone() };
    match candidates(config, Some(&with), None, &session.agent_id) {
        Ok(found) => {
            deps.configure(session, |config| config.model = model).await?;
            let name = found.first().map(|candidate| candidate.name()).unwrap_or_default();
            Ok(format!("This session uses `{name}` from the next message on."))
        }
        Err(missing) => Ok(format!("That does not work: {missing}. The model stays as it was.")),
    }
}
