use insta::assert_snapshot;

use crate::support::Home;

#[test]
fn the_effective_configuration_holds_defaults_and_masks() {
    let mut home = Home::with(
        r#"
[agents]
model = "openai/gpt-5"
[[agents.list]]
id = "work"
[models.providers.openai]
api_key = "sk-1"
[session]
identity_links = { anna = ["telegram:1"] }
[[routing.rules]]
chat = 5
agent = "work"
[channels.telegram]
token = "123:abc"
groups."a b".require_mention = false
"#,
    );
    home.set("OPENCLAW_GATEWAY_TOKEN", "owner");
    let loaded = home.load().expect("loads");
    assert_snapshot!(home.shown(&loaded.effective_toml()), @r#"
    [gateway]
    bind_address = "127.0.0.1"
    port = 18789
    max_connections = 1000
    max_backlog = 100000
    allowed_origins = []
    allowed_hosts = []
    trusted_proxies = []

    [gateway.tls]
    enabled = false

    [gateway.rate_limit]
    requests_per_second = 200
    burst = 400

    [gateway.http.openai]
    enabled = true

    [gateway.auth]
    token = "***"

    [agents]
    model = "openai/gpt-5"
    timeout_seconds = 600
    idle_timeout_seconds = 120

    [agents.sandbox]
    mode = "always"
    timeout_secs = 300
    engine = "auto"
    allow_hosts = []
    paths = []
    memory_mb = 2048
    max_processes = 256
    cpus = 1

    [agents.sandbox.docker]
    image = "debian:bookworm-slim"

    [agents.compaction]
    enabled = true

    [[agents.list]]
    id = "work"

    [agents.subagents]
    archive_after_minutes = 60
    max_depth = 1
    max_running = 8
    max_children = 5
    allow_agents = []

    [models.providers.openai]
    api = "openai-chat"
    base_url = "https://api.openai.com/v1"
    api_key = "***"

    [tools]
    allow = ["*"]
    deny = []

    [tools.exec]
    ask = "on_miss"

    [tools.web.search]
    max_results = 5

    [session]
    dm_scope = "per_channel_peer"
    queue_mode = "queue"
    reply_back = "always"
    owners = []

    [session.queue]
    debounce_ms = 0
    cap = 0
    drop = "summarize"

    [session.reset]
    mode = "daily"
    at = "04:00"
    idle_minutes = 0

    [session.identity_links]
    anna = ["telegram:1"]

    [skills.load]
    extra_dirs = []

    [[routing.rules]]
    chat = 5
    agent = "work"

    [delivery]
    on_uncertain = "resend"

    [storage]
    backend = "sqlite"
    path = "~/.openclaw-rs/openclaw.db"

    [storage.retention]
    max_age_days = 0
    max_size_mb = 0

    [hooks]
    enabled = false
    path = "/hooks"
    allow_request_session_key = false
    allowed_session_key_prefixes = []
    allowed_agent_ids = []
    max_body_bytes = 262144
    presets = []

    [memory]
    provider = "none"
    sessions = "off"
    who = "owner"

    [memory.query]
    max_results = 6
    min_score = 0.2
    vector_weight = 0.7

    [memory.chunking]
    tokens = 400
    overlap = 80

    [cron]
    enabled = true
    max_concurrent_runs = 2
    session_retention_hours = 24
    failure_alerts = true

    [logging]
    level = "info"
    console_style = "pretty"
    max_file_mb = 20
    max_files = 4

    [diagnostics.otel]
    enabled = false
    endpoint = "http://127.0.0.1:4318"
    protocol = "http/protobuf"
    service_name = "openclaw"
    traces = true
    metrics = false
    logs = false
    sample_rate = 1
    flush_interval_ms = 5000

    [tts]
    max_chars = 4000
    timeout_seconds = 60

    [channels.telegram]
    enabled = true
    token = "***"
    dm_policy = "pairing"

    [channels.telegram.groups."a b"]
    require_mention = false
    "#);
    let again: toml_edit::DocumentMut = loaded.effective_toml().parse().expect("TOML");
    assert_eq!(again["gateway"]["port"].as_integer(), Some(18_789));
}

#[test]
fn one_key_can_be_asked_for() {
    let home = Home::with(
        "[channels.telegram]\ntoken = \"t\"\ngroups.\"-100\".require_mention = true\n[[routing.rules]]\nchat = \"c\"\n",
    );
    let loaded = home.load().expect("loads");
    let get = |key: &str| loaded.get(key).expect("key").map(ToString::to_string);
    assert_eq!(get("gateway.port").as_deref(), Some("18789"));
    assert_eq!(get("channels.telegram.token").as_deref(), Some("\"***\""));
    assert_eq!(get("channels.telegram.groups.\"-100\".require_mention").as_deref(), Some("true"));
    assert_eq!(get("routing.rules[0].chat").as_deref(), Some("\"c\""));
    assert_eq!(get("routing.rules[1].chat"), None);
    assert_eq!(get("gateway.none"), None);
    assert!(loaded.get("gateway..port").is_err());
}
