use openclaw_config::{ChannelTable, Environment, TableReader, describe};
use openclaw_core::{ChannelKind, Secret};

use super::{AccountKeys, ServiceKeys, read_accounts};
use crate::{AccessPolicy, DmPolicy, GroupPolicy};

#[derive(Debug)]
struct Keys {
    token: Option<Secret>,
    poll_seconds: Option<u32>,
}

impl ServiceKeys for Keys {
    const CREDENTIAL: &'static str = "token";

    fn read(reader: &mut TableReader<'_>) -> Self {
        Self {
            token: reader.secret("token", "The token."),
            poll_seconds: reader.integer("poll_seconds", "The pause.", 0..=50_u32).optional(),
        }
    }

    fn has_credential(&self) -> bool {
        self.token.is_some()
    }

    fn over(self, above: &Self) -> Self {
        Self { poll_seconds: self.poll_seconds.or(above.poll_seconds), ..self }
    }
}

fn kind() -> ChannelKind {
    ChannelKind::new("telegram").unwrap()
}

fn read(toml: &str) -> Result<Vec<AccountKeys<Keys>>, String> {
    let table = ChannelTable::from_toml(kind(), toml, &Environment::default()).unwrap();
    table
        .read(|reader| read_accounts::<Keys>(reader, &kind()))
        .map_err(|issues| issues.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))
}

#[test]
fn defaults_are_closed() {
    let accounts = read("token = \"t\"").unwrap();
    let [account] = &accounts[..] else { panic!("one account, not {}", accounts.len()) };
    assert_eq!(account.channel_id.as_str(), "telegram");
    assert!(account.common.enabled);
    assert_eq!(account.common.access, AccessPolicy::closed());
    assert_eq!(account.common.text_limit, None);
}

#[test]
fn accounts_are_laid_over_the_top_but_bring_their_own_credential() {
    let accounts = read(
        r#"
        token = "top"
        base_url = "http://127.0.0.1:9/"
        dm_policy = "allowlist"
        allow_from = [123, "@Ann", "telegram:77"]
        group_policy = "open"
        media_max_mb = 0.5
        poll_seconds = 7
        [groups."-100"]
        require_mention = false
        agent = "work"
        [accounts.work]
        token = "work"
        allow_from = []
        text_limit = 1000
        [accounts.off]
        token = "off"
        enabled = false
        groups = {}
        "#,
    )
    .unwrap();
    let ids: Vec<_> = accounts.iter().map(|account| account.channel_id.as_str()).collect();
    assert_eq!(ids, ["telegram", "telegram/work", "telegram/off"]);
    let [top, work, off] = &accounts[..] else { unreachable!("three ids were compared") };
    assert_eq!(top.common.access.allow_from, ["123", "@Ann", "77"]);
    assert_eq!(top.common.base_url.as_ref().unwrap().as_str(), "http://127.0.0.1:9");
    assert_eq!(top.common.media_max_bytes, Some(512 * 1024));
    assert_eq!(top.common.access.groups["-100"].require_mention, Some(false));

    assert_eq!(work.service.token.as_ref().unwrap().expose(), "work");
    assert_eq!(work.service.poll_seconds, Some(7));
    assert_eq!(work.common.access.dm_policy, DmPolicy::Allowlist);
    assert_eq!(work.common.access.allow_from, Vec::<String>::new());
    assert_eq!(work.common.access.group_policy, GroupPolicy::Open);
    assert_eq!(work.common.access.groups, top.common.access.groups);
    assert_eq!(work.common.text_limit, Some(1000));
    assert!(work.common.enabled && !off.common.enabled);
    assert!(off.common.access.groups.is_empty());
}

#[test]
fn the_default_account_can_stand_among_the_others() {
    let accounts = read("[accounts.b]\ntoken = \"b\"\n[accounts.default]\ntoken = \"d\"").unwrap();
    let ids: Vec<_> = accounts.iter().map(|account| account.channel_id.as_str()).collect();
    assert_eq!(ids, ["telegram", "telegram/b"]);
    insta::assert_snapshot!(
        read("token = \"t\"\n[accounts.default]\ntoken = \"d\"").unwrap_err(),
        @"openclaw.toml:2:2: channels.telegram.accounts: account default: token stands above too: keep either"
    );
}

#[test]
fn a_disabled_table_disables_all_and_needs_no_credential() {
    assert!(read("enabled = false").unwrap().is_empty());
    let accounts = read("enabled = false\n[accounts.a]\ntoken = \"a\"\nenabled = true").unwrap();
    assert!(!accounts[0].common.enabled);
}

#[test]
fn what_cannot_be_read_is_an_issue_and_never_open() {
    insta::assert_snapshot!(
        read(
            r#"
            token = ""
            base_url = "http://example.org"
            dm_policy = "opne"
            allow_from = ["", 1.5, "@", "a b", "12*"]
            group_policy = "pairing"
            require_mention = "no"
            text_limit = 0
            media_max_mb = -1
            tokn = "x"
            [groups.x]
            agent = "No Agent"
            allow_from = "*"
            [accounts."a/b"]
            "#,
        )
        .unwrap_err(),
        @r#"
    openclaw.toml:2:21: channels.telegram.token: must not be empty
    openclaw.toml:3:24: channels.telegram.base_url: must begin with https:// or wss://; http:// and ws:// only reach this machine
    openclaw.toml:4:25: channels.telegram.dm_policy: must be one of "pairing", "allowlist", "open", "disabled" (did you mean "open"?)
    openclaw.toml:5:27: channels.telegram.allow_from[0]: must not be empty
    openclaw.toml:5:31: channels.telegram.allow_from[1]: expected a string or a whole number, found a float
    openclaw.toml:6:28: channels.telegram.group_policy: must be one of "allowlist", "open", "disabled"
    openclaw.toml:7:31: channels.telegram.require_mention: expected true or false, found a string
    openclaw.toml:8:26: channels.telegram.text_limit: must be from 4 to 1000000, not 0
    openclaw.toml:9:28: channels.telegram.media_max_mb: must be from 0 to 4096, not -1
    openclaw.toml:10:13: channels.telegram.tokn: unknown key; allowed here: enabled, base_url, dm_policy, allow_from, group_policy, groups, require_mention, text_limit, media_max_mb, token, token_file, poll_seconds, accounts (did you mean "token"?)
    openclaw.toml:12:21: channels.telegram.groups.x.agent: invalid agent id "No Agent": [a-z0-9][a-z0-9_-]{0,63}
    openclaw.toml:13:26: channels.telegram.groups.x.allow_from: expected a list, found a string
    openclaw.toml:14:13: channels.telegram.accounts."a/b".token: is missing; every account has its own
    openclaw.toml:14:14: channels.telegram.accounts: the name of an account: invalid channel id "telegram/a/b": <kind> or <kind>/<account>
    "#
    );
    let lists = [
        ("[\"@\"]", "entry 0 is empty; expected an id, an `@name` or `*`"),
        ("[\"a\", \"b c\"]", "entry 1 holds a space; expected one id, `@name` or `*` per entry"),
        ("[\"12*\"]", "entry 0 is a pattern; expected an id, an `@name` or `*` alone"),
    ];
    for (list, message) in lists {
        let issue = read(&format!("token = \"t\"\nallow_from = {list}")).unwrap_err();
        assert!(issue.ends_with(message), "{issue}");
    }
    assert_eq!(read("dm_policy = \"open\"").unwrap_err(), "channels.telegram.token: is missing");
}

#[test]
fn the_schema_describes_both_levels() {
    let schema = describe(|reader| read_accounts::<Keys>(reader, &kind()));
    let account = &schema["properties"]["accounts"]["additionalProperties"]["properties"];
    for keys in [&schema["properties"], account] {
        assert_eq!(keys["dm_policy"]["enum"][0], "pairing");
        assert_eq!(keys["token"]["writeOnly"], true);
        assert!(keys["groups"]["additionalProperties"]["properties"]["agent"].is_object());
    }
    assert!(account.get("accounts").is_none(), "accounts have no accounts");
}

#[test]
fn fingerprints_change_with_settings_but_not_with_access() {
    let fingerprint = |toml: &str| {
        let account = read(toml).unwrap().remove(0);
        let token = account.service.token.unwrap();
        account.common.fingerprint().secret("token", &token).finish()
    };
    let plain = fingerprint("token = \"t\"");
    assert_eq!(plain, fingerprint("token = \"t\"\ndm_policy = \"open\""));
    assert_ne!(plain, fingerprint("token = \"u\""));
    assert_ne!(plain, fingerprint("token = \"t\"\ntext_limit = 100"));
}
