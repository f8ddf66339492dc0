use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;
use openclaw_config::{LoadRequest, StatePaths, load_last_good};

use crate::support::{Channels, Home};

#[test]
fn the_last_good_copy_loads_after_the_file_broke() {
    let mut home = Home::with("# mine\n[gateway]\nport = 7\nauth.token = \"${TOKEN}\"\n");
    home.set("TOKEN", "hidden");
    home.load().expect("loads").save_last_good().expect("saved");
    home.write("openclaw.toml", "[gateway]\nport = seven\n");
    let environment = home.environment();
    let loaded = load_last_good(&LoadRequest::new(&environment, &Channels)).expect("loads");
    assert_eq!(loaded.config.gateway.port, 7);

    let path = StatePaths::new(home.state()).last_good();
    let text = std::fs::read_to_string(&path).expect("copy");
    assert_eq!(text, "# mine\n[gateway]\nport = 7\nauth.token = \"${TOKEN}\"\n");
    assert_eq!(std::fs::metadata(&path).expect("copy").permissions().mode() & 0o777, 0o600);
}

#[test]
fn included_files_are_part_of_the_copy() {
    let home = Home::with("include = [\"sub/more.toml\"]\n[gateway]\nport = 7\n");
    home.write(
        "sub/more.toml",
        "[agents]\nworkspace = \"w\"\n[[routing.rules]]\nchat = \"$${a}\"\n",
    );
    home.load().expect("loads").save_last_good().expect("saved");
    std::fs::remove_file(home.state().join("sub/more.toml")).expect("removed");
    let text = std::fs::read_to_string(StatePaths::new(home.state()).last_good()).expect("copy");
    assert_snapshot!(text, @r#"
    [agents]
    workspace = "w"

    [[routing.rules]]
    chat = "$${a}"

    [gateway]
    port = 7
    "#);
    let environment = home.environment();
    let config = load_last_good(&LoadRequest::new(&environment, &Channels)).expect("loads").config;
    assert_eq!(config.agents[0].workspace, home.state().join("w"));
    assert_eq!(config.routing[0].chat.as_deref(), Some("${a}"));
}

#[test]
fn without_a_copy_the_error_says_so() {
    let home = Home::new();
    let environment = home.environment();
    let errors = load_last_good(&LoadRequest::new(&environment, &Channels)).expect_err("none");
    assert_snapshot!(home.shown(&errors.to_string()), @"~/.openclaw-rs/openclaw.last-good.toml cannot be read: No such file or directory (os error 2)");
}
