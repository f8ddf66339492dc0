//! 1 and 38: where it listens, and what lies on the disk.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use serde_json::json;
use tokio::net::TcpStream;

use crate::raw::call;
use crate::support::{TOKEN, TestGateway, run_alone};

#[tokio::test]
async fn s01_it_listens_on_loopback_and_beyond_it_only_with_a_credential() {
    let gateway = TestGateway::with_config("").await;
    let port = gateway.port();
    assert!(TcpStream::connect(("127.0.0.1", port)).await.is_ok());
    assert!(TcpStream::connect(("::1", port)).await.is_ok());
    let listening: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| table.lines().map(str::to_owned).collect::<Vec<_>>())
        .filter_map(|line| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            let (address, at) = fields.get(1)?.split_once(':')?;
            let is_it = *fields.get(3)? == "0A" && u16::from_str_radix(at, 16) == Ok(port);
            is_it.then(|| address.to_owned())
        })
        .collect();
    let loopback = ["0100007F", "00000000000000000000000001000000"];
    assert!(!listening.is_empty());
    assert!(listening.iter().all(|at| loopback.contains(&&**at)), "{listening:?}");

    for bind in ["0.0.0.0", "::", "192.0.2.1"] {
        let output = run_alone(&["gateway", "run", "--bind", bind, "--port", "0"], &[]).await;
        assert_eq!(output.status.code(), Some(3), "{bind}: {output:?}");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains("no credential is set"), "{said}");
    }
}

#[tokio::test]
async fn s38_the_state_folder_is_the_owners_alone() {
    let gateway = TestGateway::with_config("").await;
    call(&gateway, Some(TOKEN), "agent.run", json!({"message": "hello"})).await;
    call(&gateway, Some(TOKEN), "keys.rotate_signing", json!({})).await;
    let mut files = 0;
    check(&gateway.state(), &mut files);
    assert!(files > 3, "{files} files were looked at");
}

/// Holds everything below a folder to its modes. The configuration is the test's own.
fn check(path: &Path, files: &mut usize) {
    let metadata = std::fs::symlink_metadata(path).expect("it is there");
    let mode = metadata.permissions().mode() & 0o777;
    if metadata.is_dir() {
        let is_root = path.ends_with("state");
        assert!(is_root || mode == 0o700, "{} is {mode:o}", path.display());
        for entry in std::fs::read_dir(path).expect("a folder") {
            check(&entry.expect("an entry").path(), files);
        }
    } else if !path.ends_with("openclaw.toml") {
        assert_eq!(mode & 0o077, 0, "{} is {mode:o}", path.display());
        *files += 1;
    }
}

#[tokio::test]
async fn s38_no_credential_is_stored_or_shown_as_it_is() {
    let hash_input = "password-canary-31";
    let gateway = TestGateway::with_config("").await;
    let made = call(
        &gateway,
        Some(TOKEN),
        "keys.create",
        json!({"name": "canary", "scopes": ["operator.admin"]}),
    )
    .await
    .json();
    let key = made["result"]["key"].as_str().expect("a key").to_owned();
    let signed_in = call(&gateway, None, "authenticate", json!({"api_key": key})).await.json();
    let token = signed_in["result"]["access_token"].as_str().expect("a token").to_owned();
    call(&gateway, None, "authenticate", json!({"password": hash_input})).await;
    call(&gateway, None, "authenticate", json!({"api_key": format!("{key}x")})).await;
    let mut seen = gateway.log();
    for method in ["keys.list", "config.get", "gateway.status", "session.list"] {
        seen.push_str(&call(&gateway, Some(&key), method, json!({})).await.body);
    }
    for arguments in [
        vec!["keys", "list"],
        vec!["--json", "keys", "list"],
        vec!["-vv", "config", "show"],
        vec!["config", "get", "gateway"],
        vec!["doctor"],
        vec!["gateway", "status", "--deep"],
    ] {
        let output = gateway.openclaw(&arguments).await;
        seen.push_str(&String::from_utf8_lossy(&output.stdout));
        seen.push_str(&String::from_utf8_lossy(&output.stderr));
    }
    for entry in std::fs::read_dir(gateway.state()).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_file() {
            seen.push_str(&String::from_utf8_lossy(&std::fs::read(path).expect("it can be read")));
        }
    }
    seen.push_str(&gateway.log());
    let secret_part = key.rsplit('_').next().expect("a part").to_owned();
    for secret in [&key, &secret_part, &token, &TOKEN.to_owned(), &hash_input.to_owned()] {
        assert!(!seen.contains(secret.as_str()), "{secret} came out");
    }
    assert!(seen.contains("canary"), "the key itself is listed");
}
