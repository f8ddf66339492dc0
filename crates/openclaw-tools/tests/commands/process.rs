use std::time::Duration;

use openclaw_core::{AgentId, SessionKey};
use openclaw_tools::{ToolContext, ToolError};
use serde_json::json;

use crate::support::Bench;

async fn start(bench: &Bench, command: &str) {
    let text = bench.call("bash", json!({"command": command, "background": true})).await;
    assert_eq!(text.expect("it starts"), "runs in the background as process 1");
}

#[tokio::test]
async fn it_is_written_to_and_polled() {
    let bench = Bench::new();
    start(&bench, "while read line; do echo got $line; done; echo over").await;
    let written = bench.call("process", json!({"action": "write", "id": 1, "data": "one\n"})).await;
    assert_eq!(written.expect("written"), "written");
    let text = bench.call("process", json!({"action": "poll", "id": 1, "wait_seconds": 30})).await;
    assert_eq!(text.expect("polled"), "got one\n[running]");
    let ended = bench.call("process", json!({"action": "write", "id": 1, "eof": true})).await;
    assert_eq!(ended.expect("written"), "written");
    let mut all = String::new();
    while !all.contains("[exit") {
        let poll = json!({"action": "poll", "id": 1, "wait_seconds": 30});
        all.push_str(&bench.call("process", poll).await.expect("polled"));
    }
    assert_eq!(all.replace("[running]", ""), "over\n[exit 0]");
    let late = bench.call("process", json!({"action": "write", "id": 1, "data": "x"})).await;
    assert!(matches!(late, Err(ToolError::RespondToModel(_))), "{late:?}");
}

#[tokio::test]
async fn it_is_listed_and_killed() {
    let bench = Bench::new();
    assert_eq!(
        bench.call("process", json!({"action": "list"})).await.expect("listed"),
        "no processes"
    );
    start(&bench, "trap '' TERM; sleep 600 & wait").await;
    let list = bench.call("process", json!({"action": "list"})).await.expect("listed");
    assert!(list.starts_with("1 [running] "), "{list}");
    let killed = bench.call("process", json!({"action": "kill", "id": 1})).await.expect("killed");
    assert_eq!(killed, "[killed]");
}

#[tokio::test]
async fn other_sessions_do_not_see_it() {
    let bench = Bench::new();
    start(&bench, "sleep 600").await;
    let other = SessionKey::new(&AgentId::main(), "other").expect("a key");
    assert_ne!(other, SessionKey::main(&AgentId::main()));
    for arguments in [json!({"action": "poll", "id": 1}), json!({"action": "kill", "id": 1})] {
        let context = ToolContext { session_key: other.clone(), ..bench.context() };
        let outcome = bench.call_in(context, "process", arguments).await;
        let error = outcome.expect_err("there is none").to_string();
        assert_eq!(error, "there is no process 1; list shows those there are");
    }
}

#[tokio::test]
async fn a_gateway_that_ends_ends_them() {
    let bench = Bench::new();
    start(&bench, "sleep 600").await;
    bench.stop.cancel();
    let text = bench.call("process", json!({"action": "poll", "id": 1, "wait_seconds": 30})).await;
    // Gone from the list, or still there as killed.
    let text = text.unwrap_or_else(|error| error.to_string());
    assert!(text == "[killed]" || text.starts_with("there is no process 1"), "{text}");
}

#[tokio::test]
async fn with_a_terminal_a_program_is_interactive() {
    let bench = Bench::new();
    let arguments = json!({"command": "test -t 0 && test -t 1 && echo a terminal", "pty": true});
    assert_eq!(bench.call("bash", arguments).await.expect("it runs"), "a terminal\r\n[exit 0]");
}

#[tokio::test]
async fn much_input_goes_through_a_filter() {
    let bench = Bench::new();
    start(&bench, "tee copy").await;
    let write = json!({"action": "write", "id": 1, "data": "x".repeat(1024 * 1024), "eof": true});
    assert_eq!(bench.call("process", write).await.expect("written"), "written");
    let ended = async {
        loop {
            let poll = json!({"action": "poll", "id": 1, "wait_seconds": 30});
            let text = bench.call("process", poll).await.expect("polled");
            if !text.ends_with("[running]") {
                return text;
            }
        }
    };
    let text = tokio::time::timeout(Duration::from_secs(60), ended).await.expect("it ends");
    assert!(text.ends_with("[exit 0]"), "{}", &text[text.len().saturating_sub(80)..]);
    let copy = std::fs::metadata(bench.root().join("copy")).expect("a copy");
    assert_eq!(copy.len(), 1024 * 1024);
}

#[tokio::test]
async fn input_that_nobody_reads_is_refused_as_such() {
    let bench = Bench::new();
    start(&bench, "sleep 600").await;
    let write = json!({"action": "write", "id": 1, "data": "x".repeat(100_000)});
    let mut refused = None;
    for _ in 0..40 {
        if let Err(error) = bench.call("process", write.clone()).await {
            refused = Some(error.to_string());
            break;
        }
    }
    let expected = "not written: process 1 has not read what it was sent before; try again later";
    assert_eq!(refused.as_deref(), Some(expected));
}

#[tokio::test]
async fn any_number_is_a_time_limit() {
    let bench = Bench::new();
    let arguments =
        json!({"command": "sleep 600", "background": true, "timeout_seconds": u64::MAX});
    bench.call("bash", arguments).await.expect("it starts");
    let killed = bench.call("process", json!({"action": "kill", "id": 1})).await;
    assert_eq!(killed.expect("killed"), "[killed]");
}

#[tokio::test]
async fn one_too_many_is_not_even_started() {
    let bench = Bench::new();
    let background = |command: &str| json!({"command": command, "background": true});
    for _ in 0..16 {
        bench.call("bash", background("sleep 600")).await.expect("it starts");
    }
    let outcome = bench.call("bash", background("echo ran > ran")).await;
    let message = outcome.expect_err("it is one too many").to_string();
    assert_eq!(message, "16 processes run already; end one with process kill");
    assert!(!bench.root().join("ran").exists());
    bench.call("process", json!({"action": "remove", "id": 16})).await.expect("removed");
    let list = bench.call("process", json!({"action": "list"})).await.expect("listed");
    assert_eq!(list.lines().count(), 15, "{list}");
    bench.call("bash", background("sleep 600")).await.expect("there is room again");
}

#[tokio::test]
async fn the_oldest_that_have_ended_go() {
    let bench = Bench::new();
    for id in 1..=34 {
        let run = json!({"command": "true", "background": true});
        bench.call("bash", run).await.expect("it starts");
        let poll = json!({"action": "poll", "id": id, "wait_seconds": 30});
        assert_eq!(bench.call("process", poll).await.expect("polled"), "[exit 0]");
    }
    let cut = async {
        loop {
            let list = bench.call("process", json!({"action": "list"})).await.expect("listed");
            if list.lines().count() <= 32 {
                return list;
            }
            tokio::task::yield_now().await;
        }
    };
    let list = tokio::time::timeout(Duration::from_secs(10), cut).await.expect("it is cut");
    assert!(list.starts_with("3 [exit 0]"), "{list}");
}

/// Polls until the output holds some words.
async fn polled_until(bench: &Bench, words: &str) -> String {
    let mut all = String::new();
    let reading = async {
        while !all.contains(words) {
            let poll = json!({"action": "poll", "id": 1, "wait_seconds": 30});
            all.push_str(&bench.call("process", poll).await.expect("polled"));
        }
    };
    tokio::time::timeout(Duration::from_secs(30), reading).await.expect("it is printed");
    all
}

#[tokio::test]
async fn keys_are_typed_at_a_terminal() {
    let bench = Bench::new();
    let text = "trap 'echo interrupted' INT; read line; echo got $line; read -n1 key; echo key $key; read line";
    let arguments = json!({"command": text, "background": true, "pty": true});
    bench.call("bash", arguments).await.expect("it starts");
    let submit = json!({"action": "submit", "id": 1, "data": "hello"});
    bench.call("process", submit).await.expect("written");
    polled_until(&bench, "got hello").await;
    // An interrupt discards what the terminal has not given on yet.
    for (key, words) in [("q", "key q"), ("C-c", "interrupted")] {
        let keys = json!({"action": "send-keys", "id": 1, "keys": [key]});
        bench.call("process", keys).await.expect("written");
        polled_until(&bench, words).await;
    }
    let unknown = json!({"action": "send-keys", "id": 1, "keys": ["Entre"]});
    let error = bench.call("process", unknown).await.expect_err("no such key").to_string();
    assert!(error.contains("\"Entre\" is not a key"), "{error}");
    bench.call("process", json!({"action": "kill", "id": 1})).await.expect("killed");
}

#[tokio::test]
async fn only_so_many_run_at_a_time_and_one_that_ended_makes_room() {
    let bench = Bench::new();
    let sleep = json!({"command": "sleep 600", "background": true});
    for _ in 0..16 {
        bench.call("bash", sleep.clone()).await.expect("it starts");
    }
    for _ in 0..2 {
        let error = bench.call("bash", sleep.clone()).await.expect_err("too many").to_string();
        assert!(error.contains("16 processes run already"), "{error}");
    }
    bench.call("process", json!({"action": "kill", "id": 3})).await.expect("killed");
    bench.call("bash", sleep.clone()).await.expect("there is room");
    bench.stop.cancel();
}
