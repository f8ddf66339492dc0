//! No path, under any tool and any alias, reaches a file outside the workspace.

mod support;

use std::collections::BTreeMap;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openclaw_tools::{ToolError, ToolOutput};
use proptest::prelude::*;
use serde_json::{Value, json};
use support::Bench;

const CANARY: &str = "canary-7f3a";

/// A workspace full of ways out, and what lies outside.
fn bench() -> Bench {
    let bench = Bench::new();
    let (root, outside) = (bench.root(), bench.outside());
    std::fs::write(outside.join("secret"), CANARY).expect("written");
    bench.put("inside", "harmless");
    bench.put("sub/inside", "harmless");
    for (name, target) in [
        ("out", outside.to_str().expect("text")),
        ("up", ".."),
        ("sub/far", "../../outside"),
        ("file", "../outside/secret"),
        ("magic", "/proc/self/root"),
        ("cwd", "/proc/self/cwd"),
        ("fd", "/proc/self/fd"),
        ("loop", "loop"),
        ("chain", "sub/far"),
        ("new", "../outside/planted"),
    ] {
        symlink(target, root.join(name)).expect("linked");
    }
    bench
}

/// Every file outside the workspace, with its bytes.
fn outside(bench: &Bench) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(bench.outside()).expect("listed") {
        let path = entry.expect("an entry").path();
        found.insert(path.display().to_string(), std::fs::read(&path).expect("read"));
    }
    for entry in std::fs::read_dir(bench.root().parent().expect("has one")).expect("listed") {
        found.insert(entry.expect("an entry").path().display().to_string(), Vec::new());
    }
    found
}

/// One call of every tool with this path, under every name of the argument.
fn calls(path: &str) -> Vec<(&'static str, Value)> {
    let mut calls = Vec::new();
    for key in ["path", "file_path"] {
        calls.push(("read", json!({key: path})));
        calls.push(("write", json!({key: path, "content": "planted"})));
        calls.push(("edit", json!({key: path, "old_text": CANARY, "new_text": "planted"})));
        calls.push(("list", json!({key: path, "depth": 3})));
        calls.push(("search", json!({"pattern": ".", key: path})));
        calls.push(("search", json!({"pattern": "secret", "in": "names", key: path})));
    }
    calls
}

fn shown(outcome: &Result<ToolOutput, ToolError>) -> String {
    match outcome {
        Ok(output) => output.text.clone(),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn s33_the_known_ways_out_are_shut() {
    let bench = bench();
    let before = outside(&bench);
    let (root, out) = (bench.root().display().to_string(), bench.outside().display().to_string());
    let ways = [
        "../outside/secret".to_owned(),
        "sub/../../outside/secret".to_owned(),
        "./.././outside/secret".to_owned(),
        format!("{out}/secret"),
        format!("{root}/../outside/secret"),
        format!("/workspace/../{out}/secret"),
        "/workspace/../outside/secret".to_owned(),
        "/workspace/out/secret".to_owned(),
        "out/secret".to_owned(),
        "up/outside/secret".to_owned(),
        "sub/far/secret".to_owned(),
        "chain/secret".to_owned(),
        "file".to_owned(),
        "out".to_owned(),
        "new".to_owned(),
        "loop".to_owned(),
        format!("magic{out}/secret"),
        "magic/etc/passwd".to_owned(),
        "cwd/Cargo.toml".to_owned(),
        "fd/0".to_owned(),
        "/etc/passwd".to_owned(),
        "//etc/passwd".to_owned(),
        "/proc/self/environ".to_owned(),
        "/dev/zero".to_owned(),
        "~/.ssh/id_rsa".to_owned(),
        "..".to_owned(),
        "/".to_owned(),
        "inside\0/../../outside/secret".to_owned(),
    ];
    for way in &ways {
        for (tool, arguments) in calls(way) {
            let outcome = bench.call(tool, arguments.clone()).await;
            assert!(
                matches!(outcome, Err(ToolError::RespondToModel(_))),
                "{tool} {arguments}: {outcome:?}"
            );
            assert!(!shown(&outcome).contains(CANARY), "{tool} {arguments}");
        }
    }
    assert_eq!(outside(&bench), before);
}

#[tokio::test]
async fn s33_a_walk_does_not_follow_links() {
    let bench = bench();
    for (tool, arguments) in calls(".") {
        let text = shown(&bench.call(tool, arguments).await);
        assert!(!text.contains(CANARY), "{tool}: {text}");
        for beyond in ["out/", "far/", "chain/", "up/", "magic/", "cwd/", "fd/"] {
            let is_entered = text.lines().any(|line| !line.contains("->") && line.contains(beyond));
            assert!(!is_entered, "{tool} went to {beyond}: {text}");
        }
    }
    let text = bench.text("list", json!({"depth": 9})).await;
    assert!(text.contains("up -> ..\n"), "{text}");
}

#[tokio::test]
async fn s33_an_ignore_file_that_is_a_link_or_a_pipe_is_not_read() {
    let bench = bench();
    std::fs::write(bench.outside().join("rules"), "inside\n").expect("written");
    symlink("../outside/rules", bench.root().join(".gitignore")).expect("linked");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = bench.root().join("sub/.gitignore");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let text = bench.text("list", json!({"depth": 2})).await;
    assert!(text.contains("\ninside\n") && text.contains("sub/inside\n"), "{text}");
}

#[tokio::test]
async fn s33_pipes_devices_and_sockets_are_not_opened() {
    let bench = Bench::new();
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    let pipe = bench.root().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let _socket =
        std::os::unix::net::UnixListener::bind(bench.root().join("socket")).expect("bound");
    for path in ["pipe", "socket"] {
        for (tool, arguments) in [
            ("read", json!({"path": path})),
            ("write", json!({"path": path, "content": "x"})),
            ("edit", json!({"path": path, "old_text": "a", "new_text": "b"})),
            ("search", json!({"pattern": "a", "path": path})),
        ] {
            let outcome = bench.call(tool, arguments).await;
            assert!(
                matches!(outcome, Err(ToolError::RespondToModel(_))),
                "{tool} {path}: {outcome:?}"
            );
        }
        assert!(!bench.root().join(path).metadata().expect("there").is_file());
    }
}

/// A folder of the workspace and a link to the outside change places without pause.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn s33_a_link_swapped_in_meanwhile_leads_nowhere() {
    let bench = bench();
    bench.put("door/secret", "harmless");
    symlink("../outside", bench.root().join("trap")).expect("linked");
    let before = outside(&bench);
    let ended = Arc::new(AtomicBool::new(false));
    let swapping = {
        let (root, ended) = (bench.root(), ended.clone());
        tokio::task::spawn_blocking(move || {
            let mut swaps = 0_u64;
            while !ended.load(Ordering::Relaxed) {
                swap(&root.join("door"), &root.join("trap"));
                swaps += 1;
            }
            swaps
        })
    };
    let mut answered = 0;
    for _ in 0..150 {
        for (tool, arguments) in [
            ("read", json!({"path": "door/secret"})),
            ("write", json!({"path": "door/planted", "content": "planted"})),
            ("write", json!({"path": "door/secret", "content": "harmless"})),
            ("write", json!({"path": "door/deep/planted", "content": "planted"})),
            ("edit", json!({"path": "door/secret", "old_text": CANARY, "new_text": "planted"})),
            ("search", json!({"pattern": ".", "path": "door"})),
            ("search", json!({"pattern": CANARY})),
            ("list", json!({"path": "door"})),
        ] {
            let outcome = bench.call(tool, arguments).await;
            answered += u32::from(outcome.is_ok());
            let text = shown(&outcome);
            // A near miss would name the text that was found.
            assert!(!text.contains(CANARY), "{tool} got out: {text}");
        }
    }
    ended.store(true, Ordering::Relaxed);
    let swaps = swapping.await.expect("swapped");
    assert_eq!(outside(&bench), before, "something was written outside");
    assert!(answered > 0 && swaps > 0, "{answered} answers, {swaps} swaps");
}

fn swap(one: &Path, other: &Path) {
    let cwd = rustix::fs::CWD;
    rustix::fs::renameat_with(cwd, one, cwd, other, rustix::fs::RenameFlags::EXCHANGE)
        .expect("swapped");
}

/// Texts that lead out of a workspace more often than chance would.
fn hostile_path() -> impl Strategy<Value = Vec<String>> {
    let segment = prop_oneof![
        Just("..".to_owned()),
        Just(".".to_owned()),
        Just(String::new()),
        Just("ROOT".to_owned()),
        Just("OUT".to_owned()),
        Just("/workspace".to_owned()),
        prop::sample::select(vec![
            "out", "up", "sub", "far", "file", "magic", "chain", "new", "loop", "inside", "secret",
            "outside", "proc", "self", "root", "cwd", "planted", "~",
        ])
        .prop_map(str::to_owned),
        "[a-z.\\\\%\u{202e}\u{e4} ]{1,6}",
    ];
    prop::collection::vec(segment, 1..7)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn s33_no_path_touches_what_is_outside(parts in hostile_path(), junk in any::<String>(), is_absolute in any::<bool>()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let bench = bench();
            let before = outside(&bench);
            let root = bench.root().display().to_string();
            let out = bench.outside().display().to_string();
            let joined = parts.join("/").replace("ROOT", &root).replace("OUT", &out);
            let joined = if is_absolute { format!("/{joined}") } else { joined };
            for path in [joined, junk] {
                for (tool, arguments) in calls(&path).into_iter().take(6) {
                    let outcome = bench.call(tool, arguments).await;
                    let text = shown(&outcome);
                    prop_assert!(!text.contains(CANARY), "{} {:?}: {}", tool, path, text);
                    match (&outcome, tool) {
                        (Ok(_), "read") => {
                            let known = text.contains("harmless") || text.contains("planted");
                            prop_assert!(known, "{:?}: {}", path, text);
                        }
                        (Ok(_), "write") => {
                            let below = holds(&bench.root(), "planted");
                            prop_assert!(below, "{:?} was written elsewhere", path);
                        }
                        (Err(error), _) => {
                            prop_assert!(matches!(error, ToolError::RespondToModel(_)), "{:?}", error);
                        }
                        _ => {}
                    }
                }
            }
            prop_assert_eq!(outside(&bench), before);
            Ok(())
        })?;
    }
}

/// Whether a regular file below the folder has this content.
fn holds(folder: &Path, content: &str) -> bool {
    std::fs::read_dir(folder).expect("listed").any(|entry| {
        let entry = entry.expect("an entry");
        let kind = entry.file_type().expect("known");
        if kind.is_dir() {
            holds(&entry.path(), content)
        } else {
            kind.is_file()
                && std::fs::read_to_string(entry.path()).is_ok_and(|text| text == content)
        }
    })
}
