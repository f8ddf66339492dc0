use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use openclaw_config::{Committed, EditError, Editor, LoadRequest};
use openclaw_core::{Clock, Timestamp};
use openclaw_errors::{ErrorKind, OpenClawError};

use crate::support::{Channels, Home, set_mode};

#[derive(Debug)]
struct Noon;

impl Clock for Noon {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_709_208_000_000)
    }
}

const FILE: &str = r##"# The gateway.
[gateway]
port = 1 # changed often

# Work first.
[[agents.list]]
id = "work"   # the only one

[channels.telegram]
token = "${TOKEN}" # from the vault
groups."-100" = { require_mention = true }

[models.providers]
mock = { api = "ollama", base_url = "http://localhost:1" }
"##;

fn home() -> Home {
    let mut home = Home::with(FILE);
    home.set("TOKEN", "123:abc");
    home
}

fn editor(home: &Home) -> Editor {
    Editor::open(&home.environment()).expect("opens")
}

fn commit(home: &Home, editor: Editor) -> Result<Committed, EditError> {
    let environment = home.environment();
    editor.commit(&LoadRequest::new(&environment, &Channels), "test", &Noon)
}

fn text(home: &Home) -> String {
    std::fs::read_to_string(home.state().join("openclaw.toml")).unwrap_or_default()
}

fn set(home: &Home, changes: &[(&str, &str)]) -> Result<Committed, EditError> {
    let mut editor = editor(home);
    for (key, value) in changes {
        editor.set(key, value)?;
    }
    commit(home, editor)
}

#[test]
fn setting_keeps_comments_and_layout() {
    let home = home();
    let committed = set(
        &home,
        &[
            ("gateway.port", "2"),
            ("gateway.auth.token", "\"${TOKEN}\""),
            ("agents.list[0].model", "mock/m"),
            ("agents.list[1].id", "home"),
            ("agents.timeout_seconds", "30"),
            ("channels.telegram.groups.\"-100\".require_mention", "false"),
            ("channels.telegram.groups.\"a b\".require_mention", "true"),
            ("channels.telegram.allow_from", "[1, \"@a\"]"),
            ("channels.slack.token", "xoxb"),
            ("session.reset.at", "05:00"),
            ("session.owners[0]", "telegram:1"),
            ("routing.rules[0].agent", "work"),
            ("models.providers.mock.api_key", "${TOKEN}"),
        ],
    )
    .expect("committed");
    assert_snapshot!(text(&home), @r#"
    # The gateway.
    [gateway]
    port = 2 # changed often

    [gateway.auth]
    token = "${TOKEN}"

    [agents]
    timeout_seconds = 30

    # Work first.
    [[agents.list]]
    id = "work"   # the only one
    model = "mock/m"

    [[agents.list]]
    id = "home"

    [channels.telegram]
    token = "${TOKEN}" # from the vault
    groups."-100" = { require_mention = false }
    groups."a b".require_mention = true
    allow_from = [1, "@a"]

    [channels.slack]
    token = "xoxb"

    [models.providers]
    mock = { api = "ollama", base_url = "http://localhost:1", api_key = "${TOKEN}" }

    [session]
    owners = ["telegram:1"]

    [session.reset]
    at = "05:00"

    [[routing.rules]]
    agent = "work"
    "#);
    assert_eq!(committed.loaded.config.gateway.port, 2);
    assert_snapshot!(committed.changed_keys.join("\n"), @r#"
    agents.list[0].model
    agents.list[1].id
    agents.timeout_seconds
    channels.slack.token
    channels.telegram.allow_from
    channels.telegram.groups."a b".require_mention
    channels.telegram.groups.-100.require_mention
    gateway.auth.token
    gateway.port
    models.providers.mock.api_key
    routing.rules[0].agent
    session.owners
    session.reset.at
    "#);
    let warnings: Vec<String> = committed.warnings.iter().map(ToString::to_string).collect();
    assert_snapshot!(warnings.join("\n"), @r#"channels.slack.token: the secret stands in the file as it is ("${VARIABLE}", { file = "path" } or { keyring = "service/account" } keep it out: token)"#);
}

#[test]
fn the_first_edit_makes_the_file() {
    let mut home = Home::new();
    std::fs::remove_dir(home.state()).expect("no state folder");
    home.set("OPENCLAW_STATE_DIR", "~/deep/state");
    let committed = set(&home, &[("gateway.port", "5"), ("agents.sandbox.mode", "never")]);
    assert_eq!(committed.expect("committed").loaded.config.gateway.port, 5);
    let path = home.path().join("deep/state/openclaw.toml");
    assert_snapshot!(std::fs::read_to_string(&path).expect("file"), @r#"
    [gateway]
    port = 5

    [agents.sandbox]
    mode = "never"
    "#);
    let mode = |path: &std::path::Path| {
        std::fs::metadata(path).expect("exists").permissions().mode() & 0o777
    };
    assert_eq!(mode(&path), 0o600);
    assert_eq!(mode(path.parent().expect("folder")), 0o700);
    assert_eq!(mode(&path.with_file_name("config-journal.jsonl")), 0o600);
}

#[test]
fn the_mode_and_a_symlink_stay() {
    let home = home();
    let real = home.path().join("dotfiles.toml");
    std::fs::rename(home.state().join("openclaw.toml"), &real).expect("moved");
    set_mode(&real, 0o640);
    std::os::unix::fs::symlink(&real, home.state().join("openclaw.toml")).expect("link");
    set(&home, &[("gateway.port", "9")]).expect("committed");
    assert!(home.state().join("openclaw.toml").is_symlink());
    assert!(std::fs::read_to_string(&real).expect("file").contains("port = 9"));
    assert_eq!(std::fs::metadata(&real).expect("file").permissions().mode() & 0o777, 0o640);
    let left: Vec<_> = std::fs::read_dir(home.path()).expect("folder").flatten().collect();
    assert_eq!(left.len(), 2, "no temporary file is left: {left:?}");
}

#[test]
fn the_journal_tells_who_changed_what_without_values() {
    let home = home();
    set(&home, &[("gateway.port", "2"), ("gateway.auth.token", "CANARY")]).expect("committed");
    set(&home, &[("gateway.port", "2")]).expect("nothing to do");
    let journal = std::fs::read_to_string(home.state().join("config-journal.jsonl")).expect("file");
    let lines: Vec<&str> = journal.lines().collect();
    assert_eq!(lines.len(), 1, "{journal}");
    let mut entry: serde_json::Value = serde_json::from_str(lines[0]).expect("JSON");
    assert_ne!(entry["before"], entry["after"]);
    for hash in ["before", "after"] {
        assert_eq!(entry[hash].as_str().expect("hash").len(), 64);
        entry.as_object_mut().expect("object").remove(hash);
    }
    assert_snapshot!(home.shown(&entry.to_string()), @r#"{"at":"2024-02-29T12:00:00.000Z","author":"test","file":"~/.openclaw-rs/openclaw.toml","keys":["gateway.auth.token","gateway.port"]}"#);
}

#[test]
fn what_would_not_load_is_not_written() {
    let home = home();
    let error = set(&home, &[("gateway.prot", "2")]).expect_err("refused");
    assert_snapshot!(error, @r#"
    the configuration would not load:
    openclaw.toml:4:1: gateway.prot: unknown key; allowed here: bind_address, port, max_connections, max_backlog, allowed_origins, allowed_hosts, trusted_proxies, tls, auth, rate_limit, http (did you mean "port"?)
    "#);
    assert_eq!(OpenClawError::from(error).kind(), ErrorKind::Config);
    let error = set(&home, &[("agents.list[0].id", "Not An Id")]).expect_err("refused");
    assert_snapshot!(error, @r#"
    the configuration would not load:
    openclaw.toml:7:6: agents.list[0].id: must be an agent id: [a-z0-9][a-z0-9_-]{0,63}
    "#);
    assert_eq!(text(&home), FILE);
    assert!(!home.state().join("config-journal.jsonl").exists());
}

#[test]
fn a_change_by_another_is_not_overwritten() {
    let home = home();
    let mut editor = editor(&home);
    let seen = editor.base_hash().expect("hash");
    editor.set("gateway.port", "2").expect("set");
    home.write("openclaw.toml", &FILE.replace("port = 1", "port = 3"));
    let error = commit(&home, editor).expect_err("refused");
    assert!(matches!(error, EditError::Changed(_)), "{error}");
    assert_eq!(OpenClawError::from(error).kind(), ErrorKind::Conflict);
    assert!(text(&home).contains("port = 3"));
    assert_ne!(self::editor(&home).base_hash(), Some(seen));
}

#[test]
fn another_editor_at_work_is_respected() {
    let home = home();
    let folder = std::fs::File::open(home.state()).expect("folder");
    folder.lock().expect("locked");
    let error = set(&home, &[("gateway.port", "2")]).expect_err("refused");
    assert!(matches!(error, EditError::Busy(_)), "{error}");
    drop(folder);
    set(&home, &[("gateway.port", "2")]).expect("committed");
}

#[test]
fn unsetting_removes_only_what_was_named() {
    let home = home();
    let mut first = editor(&home);
    first.unset("gateway.port").expect("unset");
    first.unset("agents.list[0]").expect("unset");
    first.unset("channels.telegram.groups.\"-100\"").expect("unset");
    first.unset("models").expect("unset");
    commit(&home, first).expect("committed");
    assert_snapshot!(text(&home), @r#"
    # The gateway.
    [gateway]

    [channels.telegram]
    token = "${TOKEN}" # from the vault
    "#);
    let mut second = editor(&home);
    for key in ["gateway.port", "nothing", "agents.list[0]", "channels.telegram.token.x"] {
        assert!(matches!(second.unset(key), Err(EditError::NotSet { .. })), "{key}");
    }
}

#[test]
fn sections_are_not_lost_by_accident() {
    let home = home();
    let mut editor = editor(&home);
    editor
        .replace("[gateway]\nport = 2\n[channels.telegram]\ntoken = \"${TOKEN}\"\n")
        .expect("TOML");
    let error = commit(&home, editor).expect_err("refused");
    assert_snapshot!(error, @"sections would be lost: agents, channels.telegram.groups, models");
    assert_eq!(text(&home), FILE);

    let mut editor = self::editor(&home);
    editor
        .replace("[gateway]\nport = 2\n[channels.telegram]\ntoken = \"${TOKEN}\"\n")
        .expect("TOML");
    for section in ["agents", "channels.telegram.groups", "models"] {
        editor.allow_dropping(section);
    }
    assert_eq!(commit(&home, editor).expect("committed").loaded.config.gateway.port, 2);
}

#[test]
fn a_value_does_not_replace_a_table() {
    let home = home();
    let mut editor = editor(&home);
    let mut refuse = |key: &str, value: &str| editor.set(key, value).expect_err(key).to_string();
    assert_snapshot!(refuse("gateway", "5"), @"gateway is a table; a value cannot take its place");
    assert_snapshot!(refuse("agents.list", "5"), @"agents.list is a table; a value cannot take its place");
    assert_snapshot!(refuse("agents.list[0]", "5"), @"agents.list[0] is a table; a value cannot take its place");
    assert_snapshot!(refuse("models.providers.mock", "5"), @"models.providers.mock is a table; a value cannot take its place");
    assert_snapshot!(refuse("gateway.port.x", "5"), @"gateway.port is a value, nothing can be set below it");
    assert_snapshot!(refuse("agents.list[3].id", "x"), @"agents.list[3] does not exist; the next index is 1");
    assert_snapshot!(refuse("agents.list.work", "x"), @"agents.list is a table; a value cannot take its place");
    assert_snapshot!(refuse("a..b", "5"), @"the key cannot be used");
}

#[test]
fn a_broken_file_can_only_be_replaced() {
    let home = home();
    home.write("openclaw.toml", "[gateway\n");
    let mut editor = editor(&home);
    assert_snapshot!(editor.set("gateway.port", "2").expect_err("refused"), @r#"
    the configuration would not load:
    openclaw.toml:1:9: unclosed table, expected `]`
    "#);
    assert_snapshot!(editor.replace("port = = 1").expect_err("refused"), @r#"
    the configuration would not load:
    openclaw.toml:1:8: extra `=`, expected nothing
    "#);
    editor.replace("[gateway]\nport = 2\n").expect("TOML");
    assert_eq!(commit(&home, editor).expect("committed").loaded.config.gateway.port, 2);
}

#[test]
fn dotted_and_inline_tables_keep_their_form() {
    let home = Home::with("gateway.port = 1\nsession = { reset = { at = \"01:00\" } }\n");
    set(
        &home,
        &[
            ("gateway.auth.token", "\"${TOKEN:-x}\""),
            ("session.reset.idle_minutes", "3"),
            ("session.identity_links.anna[0]", "telegram:1"),
        ],
    )
    .expect("committed");
    assert_snapshot!(text(&home), @r#"
    gateway.port = 1
    gateway.auth.token = "${TOKEN:-x}"
    session = { reset = { at = "01:00", idle_minutes = 3 }, identity_links = { anna = ["telegram:1"] } }
    "#);
}

#[test]
fn a_list_of_tables_is_replaced_as_a_whole() {
    let home = home();
    set(&home, &[("agents.list", r#"[{ id = "work" }, { id = "play" }]"#)]).expect("edited");
    let after = text(&home);
    assert_eq!(after.matches("[[agents.list]]").count(), 2, "{after}");
    let mut shorter = editor(&home);
    shorter.set("agents.list", "[]").expect("set");
    shorter.allow_dropping("agents.list");
    commit(&home, shorter).expect("edited");
    assert!(text(&home).contains("list = []"), "{}", text(&home));
    let refused = set(&home, &[("models.providers", "1")]).expect_err("a table stays");
    assert!(matches!(refused, EditError::IsTable { .. }), "{refused}");
}
