//! What the five file tools do and say, through the registry.

mod support;

use std::os::unix::fs::{PermissionsExt, symlink};

use insta::assert_snapshot;
use openclaw_tools::ToolError;
use serde_json::json;
use support::Bench;

#[tokio::test]
async fn read_shows_text_and_how_to_go_on() {
    let bench = Bench::new();
    bench.put("notes.md", "one\ntwo\nthree\n");
    assert_eq!(bench.text("read", json!({"path": "notes.md"})).await, "one\ntwo\nthree\n");
    assert_eq!(
        bench.text("read", json!({"file_path": "/workspace/notes.md", "offset": 2})).await,
        "two\nthree\n"
    );
    assert_snapshot!(
        bench.text("read", json!({"path": "notes.md", "offset": 1, "limit": "2"})).await,
        @r"
    one
    two
    [lines 1-2; there is more: offset=3]
    "
    );
    assert_snapshot!(
        bench.refusal("read", json!({"path": "notes.md", "offset": 9})).await,
        @"notes.md has only 3 lines; give a smaller offset"
    );
}

#[tokio::test]
async fn read_is_cut_at_2000_lines_and_64_kib() {
    let bench = Bench::new();
    bench.put("long", "x\n".repeat(2_500));
    let text = bench.text("read", json!({"path": "long"})).await;
    assert!(text.ends_with("x\n[lines 1-2000; there is more: offset=2001]"), "{text}");
    let text = bench.text("read", json!({"path": "long", "offset": 2001})).await;
    assert_eq!(text, "x\n".repeat(500));

    bench.put("wide", format!("{}\n", "y".repeat(999)).repeat(100));
    let text = bench.text("read", json!({"path": "wide"})).await;
    assert_eq!(text.matches('\n').count(), 65);
    assert!(text.ends_with("y\n[lines 1-65; there is more: offset=66]"));

    bench.put("one", format!("{}\nend", "z".repeat(100_000)));
    let text = bench.text("read", json!({"path": "one"})).await;
    assert!(text.len() < 66_000);
    assert!(text.ends_with(
        "z\n[lines 1-1; the line is longer than 64 KiB and was cut; there is more: offset=2]"
    ));
    assert_eq!(bench.text("read", json!({"path": "one", "offset": 2})).await, "end");
}

#[tokio::test]
async fn read_shows_images_and_says_what_it_cannot_show() {
    let bench = Bench::new();
    let png = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";
    // The name does not decide.
    bench.put("photo.txt", png);
    let output = bench.call("read", json!({"path": "photo.txt"})).await.expect("shown");
    assert_eq!(output.text, "[image image/png, 29 bytes]");
    assert_eq!(output.media.len(), 1);
    assert_eq!(output.media[0].mime_type, "image/png");
    assert_eq!(bench.media.read(&output.media[0].media_id, 100).await.expect("stored"), png);

    bench.put("tool", [&b"\x7FELF\x02\x01\x01"[..], &[0; 60]].concat());
    bench.put("old.txt", b"gr\xFC\xDFe\n");
    bench.put("empty", "");
    assert_snapshot!(
        bench.refusal("read", json!({"path": "tool"})).await,
        @"tool is a binary file (application/x-executable, 67 bytes); read shows text and images only"
    );
    assert_eq!(bench.text("read", json!({"path": "old.txt"})).await, "gr\u{FFFD}\u{FFFD}e\n");
    assert_eq!(bench.text("read", json!({"path": "empty"})).await, "[empty is empty]");
    assert_snapshot!(bench.refusal("read", json!({"path": "."})).await, @". is a folder; list shows what is in it");
    assert_snapshot!(bench.refusal("read", json!({"path": "none"})).await, @"none does not exist; list shows what does");
    assert_snapshot!(bench.refusal("read", json!({"path": "old.txt/x"})).await, @"old.txt/x is not a folder, or leads through a file");
}

#[tokio::test]
async fn an_image_above_the_limit_is_refused() {
    let bench = Bench::new();
    bench.put("big.png", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR");
    let file =
        std::fs::File::options().write(true).open(bench.root().join("big.png")).expect("open");
    file.set_len(11 * 1024 * 1024).expect("grown");
    let message = bench.refusal("read", json!({"path": "big.png"})).await;
    assert_snapshot!(message, @"big.png is an image of 11534336 bytes, above the limit of 10485760; make it smaller first");
}

#[tokio::test]
async fn write_makes_folders_replaces_whole_and_keeps_the_mode() {
    let bench = Bench::new();
    let made = bench.text("write", json!({"path": "a/b/c.sh", "content": "echo"})).await;
    assert_eq!(made, "made a/b/c.sh, 4 bytes");
    let file = bench.root().join("a/b/c.sh");
    std::fs::set_permissions(&file, PermissionsExt::from_mode(0o750)).expect("set");
    let replaced =
        bench.text("write", json!({"path": "/workspace/a/b/c.sh", "content": "l\u{e4}"})).await;
    assert_eq!(replaced, "replaced /workspace/a/b/c.sh, 3 bytes");
    assert_eq!(bench.get("a/b/c.sh"), "l\u{e4}");
    assert_eq!(file.metadata().expect("there").permissions().mode() & 0o777, 0o750);
    let left = std::fs::read_dir(bench.root().join("a/b")).expect("listed").count();
    assert_eq!(left, 1, "no temporary file stays");

    for (path, expected) in [
        ("a/b", "a/b is a folder; list shows what is in it"),
        ("new/", "new/ is a folder; list shows what is in it"),
        ("", " is a folder; list shows what is in it"),
        ("a/b/c.sh/d", "a/b/c.sh/d is not a folder, or leads through a file"),
    ] {
        assert_eq!(bench.refusal("write", json!({"path": path, "content": ""})).await, expected);
    }
    assert!(!bench.root().join("new").exists());
}

#[tokio::test]
async fn write_follows_a_link_below_the_workspace() {
    let bench = Bench::new();
    bench.put("AGENTS.md", "old");
    symlink("AGENTS.md", bench.root().join("CLAUDE.md")).expect("linked");
    symlink("/workspace/deep/new.md", bench.root().join("dangling.md")).expect("linked");
    bench.text("write", json!({"path": "CLAUDE.md", "content": "new"})).await;
    bench.text("write", json!({"path": "dangling.md", "content": "made"})).await;
    assert_eq!(bench.get("AGENTS.md"), "new");
    assert!(bench.root().join("CLAUDE.md").is_symlink(), "the link stays");
    assert_eq!(bench.get("deep/new.md"), "made");
}

#[tokio::test]
async fn edit_changes_the_one_place() {
    let bench = Bench::new();
    bench.put("code.rs", "fn a() {}\nfn b() {}\n");
    let arguments =
        json!({"file_path": "code.rs", "oldText": "fn b() {}", "newText": "fn b() { a() }"});
    assert_eq!(bench.text("edit", arguments).await, "edited code.rs at line 2");
    assert_eq!(bench.get("code.rs"), "fn a() {}\nfn b() { a() }\n");
    let arguments = json!({"path": "code.rs", "old_string": "fn a() {}\n", "new_string": ""});
    bench.text("edit", arguments).await;
    assert_eq!(bench.get("code.rs"), "fn b() { a() }\n");
}

#[tokio::test]
async fn edit_says_what_is_wrong() {
    let bench = Bench::new();
    let content = "fn a() {\n    one();\n}\n\nfn b() {\n    one();\n}\n";
    bench.put("code.rs", content);
    let refusal = async |old: &str, new: &str| {
        bench.refusal("edit", json!({"path": "code.rs", "old_text": old, "new_text": new})).await
    };
    assert_snapshot!(refusal("one();", "two();").await, @"code.rs: old_text occurs 2 times; add lines around it so that it occurs once");
    assert_snapshot!(refusal("", "x").await, @"code.rs: old_text is empty; use write for a new file");
    assert_snapshot!(refusal("fn a", "fn a").await, @"code.rs: old_text and new_text are the same; nothing to do");
    assert_snapshot!(refusal("fn a() {\n\tone();\n}", "x").await, @"code.rs: old_text was not found, but lines 1-3 differ only in white space; copy them exactly as read shows them");
    assert_snapshot!(refusal("fn b() {\n    two();\n}", "x").await, @r#"code.rs: old_text was not found; it agrees with the file from line 5 on, but at line 6 the file has "one();" where old_text has "two();""#);
    assert_snapshot!(refusal("nothing like it", "x").await, @"code.rs: old_text was not found; read the file again and copy the text exactly");
    assert_snapshot!(refusal("  \n ", "x").await, @"code.rs: old_text was not found; it is white space only");
    assert_eq!(bench.get("code.rs"), content, "nothing changed");
    bench.put("bin", b"\xFFone");
    let message =
        bench.refusal("edit", json!({"path": "bin", "old_text": "one", "new_text": "x"})).await;
    assert_eq!(message, "bin is not UTF-8 text; edit changes text only");
}

#[tokio::test]
async fn edit_keeps_the_line_ends_of_the_file() {
    let bench = Bench::new();
    bench.put("dos.txt", "one\r\ntwo\r\nthree\r\n");
    let arguments = json!({"path": "dos.txt", "old_text": "one\ntwo", "new_text": "1\n2\n2.5"});
    bench.text("edit", arguments).await;
    assert_eq!(bench.get("dos.txt"), "1\r\n2\r\n2.5\r\nthree\r\n");
    let arguments = json!({"path": "dos.txt", "old_text": "three", "new_text": "3\n4"});
    bench.text("edit", arguments).await;
    assert_eq!(bench.get("dos.txt"), "1\r\n2\r\n2.5\r\n3\r\n4\r\n");
}

#[tokio::test]
async fn edits_at_once_are_not_lost() {
    let bench = Bench::new();
    let lines: Vec<String> = (0..20).map(|n| format!("line {n:02}\n")).collect();
    bench.put("shared", lines.concat());
    let edits = (0..20).map(|n| {
        let old = format!("line {n:02}\n");
        bench.call(
            "edit",
            json!({"path": "shared", "old_text": old, "new_text": format!("done {n:02}\n")}),
        )
    });
    for outcome in futures_util::future::join_all(edits).await {
        outcome.expect("edited");
    }
    let expected: Vec<String> = (0..20).map(|n| format!("done {n:02}\n")).collect();
    assert_eq!(bench.get("shared"), expected.concat());
}

fn tree(bench: &Bench) {
    bench.put(".gitignore", "target/\n*.log\n!keep.log\n");
    bench.put("src/main.rs", "fn main() {\n    println!(\"hello\");\n}\n");
    bench.put("src/.gitignore", "generated.rs\n");
    bench.put("src/generated.rs", "fn hello() {}\n");
    bench.put("src/deep/inner.rs", "// hello (again)\n");
    bench.put("target/debug/out.rs", "hello\n");
    bench.put("a.log", "hello\n");
    bench.put("keep.log", "hello\n");
    bench.put(".git/config", "hello\n");
    bench.put(".env", "HELLO=1\n");
    bench.put("blob.bin", b"hello\0hello\n");
    symlink("/etc/passwd", bench.root().join("link")).expect("linked");
}

#[tokio::test]
async fn list_shows_the_tree_without_what_is_ignored() {
    let bench = Bench::new();
    tree(&bench);
    assert_snapshot!(bench.text("list", json!({})).await, @r"
    .env
    .git/
    .gitignore
    blob.bin
    keep.log
    link -> /etc/passwd
    src/
    [2 left out by .gitignore]
    ");
    assert_snapshot!(bench.text("list", json!({"path": "src", "depth": 3})).await, @r"
    src/.gitignore
    src/deep/
    src/deep/inner.rs
    src/main.rs
    [1 left out by .gitignore]
    ");
    assert_snapshot!(bench.text("list", json!({"limit": 2})).await, @r"
    .env
    .git/
    [only the first 2; list a folder further down or raise limit]
    ");
    // Asked for by name, it is shown.
    assert_snapshot!(bench.text("list", json!({"path": "target/debug"})).await, @"target/debug/out.rs");
    std::fs::create_dir(bench.root().join("void")).expect("made");
    assert_snapshot!(bench.text("list", json!({"path": "void"})).await, @"[nothing to list]");
    assert_snapshot!(bench.refusal("list", json!({"path": "keep.log"})).await, @"keep.log is not a folder, or leads through a file");
}

#[tokio::test]
async fn ignore_files_above_the_workspace_do_not_count() {
    let bench = Bench::new();
    let above = bench.root().parent().expect("has one").join(".gitignore");
    std::fs::write(above, "*\n").expect("written");
    bench.put("seen", "x");
    assert_eq!(bench.text("list", json!({})).await, "seen\n");
}

#[tokio::test]
async fn search_finds_text_and_names() {
    let bench = Bench::new();
    tree(&bench);
    assert_snapshot!(bench.text("search", json!({"pattern": "hello"})).await, @r#"
    keep.log:1: hello
    src/deep/inner.rs:1: // hello (again)
    src/main.rs:2:     println!("hello");
    "#);
    assert_snapshot!(bench.text("search", json!({"pattern": "(?i)hello", "path": "src", "glob": "*.rs", "limit": 1})).await, @r"
    src/deep/inner.rs:1: // hello (again)
    [only the first 1; narrow pattern, path or glob, or raise limit]
    ");
    assert_snapshot!(bench.text("search", json!({"pattern": "hello", "glob": "src/*.rs"})).await, @r#"src/main.rs:2:     println!("hello");"#);
    assert_snapshot!(bench.text("search", json!({"pattern": "main", "path": "src/main.rs"})).await, @"src/main.rs:1: fn main() {");
    for pattern in ["inner", "*.RS", r"^INNER\.rs$", "deep/inner"] {
        let text = bench.text("search", json!({"pattern": pattern, "in": "names"})).await;
        assert!(text.contains("src/deep/inner.rs\n"), "{pattern}: {text}");
    }
    assert_snapshot!(bench.text("search", json!({"pattern": "deep", "in": "names"})).await, @"src/deep/");
}

#[tokio::test]
async fn search_says_what_to_do_next() {
    let bench = Bench::new();
    tree(&bench);
    assert_snapshot!(bench.text("search", json!({"pattern": "hello (again)"})).await, @r"[nothing found; pattern is a regular expression; for the text itself: hello \(again\)]");
    let message = bench.refusal("search", json!({"pattern": "println!("})).await;
    assert!(message.starts_with("pattern is not a valid regular expression"), "{message}");
    assert!(message.ends_with(r"for the text itself: println!\("), "{message}");
    assert_snapshot!(bench.refusal("search", json!({"pattern": "x", "path": "none"})).await, @"none does not exist; list shows what does");
    assert_snapshot!(bench.refusal("search", json!({"pattern": ""})).await, @"pattern is empty; list shows all files");
    let message = bench.refusal("search", json!({"pattern": "x", "glob": "a{b"})).await;
    assert!(message.starts_with("glob is not valid"), "{message}");
}

#[tokio::test]
async fn search_survives_odd_files() {
    let bench = Bench::new();
    bench.put("minified.js", format!("needle{}", "x".repeat(6 * 1024 * 1024)));
    bench.put("long.txt", format!("needle {}\n", "\u{e4}".repeat(1_000)));
    let pipe = bench.root().join("pipe");
    let mode = rustix::fs::Mode::from_raw_mode(0o600);
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, mode, 0).expect("made");
    let text = bench.text("search", json!({"pattern": "needle"})).await;
    let expected = format!(
        "long.txt:1: needle {}\u{2026}\n[1 files could not be searched]",
        "\u{e4}".repeat(293)
    );
    assert_eq!(text, expected);
}

#[tokio::test]
async fn a_cancelled_call_does_nothing() {
    let bench = Bench::new();
    bench.cancel.cancel();
    let outcome = bench.call("write", json!({"path": "a", "content": "x"})).await;
    assert!(matches!(outcome, Err(ToolError::Cancelled)));
    assert!(!bench.root().join("a").exists());
}

fn patch(body: &str) -> serde_json::Value {
    json!({"input": format!("*** Begin Patch\n{body}\n*** End Patch")})
}

#[tokio::test]
async fn a_patch_that_would_lose_something_changes_nothing() {
    let bench = Bench::new();
    bench.put("a", "one\ntwo\n");
    bench.put("b", "other\n");
    symlink("a", bench.root().join("link")).expect("linked");
    let twice = "*** Update File: a\n-one\n+1\n*** Update File: ./a\n-two\n+2";
    assert_snapshot!(
        bench.refusal("apply_patch", patch(twice)).await,
        @"not applied: ./a is changed twice; put its changes in one section"
    );
    let by_link = "*** Update File: a\n-one\n+1\n*** Update File: link\n-two\n+2";
    assert_snapshot!(
        bench.refusal("apply_patch", patch(by_link)).await,
        @"not applied: link is changed twice; put its changes in one section"
    );
    let over = "*** Update File: a\n*** Move to: b\n-one\n+1";
    assert_snapshot!(
        bench.refusal("apply_patch", patch(over)).await,
        @"not applied: b is there already; delete it by itself first"
    );
    assert_eq!((bench.get("a").as_str(), bench.get("b").as_str()), ("one\ntwo\n", "other\n"));
    let itself = "*** Update File: a\n*** Move to: sub/../a\n-one\n+1";
    assert_eq!(bench.text("apply_patch", patch(itself)).await, "changed a");
    assert_eq!(bench.get("a"), "1\ntwo\n");
    let moved = "*** Update File: a\n*** Move to: c\n-1\n+one";
    assert_eq!(bench.text("apply_patch", patch(moved)).await, "moved to c\nremoved a");
    assert_eq!(bench.get("c"), "one\ntwo\n");
}

#[tokio::test]
async fn a_link_is_removed_itself() {
    let bench = Bench::new();
    bench.put("kept", "kept\n");
    std::fs::create_dir(bench.root().join("folder")).expect("made");
    symlink("../kept", bench.root().join("folder/link")).expect("linked");
    let delete = patch("*** Delete File: folder/link");
    assert_eq!(bench.text("apply_patch", delete).await, "removed folder/link");
    assert!(std::fs::symlink_metadata(bench.root().join("folder/link")).is_err());
    assert_eq!(bench.get("kept"), "kept\n");
}
