//! What only a file can suffer: damage, a full disk, foreign locks, a crash, a later version.

mod damage;

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{Clock, SystemClock};
use openclaw_storage::conformance::{
    Recorder, entry, input, message_id, session, session_id, session_key,
};
use openclaw_storage::sqlite::{SqliteOptions, SqliteStorage, Synchronous};
use openclaw_storage::{
    ApplyError, Batch, CommitObserver, InboxReads as _, MessageReads as _, NoObserver,
    SessionReads as _, Storage, StorageError, ValueReads as _, Write,
};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions as _, Connection as _, Executor as _};

fn clock() -> Arc<dyn Clock> {
    Arc::new(SystemClock)
}

async fn try_open(options: SqliteOptions) -> Result<SqliteStorage, StorageError> {
    SqliteStorage::open(options, clock(), Arc::new(NoObserver)).await
}

async fn open(path: &Path) -> SqliteStorage {
    try_open(SqliteOptions::new(path)).await.expect("the file opens")
}

fn file(folder: &tempfile::TempDir) -> PathBuf {
    folder.path().join("openclaw.db")
}

fn append(name: &str) -> Write {
    Write::Append(Box::new(entry("a", name)))
}

fn put(key: &str, value: String) -> Batch {
    Batch::new().with(Write::PutValue { key: key.to_owned(), value, expect: None })
}

async fn fill(storage: &SqliteStorage, messages: usize) {
    let create = Write::CreateSession(Box::new(session("a")));
    storage.apply(Batch::new().with(create)).await.expect("accepted");
    for number in 0..messages {
        let batch = Batch::new().with(append(&number.to_string()));
        storage.apply(batch).await.expect("accepted");
    }
}

/// Another program's connection.
async fn foreign(path: &Path) -> SqliteConnection {
    SqliteConnectOptions::new().filename(path).connect().await.expect("the file opens")
}

#[tokio::test]
async fn the_file_and_its_folder_are_the_owners_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state/deep/openclaw.db");
    let storage = open(&path).await;
    fill(&storage, 1).await;
    let mode =
        |path: &Path| std::fs::metadata(path).expect("it exists").permissions().mode() & 0o777;
    assert_eq!(mode(path.parent().expect("a folder")), 0o700);
    assert_eq!(mode(&folder.path().join("state")), 0o700);
    for suffix in ["", "-wal", "-shm"] {
        let path = PathBuf::from(format!("{}{suffix}", path.display()));
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    storage.close().await;
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).expect("set");
    open(&path).await.close().await;
    assert_eq!(mode(&path), 0o600);
}

#[tokio::test]
async fn a_file_that_is_no_database_is_corrupt() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    std::fs::write(&path, "this is no database, it is a shopping list\n".repeat(500))
        .expect("written");
    let error = try_open(SqliteOptions::new(&path)).await.expect_err("refused");
    let place = path.display().to_string();
    assert!(matches!(&error, StorageError::Corrupt { place: at, .. } if *at == place), "{error:?}");
    assert!(std::fs::read(&path).expect("read").starts_with(b"this is no database"));
}

#[tokio::test]
async fn overwritten_pages_are_corrupt_not_a_panic() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let storage = open(&path).await;
    fill(&storage, 300).await;
    storage.close().await;
    let mut bytes = std::fs::read(&path).expect("read");
    assert!(bytes.len() > 20 * 4096, "{}", bytes.len());
    // The first page holds the header and the tables' list, which opening needs.
    for byte in &mut bytes[4096..] {
        *byte = 0x5A;
    }
    std::fs::write(&path, bytes).expect("written");
    let storage = match try_open(SqliteOptions::new(&path)).await {
        Err(StorageError::Corrupt { .. }) => return,
        Err(other) => panic!("{other:?}"),
        Ok(storage) => storage,
    };
    let read = storage.messages_after(&session_id("a"), 0, 300).await;
    assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{read:?}");
}

#[tokio::test]
async fn damage_found_later_is_told_by_read_write_and_check() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let storage = open(&path).await;
    fill(&storage, 300).await;
    storage.close().await;
    damage::overwrite_pages_with(&path, b"message-150");
    let storage = open(&path).await;
    let read = storage.messages_after(&session_id("a"), 0, 300).await;
    assert!(matches!(read, Err(StorageError::Corrupt { .. })), "{read:?}");
    let findings = storage.integrity().await;
    let is_found = match &findings {
        Ok(findings) => !findings.is_empty(),
        Err(error) => matches!(error, StorageError::Corrupt { .. }),
    };
    assert!(is_found, "{findings:?}");
    let written = storage.apply(Batch::new().with(append("150"))).await;
    let is_told = matches!(written, Err(ApplyError::Storage(StorageError::Corrupt { .. })));
    assert!(is_told, "{written:?}");
    // What is not damaged goes on, also for what shares a commit with the damaged.
    let batches = (0..20).map(|number| match number {
        7 => Batch::new().with(append("150")),
        _ => put(&format!("k{number}"), "v".to_owned()),
    });
    let applied = futures_util::future::join_all(batches.map(|batch| storage.apply(batch))).await;
    for (number, result) in applied.into_iter().enumerate() {
        assert_eq!(result.is_ok(), number != 7, "{number}: {result:?}");
    }
    assert_eq!(storage.values("k").await.expect("read").len(), 19);
}

#[tokio::test]
async fn what_waits_together_shares_a_commit() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let storage = open(&path).await;
    fill(&storage, 1).await;
    let log = PathBuf::from(format!("{}-wal", path.display()));
    let length = || std::fs::metadata(&log).expect("it exists").len();
    let before = length();
    storage.apply(Batch::new().with(append("alone"))).await.expect("accepted");
    let one = length() - before;
    let mut other = foreign(&path).await;
    other.execute("BEGIN IMMEDIATE").await.expect("locked");
    let before = length();
    // The first waits for the lock, the others for the first.
    let names: Vec<String> = (0..60).map(|number| format!("together-{number}")).collect();
    let batches = names.iter().map(|name| storage.apply(Batch::new().with(append(name))));
    let release = async {
        tokio::task::yield_now().await;
        other.execute("ROLLBACK").await.expect("unlocked");
    };
    let (applied, ()) =
        futures_util::future::join(futures_util::future::join_all(batches), release).await;
    assert!(applied.iter().all(Result::is_ok), "{applied:?}");
    let all = length() - before;
    assert!(all < 60 * one * 3 / 4, "60 batches wrote {all} bytes, one alone {one}");
}

#[tokio::test]
async fn a_full_disk_refuses_whole_batches_and_heals() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions {
        max_size_bytes: Some(400 * 1024),
        ..SqliteOptions::new(file(&folder)).with_synchronous(Synchronous::Off)
    };
    let storage = try_open(options).await.expect("the file opens");
    fill(&storage, 1).await;
    let batch = |number: usize| {
        Batch::new()
            .with(append(&format!("full-{number}")))
            .with(Write::PutValue {
                key: format!("k{number}"),
                value: "x".repeat(20_000),
                expect: None,
            })
            .with(append(&format!("after-{number}")))
    };
    let mut accepted = 0;
    let error = loop {
        match storage.apply(batch(accepted)).await {
            Ok(_) => accepted += 1,
            Err(error) => break error,
        }
        assert!(accepted < 100, "the limit is never reached");
    };
    assert!(matches!(error, ApplyError::Storage(StorageError::Full(_))), "{error:?}");
    assert!(accepted > 0);
    // Nothing of it was written, reads go on, and so do writes that need no space.
    let session = storage.session(&session_id("a")).await.expect("read").expect("there");
    assert_eq!(session.last_seq, 1 + 2 * accepted as i64);
    let first = message_id(&format!("full-{accepted}"));
    assert_eq!(storage.message(&first).await.expect("read"), None);
    assert_eq!(storage.value(&format!("k{accepted}")).await.expect("read"), None);
    storage
        .apply(Batch::new().with(Write::DeleteValue { key: "k0".to_owned() }))
        .await
        .expect("accepted");
    storage.set_max_size(None);
    for number in accepted..accepted + 20 {
        storage.apply(batch(number)).await.expect("accepted");
    }
    assert_eq!(storage.integrity().await.expect("read"), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_in_a_group_refuses_only_what_does_not_fit() {
    let folder = tempfile::tempdir().expect("a folder");
    let options = SqliteOptions {
        max_size_bytes: Some(400 * 1024),
        ..SqliteOptions::new(file(&folder)).with_synchronous(Synchronous::Off)
    };
    let observer = Arc::new(Recorder::default());
    let observed: Arc<dyn CommitObserver> = observer.clone();
    let storage = Arc::new(SqliteStorage::open(options, clock(), observed).await.expect("opens"));
    fill(&storage, 0).await;
    observer.take();
    let tasks = tokio_util::task::TaskTracker::new();
    let mut writers = Vec::new();
    for number in 0..60 {
        let storage = Arc::clone(&storage);
        let size = if number % 5 == 4 { 500_000 } else { 10 };
        let batch = put(&format!("k{number}"), "x".repeat(size)).with(append(&number.to_string()));
        writers.push(tasks.spawn(async move { (number, storage.apply(batch).await) }));
    }
    for writer in writers {
        let (number, result) = writer.await.expect("the writer ends");
        if number % 5 == 4 {
            let is_full = matches!(result, Err(ApplyError::Storage(StorageError::Full(_))));
            assert!(is_full, "{number}: {result:?}");
        } else {
            assert!(result.is_ok(), "{number}: {result:?}");
        }
        let is_there = storage.value(&format!("k{number}")).await.expect("read").is_some();
        assert_eq!(is_there, number % 5 != 4, "{number}");
    }
    let heard: Vec<i64> =
        observer.take().iter().flat_map(|told| &told.events).map(|event| event.seq).collect();
    assert_eq!(heard, (1..=48).collect::<Vec<_>>());
    assert_eq!(storage.integrity().await.expect("read"), Vec::<String>::new());
}

#[tokio::test]
async fn a_foreign_lock_is_busy_until_it_is_gone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::new(&path) };
    let storage = Arc::new(try_open(options).await.expect("the file opens"));
    fill(&storage, 1).await;
    let mut other = foreign(&path).await;
    other.execute("BEGIN IMMEDIATE").await.expect("locked");
    let batches = ["2", "3", "4"].map(|name| {
        let storage = Arc::clone(&storage);
        async move { storage.apply(Batch::new().with(append(name))).await }
    });
    for result in futures_util::future::join_all(batches).await {
        let is_busy = matches!(result, Err(ApplyError::Storage(StorageError::Busy(_))));
        assert!(is_busy, "{result:?}");
    }
    assert_eq!(storage.messages_after(&session_id("a"), 0, 9).await.expect("read").len(), 1);
    other.execute("ROLLBACK").await.expect("unlocked");
    storage.apply(Batch::new().with(append("5"))).await.expect("accepted");
}

#[tokio::test]
async fn opening_beside_an_exclusive_lock_is_busy() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    open(&path).await.close().await;
    let mut other = foreign(&path).await;
    other.execute("PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE").await.expect("locked");
    let options =
        SqliteOptions { busy_timeout: Duration::from_millis(50), ..SqliteOptions::new(&path) };
    let error = try_open(options).await.expect_err("refused");
    assert!(matches!(error, StorageError::Busy(_)), "{error:?}");
    other.close().await.expect("closed");
    open(&path).await.close().await;
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let storage = open(&path).await;
    let known = storage.health().await.expect("read").schema;
    storage.close().await;
    let mut other = foreign(&path).await;
    other
        .execute(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
             VALUES (9000, 'later', TRUE, x'00', 0)",
        )
        .await
        .expect("inserted");
    other.close().await.expect("closed");
    let before = std::fs::read(&path).expect("read");
    let error = try_open(SqliteOptions::new(&path)).await.expect_err("refused");
    let is_newer = matches!(&error, StorageError::NewerSchema { place, found: 9_000, known: ours }
        if *ours == known && *place == path.display().to_string());
    assert!(is_newer, "{error:?}");
    assert_eq!(std::fs::read(&path).expect("read"), before);
}

#[test]
fn what_was_acknowledged_survives_a_store_that_is_never_closed() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let runtime = || tokio::runtime::Runtime::new().expect("a runtime");
    let dying = runtime();
    dying.block_on(async {
        let storage = open(&path).await;
        fill(&storage, 20).await;
        let accept = Write::AcceptInput(Box::new(input("a", "1")));
        storage.apply(Batch::new().with(accept)).await.expect("accepted");
        // Neither closed nor dropped: its tasks end with the runtime, wherever they are.
        std::mem::forget(storage);
    });
    dying.shutdown_background();
    runtime().block_on(async {
        let storage = open(&path).await;
        let messages = storage.messages_after(&session_id("a"), 0, 100).await.expect("read");
        assert_eq!(messages.len(), 20);
        let open = storage.open_inputs(&session_key("a"), 10).await.expect("read");
        assert_eq!(open.len(), 1);
        assert_eq!(storage.backlog().await.expect("read").inputs, 1);
        assert_eq!(storage.apply(Batch::new().with(append("next"))).await.expect("ok").seqs, [21]);
        storage.close().await;
    });
}

#[tokio::test]
async fn a_cancelled_caller_does_not_cancel_its_batch() {
    let folder = tempfile::tempdir().expect("a folder");
    let storage = open(&file(&folder)).await;
    fill(&storage, 0).await;
    for number in 0..50 {
        let batch = Batch::new().with(append(&number.to_string()));
        let mut applying = std::pin::pin!(storage.apply(batch));
        assert!(futures_util::poll!(applying.as_mut()).is_pending());
    }
    // A later batch is applied after all of them.
    let last = storage.apply(Batch::new().with(append("last"))).await.expect("accepted");
    assert_eq!(last.seqs, [51]);
}

#[tokio::test]
async fn closing_leaves_one_file_that_holds_everything() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = file(&folder);
    let storage = open(&path).await;
    fill(&storage, 5).await;
    storage.messages_after(&session_id("a"), 0, 10).await.expect("read");
    storage.close().await;
    let names: Vec<_> = std::fs::read_dir(folder.path())
        .expect("read")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    assert_eq!(names, ["openclaw.db"]);
    let storage = open(&path).await;
    let health = storage.health().await.expect("read");
    assert_eq!(health.engine, "sqlite");
    assert!(health.size_bytes > 4096);
    assert_eq!(storage.messages_after(&session_id("a"), 0, 10).await.expect("read").len(), 5);
}
