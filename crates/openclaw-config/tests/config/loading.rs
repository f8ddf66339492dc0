use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use insta::assert_snapshot;
use openclaw_config::{
    DmScope, Environment, ExecAsk, LoadRequest, NoChannels, OnUncertain, Overrides, ResetMode,
    StatePaths, StorageBackend, load, load_client,
};
use openclaw_core::{AgentId, ChatKind, QueueMode, ReplyBack, SandboxMode, Secret};

use crate::support::Home;

#[test]
fn it_starts_without_any_file() {
    let home = Home::new();
    let config = home.load().expect("loads").config;
    assert_eq!(config.gateway.bind_address, IpAddr::V4(Ipv4Addr::LOCALHOST));
    assert_eq!(config.gateway.port, 18_789);
    assert_eq!(config.gateway.max_connections, 1_000);
    assert_eq!(config.gateway.max_backlog, 100_000);
    assert_eq!(config.gateway.auth.token, None);
    assert_eq!(config.file, None);
    assert_eq!(config.state_dir, home.state());
    assert_eq!(config.storage, StorageBackend::Sqlite { path: home.state().join("openclaw.db") });
    assert!(config.providers.is_empty() && config.channels.is_empty());
    let [main] = config.agents.as_slice() else { panic!("one agent") };
    assert_eq!(main.id, AgentId::main());
    assert!(main.is_default);
    assert_eq!(main.model, None);
    assert_eq!(main.workspace, home.state().join("workspace"));
    assert_eq!(main.turn_timeout, Duration::from_secs(600));
    assert_eq!(main.model_idle_timeout, Duration::from_secs(120));
    assert_eq!(main.sandbox.mode, SandboxMode::Always);
    assert_eq!(config.session.reset.at_minutes, 240);
    assert_eq!(config.inert_keys, Vec::<String>::new());
}

#[test]
fn every_key_of_the_file_arrives() {
    let mut home = Home::with(
        r##"
[gateway]
bind_address = "::"
port = 0
max_connections = 5
max_backlog = 7
allowed_origins = ["https://chat.example.org:443"]
allowed_hosts = ["Chat.Example.org"]
[gateway.auth]
token = "owner"
[gateway.rate_limit]
requests_per_second = 1.5
burst = 2
[gateway.http.openai]
enabled = false
[agents]
model = "mock/one"
fallbacks = ["two", "mock/x/y"]
max_context_tokens = 9000
workspace = "~/work"
timeout_seconds = 30
idle_timeout_seconds = 20
[agents.sandbox]
mode = "non_main"
timeout_secs = 10
[[agents.list]]
id = "work"
default = true
model = "mock/three"
[agents.list.tools]
deny = ["bash"]
[[agents.list]]
id = "main"
workspace = "here"
sandbox = { mode = "never" }
[models.providers.mock]
api = "openai-chat"
base_url = "http://127.0.0.1:1234/v1/"
api_key = "sk"
[tools]
allow = ["group:files", "memory_*"]
deny = ["bash"]
exec.ask = "always"
[session]
dm_scope = "per_peer"
queue_mode = "collect"
reply_back = "mention"
owners = ["telegram:1"]
reset = { mode = "never", at = "23:59", idle_minutes = 5 }
identity_links = { anna = ["telegram:1", "slack:U1"] }
[[routing.rules]]
channel = "slack"
account = "team"
chat_kind = "group"
chat = -100
sender = "@anna"
role = "admin"
pattern = "^deploy"
agent = "work"
session = "deploys"
[delivery]
on_uncertain = "skip"
[storage]
backend = "memory"
[channels.telegram]
token = "123:abc"
"##,
    );
    home.set("UNUSED", "x");
    let config = home.load().expect("loads").config;
    let gateway = &config.gateway;
    assert_eq!(gateway.bind_address.to_string(), "::");
    assert_eq!((gateway.port, gateway.max_connections, gateway.max_backlog), (0, 5, 7));
    assert_eq!(gateway.allowed_origins, ["https://chat.example.org"]);
    assert_eq!(gateway.allowed_hosts, ["chat.example.org"]);
    assert_eq!(gateway.auth.token, Some(Secret::new("owner")));
    assert!((gateway.rate_limit.requests_per_second - 1.5).abs() < f64::EPSILON);
    assert_eq!(gateway.rate_limit.burst, 2);
    assert!(!gateway.openai_http);

    let [main, work] = config.agents.as_slice() else { panic!("two agents") };
    assert_eq!((main.id.as_str(), main.is_default), ("main", false));
    assert_eq!((work.id.as_str(), work.is_default), ("work", true));
    assert_eq!(config.default_agent().id, work.id);
    assert_eq!(main.model.as_deref(), Some("mock/one"));
    assert_eq!(work.model.as_deref(), Some("mock/three"));
    assert_eq!(work.fallbacks, ["mock/two", "mock/x/y"]);
    assert_eq!(main.workspace, home.state().join("here"));
    assert_eq!(work.workspace, home.state().join("workspaces/work"));
    assert_eq!(main.sandbox.mode, SandboxMode::Never);
    assert_eq!(main.sandbox.timeout, Duration::from_secs(10));
    assert_eq!(work.sandbox.mode, SandboxMode::NonMain);
    assert_eq!(work.turn_timeout, Duration::from_secs(30));
    assert_eq!(work.model_idle_timeout, Duration::from_secs(20));
    assert_eq!(work.max_context_tokens, Some(9_000));
    assert_eq!(main.tools, None);
    let tools = work.tools.as_ref().expect("own tools");
    assert_eq!(
        (tools.allow.as_slice(), tools.deny.as_slice()),
        (&["*".to_owned()][..], &["bash".to_owned()][..])
    );
    assert_eq!(tools.exec_ask, ExecAsk::Always);
    assert_eq!(config.tools.allow, ["group:files", "memory_*"]);

    let mock = &config.providers["mock"];
    assert_eq!(mock.base_url, "http://127.0.0.1:1234/v1");
    assert_eq!(mock.api_key, Some(Secret::new("sk")));
    assert!(!mock.from_environment);

    let session = &config.session;
    assert_eq!(session.dm_scope, DmScope::PerPeer);
    assert_eq!(session.queue_mode, QueueMode::Batch);
    assert_eq!(session.reply_back, ReplyBack::Mention);
    assert_eq!(session.owners, ["telegram:1"]);
    assert_eq!(session.reset.mode, ResetMode::Never);
    assert_eq!(session.reset.at_minutes, 23 * 60 + 59);
    assert_eq!(session.reset.idle, Some(Duration::from_secs(300)));
    assert_eq!(session.identity_links["anna"], ["telegram:1", "slack:U1"]);

    let [rule] = config.routing.as_slice() else { panic!("one rule") };
    assert_eq!(rule.place, "openclaw.toml:51");
    assert_eq!(rule.channel.as_ref().map(AsRef::as_ref), Some("slack"));
    assert_eq!(rule.chat_kind, Some(ChatKind::Group));
    assert_eq!(rule.chat.as_deref(), Some("-100"));
    assert_eq!(rule.agent.as_ref(), Some(&work.id));
    assert_eq!(rule.session.as_deref(), Some("deploys"));
    assert_eq!(config.delivery.on_uncertain, OnUncertain::Skip);
    assert_eq!(config.storage, StorageBackend::Memory);
    assert_eq!(config.file, Some(home.state().join("openclaw.toml")));
    assert_snapshot!(config.inert_keys.join("\n"), @"");
}

#[test]
fn environment_goes_over_the_file_and_flags_over_both() {
    let mut home = Home::with(
        "[gateway]\nport = 1\nbind_address = \"0.0.0.0\"\nauth.token = { env = \"NOT_HERE\" }\n",
    );
    home.set("OPENCLAW_GATEWAY_PORT", "2");
    home.set("OPENCLAW_GATEWAY_TOKEN", "from-environment");
    let gateway = home.load().expect("loads").config.gateway.clone();
    assert_eq!(gateway.port, 2);
    assert_eq!(gateway.auth.token, Some(Secret::new("from-environment")));
    let flags = Overrides { bind: Some(Ipv4Addr::LOCALHOST.into()), port: Some(3) };
    let loaded = home.load_with(flags).expect("loads");
    assert_eq!(loaded.config.gateway.port, 3);
    assert_eq!(loaded.config.gateway.bind_address, Ipv4Addr::LOCALHOST);
    assert_eq!(loaded.get("gateway.port").expect("key"), Some(&3.into()));

    home.set("OPENCLAW_GATEWAY_PORT", "many");
    assert_snapshot!(home.errors(), @"OPENCLAW_GATEWAY_PORT: must be a port from 0 to 65535");
}

#[test]
fn a_client_needs_only_the_gateway_section() {
    let home = Home::with(
        "[gateway]\nport = 5\n[channels.telegram]\ntoken = \"${TELEGRAM_BOT_TOKEN}\"\n[unknown]\n",
    );
    let client = load_client(&home.environment(), Overrides::default()).expect("loads");
    assert_eq!(client.gateway.port, 5);
    assert_eq!(client.state, StatePaths::new(home.state()));
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:4:9: channels.telegram.token: environment variable TELEGRAM_BOT_TOKEN is not set or empty (set it, or give a default: ${TELEGRAM_BOT_TOKEN:-default})
    openclaw.toml:5:2: unknown: unknown key; allowed here: include, gateway, agents, models, tools, session, skills, routing, delivery, storage, channels, hooks, mcp, memory, cron, logging, diagnostics, tts
    "#);

    home.write("openclaw.toml", "[gateway]\nprot = 5\n");
    let errors = load_client(&home.environment(), Overrides::default()).expect_err("refused");
    assert_snapshot!(errors, @r#"openclaw.toml:2:1: gateway.prot: unknown key; allowed here: bind_address, port, max_connections, max_backlog, allowed_origins, allowed_hosts, trusted_proxies, tls, auth, rate_limit, http (did you mean "port"?)"#);
}

#[test]
fn folders_are_found_as_the_environment_says() {
    let home = Home::new();
    let environment = |variables: &[(&str, &str)]| {
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Environment::new(variables, home.path(), home.path())
    };
    let root =
        |variables: &[(&str, &str)]| StatePaths::find(&environment(variables)).root().to_owned();
    assert_eq!(root(&[]), home.state());
    assert_eq!(root(&[("OPENCLAW_STATE_DIR", "")]), home.state());
    assert_eq!(root(&[("OPENCLAW_STATE_DIR", "~/other")]), home.path().join("other"));
    assert_eq!(root(&[("OPENCLAW_STATE_DIR", "relative")]), home.path().join("relative"));
    home.write("openclaw.json", "{}");
    assert_eq!(root(&[]), home.state().join("rs"));

    std::fs::write(home.path().join("mine.toml"), "[gateway]\nport = 77\nx = 1").expect("written");
    let named = environment(&[("OPENCLAW_CONFIG", "mine.toml")]);
    let errors = load(&LoadRequest::new(&named, &NoChannels)).expect_err("refused");
    assert_snapshot!(errors, @"mine.toml:3:1: gateway.x: unknown key; allowed here: bind_address, port, max_connections, max_backlog, allowed_origins, allowed_hosts, trusted_proxies, tls, auth, rate_limit, http");
    let missing = environment(&[("OPENCLAW_CONFIG", "nowhere/other.toml")]);
    let errors = load(&LoadRequest::new(&missing, &NoChannels)).expect_err("refused");
    assert_snapshot!(errors, @"nowhere/other.toml:1:1: cannot be read: No such file or directory (os error 2) (OPENCLAW_CONFIG names it)");
}

#[test]
fn variables_are_expanded_everywhere_or_named() {
    let mut home = Home::with(
        r#"
[agents]
workspace = "${WORK}/a"
[tools]
allow = ["${MISSING_TOOL}", "$${x}"]
[session]
queue_mode = "${MODE:-batch}"
[channels.telegram]
token = "${TOKEN}"
groups."1" = { require_mention = true, "${KEY}" = "${" }
"#,
    );
    home.set("WORK", "/work");
    home.set("TOKEN", "");
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:5:10: tools.allow[0]: environment variable MISSING_TOOL is not set or empty (set it, or give a default: ${MISSING_TOOL:-default})
    openclaw.toml:5:29: tools.allow[1]: must be a tool's name, a glob such as "memory_*", or "group:<name>"
    openclaw.toml:9:9: channels.telegram.token: environment variable TOKEN is not set or empty (set it, or give a default: ${TOKEN:-default})
    openclaw.toml:10:40: channels.telegram.groups.1."${KEY}": unknown key; allowed here: require_mention
    openclaw.toml:10:51: channels.telegram.groups.1."${KEY}": "${" without "}" (write $${ for a plain ${)
    "#);
}

#[test]
fn storage_keys_belong_to_their_engine() {
    let errors = |text: &str| Home::with(text).errors();
    assert_snapshot!(errors("[storage]\nbackend = \"postgres\"\n"), @"openclaw.toml:1:1: storage.url: is missing (set url, or url_file with the path of a file that holds it)");
    assert_snapshot!(errors("[storage]\nmax_connections = 4\n"), @r#"openclaw.toml:2:19: storage.max_connections: belongs to backend = "postgres""#);
    let home = Home::with("[storage]\nbackend = \"postgres\"\nurl = \"postgres://u:p@h/d\"\n");
    let storage = home.load().expect("loads").config.storage.clone();
    let url = Secret::new("postgres://u:p@h/d");
    assert_eq!(storage, StorageBackend::Postgres { url, max_connections: 8 });
    assert_snapshot!(errors("[storage]\nbackend = \"memory\"\npath = \"x\"\n"), @r#"openclaw.toml:3:8: storage.path: belongs to backend = "sqlite""#);
    assert_snapshot!(errors("[storage]\nurl = \"postgres://h\"\n"), @r#"openclaw.toml:2:7: storage.url: belongs to backend = "postgres""#);
    let home = Home::with("[storage]\npath = \"data/../my.db\"\n");
    let storage = home.load().expect("loads").config.storage.clone();
    assert_eq!(storage, StorageBackend::Sqlite { path: home.state().join("my.db") });
}

#[test]
fn agents_cannot_reach_the_configuration() {
    assert_snapshot!(Home::with("[agents]\nworkspace = \"~\"\n").errors(), @"openclaw.toml:2:13: agents.workspace: must not contain the state folder: the agent could change its own configuration and read its secrets");
    assert_snapshot!(Home::with("[agents]\nworkspace = \".\"\n").errors(), @"openclaw.toml:2:13: agents.workspace: must not contain the state folder: the agent could change its own configuration and read its secrets");
    let mut home = Home::new();
    std::fs::create_dir(home.path().join("project")).expect("folder");
    std::fs::write(home.path().join("project/openclaw.toml"), "[agents]\nworkspace = \".\"\n")
        .expect("written");
    home.set("OPENCLAW_CONFIG", "project/openclaw.toml");
    assert_snapshot!(home.warnings(), @"project/openclaw.toml:2:13: agents.workspace: holds the configuration file, which the agent can then change");
}

#[test]
fn agents_are_unique() {
    let home = Home::with(
        "[[agents.list]]\nid = \"a\"\ndefault = true\n[[agents.list]]\nid = \"a\"\n[[agents.list]]\nid = \"b\"\ndefault = true\n",
    );
    assert_snapshot!(home.errors(), @r#"
    openclaw.toml:5:6: agents.list[1].id: another agent has this id
    openclaw.toml:8:11: agents.list[2].default: another agent is the default already
    "#);
}

#[test]
fn a_password_is_kept_as_its_argon2id_hash_alone() {
    let hash = "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaHM";
    let home = Home::new();
    home.write("openclaw.toml", &format!("[gateway.auth]\npassword_hash = '{hash}'\n"));
    let loaded = home.load().expect("loads");
    assert_eq!(loaded.config.gateway.auth.password_hash, Some(Secret::new(hash)));
    for wrong in [
        "open sesame",
        "$2b$12$abcdefghijklmnopqrstuv",
        "$argon2i$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaHM",
        "$argon2id$v=19$m=99999999,t=2,p=1$c29tZXNhbHRzb21l$c29tZWhhc2hzb21laGFzaHM",
        "$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21l$",
    ] {
        home.write("openclaw.toml", &format!("[gateway.auth]\npassword_hash = '{wrong}'\n"));
        let errors = home.load().expect_err("refused").to_string();
        assert!(
            errors.contains("gateway.auth.password_hash: must be an Argon2id hash"),
            "{errors}"
        );
        assert!(!errors.contains("sesame"), "{errors}");
    }
}
