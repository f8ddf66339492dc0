use std::time::Duration;

use openclaw_config::ExecAsk;
use openclaw_tools::ToolError;
use openclaw_tools::approvals::{Resolution, ResolveError, Verdict};
use openclaw_tools::sandbox::GrantedPath;
use serde_json::json;

use crate::support::Bench;

#[tokio::test]
async fn only_what_reaches_out_of_the_sandbox_asks() {
    let mut bench = Bench::new();
    assert_eq!(bench.bash("echo unasked").await, "unasked\n[exit 0]");
    bench.rules.paths = vec![GrantedPath { path: "/srv".into(), writable: false }];
    let (request, _) = bench.answered("true", Verdict::Deny, |_| {}).await;
    assert_eq!(request.reason, "it may see /srv");
    bench.rules.paths = Vec::new();
    bench.rules.hosts = vec!["pypi.org".to_owned()];
    let (request, _) = bench.answered("true", Verdict::Deny, |_| {}).await;
    assert_eq!(request.reason, "it may reach pypi.org");
    bench.rules.hosts = Vec::new();
    bench.rules.sandboxed = false;
    let (request, _) = bench.answered("true", Verdict::Deny, |_| {}).await;
    assert_eq!(request.reason, "it runs outside the sandbox");
    bench.rules.ask = ExecAsk::Off;
    assert_eq!(bench.bash("echo unasked").await, "unasked\n[exit 0]");
    bench.rules.sandboxed = true;
    bench.rules.ask = ExecAsk::Always;
    let (request, _) = bench.answered("true", Verdict::Deny, |_| {}).await;
    assert_eq!(request.reason, "every command asks here");
}

#[tokio::test]
async fn s26_what_is_shown_is_what_runs() {
    let bench = Bench::asking();
    std::fs::write(bench.root().join("data.txt"), "one").expect("written");
    let (request, outcome) = bench.answered("cat 'data.txt'", Verdict::AllowOnce, |_| {}).await;
    assert_eq!(outcome.expect("it runs"), "one\n[exit 0]");
    let plan = &request.plan;
    assert_eq!(plan.argv[1..], ["data.txt"]);
    assert!(plan.argv[0].starts_with('/') && plan.argv[0].ends_with("/cat"), "{:?}", plan.argv);
    assert_eq!(plan.cwd, bench.root().display().to_string());
    assert!(plan.env.is_empty() && !plan.shell && !plan.sandboxed);
    let paths: Vec<&str> = plan.files.iter().map(|file| file.path.as_str()).collect();
    let data = bench.root().join("data.txt").display().to_string();
    assert_eq!(paths, [plan.argv[0].as_str(), &data]);
    assert_eq!(
        plan.files[1].sha256,
        "7692c3ad3540bb803c020b3aee66cd8887123234ea0c6e7143c0add73ff431ed"
    );
    assert_eq!(request.digest, plan.digest());
    let (request, _) = bench.answered("cat data.txt | wc -c", Verdict::Deny, |_| {}).await;
    assert_eq!(request.plan.argv, ["bash", "-c", "cat data.txt | wc -c"]);
    assert!(request.plan.files.iter().any(|file| file.path == data), "{:?}", request.plan.files);
}

#[tokio::test]
async fn s26_a_file_that_changed_meanwhile_is_not_run() {
    for command in [
        "sh script.sh",
        "./script.sh",
        "cat x | sh script.sh",
        "sh -c 'sh script.sh'",
        "env -i sh ./script.sh",
    ] {
        let bench = Bench::asking();
        let script = bench.root().join("script.sh");
        std::fs::write(&script, "#!/bin/sh\necho harmless > done\n").expect("written");
        std::fs::set_permissions(&script, std::os::unix::fs::PermissionsExt::from_mode(0o755))
            .expect("set");
        let swap =
            |_: &_| std::fs::write(&script, "#!/bin/sh\necho evil > done\n").expect("swapped");
        let (_, outcome) = bench.answered(command, Verdict::AllowOnce, swap).await;
        let is_quoted = command.contains("-c '");
        if is_quoted {
            // The file stands inside a quoted word, which is not looked into: nothing was bound.
            continue;
        }
        let error = outcome.expect_err("it must not run").to_string();
        assert!(error.contains("changed after the command was approved"), "{command}: {error}");
        assert!(!bench.root().join("done").exists(), "{command}");
    }
}

#[tokio::test]
async fn a_denial_is_told_to_the_model() {
    let bench = Bench::asking();
    let (_, outcome) = bench.answered("touch ran", Verdict::Deny, |_| {}).await;
    let error = outcome.expect_err("denied").to_string();
    assert_eq!(error, "not run: the command needs approval, and the answer was no");
    assert!(!bench.root().join("ran").exists());
}

#[tokio::test(start_paused = true)]
async fn nobodys_answer_is_a_denial_after_two_minutes() {
    let bench = Bench::asking();
    let began = tokio::time::Instant::now();
    let outcome = bench.call("bash", json!({"command": "touch ran"})).await;
    let error = outcome.expect_err("denied").to_string();
    assert_eq!(error, "not run: the command needs approval, and nobody approved it within 120 s");
    assert!(began.elapsed() >= Duration::from_secs(120));
    assert_eq!(*bench.log.resolutions.lock().expect("free"), [Resolution::Expired]);
    let request = bench.log.next().await;
    let late = bench.approvals.resolve(&request.id, Verdict::AllowOnce, "late");
    assert_eq!(late.expect_err("too late"), ResolveError::NotPending);
    assert!(bench.approvals.waiting().is_empty());
}

#[tokio::test]
async fn a_cancelled_call_does_not_ask_any_longer() {
    let bench = Bench::asking();
    let call = bench.call("bash", json!({"command": "touch ran"}));
    let cancel = async {
        let request = bench.log.next().await;
        assert_eq!(bench.approvals.waiting().len(), 1);
        bench.cancel.cancel();
        request
    };
    let (outcome, request) = tokio::join!(call, cancel);
    assert!(matches!(outcome, Err(ToolError::Cancelled)), "{outcome:?}");
    assert!(bench.approvals.resolve(&request.id, Verdict::AllowOnce, "late").is_err());
    assert!(!bench.root().join("ran").exists());
}

#[tokio::test]
async fn an_always_holds_for_the_same_words_until_it_is_taken_back() {
    let bench = Bench::asking();
    let (request, outcome) = bench.answered("echo  'a b'", Verdict::AllowAlways, |_| {}).await;
    assert_eq!(outcome.expect("it runs"), "a b\n[exit 0]");
    // The same words, however they are spaced and quoted.
    assert_eq!(bench.bash("echo \"a b\"").await, "a b\n[exit 0]");
    let all = bench.approvals.allowed().await.expect("listed");
    assert_eq!(all.len(), 1);
    assert_eq!((all[0].1.by.as_str(), &all[0].1.shape.argv), ("test", &request.plan.argv));
    bench.approvals.forget(&request.agent_id, &all[0].0).await.expect("forgotten");
    let (_, outcome) = bench.answered("echo 'a b'", Verdict::Deny, |_| {}).await;
    assert!(outcome.is_err());
}

#[tokio::test]
async fn s28_an_always_for_a_script_ends_when_it_changes() {
    let bench = Bench::asking();
    let script = bench.root().join("script.sh");
    std::fs::write(&script, "echo harmless\n").expect("written");
    let (_, outcome) = bench.answered("sh script.sh", Verdict::AllowAlways, |_| {}).await;
    assert_eq!(outcome.expect("it runs"), "harmless\n[exit 0]");
    assert_eq!(bench.bash("sh script.sh").await, "harmless\n[exit 0]");
    std::fs::write(&script, "echo evil\n").expect("swapped");
    let (_, outcome) = bench.answered("sh script.sh", Verdict::Deny, |_| {}).await;
    assert!(outcome.is_err());
}

#[tokio::test]
async fn an_always_in_the_sandbox_does_not_hold_outside_or_with_more_granted() {
    let mut bench = Bench::new();
    bench.rules.hosts = vec!["pypi.org".to_owned()];
    let (_, outcome) = bench.answered("echo x", Verdict::AllowAlways, |_| {}).await;
    assert!(outcome.is_ok(), "{outcome:?}");
    assert_eq!(bench.bash("echo x").await, "x\n[exit 0]");
    bench.rules.hosts.push("evil.example".to_owned());
    assert!(bench.answered("echo x", Verdict::Deny, |_| {}).await.1.is_err());
    bench.rules.hosts = Vec::new();
    bench.rules.sandboxed = false;
    assert!(bench.answered("echo x", Verdict::Deny, |_| {}).await.1.is_err());
}

#[tokio::test]
async fn s28_an_always_for_what_only_a_shell_can_read_is_for_once() {
    let bench = Bench::asking();
    std::fs::create_dir(bench.root().join("sub")).expect("made");
    let script = bench.root().join("sub/script.sh");
    std::fs::write(&script, "echo harmless\n").expect("written");
    for command in ["cd sub && sh script.sh", "name=script.sh; sh sub/$name"] {
        let (request, outcome) = bench.answered(command, Verdict::AllowAlways, |_| {}).await;
        assert_eq!(outcome.expect("it runs"), "harmless\n[exit 0]");
        assert!(request.reason.contains("always means once"), "{}", request.reason);
        let answers = bench.log.resolutions.lock().expect("free").clone();
        let by = "test".to_owned();
        let once = Resolution::Answered { verdict: Verdict::AllowOnce, by };
        assert_eq!(answers.last(), Some(&once));
        let (_, outcome) = bench.answered(command, Verdict::Deny, |_| {}).await;
        assert!(outcome.is_err(), "{command}");
    }
    assert!(bench.approvals.allowed().await.expect("listed").is_empty());
    let (request, outcome) =
        bench.answered("sh sub/script.sh | cat", Verdict::AllowAlways, |_| {}).await;
    assert_eq!(outcome.expect("it runs"), "harmless\n[exit 0]");
    assert_eq!(request.reason, "it runs outside the sandbox");
    assert_eq!(bench.bash("sh sub/script.sh | cat").await, "harmless\n[exit 0]");
}
