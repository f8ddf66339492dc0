use openclaw_channel_telegram::TelegramFactory;
use openclaw_channel_traits::{ChannelFactory, ChannelTable, DmPolicy, Environment};

fn parse(toml: &str) -> Result<openclaw_channel_traits::ParsedChannel, String> {
    let kind = TelegramFactory.kind();
    let table = ChannelTable::from_toml(kind, toml, &Environment::default()).expect("TOML");
    let issues = |issues: Vec<openclaw_channel_traits::Issue>| {
        issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    TelegramFactory.parse(&table).map_err(issues)
}

#[test]
fn accounts_have_tokens_of_their_own() {
    let parsed = parse(
        r#"
        token = "1:a"
        allow_from = [5]
        dm_policy = "allowlist"
        [accounts.work]
        token = "2:b"
        enabled = false
        "#,
    )
    .expect("valid");
    let [first, work] = &parsed.accounts[..] else { panic!("two accounts: {parsed:?}") };
    assert_eq!((first.channel_id.as_str(), first.enabled), ("telegram", true));
    assert_eq!((work.channel_id.as_str(), work.enabled), ("telegram/work", false));
    assert_eq!(work.access.dm_policy, DmPolicy::Allowlist);
    assert_ne!(first.fingerprint, work.fingerprint);
}

#[test]
fn the_fingerprint_changes_with_the_settings_and_not_with_access() {
    let fingerprint = |toml: &str| parse(toml).expect("valid").accounts.remove(0).fingerprint;
    let plain = fingerprint("token = \"1:a\"");
    assert_eq!(plain, fingerprint("token = \"1:a\"\nallow_from = [5]\n"));
    assert_ne!(plain, fingerprint("token = \"1:b\""));
    assert_ne!(plain, fingerprint("token = \"1:a\"\nbase_url = \"http://127.0.0.1:1\"\n"));
}

#[test]
fn mistakes_are_told_without_the_token() {
    let error = parse("token = \"1:canary\"\ntokn = 1\nbase_url = \"http://example.org\"\n")
        .expect_err("wrong");
    assert!(error.contains("tokn") && error.contains("base_url"), "{error}");
    assert!(!error.contains("canary"), "{error}");
    let error = parse("enabled = true").expect_err("no token");
    assert!(error.contains("token") && error.contains("missing"), "{error}");
    assert!(parse("token = \"\"").expect_err("empty").contains("token"));
}

#[test]
fn the_schema_describes_every_key() {
    let schema = TelegramFactory.schema();
    for key in ["token", "token_file", "base_url", "dm_policy", "groups", "accounts", "enabled"] {
        assert!(schema["properties"][key]["description"].is_string(), "{key} in {schema:#}");
    }
    assert_eq!(schema["additionalProperties"], false);
}
