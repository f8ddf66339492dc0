use std::time::Duration;

use openclaw_core::{AgentId, ThinkingLevel};

use crate::{HookAction, HookMapping, HooksSettings, SpannedValue, TableReader, WakeMode};

const ACTIONS: [(&str, HookAction); 2] = [("agent", HookAction::Agent), ("wake", HookAction::Wake)];

const WAKE_MODES: [(&str, WakeMode); 3] = [
    ("now", WakeMode::Now),
    ("next_heartbeat", WakeMode::NextHeartbeat),
    ("next-heartbeat", WakeMode::NextHeartbeat),
];

const THINKING: [(&str, ThinkingLevel); 5] = [
    ("off", ThinkingLevel::Off),
    ("minimal", ThinkingLevel::Minimal),
    ("low", ThinkingLevel::Low),
    ("medium", ThinkingLevel::Medium),
    ("high", ThinkingLevel::High),
];

const PRESETS: [(&str, ()); 1] = [("gmail", ())];

pub(super) fn read_hooks(reader: &mut TableReader<'_>) -> HooksSettings {
    let enabled = reader.boolean("enabled", "Whether webhooks are served.").default(false);
    let path = reader.string("path", "The path they are below.").parse(read_path).default("/hooks");
    let token =
        reader.secret("token", "What callers send as Authorization: Bearer or x-openclaw-token.");
    let signing_secret = reader.secret(
        "signing_secret",
        "What callers sign their requests with; where it is set, unsigned requests are refused.",
    );
    if enabled && token.is_none() && signing_secret.is_none() {
        reader.issue_with_hint(
            "enabled",
            "webhooks need a credential of their own",
            "set hooks.token or hooks.signing_secret",
        );
    }
    let default_session_key = reader
        .string("default_session_key", "The session of runs that name none, what follows agent:<agent id>: in its key; without it each has one of its own.")
        .optional();
    let allow_request_session_key = reader
        .boolean("allow_request_session_key", "Whether a request may name its session.")
        .default(false);
    let allowed_session_key_prefixes = reader
        .strings(
            "allowed_session_key_prefixes",
            "What a session that a request names has to begin with; empty allows all.",
        )
        .default(SpannedValue::Array(Vec::new()));
    let allowed_agent_ids = reader
        .strings("allowed_agent_ids", "Agents that requests may name; empty or \"*\" allows all.")
        .default(SpannedValue::Array(Vec::new()));
    let max_body_bytes = reader
        .integer::<usize>("max_body_bytes", "The largest body.", 1..=25 * 1024 * 1024)
        .default(256 * 1024);
    let presets = reader
        .strings_of("presets", "Mappings that are ready: gmail.", |text| {
            match PRESETS.iter().any(|(name, ())| *name == text) {
                true => Ok(text),
                false => Err("must be \"gmail\"".to_owned()),
            }
        })
        .default(SpannedValue::Array(Vec::new()));
    let transforms = reader
        .string("transforms_dir", "Where modules that look at payloads are.")
        .inert()
        .optional();
    drop(transforms);
    let mut mappings = reader.tables(
        "mappings",
        "What hooks with a name of their own do; the first that fits decides.",
        read_mapping,
    );
    for (index, mapping) in mappings.iter_mut().enumerate() {
        if mapping.id.is_empty() {
            mapping.id = format!("mapping-{}", index + 1);
        }
    }
    if !presets.is_empty() {
        mappings.push(gmail());
    }
    HooksSettings {
        enabled,
        path,
        token,
        signing_secret,
        default_session_key,
        allow_request_session_key,
        allowed_session_key_prefixes,
        allowed_agent_ids,
        max_body_bytes,
        mappings,
    }
}

fn read_mapping(reader: &mut TableReader<'_>) -> HookMapping {
    let (path, source) = reader.table("match", "Which requests it is for.", |reader| {
        let path = reader.string("path", "The path below hooks.path.").optional();
        (path, reader.string("source", "The payload's source.").optional())
    });
    let action = reader
        .choice("action", "agent: run the agent; wake: tell the main session.", &ACTIONS)
        .default("agent");
    let transform = reader.optional_table("transform", "A module that looks at the payload first; requests for such a mapping are refused until modules can be run.", |reader| {
        let module = reader.string("module", "The module.").inert().optional();
        let export = reader.string("export", "What it exports.").inert().optional();
        (module, export)
    });
    let message_template = reader
        .string(
            "message_template",
            "The message, with {{payload.x}}, {{headers.x}}, {{query.x}}, {{path}}, {{now}}.",
        )
        .optional();
    let text_template = reader.string("text_template", "The text of a wake, likewise.").optional();
    let missing = match action {
        HookAction::Agent if message_template.is_none() => Some("message_template"),
        HookAction::Wake if text_template.is_none() => Some("text_template"),
        HookAction::Agent | HookAction::Wake => None,
    };
    if let (Some(key), None) = (missing, &transform) {
        reader.issue(key, "is missing");
    }
    HookMapping {
        id: reader.string("id", "Its name in logs.").optional().unwrap_or_default(),
        path: path.map(|path| path.trim_matches('/').to_owned()),
        source,
        action,
        wake_mode: reader.choice("wake_mode", "When a wake is heeded.", &WAKE_MODES).default("now"),
        name: reader.string("name", "What the assistant is told that it comes from.").optional(),
        agent_id: reader
            .string("agent_id", "The agent.")
            .parse(|text| {
                AgentId::new(text)
                    .map_err(|error| format!("must be an agent id: {}", error.expected))
            })
            .optional(),
        session_key: reader
            .string(
                "session_key",
                "The session, what follows agent:<agent id>: in its key; a template.",
            )
            .optional(),
        message_template,
        text_template,
        deliver: reader.boolean("deliver", "Whether the answer is sent to a chat.").default(true),
        allow_unsafe_external_content: reader
            .boolean(
                "allow_unsafe_external_content",
                "Whether the content is taken as the owner's own words.",
            )
            .default(false),
        channel: reader
            .string(
                "channel",
                "The channel that the answer is sent through; last: where the owner was last.",
            )
            .optional(),
        to: reader.id("to", "The chat that the answer is sent to, a template.").optional(),
        model: reader.string("model", "The model, provider/model.").optional(),
        thinking: reader.choice("thinking", "How much to think.", &THINKING).optional(),
        timeout: reader
            .integer::<u64>("timeout_seconds", "The time limit of the run.", 1..=86_400)
            .optional()
            .map(Duration::from_secs),
        signing_secret: reader.secret(
            "signing_secret",
            "What these requests are signed with, instead of hooks.signing_secret.",
        ),
        needs_transform: transform.is_some(),
    }
}

fn gmail() -> HookMapping {
    HookMapping {
        id: "gmail".to_owned(),
        path: Some("gmail".to_owned()),
        source: None,
        action: HookAction::Agent,
        wake_mode: WakeMode::Now,
        name: Some("Gmail".to_owned()),
        agent_id: None,
        session_key: Some("hook:gmail:{{messages[0].id}}".to_owned()),
        message_template: Some("New email from {{messages[0].from}}\nSubject: {{messages[0].subject}}\n{{messages[0].snippet}}\n{{messages[0].body}}".to_owned()),
        text_template: None,
        deliver: true,
        allow_unsafe_external_content: false,
        channel: None,
        to: None,
        model: None,
        thinking: None,
        timeout: None,
        signing_secret: None,
        needs_transform: false,
    }
}

fn read_path(text: String) -> Result<String, String> {
    let path = text.trim_end_matches('/');
    let is_path = path.starts_with('/')
        && path.len() > 1
        && path.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/-_.".contains(&byte));
    let taken = ["/rpc", "/ws", "/v1", "/health", "/ready", "/metrics", "/tools", "/mcp"];
    match is_path
        && !taken.iter().any(|other| path == *other || path.starts_with(&format!("{other}/")))
    {
        true => Ok(path.to_owned()),
        false => Err("must be a path of its own, such as \"/hooks\"".to_owned()),
    }
}
