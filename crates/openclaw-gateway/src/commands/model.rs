use openclaw_agents::model::candidates;
use openclaw_config::Config;
use openclaw_core::{Session, SessionConfig};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{ModelsListParams, ModelsStatusParams};

use super::CommandDeps;
use crate::rpc::{list_models, models_status};

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    match wanted {
        "" => Ok(current(config, session)),
        "list" => list(config),
        "status" => status(deps, config, session),
        _ => set(deps, config, session, wanted).await,
    }
}

fn current(config: &Config, session: &Session) -> String {
    let mut text = match candidates(config, Some(session), None, &session.agent_id) {
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
    };
    if !config.model_aliases.is_empty() {
        let aliases = config.model_aliases.iter();
        let aliases: Vec<String> =
            aliases.map(|(alias, model)| format!("`{alias}` is `{model}`")).collect();
        text.push_str(&format!("\n{}", aliases.join(", ")));
    }
    text
}

fn list(config: &Config) -> Result<String, OpenClawError> {
    let listed = list_models(config, &ModelsListParams::default())?;
    if listed.models.is_empty() {
        return Ok("No model is configured.".to_owned());
    }
    let lines: Vec<String> = listed
        .models
        .iter()
        .map(|model| match model.aliases.as_slice() {
            [] => format!("- `{}`", model.name),
            aliases => format!("- `{}` ({})", model.name, aliases.join(", ")),
        })
        .collect();
    Ok(lines.join("\n"))
}

fn status(deps: &CommandDeps, config: &Config, session: &Session) -> Result<String, OpenClawError> {
    let params = ModelsStatusParams {
        agent_id: config.agent(&session.agent_id).map(|agent| agent.id.clone()),
    };
    let told = models_status(config, &params, &deps.models.cooling(), deps.clock.now())?;
    let mut lines = vec![current(config, session)];
    lines.extend(told.providers.iter().map(|provider| match provider.keys.as_slice() {
        [] => format!("- {}: no key", provider.name),
        keys => format!("- {}: {}", provider.name, keys.join(", ")),
    }));
    lines.extend(told.cooldowns.iter().map(|cooling| {
        format!(
            "- cools until {}: `{}` with {} ({})",
            cooling.until, cooling.model, cooling.credential, cooling.class
        )
    }));
    Ok(lines.join("\n"))
}

async fn set(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
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
