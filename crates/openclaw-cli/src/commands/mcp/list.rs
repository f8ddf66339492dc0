use openclaw_config::{McpServer, McpTransport};
use serde_json::{Value, json};

use super::{loaded, server};
use crate::context::Context;
use crate::exit::Failure;
use crate::output::{one_line, table};

pub(super) fn list(context: &Context) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    let servers: Vec<&McpServer> = loaded.config.mcp.values().collect();
    let values: Vec<Value> = servers.iter().map(|server| described(server)).collect();
    context.output.result(&json!({ "servers": values }), || {
        if servers.is_empty() {
            return "no MCP server is configured; `openclaw mcp add` adds one".to_owned();
        }
        let rows: Vec<Vec<String>> = servers
            .iter()
            .map(|server| {
                let agents: Vec<String> = server.agents.iter().map(ToString::to_string).collect();
                vec![
                    server.name.clone(),
                    if server.enabled { "enabled" } else { "disabled" }.to_owned(),
                    if agents.is_empty() { "all".to_owned() } else { agents.join(",") },
                    one_line(&target(server), 80),
                ]
            })
            .collect();
        table(&["NAME", "STATE", "AGENTS", "SERVER"], &rows)
    })
}

pub(super) fn show(context: &Context, name: &str) -> Result<(), Failure> {
    let loaded = loaded(context)?;
    server(&loaded.config, name)?;
    let value = loaded
        .get(&format!("mcp.servers.{name}"))
        .map_err(|error| Failure::usage(error.to_string()))?
        .cloned()
        .unwrap_or_default();
    context.output.result(&value, || {
        let lines: Vec<String> = value
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, value)| format!("{key} = {value}"))
            .collect();
        lines.join("\n")
    })
}

fn target(server: &McpServer) -> String {
    match &server.transport {
        McpTransport::Stdio(program) => {
            let words = std::iter::once(&program.command).chain(&program.args);
            words.cloned().collect::<Vec<_>>().join(" ")
        }
        McpTransport::Http(endpoint) => shown_url(&endpoint.url).to_owned(),
    }
}

/// A URL without its query, which may hold a key.
fn shown_url(url: &str) -> &str {
    url.split_once('?').map_or(url, |(shown, _)| shown)
}

fn described(server: &McpServer) -> Value {
    let target = match &server.transport {
        McpTransport::Stdio(program) => json!({
            "transport": "stdio", "command": program.command, "args": program.args,
            "sandbox": program.sandbox,
        }),
        McpTransport::Http(endpoint) => {
            json!({ "transport": "http", "url": shown_url(&endpoint.url) })
        }
    };
    json!({
        "name": server.name, "enabled": server.enabled, "agents": server.agents,
        "timeout_secs": server.timeout.as_secs(), "target": target,
    })
}
