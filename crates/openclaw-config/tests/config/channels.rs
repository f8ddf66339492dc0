use insta::assert_snapshot;
use openclaw_config::{ChannelTable, Environment};
use openclaw_core::{ChannelKind, Secret};

use crate::support::{Home, read_chat};

fn table(text: &str) -> ChannelTable {
    let kind = ChannelKind::new("telegram").expect("kind");
    ChannelTable::from_toml(kind, text, &Environment::default()).expect("TOML")
}

fn issues(text: &str) -> String {
    let issues = table(text).read(read_chat).expect_err("refused");
    issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn a_channel_reads_its_own_table() {
    let table = table(
        "token = \"t\"\ndm_policy = \"open\"\nallow_from = [1, \"@a\"]\n[groups.\"-100\"]\nrequire_mention = false\n[groups.\"a.b\"]\n[accounts.two]\ntoken = \"u\"\n",
    );
    let settings = table.read(read_chat).expect("valid");
    assert_eq!(settings.token, Some(Secret::new("t")));
    assert!(settings.open);
    assert_eq!(settings.allow_from, ["1", "@a"]);
    assert_eq!(settings.groups, [("-100".to_owned(), Some(false)), ("a.b".to_owned(), None)]);
    assert_eq!(settings.accounts, 1);
}

#[test]
fn issues_carry_the_dotted_key_and_the_place() {
    assert_snapshot!(issues("allow_from = [1.5, \"\"]\ngroups = 5\nbotToken = 1\n[accounts.two]\n[accounts.\"a b\"]\ntoken = true\n"), @r#"
    openclaw.toml:1:15: channels.telegram.allow_from[0]: expected a string or a whole number, found a float
    openclaw.toml:1:20: channels.telegram.allow_from[1]: must not be empty
    openclaw.toml:2:10: channels.telegram.groups: expected a table, found an integer
    openclaw.toml:3:1: channels.telegram.botToken: unknown key; allowed here: enabled, token, token_file, dm_policy, allow_from, groups, accounts (did you mean "token"?)
    openclaw.toml:4:1: channels.telegram.accounts.two.token: is missing (set token, or token_file with the path of a file that holds it)
    openclaw.toml:6:9: channels.telegram.accounts."a b".token: expected a string or { env | file | exec | keyring = … }, found a boolean
    channels.telegram.token: is missing (set token, or token_file with the path of a file that holds it)
    "#);
    assert_snapshot!(issues("token = \"x\"\nallow_from = \"*\"\naccounts = [1]\n"), @r#"
    openclaw.toml:2:14: channels.telegram.allow_from: expected a list, found a string
    openclaw.toml:3:12: channels.telegram.accounts: expected a table, found an array
    "#);
}

#[test]
fn a_channel_may_be_off_and_stays_checked() {
    let home = Home::with("[channels.telegram]\nenabled = false\ntoken = \"x\"\n");
    let config = home.load().expect("loads").config;
    let table = config.channels.values().next().expect("table");
    assert!(!table.enabled);
    assert_snapshot!(Home::with("[channels.telegram]\nenabled = false\ntokn = \"x\"\n").errors(), @r#"
    openclaw.toml:1:1: channels.telegram.token: is missing (set token, or token_file with the path of a file that holds it)
    openclaw.toml:3:1: channels.telegram.tokn: unknown key; allowed here: enabled, token, token_file, dm_policy, allow_from, groups, accounts (did you mean "token"?)
    "#);
    assert_snapshot!(Home::with("channels = 5\n").errors(), @"openclaw.toml:1:12: channels: expected a table, found an integer");
    assert_snapshot!(Home::with("[channels]\ntelegram = true\n").errors(), @"openclaw.toml:2:12: channels.telegram: expected a table, found a boolean");
}
