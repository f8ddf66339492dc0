use openclaw_agents::usd;
use openclaw_config::Config;
use openclaw_core::{Session, Usage, UsageShown};
use openclaw_errors::OpenClawError;

use super::CommandDeps;

pub(super) async fn run(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
    wanted: &str,
) -> Result<String, OpenClawError> {
    let shown = match wanted.to_ascii_lowercase().as_str() {
        "" => return total(deps, config, session).await,
        "off" => None,
        "tokens" | "on" => Some(UsageShown::Tokens),
        "full" => Some(UsageShown::Full),
        _ => return Ok("Say off, tokens or full.".to_owned()),
    };
    deps.configure(session, |config| config.usage_shown = shown).await?;
    Ok(match shown {
        Some(_) => "From the next message on, each answer says what it used.",
        None => "Answers do not say what they used.",
    }
    .to_owned())
}

/// What the session has used, and its agent today.
pub(super) async fn total(
    deps: &CommandDeps,
    config: &Config,
    session: &Session,
) -> Result<String, OpenClawError> {
    let (usage, runs) = (&session.context.usage, session.context.runs);
    let mut text = format!(
        "This session: {runs} turns, {} model calls, {} tokens in ({} of them cached), {} tokens out{}.",
        usage.model_calls,
        usage.input_tokens,
        usage.cache_read_tokens,
        usage.output_tokens,
        cost(usage)
    );
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    let limits = settings.limits;
    if limits.limits_days() {
        let (today, _) = deps.ledger.today(&session.agent_id, deps.clock.now()).await?;
        let mut parts = Vec::new();
        if let Some(limit) = limits.cost_per_day_micros {
            parts.push(format!("{} of {}", usd(today.cost_micro_usd), usd(limit)));
        }
        if let Some(limit) = limits.tokens_per_day {
            parts.push(format!("{} of {limit} tokens", today.tokens()));
        }
        text.push_str(&format!("\nThe agent today: {}.", parts.join(", ")));
    }
    Ok(text)
}

fn cost(usage: &Usage) -> String {
    match usage.cost_micro_usd {
        0 => String::new(),
        micros => format!(", {}", usd(micros)),
    }
}
