use std::sync::Arc;

use insta::assert_snapshot;
use openclaw_config::{
    FetchedSecret, LoadRequest, SecretError, SecretReference, SecretSource, load,
};
use openclaw_core::{ChannelKind, Secret};

use crate::support::{Channels, Home, read_chat, set_mode};

fn token_of(home: &Home) -> Secret {
    let loaded = home.load().expect("loads");
    let kind = ChannelKind::new("telegram").expect("kind");
    let settings = loaded.config.channels[&kind].read(read_chat).expect("valid");
    settings.token.expect("token")
}

#[test]
fn secrets_come_from_where_they_are_referred_to() {
    let mut home = Home::new();
    home.set("BOT", "from-env");
    home.write("token.txt", "from-file\n");
    for (reference, expected) in [
        ("token = \"${BOT}\"", "from-env"),
        ("token = { env = \"BOT\" }", "from-env"),
        ("token = { file = \"token.txt\" }", "from-file"),
        ("token = { file = \"~/.openclaw-rs/token.txt\" }", "from-file"),
        ("token_file = \"token.txt\"", "from-file"),
        (
            "token = { exec = [\"sh\", \"-c\", \"printf 'from-%s' $BOT; echo noise >&2\"] }",
            "from-from-env",
        ),
    ] {
        home.write("openclaw.toml", &format!("[channels.telegram]\n{reference}\n"));
        assert_eq!(token_of(&home), Secret::new(expected), "{reference}");
    }
    assert_eq!(home.load().expect("loads").files.len(), 1);
    home.write("openclaw.toml", "[channels.telegram]\ntoken_file = \"token.txt\"\n");
    assert!(home.load().expect("loads").files.contains(&home.state().join("token.txt")));
}

#[test]
fn secrets_that_cannot_be_had_are_explained() {
    let home = Home::new();
    home.write("empty", "\n");
    home.write("large", &"x".repeat(70_000));
    std::fs::write(home.state().join("binary"), [0xff, 0xfe]).expect("written");
    let errors = |line: &str| {
        home.write("openclaw.toml", &format!("[channels.telegram]\n{line}\n"));
        home.errors()
    };
    assert_snapshot!(errors("token = \"\""), @"openclaw.toml:2:9: channels.telegram.token: must not be empty");
    assert_snapshot!(errors("token = 12345"), @"openclaw.toml:2:9: channels.telegram.token: expected a string or { env | file | exec | keyring = … }, found an integer");
    assert_snapshot!(errors("token = { env = \"NOT_SET\" }"), @"openclaw.toml:2:9: channels.telegram.token: environment variable NOT_SET is not set or empty");
    assert_snapshot!(errors("token = { file = \"none\" }"), @"openclaw.toml:2:9: channels.telegram.token: ~/.openclaw-rs/none cannot be read: No such file or directory (os error 2)");
    assert_snapshot!(errors("token = { file = \".\" }"), @"openclaw.toml:2:9: channels.telegram.token: ~/.openclaw-rs/. is not a file");
    assert_snapshot!(errors("token_file = \"empty\""), @"openclaw.toml:2:14: channels.telegram.token_file: ~/.openclaw-rs/empty is empty");
    assert_snapshot!(errors("token_file = \"large\""), @"openclaw.toml:2:14: channels.telegram.token_file: ~/.openclaw-rs/large is larger than 64 KiB");
    assert_snapshot!(errors("token_file = \"binary\""), @"openclaw.toml:2:14: channels.telegram.token_file: ~/.openclaw-rs/binary is not UTF-8");
    assert_snapshot!(errors("token = { exec = [\"/no/such/program\"] }"), @"openclaw.toml:2:9: channels.telegram.token: /no/such/program cannot be started: No such file or directory (os error 2)");
    assert_snapshot!(errors("token = { exec = [\"false\"] }"), @"openclaw.toml:2:9: channels.telegram.token: false failed: exit status: 1");
    assert_snapshot!(errors("token = { exec = [\"true\"] }"), @"openclaw.toml:2:9: channels.telegram.token: the output of true is empty");
    assert_snapshot!(errors("token = { exec = [\"sh\", \"-c\", \"yes | head -c 100000\"] }"), @"openclaw.toml:2:9: channels.telegram.token: the output of sh is larger than 64 KiB");
    assert_snapshot!(errors("token = { exec = \"pass show x\" }"), @"openclaw.toml:2:9: channels.telegram.token: exec must be a list of strings, the command first");
    assert_snapshot!(errors("token = { keyring = \"service\" }"), @r#"openclaw.toml:2:9: channels.telegram.token: keyring must be "service/account""#);
    assert_snapshot!(errors("token = { vault = \"x\" }"), @"openclaw.toml:2:9: channels.telegram.token: a secret reference has exactly one key: env, file, exec or keyring");
    assert_snapshot!(errors("token = { env = \"A\", file = \"b\" }"), @"openclaw.toml:2:9: channels.telegram.token: a secret reference has exactly one key: env, file, exec or keyring");
    assert_snapshot!(errors("token = \"x\"\ntoken_file = \"y\""), @"openclaw.toml:3:14: channels.telegram.token_file: is given twice: keep either token or token_file");
    assert_snapshot!(errors("token = \"x\"\ndm_policy = { env = \"A\" }"), @r#"openclaw.toml:3:13: channels.telegram.dm_policy: expected a string, found a table (only secrets take references; use "${VARIABLE}" in a string)"#);
}

#[test]
fn a_secret_file_that_others_can_read_is_warned_about() {
    let home = Home::with("[channels.telegram]\ntoken_file = \"token.txt\"\n");
    let path = home.write("token.txt", "x");
    assert_eq!(home.warnings(), "");
    set_mode(&path, 0o640);
    assert_snapshot!(home.warnings(), @"openclaw.toml:2:14: channels.telegram.token: others may read ~/.openclaw-rs/token.txt (mode 0640): run `chmod 600 ~/.openclaw-rs/token.txt`");
}

/// Stands for the keyring of a desktop, and counts.
#[derive(Debug, Default)]
struct Keyring(std::sync::atomic::AtomicUsize);

impl SecretSource for Keyring {
    fn fetch(&self, reference: &SecretReference) -> Result<FetchedSecret, SecretError> {
        self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        match reference {
            SecretReference::Keyring { service, account } if service == "openclaw" => {
                Ok(FetchedSecret { secret: Secret::new(format!("{account}!")), warning: None })
            }
            _ => Err(SecretError("no such entry".to_owned())),
        }
    }
}

#[test]
fn each_secret_is_fetched_once_a_load() {
    let home = Home::with(
        "[channels.telegram]\ntoken = { keyring = \"openclaw/bot\" }\n[channels.slack]\ntoken = { keyring = \"openclaw/bot\" }\n",
    );
    let keyring = Arc::new(Keyring::default());
    let environment = home.environment();
    let mut request = LoadRequest::new(&environment, &Channels);
    request.secrets = Arc::<Keyring>::clone(&keyring);
    let loaded = load(&request).expect("loads");
    for table in loaded.config.channels.values() {
        let settings = table.read(read_chat).expect("valid");
        assert_eq!(settings.token, Some(Secret::new("bot!")));
    }
    assert_eq!(keyring.0.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn no_secret_is_in_what_people_read() {
    let canary = "CANARY-6f1d";
    let mut home = Home::new();
    home.set("CANARY", canary);
    home.write("canary", canary);
    // Every place that a secret may stand in by mistake, wrong in every way we know.
    for text in [
        "tokn = \"${CANARY}\"\n",
        "[gateway]\nport = \"${CANARY}\"\nbind_address = \"${CANARY}\"\nallowed_hosts = [\"${CANARY} x\"]\nallowed_origins = [\"${CANARY}\"]\n",
        "[agents]\nmodel = \"${CANARY}\"\nfallbacks = [\"${CANARY}/x\"]\n[[agents.list]]\nid = \"${CANARY}\"\n",
        "[session]\ndm_scope = \"${CANARY}\"\nowners = [\"${CANARY}\"]\nreset.at = \"${CANARY}\"\n",
        "[[routing.rules]]\npattern = \"${CANARY}(\"\nchannel = \"${CANARY}\"\nagent = \"${CANARY}\"\n",
        "[models.providers.x]\napi = \"${CANARY}\"\nbase_url = \"https://u:${CANARY}@x\"\napi_key = [\"${CANARY}\"]\n",
        "[storage]\nbackend = \"postgres\"\nurl = \"postgres://u:${CANARY}@h\"\npath = \"${CANARY}\"\n",
        "[channels.telegram]\ntoken = { exec = [\"sh\", \"-c\", \"echo $CANARY; echo $CANARY >&2; exit 3\"] }\ndm_policy = \"${CANARY}\"\n",
        "[channels.telegram]\ntoken = [\"${CANARY}\"]\naccounts.a = \"${CANARY}\"\nxyz = \"${CANARY}\"\n",
        "[channels.telegram]\ntoken = \"CANARY-6f1d\n",
        "[channels.telegram]\ntoken = CANARY-6f1d\n",
        "[channels.telegram]\ntoken = \"CANARY-6f1d\" \"CANARY-6f1d\"\n",
    ] {
        home.write("openclaw.toml", text);
        let errors = home.load().expect_err(text);
        let seen = format!(
            "{errors} {errors:?} {}",
            openclaw_errors::OpenClawError::from(errors.clone()).report()
        );
        assert!(!seen.contains(canary), "{text}: {seen}");
    }
    home.write(
        "openclaw.toml",
        "[gateway]\nauth.token = \"${CANARY}\"\n[models.providers.openai]\napi_key = { file = \"canary\" }\n[channels.telegram]\ntoken_file = \"canary\"\n[channels.telegram.accounts.two]\ntoken = \"CANARY-6f1d\"\n",
    );
    let loaded = home.load().expect("loads");
    let seen = format!("{loaded:?} {} {}", loaded.effective(), loaded.effective_toml());
    assert!(seen.contains("***"));
    assert!(!seen.contains(canary), "{seen}");
}
