//! Export, backup, restore and repair.

mod damage;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use openclaw_core::{AgentId, MessageContent, Secret, SystemClock};
use openclaw_storage::archive;
use openclaw_storage::conformance::memory::{note, piece};
use openclaw_storage::conformance::{
    Universe, at, channel, chat, entry, image, inbox_id, input, message_id, outbox, outbox_id, run,
    session, session_id, session_key, user_id,
};
use openclaw_storage::postgres::{self, PostgresOptions, PostgresStorage};
use openclaw_storage::rows::{MemoryIndexing, MemoryVector, MessageQuery, UserRow};
use openclaw_storage::sqlite::{self, SqliteOptions, SqliteStorage, Synchronous};
use openclaw_storage::{
    Batch, MemoryWrite, MessageReads as _, NoObserver, SessionReads as _, Storage, Write,
};
use openclaw_testkit::postgres::PostgresServer;
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};
use tokio_util::task::TaskTracker;

async fn sqlite_at(path: &Path) -> SqliteStorage {
    let options = SqliteOptions::new(path).with_synchronous(Synchronous::Off);
    SqliteStorage::open(options, Arc::new(SystemClock), Arc::new(NoObserver)).await.expect("opens")
}

fn options(server: &PostgresServer) -> PostgresOptions {
    let url = server.empty().expect("a place");
    PostgresOptions::new(&Secret::new(url)).expect("an address")
}

async fn postgres_at(options: &PostgresOptions) -> PostgresStorage {
    let opened =
        PostgresStorage::open(options.clone(), Arc::new(SystemClock), Arc::new(NoObserver)).await;
    opened.expect("opens")
}

fn universe() -> Universe {
    let names = ["1", "2"];
    Universe {
        sessions: ["a", "b"].map(session_id).to_vec(),
        keys: ["a", "b"].map(session_key).to_vec(),
        messages: names.map(message_id).to_vec(),
        inputs: names.map(inbox_id).to_vec(),
        runs: names.map(run).to_vec(),
        outbox: names.map(outbox_id).to_vec(),
        channels: ["web", "telegram"].map(channel).to_vec(),
        chats: ["room", "42"].map(chat).to_vec(),
        users: ["7"].map(user_id).to_vec(),
        resources: vec!["k\u{0}".to_owned(), "lane:x".to_owned()],
        codes: vec!["AAAA".to_owned()],
        agents: vec![AgentId::main()],
        texts: vec!["note one".to_owned(), "note two\u{0}".to_owned()],
    }
}

/// A little of everything.
async fn fill(storage: &dyn Storage) {
    let mut batch = Batch::new();
    for (name, number) in [("a", "1"), ("b", "2")] {
        let mut new = session(name);
        new.label = Some(format!("named {name}\u{0}"));
        batch.push(Write::CreateSession(Box::new(new)));
        let mut said = entry(name, number);
        if let Some(message) = &mut said.message {
            message.content = MessageContent::text(format!("word {number} \u{0} \u{10FFFF} \"ü\""));
        }
        batch.push(Write::Append(Box::new(said)));
        batch.push(Write::AcceptInput(Box::new(input(name, number))));
        batch.push(Write::Enqueue(Box::new(outbox(number, "42"))));
    }
    batch.push(Write::UpsertUser(UserRow {
        channel_id: channel("telegram"),
        channel_user_id: user_id("7"),
        global_user_id: None,
        display_name: Some("Ada".to_owned()),
        metadata: Some(serde_json::json!({"n": 1.50})),
        created_at: at(5),
    }));
    batch.push(Write::RequestPairing {
        channel_id: channel("telegram"),
        user_id: user_id("7"),
        display_name: None,
        code: "AAAA".to_owned(),
        expires_at: at(9_000_000_000_000),
        at: at(1),
    });
    batch.push(Write::PutValue { key: "k\u{0}".to_owned(), value: "v".to_owned(), expect: None });
    for text in ["note one", "note two\u{0}"] {
        let chunks = vec![piece(1, text)];
        let indexing = MemoryIndexing { file: note(&text[..8]), from: 0, chunks };
        batch.push(Write::Memory(MemoryWrite::Index(Box::new(indexing))));
    }
    batch.push(Write::Memory(MemoryWrite::StoreVectors {
        agent_id: AgentId::main(),
        model: "m".to_owned(),
        vectors: vec![MemoryVector { hash: "#note one".to_owned(), embedding: vec![0.25, -3.5] }],
    }));
    storage.apply(batch).await.expect("accepted");
}

async fn exported(storage: &dyn Storage, file: &Path) -> u64 {
    let (to, mut lines) = tokio::sync::mpsc::channel::<String>(8);
    let taken = async {
        let mut text = String::new();
        while let Some(line) = lines.recv().await {
            text.push_str(&line);
            text.push('\n');
        }
        std::fs::write(file, text).expect("written");
    };
    let (rows, ()) = tokio::join!(storage.export(to), taken);
    rows.expect("exported")
}

async fn word(storage: &dyn Storage) -> usize {
    let query = MessageQuery { text: "word".to_owned(), limit: 10, ..MessageQuery::default() };
    storage.search_messages(&query).await.expect("read").items.len()
}

/// From one engine to the other and back, nothing is added or lost, and work goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_moves_from_engine_to_engine() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let first = sqlite_at(&at("first.db")).await;
    fill(&first).await;
    let expected = image(&first, &universe()).await;
    let rows = exported(&first, &at("first.jsonl")).await;
    assert_eq!(archive::verify(&at("first.jsonl")).expect("whole").rows, rows);

    let there = options(&server);
    let occupied = postgres_at(&there).await;
    occupied
        .apply(Batch::new().with(Write::CreateSession(Box::new(session("z")))))
        .await
        .expect("accepted");
    occupied.close().await;
    assert_eq!(postgres::restore(&there, &at("first.jsonl")).await.expect("restored"), rows);
    let second = postgres_at(&there).await;
    assert_eq!(image(&second, &universe()).await, expected);
    assert_eq!(word(&second).await, 2);
    second.back_up(&at("second.jsonl")).await.expect("backed up");

    let old = sqlite::restore(&at("first-again.db"), &at("second.jsonl")).await.expect("restored");
    assert_eq!(old, None);
    let third = sqlite_at(&at("first-again.db")).await;
    assert_eq!(image(&third, &universe()).await, expected);
    assert_eq!(word(&third).await, 2);
    assert_eq!(third.integrity().await.expect("read"), Vec::<String>::new());
    for store in [&second as &dyn Storage, &third] {
        let mut new = entry("a", "new");
        new.event = None;
        let batch = Batch::new()
            .with(Write::Append(Box::new(new)))
            .with(Write::AcceptInput(Box::new(input("a", "new"))))
            .with(Write::Enqueue(Box::new(outbox("new", "42"))));
        let applied = store.apply(batch).await.expect("accepted");
        assert_eq!(applied.positions, [3, 3]);
    }
}

/// An archive that was cut off or changed is told from a whole one, and leaves what is stored.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_damaged_backup_changes_nothing() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let store = sqlite_at(&at("store.db")).await;
    fill(&store).await;
    exported(&store, &at("whole.jsonl")).await;
    store.back_up(&at("whole.db")).await.expect("backed up");
    store.close().await;
    let whole = std::fs::read_to_string(at("whole.jsonl")).expect("read");
    let lines: Vec<&str> = whole.lines().collect();
    std::fs::write(at("cut.jsonl"), lines[..lines.len() - 1].join("\n")).expect("written");
    std::fs::write(at("changed.jsonl"), whole.replace("Ada", "Eve")).expect("written");
    std::fs::write(at("other.jsonl"), "{\"no\": \"archive\"}\n").expect("written");
    let mut bytes = std::fs::read(at("whole.db")).expect("read");
    let middle = bytes.len() / 2;
    bytes[middle..].fill(0x5A);
    std::fs::write(at("broken.db"), bytes).expect("written");
    let there = options(&server);
    postgres_at(&there).await.close().await;
    for name in ["cut.jsonl", "changed.jsonl", "other.jsonl", "broken.db"] {
        let restored = sqlite::restore(&at("store.db"), &at(name)).await;
        assert!(restored.is_err(), "{name}");
        let restored = postgres::restore(&there, &at(name)).await;
        assert!(restored.is_err(), "{name}");
    }
    let cut = archive::verify(&at("cut.jsonl"));
    assert!(matches!(cut, Err(archive::ArchiveError::CutOff { .. })), "{cut:?}");
    let changed = archive::verify(&at("changed.jsonl"));
    assert!(matches!(changed, Err(archive::ArchiveError::Changed { .. })), "{changed:?}");
    assert!(sqlite::verify(&at("broken.db")).await.is_err());
    assert_eq!(sqlite::verify(&at("whole.db")).await.expect("sound"), 2);
    let store = sqlite_at(&at("store.db")).await;
    assert_eq!(store.count_sessions().await.expect("read"), 2);
    assert_eq!(postgres_at(&there).await.count_sessions().await.expect("read"), 0);
}

/// A backup is of one moment: each session's numbers are dense in it, and what was accepted before is in
/// it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_under_load_is_consistent() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let there = options(&server);
    let stores: [(Arc<dyn Storage>, &str); 2] = [
        (Arc::new(sqlite_at(&folder.path().join("busy.db")).await), "backup.db"),
        (Arc::new(postgres_at(&there).await), "backup.jsonl"),
    ];
    for (store, name) in stores {
        let mut batch = Batch::new();
        for name in ["a", "b", "c"] {
            batch.push(Write::CreateSession(Box::new(session(name))));
        }
        store.apply(batch).await.expect("accepted");
        let (tasks, stop) = (TaskTracker::new(), Arc::new(AtomicBool::new(false)));
        let mut writers = Vec::new();
        for name in ["a", "b", "c"] {
            let (store, stop) = (Arc::clone(&store), Arc::clone(&stop));
            writers.push(tasks.spawn(async move {
                let mut written = 0;
                while !stop.load(Ordering::SeqCst) {
                    let said = entry(name, &format!("{name}-{written}"));
                    let append = Write::Append(Box::new(said));
                    store.apply(Batch::new().with(append)).await.expect("accepted");
                    written += 1;
                }
                written
            }));
        }
        let enough = async {
            while store.messages_after(&session_id("c"), 0, 50).await.expect("read").len() < 30 {}
        };
        enough.await;
        let before = store.messages_after(&session_id("a"), 0, 100_000).await.expect("read").len();
        let file = folder.path().join(name);
        store.back_up(&file).await.expect("backed up");
        stop.store(true, Ordering::SeqCst);
        for writer in writers {
            writer.await.expect("it ends");
        }
        store.close().await;
        let restored = folder.path().join(format!("restored-{name}.db"));
        sqlite::restore(&restored, &file).await.expect("restored");
        let restored = sqlite_at(&restored).await;
        assert_eq!(restored.integrity().await.expect("read"), Vec::<String>::new());
        for (at, name) in ["a", "b", "c"].into_iter().enumerate() {
            let stored =
                restored.messages_after(&session_id(name), 0, 100_000).await.expect("read");
            let seqs: Vec<i64> = stored.iter().map(|message| message.seq).collect();
            assert_eq!(seqs, (1..=stored.len() as i64).collect::<Vec<_>>());
            let session = restored.session(&session_id(name)).await.expect("read").expect("there");
            assert_eq!(session.last_seq, stored.len() as i64);
            assert!(at > 0 || stored.len() >= before, "{} of {before}", stored.len());
        }
        restored.close().await;
    }
}

/// What lies on sound pages is kept, and the damaged file stays.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_keeps_what_can_be_read() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("damaged.db");
    let store = sqlite_at(&path).await;
    fill(&store).await;
    for number in 0..400 {
        let append = Write::Append(Box::new(entry("a", &format!("more-{number}"))));
        store.apply(Batch::new().with(append)).await.expect("accepted");
    }
    store.close().await;
    damage::overwrite_pages_with(&path, b"message-more-200");
    let repaired = sqlite::repair(&path).await.expect("repaired");
    assert!(repaired.incomplete.contains(&"messages"), "{repaired:?}");
    assert!(repaired.damaged.exists());
    let store = sqlite_at(&path).await;
    assert_eq!(store.integrity().await.expect("read"), Vec::<String>::new());
    let kept = store.messages_after(&session_id("a"), 0, 1_000).await.expect("read");
    assert!((300..401).contains(&kept.len()), "{}", kept.len());
    assert_eq!(store.count_sessions().await.expect("read"), 2);
}

async fn raw(path: &Path) -> sqlx::SqliteConnection {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    options.connect().await.expect("opens")
}

async fn number(path: &Path, sql: &'static str) -> i64 {
    let mut connection = raw(path).await;
    let number: (i64,) = sqlx::query_as(sql).fetch_one(&mut connection).await.expect("read");
    connection.close().await.expect("closes");
    number.0
}

async fn change(path: &Path, sql: &'static str) {
    let mut connection = raw(path).await;
    connection.execute(sql).await.expect("changed");
    connection.close().await.expect("closes");
}

/// Rows that cannot be understood or stored are counted, and their tables named.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repair_tells_what_it_left_out() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("odd.db");
    let store = sqlite_at(&path).await;
    fill(&store).await;
    store.close().await;
    change(
        &path,
        "PRAGMA foreign_keys = OFF;
         UPDATE users SET display_name = CAST(x'FFFE' AS TEXT);
         UPDATE messages SET session_id = 'nobody' WHERE seq = (SELECT MIN(seq) FROM messages)
            AND session_id = (SELECT MIN(id) FROM sessions)",
    )
    .await;
    let repaired = sqlite::repair(&path).await.expect("repaired");
    assert_eq!(repaired.incomplete, ["users", "messages"], "{repaired:?}");
    assert_eq!(repaired.skipped, 2, "{repaired:?}");
    let repaired = sqlite::repair(&path).await.expect("repaired");
    assert_eq!((repaired.skipped, repaired.incomplete), (0, Vec::new()));
}

/// The writer is not held up by an index that is far behind, and a restored one is not behind.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_index_that_is_behind_holds_nobody_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let (path, lines) = (folder.path().join("store.db"), folder.path().join("all.jsonl"));
    let store = sqlite_at(&path).await;
    fill(&store).await;
    for group in 0..40 {
        let mut batch = Batch::new();
        for number in 0..100 {
            let said = entry("a", &format!("more-{group}-{number}"));
            batch.push(Write::Append(Box::new(said)));
        }
        store.apply(batch).await.expect("accepted");
    }
    exported(&store, &lines).await;
    store.close().await;
    change(&path, "DELETE FROM message_search; UPDATE search_state SET indexed = 0").await;
    let store = sqlite_at(&path).await;
    let query = MessageQuery { text: "word".to_owned(), limit: 10, ..MessageQuery::default() };
    let append = Write::Append(Box::new(entry("a", "meanwhile")));
    {
        let search = store.search_messages(&query);
        let apply = store.apply(Batch::new().with(append));
        tokio::pin!(search, apply);
        tokio::select! {
            biased;
            _ = &mut search => panic!("the batch waited for the whole index"),
            applied = &mut apply => assert_eq!(applied.expect("accepted").seqs.len(), 1),
        }
        assert_eq!(search.await.expect("read").items.len(), 2);
    }
    store.close().await;
    let restored = folder.path().join("restored.db");
    sqlite::restore(&restored, &lines).await.expect("restored");
    const BEHIND: &str =
        "SELECT (SELECT MAX(position) FROM messages) - (SELECT indexed FROM search_state)";
    assert_eq!(number(&restored, BEHIND).await, 0);
}

/// Whoever reads a copy cannot sign with it, and a restore brings back no key that was revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn signing_keys_stay_out_of_copies() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let at = |name: &str| -> PathBuf { folder.path().join(name) };
    let there = options(&server);
    let (lite, postgres) = (sqlite_at(&at("store.db")).await, postgres_at(&there).await);
    for (store, copy) in [(&lite as &dyn Storage, "copy.db"), (&postgres, "copy.jsonl")] {
        fill(store).await;
        let key = "auth.signing_keys".to_owned();
        let put = Write::PutValue { key, value: "canary-of-the-seed".to_owned(), expect: None };
        store.apply(Batch::new().with(put)).await.expect("accepted");
        store.back_up(&at(copy)).await.expect("backed up");
        exported(store, &at("export.jsonl")).await;
        for name in [copy, "export.jsonl"] {
            let bytes = std::fs::read(at(name)).expect("read");
            let canary = b"canary-of-the-seed";
            assert!(!bytes.windows(canary.len()).any(|window| window == canary), "{name}");
        }
    }
    // A copy of an earlier version holds them.
    lite.close().await;
    std::fs::copy(at("store.db"), at("old.db")).expect("copied");
    sqlite::restore(&at("restored.db"), &at("old.db")).await.expect("restored");
    const KEYS: &str = "SELECT COUNT(*) FROM config WHERE key = 'auth.signing_keys'";
    assert_eq!(number(&at("old.db"), KEYS).await, 1);
    assert_eq!(number(&at("restored.db"), KEYS).await, 0);
    assert_eq!(number(&at("restored.db"), "SELECT COUNT(*) FROM config").await, 1);
}

/// A file that cannot be written is told, and holds no transaction open.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_into_a_missing_folder_fails() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let store = postgres_at(&options(&server)).await;
    fill(&store).await;
    for number in 0..200 {
        let append = Write::Append(Box::new(entry("a", &format!("more-{number}"))));
        store.apply(Batch::new().with(append)).await.expect("accepted");
    }
    let missing = folder.path().join("missing").join("backup.jsonl");
    let limit = std::time::Duration::from_secs(20);
    let backed_up = tokio::time::timeout(limit, store.back_up(&missing)).await.expect("it ends");
    assert!(backed_up.expect_err("no folder").to_string().contains("writing the backup"));
    store.back_up(&folder.path().join("backup.jsonl")).await.expect("backed up");
    let left: Vec<_> = std::fs::read_dir(folder.path()).expect("read").collect();
    assert_eq!(left.len(), 1, "{left:?}");
}

/// A gateway that works, or is about to, keeps its store.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_worked_on_is_not_replaced() {
    let server = PostgresServer::start().expect("a server");
    let folder = tempfile::tempdir().expect("a folder");
    let there = options(&server);
    let store = postgres_at(&there).await;
    fill(&store).await;
    let backup = folder.path().join("backup.jsonl");
    store.back_up(&backup).await.expect("backed up");
    let take = Write::TakeLease {
        resource: "lane:x".to_owned(),
        owner: "g".to_owned(),
        ttl: std::time::Duration::from_secs(60),
    };
    store.apply(Batch::new().with(take)).await.expect("taken");
    let restored = postgres::restore(&there, &backup).await;
    assert!(matches!(restored, Err(archive::RestoreError::InUse { .. })), "{restored:?}");
    assert_eq!(store.count_sessions().await.expect("read"), 2);
}
