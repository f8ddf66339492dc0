//! Signing in as people do it: first keys, passwords, certificates, and the gateway's life as a service.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;
use tokio::io::AsyncWriteExt as _;
use tokio::process::{Child, Command};
use tokio::time::timeout;

use crate::support::{LIMIT, free_port};

/// A state folder, and the program in it.
struct Home {
    folder: TempDir,
    port: u16,
}

impl Home {
    fn new(config: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder can be made");
        let home = Self { folder, port: free_port() };
        fs::create_dir(home.state()).expect("it can be made");
        fs::write(home.state().join("openclaw.toml"), config).expect("it can be written");
        home
    }

    fn state(&self) -> PathBuf {
        self.folder.path().join("state")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_openclaw"));
        let path = format!("{}:/usr/local/bin:/usr/bin:/bin", self.folder.path().display());
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", path)
            .env("OPENCLAW_STATE_DIR", self.state())
            .env("OPENCLAW_GATEWAY_PORT", self.port.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true);
        command
    }

    /// Runs a command with this typed in.
    async fn run(&self, arguments: &[&str], typed: &str) -> Output {
        let mut child = self.command(arguments).spawn().expect("the program can be started");
        let mut stdin = child.stdin.take().expect("it is piped");
        // A command that reads nothing may be gone before.
        let written = stdin.write_all(typed.as_bytes()).await;
        drop((written, stdin));
        let output = timeout(LIMIT, child.wait_with_output()).await.expect("it ends in time");
        output.expect("the process is ours")
    }

    /// Runs a command that must succeed; what it prints as JSON.
    async fn json(&self, arguments: &[&str], typed: &str) -> Value {
        let output = self.run(&[&["--json"], arguments].concat(), typed).await;
        assert!(output.status.success(), "{arguments:?}: {output:?}");
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Starts a gateway and waits until it answers.
    async fn start(&self, more: &[&str]) -> Child {
        let log = fs::File::create(self.folder.path().join("log")).expect("it can be made");
        let child = self
            .command(&[&["gateway", "run"], more].concat())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("the program can be started");
        let answers = async {
            while !self.run(&["gateway", "status"], "").await.status.success() {
                tokio::time::sleep(std::time::Duration::from_millis(50)).await;
            }
        };
        if timeout(LIMIT, answers).await.is_err() {
            panic!("{}", fs::read_to_string(self.folder.path().join("log")).unwrap_or_default());
        }
        child
    }
}

fn text(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

#[tokio::test]
async fn the_first_key_is_made_before_the_first_start_and_opens_the_gateway_to_others() {
    let home = Home::new("");
    let beyond = ["gateway", "run", "--bind", "0.0.0.0"];
    let refused = home.run(&beyond, "").await;
    assert_eq!(refused.status.code(), Some(3), "{refused:?}");

    let made = home.json(&["keys", "create", "phone", "--scope", "admin"], "").await;
    let key = made["key"].as_str().expect("a key").to_owned();
    let listed = home.json(&["keys", "list"], "").await;
    assert_eq!(listed["keys"][0]["name"], "phone");

    let _gateway = home.start(&["--bind", "0.0.0.0"]).await;
    let logged_in = home.json(&["login", "--api-key"], &format!("{key}\n")).await;
    assert_eq!(logged_in["scopes"], serde_json::json!(["operator.admin"]));
    fs::remove_file(home.state().join("gateway.token")).expect("it was generated");
    assert!(home.run(&["sessions", "list"], "").await.status.success());
    let mode = fs::metadata(home.state().join("login.json")).expect("kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    let rotated = home.json(&["keys", "rotate", "phone"], "").await;
    let old = home.run(&["sessions", "list"], "").await;
    assert_eq!(old.status.code(), Some(5), "{old:?}");
    let fresh = rotated["key"].as_str().expect("a key");
    home.json(&["login", "--api-key"], fresh).await;
    home.json(&["keys", "revoke", "phone"], "").await;
    assert_eq!(home.run(&["keys", "list"], "").await.status.code(), Some(5));
    assert!(home.json(&["logout"], "").await["signed_out"].as_bool().expect("a flag"));
}

#[tokio::test]
async fn a_password_signs_in_for_a_while() {
    let home = Home::new("");
    home.json(&["gateway", "set-password"], "open sesame\n").await;
    let config = fs::read_to_string(home.state().join("openclaw.toml")).expect("there");
    assert!(config.contains("$argon2id$") && !config.contains("sesame"), "{config}");
    let _gateway = home.start(&[]).await;
    fs::remove_file(home.state().join("gateway.token")).expect("it was generated");
    let wrong = home.run(&["login"], "close sesame\n").await;
    assert_eq!(wrong.status.code(), Some(5), "{wrong:?}");
    assert_eq!(home.run(&["sessions", "list"], "").await.status.code(), Some(5));
    let logged_in = home.json(&["login"], "open sesame\n").await;
    assert!(logged_in["expires_at"].is_string() && logged_in["access_token"].is_null());
    assert!(home.run(&["sessions", "list"], "").await.status.success());
    let kept = fs::read_to_string(home.state().join("login.json")).expect("kept");
    assert!(!kept.contains("sesame"));
}

#[tokio::test]
async fn tls_is_trusted_by_its_fingerprint_alone() {
    let home = Home::new("[gateway.tls]\nenabled = true\n");
    let _gateway = home.start(&[]).await;
    let status = home.json(&["gateway", "status"], "").await;
    let fingerprint = status["tls_fingerprint"].as_str().expect("a fingerprint").to_owned();
    assert!(status["listening"][0].as_str().is_some_and(|at| at.starts_with("https://")));
    let address = format!("https://127.0.0.1:{}", home.port);
    let token = fs::read_to_string(home.state().join("gateway.token")).expect("generated");
    let login = ["--gateway", &address, "--fingerprint", &fingerprint, "login", "--token"];
    home.json(&login, &token).await;
    home.json(&["--gateway", &address, "sessions", "list"], "").await;
    let other = "00".repeat(32);
    let wrong = ["--gateway", &*address, "--fingerprint", &other, "sessions", "list"];
    let refused = home.run(&wrong, "").await;
    assert_eq!(refused.status.code(), Some(5), "{refused:?}");
    assert!(text(&refused).contains("not trusted"), "{refused:?}");
    let garbled = ["--gateway", &*address, "--fingerprint", "12", "sessions", "list"];
    assert_eq!(home.run(&garbled, "").await.status.code(), Some(2));
    let unknown = Home::new("");
    let nobody = unknown.run(&["--gateway", &address, "sessions", "list"], "").await;
    assert_eq!(nobody.status.code(), Some(5), "no authority vouches for it: {nobody:?}");
    let key = fs::metadata(home.state().join("tls/key.pem")).expect("kept").permissions().mode();
    assert_eq!(key & 0o777, 0o600);
}

#[tokio::test]
async fn files_that_are_no_certificate_refuse_the_start() {
    for config in [
        "[gateway.tls]\nenabled = true\ncertificate = \"a.pem\"\n",
        "[gateway.tls]\nenabled = true\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n",
        "[gateway.tls]\ncertificate = \"a.pem\"\nkey = \"b.pem\"\n",
    ] {
        let home = Home::new(config);
        let refused = home.run(&["gateway", "run"], "").await;
        assert_eq!(refused.status.code(), Some(3), "{config}: {refused:?}");
        assert!(text(&refused).contains("gateway.tls"), "{refused:?}");
    }
}

#[tokio::test]
async fn a_restart_keeps_the_process_and_the_state() {
    let home = Home::new("");
    let mut gateway = home.start(&[]).await;
    let before = home.json(&["gateway", "status"], "").await;
    home.json(&["keys", "create", "kept", "--scope", "read"], "").await;
    let after = home.json(&["gateway", "restart"], "").await;
    assert_eq!(after["pid"], before["pid"]);
    assert_ne!(after["started_at"], before["started_at"]);
    assert_eq!(home.json(&["keys", "list"], "").await["keys"][0]["name"], "kept");
    assert!(home.run(&["gateway", "stop"], "").await.status.success());
    let ended = timeout(LIMIT, gateway.wait()).await.expect("it ends").expect("ours");
    assert!(ended.success(), "{ended:?}");
}

#[tokio::test]
async fn a_service_is_installed_and_removed_by_systemctl() {
    let home = Home::new("");
    let (fake, said) = (home.folder.path().join("systemctl"), home.folder.path().join("said"));
    let script = format!("#!/bin/sh\necho \"$@\" >> {}\n", said.display());
    fs::write(&fake, script).expect("it can be written");
    fs::set_permissions(&fake, fs::Permissions::from_mode(0o755)).expect("it is ours");
    let installed = home.json(&["gateway", "install"], "").await;
    let unit = PathBuf::from(installed["unit"].as_str().expect("a path"));
    let written = fs::read_to_string(&unit).expect("it is there");
    assert!(
        written.contains("gateway run") && written.contains("OPENCLAW_STATE_DIR="),
        "{written}"
    );
    let printed = home.run(&["gateway", "install", "--print"], "").await;
    assert_eq!(String::from_utf8_lossy(&printed.stdout), written);
    home.json(&["gateway", "uninstall"], "").await;
    assert!(!unit.exists());
    let calls = fs::read_to_string(said).expect("it was called");
    let calls: Vec<&str> = calls.lines().collect();
    assert_eq!(
        calls,
        [
            "--version",
            "--user daemon-reload",
            "--user enable --now openclaw-gateway.service",
            "--user disable --now openclaw-gateway.service",
            "--user daemon-reload",
        ]
    );
    assert_eq!(home.run(&["gateway", "uninstall"], "").await.status.code(), Some(6));
}

#[tokio::test]
async fn a_login_of_another_machine_is_never_replaced_by_this_one() {
    let home = Home::new("");
    home.json(&["keys", "create", "here", "--scope", "read"], "").await;
    let kept = |expiry: &str| {
        let port = free_port();
        let text = format!(
            "{{\"address\":\"127.0.0.1:{port}\",\"tls\":false,\"credential\":\"x\"{expiry}}}"
        );
        fs::write(home.state().join("login.json"), text).expect("it can be written");
    };
    kept("");
    let unreachable = home.run(&["keys", "list"], "").await;
    assert_eq!(unreachable.status.code(), Some(4), "{unreachable:?}");
    kept(",\"expires_at\":\"2020-01-01T00:00:00.000Z\"");
    for command in [["keys", "list"], ["sessions", "list"]] {
        let expired = home.run(&command, "").await;
        assert_eq!(expired.status.code(), Some(5), "{expired:?}");
        assert!(text(&expired).contains("expired at 2020-01-01"), "{expired:?}");
        assert!(text(&expired).contains("`openclaw login` again"), "{expired:?}");
    }
    assert_eq!(home.run(&["login"], "x\n").await.status.code(), Some(4), "its place is asked");
}

#[tokio::test]
async fn a_login_that_an_owners_token_goes_before_says_so() {
    let token = "a token of sufficient length, of the owner";
    let home = Home::new(&format!("[gateway.auth]\ntoken = \"{token}\"\n"));
    let _gateway = home.start(&[]).await;
    let logged_in = home.run(&["login", "--token"], token).await;
    assert!(logged_in.status.success(), "{logged_in:?}");
    assert!(
        text(&logged_in).contains("gateway.auth.token goes before this login"),
        "{logged_in:?}"
    );
}

#[tokio::test]
async fn a_key_that_has_expired_is_called_so() {
    let home = Home::new("");
    home.json(&["keys", "create", "short", "--scope", "read", "--expires-in", "1s"], "").await;
    let expired = async {
        while !text(&home.run(&["keys", "list"], "").await).contains("  expired 2") {
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    };
    timeout(LIMIT, expired).await.expect("it says so");
}

#[tokio::test]
async fn an_export_that_cannot_be_written_ends() {
    use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage};
    use openclaw_storage::{Batch, NoObserver, Storage as _, Write};
    let home = Home::new("");
    let (options, clock) = (
        SqliteOptions::new(home.state().join("openclaw.db")),
        std::sync::Arc::new(openclaw_core::SystemClock),
    );
    let opening = SqliteStorage::open(options, clock, std::sync::Arc::new(NoObserver));
    let storage = opening.await.expect("opens");
    // More than the lines that wait to be written, and more than a buffer.
    let batch = (0..500).fold(Batch::new(), |batch, number| {
        batch.with(Write::PutValue {
            key: format!("test.{number}"),
            value: "x".repeat(1_000),
            expect: None,
        })
    });
    storage.apply(batch).await.expect("stores");
    storage.close().await;
    let whole = home.folder.path().join("whole");
    let exported = home.run(&["backup", "export", whole.to_str().expect("UTF-8")], "").await;
    assert!(exported.status.success(), "{exported:?}");
    assert!(fs::read_to_string(whole).expect("there").lines().count() > 500);

    let full = home.run(&["backup", "export", "/dev/full"], "").await;
    assert_eq!(full.status.code(), Some(1), "{full:?}");
    assert!(text(&full).contains("/dev/full"), "{full:?}");

    let mut child = home.command(&["backup", "export"]).spawn().expect("it can be started");
    drop(child.stdout.take());
    let ended = timeout(LIMIT, child.wait()).await.expect("it ends").expect("ours");
    assert!(ended.success(), "whoever reads has read enough: {ended:?}");
}

#[tokio::test]
async fn doctor_looks_at_every_file_with_a_secret() {
    let home = Home::new("");
    let state = home.state();
    fs::set_permissions(&state, fs::Permissions::from_mode(0o700)).expect("it is ours");
    for (folder, file) in [(".", "login.json"), ("tls", "tls/key.pem"), ("backups", "backups/x")] {
        fs::create_dir_all(state.join(folder)).expect("it can be made");
        fs::write(state.join(file), "").expect("it can be written");
        fs::set_permissions(state.join(file), fs::Permissions::from_mode(0o644)).expect("ours");
    }
    let found = text(&home.run(&["doctor"], "").await);
    for path in ["login.json", "tls/key.pem", "backups"] {
        let told = format!("{} can be read by others", state.join(path).display());
        assert!(found.contains(&told), "{path}: {found}");
    }
}

#[tokio::test]
async fn a_certificate_that_was_renewed_on_disk_is_not_expected_before_it_is_shown() {
    let config = "[gateway.tls]\nenabled = true\n";
    let (home, other) = (Home::new(config), Home::new(config));
    let _gateway = home.start(&[]).await;
    let others = other.start(&[]).await;
    let shown = home.json(&["gateway", "status"], "").await["tls_fingerprint"].clone();
    for file in ["tls/certificate.pem", "tls/key.pem"] {
        fs::copy(other.state().join(file), home.state().join(file)).expect("renewed");
    }
    drop(others);
    let status = home.run(&["--json", "gateway", "status"], "").await;
    assert!(status.status.success(), "{status:?}");
    let restarted = home.json(&["gateway", "restart"], "").await;
    assert_ne!(restarted["tls_fingerprint"], shown);
}

#[tokio::test]
async fn an_owners_certificate_is_shown_as_it_is_renewed() {
    use nix::sys::signal::{Signal, kill};
    use nix::unistd::Pid;
    let pair =
        |home: &Home| ["tls/certificate.pem", "tls/key.pem"].map(|file| home.state().join(file));
    let made = Home::new("[gateway.tls]\nenabled = true\n");
    let maker = made.start(&[]).await;
    let fresh = made.json(&["gateway", "status"], "").await["tls_fingerprint"].clone();
    drop(maker);

    let home = Home::new("");
    let [certificate, key] =
        ["owner.pem", "owner-key.pem"].map(|file| home.folder.path().join(file));
    let old = Home::new("[gateway.tls]\nenabled = true\n");
    drop(old.start(&[]).await);
    let [from, from_key] = pair(&old);
    fs::copy(from, &certificate).expect("copied");
    fs::copy(from_key, &key).expect("copied");
    let config = format!(
        "[gateway.tls]\nenabled = true\ncertificate = '{}'\nkey = '{}'\n",
        certificate.display(),
        key.display()
    );
    fs::write(home.state().join("openclaw.toml"), config).expect("it can be written");
    let gateway = home.start(&[]).await;
    let shown = home.json(&["gateway", "status"], "").await["tls_fingerprint"].clone();
    assert_ne!(shown, fresh);

    let hang_up = || {
        let id = gateway.id().expect("it runs");
        kill(Pid::from_raw(i32::try_from(id).expect("it fits")), Signal::SIGHUP).expect("ours");
    };
    let log = || fs::read_to_string(home.folder.path().join("log")).unwrap_or_default();
    let says = async |text: &str| {
        while !log().contains(text) {
            tokio::task::yield_now().await;
        }
    };
    let [renewed, renewed_key] = pair(&made);
    fs::copy(&renewed, &certificate).expect("copied");
    hang_up();
    // The key of before does not belong to it.
    timeout(LIMIT, says("the certificate of before stays")).await.expect("it is told");
    let status = home.json(&["gateway", "status"], "").await;
    assert_eq!(status["tls_fingerprint"], shown);

    fs::copy(&renewed_key, &key).expect("copied");
    hang_up();
    timeout(LIMIT, says("another certificate is shown")).await.expect("it is told");
    // The command trusts nothing but what the gateway has left, and sees it at the handshake.
    let status = home.json(&["gateway", "status"], "").await;
    assert_eq!(status["tls_fingerprint"], fresh);
    let address = format!("https://127.0.0.1:{}", home.port);
    let of_before = shown.as_str().expect("a fingerprint");
    let refused = home
        .run(&["--gateway", &address, "--fingerprint", of_before, "sessions", "list"], "")
        .await;
    assert!(text(&refused).contains("not trusted"), "{refused:?}");
}

#[tokio::test]
async fn who_is_one_too_many_for_tls_is_only_cut_off() {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;
    let home = Home::new("[gateway]\nmax_connections = 1\n[gateway.tls]\nenabled = true\n");
    let _gateway = home.start(&[]).await;
    // Each connection of a command is given back before the next one comes.
    let said = async {
        let address = ("127.0.0.1", home.port);
        let _first = TcpStream::connect(address).await.expect("connects");
        let mut second = TcpStream::connect(address).await.expect("connects");
        let mut said = Vec::new();
        // A reset says nothing either.
        let read = second.read_to_end(&mut said).await;
        drop(read);
        said
    };
    let said = timeout(LIMIT, said).await.expect("it is cut off");
    assert_eq!(String::from_utf8_lossy(&said), "");
}
