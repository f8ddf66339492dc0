use openclaw_config::schema;
use serde_json::Value;

use crate::support::{Channels, Home};

/// Every key that the schema allows, as dotted paths; `*` stands for a name, `[]` for an element.
fn keys(schema: &Value, path: &str, found: &mut Vec<String>) {
    if let Some(properties) = schema.get("properties").and_then(Value::as_object) {
        for (name, inner) in properties {
            let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            found.push(path.clone());
            if inner.get("anyOf").is_none() {
                keys(inner, &path, found);
            }
        }
    }
    if let Some(items) = schema.get("items") {
        keys(items, &format!("{path}[]"), found);
    }
    if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
        keys(values, &format!("{path}.*"), found);
    }
}

#[test]
fn the_schema_lists_every_key() {
    let schema = schema(&Channels);
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let mut found = Vec::new();
    keys(&schema, "", &mut found);
    let found: Vec<String> =
        found.into_iter().filter(|key| !key.starts_with("channels.slack")).collect();
    insta::assert_snapshot!(found.join("\n"), @r#"
    include
    gateway
    gateway.bind_address
    gateway.port
    gateway.max_connections
    gateway.max_backlog
    gateway.allowed_origins
    gateway.allowed_hosts
    gateway.trusted_proxies
    gateway.tls
    gateway.tls.enabled
    gateway.tls.certificate
    gateway.tls.key
    gateway.auth
    gateway.auth.token
    gateway.auth.token_file
    gateway.auth.password_hash
    gateway.auth.password_hash_file
    gateway.rate_limit
    gateway.rate_limit.requests_per_second
    gateway.rate_limit.burst
    gateway.http
    gateway.http.openai
    gateway.http.openai.enabled
    agents
    agents.sandbox
    agents.sandbox.mode
    agents.sandbox.timeout_secs
    agents.sandbox.engine
    agents.sandbox.docker
    agents.sandbox.docker.host
    agents.sandbox.docker.image
    agents.sandbox.allow_hosts
    agents.sandbox.egress
    agents.sandbox.egress[].host
    agents.sandbox.egress[].header
    agents.sandbox.egress[].secret
    agents.sandbox.egress[].secret_file
    agents.sandbox.paths
    agents.sandbox.memory_mb
    agents.sandbox.max_processes
    agents.sandbox.cpus
    agents.limits
    agents.limits.max_cost_per_run_usd
    agents.limits.max_cost_per_day_usd
    agents.limits.max_tokens_per_run
    agents.limits.max_tokens_per_day
    agents.compaction
    agents.compaction.enabled
    agents.compaction.model
    agents.compaction.instructions
    agents.pi
    agents.pi.command
    agents.runtime
    agents.image_model
    agents.model
    agents.fallbacks
    agents.max_context_tokens
    agents.workspace
    agents.timeout_seconds
    agents.idle_timeout_seconds
    agents.heartbeat
    agents.heartbeat.every
    agents.heartbeat.prompt
    agents.heartbeat.target
    agents.heartbeat.to
    agents.heartbeat.active_hours
    agents.heartbeat.active_hours.start
    agents.heartbeat.active_hours.end
    agents.heartbeat.active_hours.time_zone
    agents.heartbeat.ack_max_chars
    agents.heartbeat.model
    agents.heartbeat.session
    agents.skills
    agents.list
    agents.list[].id
    agents.list[].default
    agents.list[].sandbox
    agents.list[].sandbox.mode
    agents.list[].sandbox.timeout_secs
    agents.list[].sandbox.engine
    agents.list[].sandbox.docker
    agents.list[].sandbox.docker.host
    agents.list[].sandbox.docker.image
    agents.list[].sandbox.allow_hosts
    agents.list[].sandbox.egress
    agents.list[].sandbox.egress[].host
    agents.list[].sandbox.egress[].header
    agents.list[].sandbox.egress[].secret
    agents.list[].sandbox.egress[].secret_file
    agents.list[].sandbox.paths
    agents.list[].sandbox.memory_mb
    agents.list[].sandbox.max_processes
    agents.list[].sandbox.cpus
    agents.list[].limits
    agents.list[].limits.max_cost_per_run_usd
    agents.list[].limits.max_cost_per_day_usd
    agents.list[].limits.max_tokens_per_run
    agents.list[].limits.max_tokens_per_day
    agents.list[].compaction
    agents.list[].compaction.enabled
    agents.list[].compaction.model
    agents.list[].compaction.instructions
    agents.list[].pi
    agents.list[].pi.command
    agents.list[].runtime
    agents.list[].image_model
    agents.list[].model
    agents.list[].fallbacks
    agents.list[].max_context_tokens
    agents.list[].workspace
    agents.list[].timeout_seconds
    agents.list[].idle_timeout_seconds
    agents.list[].heartbeat
    agents.list[].heartbeat.every
    agents.list[].heartbeat.prompt
    agents.list[].heartbeat.target
    agents.list[].heartbeat.to
    agents.list[].heartbeat.active_hours
    agents.list[].heartbeat.active_hours.start
    agents.list[].heartbeat.active_hours.end
    agents.list[].heartbeat.active_hours.time_zone
    agents.list[].heartbeat.ack_max_chars
    agents.list[].heartbeat.model
    agents.list[].heartbeat.session
    agents.list[].skills
    agents.list[].tools
    agents.list[].tools.allow
    agents.list[].tools.deny
    agents.list[].tools.exec
    agents.list[].tools.exec.ask
    agents.list[].tools.by_channel
    agents.list[].tools.by_channel.*.allow
    agents.list[].tools.by_channel.*.deny
    agents.list[].tools.by_sender
    agents.list[].tools.by_sender.*.allow
    agents.list[].tools.by_sender.*.deny
    agents.subagents
    agents.subagents.archive_after_minutes
    agents.subagents.max_depth
    agents.subagents.max_running
    agents.subagents.max_children
    agents.subagents.allow_agents
    agents.subagents.model
    models
    models.providers
    models.providers.*.api
    models.providers.*.base_url
    models.providers.*.api_key
    models.providers.*.api_key_file
    models.providers.*.api_keys
    models.providers.*.models
    models.providers.*.models.*.cost
    models.providers.*.models.*.cost.input
    models.providers.*.models.*.cost.output
    models.providers.*.models.*.cost.cache_read
    models.providers.*.models.*.cost.cache_write
    models.providers.*.models.*.context_window
    models.providers.*.models.*.max_output_tokens
    models.providers.*.models.*.images
    models.aliases
    tools
    tools.allow
    tools.deny
    tools.exec
    tools.exec.ask
    tools.by_channel
    tools.by_channel.*.allow
    tools.by_channel.*.deny
    tools.by_sender
    tools.by_sender.*.allow
    tools.by_sender.*.deny
    tools.web
    tools.web.search
    tools.web.search.provider
    tools.web.search.base_url
    tools.web.search.api_key
    tools.web.search.api_key_file
    tools.web.search.max_results
    session
    session.dm_scope
    session.queue_mode
    session.queue
    session.queue.debounce_ms
    session.queue.cap
    session.queue.drop
    session.reply_back
    session.owners
    session.reset
    session.reset.mode
    session.reset.at
    session.reset.idle_minutes
    session.identity_links
    skills
    skills.load
    skills.load.extra_dirs
    skills.entries
    skills.entries.*.enabled
    routing
    routing.rules
    routing.rules[].channel
    routing.rules[].account
    routing.rules[].chat_kind
    routing.rules[].chat
    routing.rules[].sender
    routing.rules[].role
    routing.rules[].pattern
    routing.rules[].agent
    routing.rules[].session
    delivery
    delivery.on_uncertain
    storage
    storage.backend
    storage.path
    storage.url
    storage.url_file
    storage.max_connections
    storage.retention
    storage.retention.max_age_days
    storage.retention.max_size_mb
    channels
    channels.telegram
    channels.telegram.enabled
    channels.telegram.token
    channels.telegram.token_file
    channels.telegram.dm_policy
    channels.telegram.allow_from
    channels.telegram.groups
    channels.telegram.groups.*.require_mention
    channels.telegram.accounts
    channels.telegram.accounts.*.enabled
    channels.telegram.accounts.*.token
    channels.telegram.accounts.*.token_file
    channels.telegram.accounts.*.dm_policy
    channels.telegram.accounts.*.allow_from
    channels.telegram.accounts.*.groups
    channels.telegram.accounts.*.groups.*.require_mention
    hooks
    hooks.enabled
    hooks.path
    hooks.token
    hooks.token_file
    hooks.signing_secret
    hooks.signing_secret_file
    hooks.default_session_key
    hooks.allow_request_session_key
    hooks.allowed_session_key_prefixes
    hooks.allowed_agent_ids
    hooks.max_body_bytes
    hooks.presets
    hooks.transforms_dir
    hooks.mappings
    hooks.mappings[].match
    hooks.mappings[].match.path
    hooks.mappings[].match.source
    hooks.mappings[].action
    hooks.mappings[].transform
    hooks.mappings[].transform.module
    hooks.mappings[].transform.export
    hooks.mappings[].message_template
    hooks.mappings[].text_template
    hooks.mappings[].id
    hooks.mappings[].wake_mode
    hooks.mappings[].name
    hooks.mappings[].agent_id
    hooks.mappings[].session_key
    hooks.mappings[].deliver
    hooks.mappings[].allow_unsafe_external_content
    hooks.mappings[].channel
    hooks.mappings[].to
    hooks.mappings[].model
    hooks.mappings[].thinking
    hooks.mappings[].timeout_seconds
    hooks.mappings[].signing_secret
    hooks.mappings[].signing_secret_file
    mcp
    mcp.servers
    mcp.servers.*.enabled
    mcp.servers.*.timeout_secs
    mcp.servers.*.tools
    mcp.servers.*.tools.allow
    mcp.servers.*.tools.deny
    mcp.servers.*.agents
    mcp.servers.*.ask
    mcp.servers.*.elicitation
    mcp.servers.*.command
    mcp.servers.*.args
    mcp.servers.*.env
    mcp.servers.*.cwd
    mcp.servers.*.sandbox
    mcp.servers.*.url
    mcp.servers.*.headers
    mcp.servers.*.client_id
    mcp.servers.*.client_secret
    mcp.servers.*.client_secret_file
    mcp.servers.*.client_metadata_url
    mcp.servers.*.scopes
    memory
    memory.provider
    memory.model
    memory.base_url
    memory.api_key
    memory.api_key_file
    memory.local
    memory.local.model_path
    memory.sessions
    memory.who
    memory.query
    memory.query.max_results
    memory.query.min_score
    memory.query.vector_weight
    memory.chunking
    memory.chunking.tokens
    memory.chunking.overlap
    cron
    cron.enabled
    cron.max_concurrent_runs
    cron.session_retention_hours
    cron.failure_alerts
    cron.webhook_token
    cron.webhook_token_file
    logging
    logging.level
    logging.file
    logging.console_level
    logging.console_style
    logging.max_file_mb
    logging.max_files
    diagnostics
    diagnostics.otel
    diagnostics.otel.enabled
    diagnostics.otel.endpoint
    diagnostics.otel.protocol
    diagnostics.otel.authorization
    diagnostics.otel.authorization_file
    diagnostics.otel.service_name
    diagnostics.otel.traces
    diagnostics.otel.metrics
    diagnostics.otel.logs
    diagnostics.otel.sample_rate
    diagnostics.otel.flush_interval_ms
    tts
    tts.provider
    tts.base_url
    tts.api_key
    tts.api_key_file
    tts.model
    tts.voice
    tts.max_chars
    tts.timeout_seconds
    "#);
}

#[test]
fn limits_defaults_and_descriptions_are_in_the_schema() {
    let schema = schema(&Channels);
    let port = &schema["properties"]["gateway"]["properties"]["port"];
    insta::assert_snapshot!(serde_json::to_string_pretty(port).expect("JSON"), @r#"
    {
      "description": "The port to listen on; 0 lets the system choose.",
      "type": "integer",
      "minimum": 0,
      "maximum": 65535,
      "default": 18789
    }
    "#);
    let telegram = &schema["properties"]["channels"]["properties"]["telegram"];
    let agents = &schema["properties"]["agents"]["properties"]["list"]["items"];
    assert_eq!(agents["required"], serde_json::json!(["id"]));
    assert_eq!(telegram["properties"]["token"]["writeOnly"], true);
    assert_eq!(telegram["additionalProperties"], false);
}

/// A value that the schema allows, every key set.
fn example(schema: &Value, key: &str) -> Value {
    let by_key = match key {
        "bind_address" => Some("127.0.0.1"),
        "base_url" => Some("https://api.example.org"),
        "at" | "start" | "end" => Some("04:00"),
        "every" => Some("30m"),
        "time_zone" => Some("Europe/Berlin"),
        "trusted_proxies[]" => Some("10.0.0.0/8"),
        "password_hash" => {
            Some("$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaHM")
        }
        "id" => Some("main"),
        "agent" => Some("main"),
        "channel" => Some("telegram"),
        "model" | "fallbacks[]" => Some("name/model"),
        "paths[]" => Some("/srv/data"),
        "allowed_origins[]" => Some("https://a.example"),
        "owners[]" | "name[]" => Some("telegram:1"),
        "path" => Some("/example"),
        "presets[]" => Some("gmail"),
        "endpoint" => Some("http://127.0.0.1:4318"),
        "client_metadata_url" => Some("https://example.org/client.json"),
        "agents[]" => Some("main"),
        _ => None,
    };
    if key == "docker" {
        return serde_json::json!({"host": "unix:///run/docker.sock", "image": "image"});
    }
    if let Some(text) = by_key {
        return Value::from(text);
    }
    if let Some(first) = schema.get("enum") {
        return first[0].clone();
    }
    match schema.get("type").and_then(|kind| kind.as_str().or(kind[0].as_str())) {
        Some("object") => {
            let mut map = serde_json::Map::new();
            for (name, inner) in schema["properties"].as_object().into_iter().flatten() {
                let is_file_of_a_secret = name
                    .strip_suffix("_file")
                    .is_some_and(|name| schema["properties"].get(name).is_some());
                if !is_file_of_a_secret {
                    map.insert(name.clone(), example(inner, name));
                }
            }
            if let Some(values @ Value::Object(_)) = schema.get("additionalProperties") {
                map.insert("name".to_owned(), example(values, "name"));
            }
            Value::Object(map)
        }
        Some("array") => Value::Array(vec![example(&schema["items"], &format!("{key}[]"))]),
        Some("integer" | "number") => schema["maximum"].clone(),
        Some("boolean") => Value::from(true),
        _ => Value::from("text"),
    }
}

#[test]
fn what_the_schema_allows_the_loader_accepts() {
    let mut value = example(&schema(&Channels), "");
    value.as_object_mut().expect("object").remove("include");
    // These keys belong to another engine than the first that the schema names.
    let storage = value["storage"].as_object_mut().expect("object");
    storage.remove("url");
    storage.remove("max_connections");
    // A server has a program or a URL.
    let server = value["mcp"]["servers"]["name"].as_object_mut().expect("object");
    for key in ["url", "headers", "client_id", "client_secret", "client_metadata_url", "scopes"] {
        server.remove(key).expect("it is in the schema");
    }
    let home = Home::new();
    home.write("openclaw.toml", &toml_of(&value));
    let loaded = home.load().unwrap_or_else(|errors| panic!("{errors}\n{}", toml_of(&value)));
    assert_eq!(loaded.config.gateway.port, u16::MAX);
}

fn toml_of(value: &Value) -> String {
    toml_edit::ser::to_string_pretty(value).expect("TOML")
}
