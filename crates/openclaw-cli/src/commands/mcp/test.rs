use openclaw_agents::mcp::{McpError, Probe, probe};
use openclaw_config::{Config, McpServer};
use openclaw_errors::{OpenClawError, display_chain};
use openclaw_media::Fetcher;
use serde_json::{Value, json};

use super::{loaded, server};
use crate::compose::programs;
use crate::context::Context;
use crate::exit::{Failure, status};
use crate::output::one_line;

pub(super) async fn run(context: &Context, name: Option<&str>) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    let config = &loaded.config;
    if let Some(name) = name {
        let server = server(config, name)?;
        let found = one(context, config, server).await?.map_err(|error| failure(server, &error))?;
        return context.output.result(&described(server, &Ok(found.clone())), || shown(&found));
    }
    let mut results = Vec::new();
    for server in config.mcp.values().filter(|server| server.enabled) {
        results.push((server, one(context, config, server).await?));
    }
    let values: Vec<Value> =
        results.iter().map(|(server, result)| described(server, result)).collect();
    context.output.result(&json!({ "servers": values }), || {
        let texts: Vec<String> = results
            .iter()
            .map(|(server, result)| match result {
                Ok(found) => format!("{}: {}", server.name, shown(found)),
                Err(error) => format!("{}: failed: {}", server.name, display_chain(error)),
            })
            .collect();
        if texts.is_empty() { "no MCP server is enabled".to_owned() } else { texts.join("\n\n") }
    })?;
    match results.iter().filter(|(_, result)| result.is_err()).count() {
        0 => Ok(()),
        failed => Err(Failure::failed(format!("{failed} of {} servers failed", results.len()))),
    }
}

async fn one(
    context: &Context,
    config: &Config,
    server: &McpServer,
) -> Result<Result<Probe, McpError>, Failure> {
    let fetcher = Fetcher::builder().build().map_err(|error| {
        OpenClawError::internal("the client for URLs cannot be set up").with_source(error)
    })?;
    let programs = programs(&context.environment, fetcher);
    Ok(probe(server, config, programs, &config.state_dir).await)
}

pub(super) fn failure(server: &McpServer, error: &McpError) -> Failure {
    let message = format!("{}: {}", server.name, display_chain(error));
    match error {
        McpError::SignInNeeded { .. } => Failure::new(status::REFUSED, "unauthenticated", message),
        McpError::TimedOut { .. } => Failure::new(status::TIMED_OUT, "timeout", message)
            .with_hint(format!("mcp.servers.{}.timeout_secs is the limit", server.name)),
        _ => Failure::failed(message),
    }
}

fn described(server: &McpServer, result: &Result<Probe, McpError>) -> Value {
    match result {
        Ok(found) => json!({ "name": server.name, "ok": true, "result": found }),
        Err(error) => json!({ "name": server.name, "ok": false, "error": display_chain(error) }),
    }
}

fn shown(found: &Probe) -> String {
    let name = one_line(found.server.as_deref().unwrap_or("a server without a name"), 80);
    let version = one_line(found.version.as_deref().unwrap_or_default(), 40);
    let protocol = one_line(found.protocol.as_deref().unwrap_or("?"), 40);
    let mut lines = vec![format!(
        "{name} {version}, protocol {protocol}: connected in {} ms, {} tools listed in {} ms",
        found.connect_ms,
        found.tools.len(),
        found.list_ms
    )];
    for tool in &found.tools {
        lines.push(format!("  {}  {}", tool.offered_as, one_line(&tool.description, 100)));
    }
    lines.join("\n")
}
