use clap::Args;
use openclaw_agents::usd;
use openclaw_core::{AgentId, Clock as _, SystemClock};
use openclaw_gateway::rpc::models_status;
use openclaw_protocol::methods::{
    CredentialSource, ModelsStatusGet, ModelsStatusParams, ModelsStatusResult, ProviderEntry,
};

use super::Place;
use crate::context::Context;
use crate::exit::Failure;

#[derive(Debug, Args)]
pub(crate) struct StatusArguments {
    /// Whose models; without it the default agent's.
    #[arg(long, value_parser = parse_agent)]
    agent: Option<AgentId>,
}

fn parse_agent(text: &str) -> Result<AgentId, String> {
    AgentId::new(text).map_err(|error| error.to_string())
}

pub(super) async fn run(
    context: &Context,
    place: &Place,
    arguments: StatusArguments,
) -> Result<(), Failure> {
    let params = ModelsStatusParams { agent_id: arguments.agent };
    let status = match place {
        Place::Gateway(client) => client.call::<ModelsStatusGet>(&params).await?,
        Place::Here(loaded) => models_status(&loaded.config, &params, &[], SystemClock.now())?,
    };
    context.output.result(&status, || human(&status))
}

fn human(status: &ModelsStatusResult) -> String {
    let mut lines = vec![format!("agent      {}", status.agent_id)];
    match (&status.model, &status.problem) {
        (Some(model), _) => lines.push(format!("model      {model}")),
        (None, problem) => {
            lines.push(format!("model      none: {}", problem.as_deref().unwrap_or("not known")));
        }
    }
    if !status.fallbacks.is_empty() {
        lines.push(format!("then       {}", status.fallbacks.join(", ")));
    }
    for (alias, model) in &status.aliases {
        lines.push(format!("alias      {alias} = {model}"));
    }
    lines.extend(status.providers.iter().map(provider));
    if let Some(today) = &status.today {
        let mut line = format!(
            "today      {} tokens, {}",
            today.usage.tokens(),
            usd(today.usage.cost_micro_usd)
        );
        if let Some(limit) = today.max_cost_micro_usd {
            line.push_str(&format!(", at most {}", usd(limit)));
        }
        if let Some(limit) = today.max_tokens {
            line.push_str(&format!(", at most {limit} tokens"));
        }
        lines.push(line);
    }
    for cooling in &status.cooldowns {
        lines.push(format!(
            "cools      {} with {}: {}, {} in a row, until {}",
            cooling.model, cooling.credential, cooling.class, cooling.failures, cooling.until
        ));
    }
    lines.push(String::new());
    lines.join("\n")
}

fn provider(provider: &ProviderEntry) -> String {
    let keys = match provider.source {
        CredentialSource::None => "no key".to_owned(),
        CredentialSource::Config => format!("key {}", provider.keys.join(", ")),
        CredentialSource::Environment => {
            format!("key {} from the environment", provider.keys.join(", "))
        }
    };
    format!("provider   {} ({}, {}), {keys}", provider.name, provider.api, provider.base_url)
}
