use async_trait::async_trait;
use openclaw_agents::Asking;
use openclaw_tools::{Tool, ToolContext, ToolError, ToolOutput};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::{Value, json};

use super::GatewayHandle;
use crate::GatewayState;

/// `gateway`: looks at and changes the gateway itself. The owner's.
#[derive(Debug)]
pub struct GatewayTool(GatewayHandle);

impl GatewayTool {
    /// Works on this gateway.
    pub fn new(handle: GatewayHandle) -> Self {
        Self(handle)
    }
}

/// Arguments of `gateway`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GatewayArgs {
    action: Action,
    /// dotted key of openclaw.toml, such as session.queue_mode
    key: Option<String>,
    /// JSON; without it config.set takes the key away
    value: Option<Value>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
enum Action {
    #[serde(rename = "status")]
    Status,
    #[serde(rename = "restart")]
    Restart,
    #[serde(rename = "config.get")]
    Get,
    #[serde(rename = "config.set", alias = "config.patch")]
    Set,
    #[serde(rename = "config.schema")]
    Schema,
}

#[async_trait]
impl Tool for GatewayTool {
    type Args = GatewayArgs;

    const NAME: &'static str = "gateway";
    const DESCRIPTION: &'static str = "Show the gateway's status, read or change its configuration, \
        or restart it. Secrets are neither shown nor set. Ask the person before a change.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("path", "key")];

    async fn call(
        &self,
        context: &ToolContext,
        args: GatewayArgs,
    ) -> Result<ToolOutput, ToolError> {
        let state = self.0.state()?;
        let asking = Asking::of(&state.storage, &state.config.current(), context).await?;
        // The policy says so too; what changes the gateway does not rest on one of them alone.
        if !asking.by_owner {
            return Err(refusal("only the owner may, in a direct chat"));
        }
        match args.action {
            Action::Status => Ok(ToolOutput::text(status(&state).to_string())),
            Action::Restart => {
                tracing::info!(run_id = %asking.lead.run_id, "the agent restarts the gateway");
                state.shutdown.request_restart();
                Ok(ToolOutput::text("It restarts now; this turn goes on afterwards."))
            }
            Action::Get => {
                let source = state.config.source().map_err(|error| refusal(error.report()))?;
                let value = source.get(args.key.as_deref());
                let value = value.map_err(|error| refusal(error.report()))?;
                Ok(ToolOutput::text(value.to_string()))
            }
            Action::Set => {
                let key = args.key.ok_or_else(|| refusal("key is needed"))?;
                set(&state, &key, args.value, &asking).await
            }
            Action::Schema => {
                let source = state.config.source().map_err(|error| refusal(error.report()))?;
                let schema = source.schema();
                let found = match &args.key {
                    Some(key) => schema_of(&schema, key)
                        .ok_or_else(|| refusal(format!("there is no key {key}")))?,
                    None => &schema,
                };
                Ok(ToolOutput::text(found.to_string()))
            }
        }
    }
}

fn status(state: &GatewayState) -> Value {
    let channels: Vec<Value> = state
        .channels
        .list()
        .iter()
        .map(|status| json!({"id": status.channel_id, "enabled": status.enabled}))
        .collect();
    json!({
        "version": state.identity.version,
        "started_at": state.identity.started_at.to_string(),
        "channels": channels,
        "running": state.lanes.active_runs().len(),
        "needs_restart": state.config.needs_restart(),
        "problem": state.config.problem(),
    })
}

async fn set(
    state: &GatewayState,
    key: &str,
    value: Option<Value>,
    asking: &Asking,
) -> Result<ToolOutput, ToolError> {
    if !is_settable(key) {
        return Err(refusal(format!(
            "{key} is set by the person, with openclaw config set: it decides what you may do, or who you are"
        )));
    }
    let source = state.config.source().map_err(|error| refusal(error.report()))?;
    if touches_secret(&source.schema(), key, value.as_ref()) {
        return Err(refusal(
            "secrets are set by the person: openclaw config set, or the file itself",
        ));
    }
    let author = format!("agent: run {}", asking.lead.run_id);
    let value = value.filter(|value| !value.is_null());
    source.set(key, value.as_ref(), &author).await.map_err(|error| refusal(error.report()))?;
    let reload = state.config.reload().await.map_err(|error| refusal(error.report()))?;
    Ok(ToolOutput::text(json!({"set": key, "reload": reload}).to_string()))
}

/// What an agent may change: how it answers, and nothing that holds it or somebody else back, names
/// programs or hosts, or says who is the owner.
const SETTABLE: [&str; 12] = [
    "agents.model",
    "agents.fallbacks",
    "agents.max_context_tokens",
    "agents.timeout_seconds",
    "agents.idle_timeout_seconds",
    "session.queue_mode",
    "session.queue",
    "session.reset",
    "session.reply_back",
    "delivery.on_uncertain",
    "storage.retention",
    "logging.level",
];

/// Of a channel.
const SETTABLE_OF_CHANNEL: [&str; 3] = ["require_mention", "text_limit", "media_max_mb"];

fn is_settable(key: &str) -> bool {
    let is_within = |of: &str| {
        key.strip_prefix(of).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let parts: Vec<&str> = key.split('.').collect();
    match parts[..] {
        ["channels", _, last] => SETTABLE_OF_CHANNEL.contains(&last),
        _ => SETTABLE.iter().any(|of| is_within(of)),
    }
}

/// What the schema says of a dotted key.
fn schema_of<'s>(schema: &'s Value, key: &str) -> Option<&'s Value> {
    key.split('.').try_fold(schema, |schema, part| {
        let part = part.split('[').next().unwrap_or(part);
        let next = schema["properties"]
            .get(part)
            .or_else(|| schema.get("additionalProperties").filter(|other| other.is_object()))?;
        Some(if next["type"] == "array" && next["items"].is_object() {
            &next["items"]
        } else {
            next
        })
    })
}

/// Whether a key is a secret, leads to a file with one, or is given a table that holds one. What the
/// schema does not know is judged by its name.
fn touches_secret(schema: &Value, key: &str, value: Option<&Value>) -> bool {
    let is_secret = schema_of(schema, key).is_some_and(|schema| schema["writeOnly"] == true);
    let last = key.rsplit('.').next().unwrap_or(key);
    is_secret || is_secret_name(last) || value.is_some_and(|value| holds_secret(schema, key, value))
}

fn holds_secret(schema: &Value, key: &str, value: &Value) -> bool {
    match value {
        Value::Object(map) => map
            .iter()
            .any(|(name, value)| touches_secret(schema, &format!("{key}.{name}"), Some(value))),
        Value::Array(items) => items.iter().any(|item| holds_secret(schema, key, item)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn is_secret_name(name: &str) -> bool {
    const WORDS: [&str; 6] =
        ["token", "password", "secret", "api_key", "private_key", "credential"];
    let name = name.trim_matches(['"', '\'']).to_ascii_lowercase();
    let name = name.strip_suffix("_file").unwrap_or(&name);
    WORDS.iter().any(|word| {
        name == *word
            || name.ends_with(&format!("_{word}"))
            || name.starts_with(&format!("{word}_"))
    })
}

fn refusal(message: impl Into<String>) -> ToolError {
    ToolError::RespondToModel(message.into())
}

#[cfg(test)]
mod tests {
    use super::{is_settable, touches_secret};
    use serde_json::json;

    #[test]
    fn an_agent_changes_how_it_answers_and_not_what_holds_it() {
        for key in [
            "session.queue_mode",
            "session.queue.cap",
            "agents.model",
            "channels.telegram.require_mention",
        ] {
            assert!(is_settable(key), "{key}");
        }
        for key in [
            "agents.sandbox.mode",
            "agents.pi.command",
            "agents.runtime",
            "agents.workspace",
            "agents.list",
            "agents.subagents.max_depth",
            "agents.modelx",
            "tools.exec.ask",
            "tools",
            "session.owners",
            "session",
            "models.providers.x.base_url",
            "gateway.bind_address",
            "channels.telegram.dm_policy",
            "channels.telegram.allow_from",
            "channels",
            "hooks.enabled",
            "storage.backend",
            "",
        ] {
            assert!(!is_settable(key), "{key}");
        }
    }

    #[test]
    fn secrets_are_known_by_the_schema_and_by_their_names() {
        let schema = json!({"properties": {
            "models": {"properties": {"providers": {"additionalProperties": {"properties": {
                "base_url": {"type": "string"}, "key_material": {"writeOnly": true},
            }}}}},
            "session": {"properties": {"queue_mode": {"type": "string"}}},
        }});
        for (key, value, expected) in [
            ("session.queue_mode", json!("batch"), false),
            ("models.providers.x.base_url", json!("http://127.0.0.1"), false),
            ("models.providers.x.key_material", json!("k"), true),
            ("models.providers.x", json!({"key_material": "k"}), true),
            ("models.providers.x", json!({"base_url": "u"}), false),
            ("models.providers.x.api_key", json!("k"), true),
            ("models.providers.x.api_key_file", json!("/k"), true),
            ("channels.slack.app_token", json!("k"), true),
            ("gateway.auth.token", json!(null), true),
            ("gateway.auth", json!({"token": "t"}), true),
            ("channels.telegram.\"token\"", json!("k"), true),
        ] {
            assert_eq!(touches_secret(&schema, key, Some(&value)), expected, "{key}");
        }
    }
}
