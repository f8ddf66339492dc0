use openclaw_config::{ReloadDiff, diff};

use crate::support::Home;

const BASE: &str = "[gateway]\nport = 1\n[channels.telegram]\ntoken_file = \"t\"\n";

fn difference(old: &str, new: &str) -> ReloadDiff {
    let home = Home::with(old);
    home.write("t", "one");
    let before = home.load().expect("loads").config;
    home.write("openclaw.toml", new);
    diff(&before, &home.load().expect("loads").config)
}

fn channels(diff: &ReloadDiff) -> Vec<&str> {
    diff.channels.iter().map(AsRef::as_ref).collect()
}

#[test]
fn comments_and_order_change_nothing() {
    let new = "# a comment\n\n[channels.telegram]\ntoken_file = \"t\"\n[gateway]\nport = 1\n";
    assert!(difference(BASE, new).is_empty());
}

#[test]
fn sections_are_live_channels_restart_and_sockets_need_a_restart() {
    let live = difference(
        BASE,
        &format!(
            "{BASE}[gateway.auth]\ntoken = \"x\"\n[agents]\ntimeout_seconds = 5\n[tools]\ndeny = [\"bash\"]\n[session]\nqueue_mode = \"batch\"\n[delivery]\non_uncertain = \"skip\"\n[[routing.rules]]\nchat = 1\n[models.providers.ollama]\n"
        ),
    );
    assert_eq!(
        live.live,
        ["gateway", "agents", "models", "tools", "session", "routing", "delivery"]
    );
    assert!(live.channels.is_empty() && live.needs_restart.is_empty());

    let restart = difference(
        BASE,
        "[gateway]\nport = 2\nbind_address = \"::1\"\n[storage]\nbackend = \"memory\"\n[channels.telegram]\ntoken_file = \"t\"\n",
    );
    assert_eq!(restart.needs_restart, ["gateway.bind_address", "gateway.port", "storage"]);
    assert!(restart.live.is_empty());

    let changed = difference(
        BASE,
        &BASE.replace("[channels.telegram]\n", "[channels.telegram]\ndm_policy = \"open\"\n"),
    );
    assert_eq!(channels(&changed), ["telegram"]);
    assert!(changed.live.is_empty());
    let swapped = difference(BASE, "[gateway]\nport = 1\n[channels.slack]\ntoken = \"x\"\n");
    assert_eq!(channels(&swapped), ["slack", "telegram"]);
}

#[test]
fn a_secret_that_changed_in_its_file_restarts_the_channel() {
    let home = Home::with(BASE);
    home.write("t", "one");
    let before = home.load().expect("loads").config;
    let same = home.load().expect("loads").config;
    assert!(diff(&before, &same).is_empty());
    home.write("t", "two");
    let after = home.load().expect("loads").config;
    assert_eq!(channels(&diff(&before, &after)), ["telegram"]);
}
