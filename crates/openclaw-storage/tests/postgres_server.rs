//! What only a server can do: be absent, refuse, crash, be full, serve two gateways at once.

use std::sync::Arc;
use std::time::Duration;

use openclaw_core::{Secret, SystemClock};
use openclaw_storage::conformance::{at, entry, input, message_id, run, session, session_id};
use openclaw_storage::postgres::{PostgresOptions, PostgresStorage};
use openclaw_storage::{
    ApplyError, Batch, Conflict, Fence, MessageReads as _, NoObserver, SessionPatch,
    SessionReads as _, Storage as _, StorageError, Write,
};
use openclaw_testkit::postgres::PostgresServer;
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions as _, Executor as _};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

fn options(url: &str) -> PostgresOptions {
    PostgresOptions::new(&Secret::new(url)).expect("an address")
}

async fn try_open(url: &str) -> Result<PostgresStorage, StorageError> {
    PostgresStorage::open(options(url), Arc::new(SystemClock), Arc::new(NoObserver)).await
}

async fn open(url: &str) -> PostgresStorage {
    try_open(url).await.expect("it opens")
}

fn append(session: &str, name: &str) -> Batch {
    Batch::new().with(Write::Append(Box::new(entry(session, name))))
}

fn touch(session: &str, millis: i64) -> Write {
    let patch = SessionPatch { last_activity_at: Some(at(millis)), ..SessionPatch::default() };
    Write::UpdateSession { id: session_id(session), patch }
}

fn create(name: &str) -> Write {
    Write::CreateSession(Box::new(session(name)))
}

/// Everything an error says.
fn said(error: &dyn std::error::Error) -> String {
    let mut said = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        said = format!("{said}: {cause}");
        source = cause.source();
    }
    said
}

#[tokio::test]
async fn what_keeps_us_out_is_told_and_never_the_password() {
    let server = PostgresServer::start().expect("a server");
    let good = server.empty().expect("a place");
    let absent = good.replace(&format!(":{}", server.port()), ":1");
    let stranger = good.replace(server.password(), "a-wrong-password");
    let nowhere = server.url("no_such_database");
    let error = try_open(&absent).await.expect_err("no server");
    assert!(matches!(error, StorageError::Unreachable { .. }), "{error:?}");
    let mut errors = vec![error];
    for url in [&stranger, &nowhere] {
        let error = try_open(url).await.expect_err("refused");
        assert!(matches!(error, StorageError::Refused { .. }), "{error:?}");
        errors.push(error);
    }
    for error in errors {
        let shown = format!("{} {error:?}", said(&error));
        assert!(shown.contains("127.0.0.1"), "{shown}");
        assert!(!shown.contains(server.password()), "{shown}");
        assert!(!shown.contains("a-wrong-password"), "{shown}");
    }
    open(&good).await.close().await;
    let newer = "INSERT INTO _sqlx_migrations
        (version, description, success, checksum, execution_time) VALUES (99, 'x', true, '', 0)";
    server.sql(&good, newer).expect("inserted");
    let error = try_open(&good).await.expect_err("newer");
    assert!(matches!(error, StorageError::NewerSchema { found: 99, .. }), "{error:?}");
}

/// Two programs that open an empty place at once make the tables once.
#[tokio::test]
async fn two_may_start_at_once() {
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let (one, two) = tokio::join!(try_open(&url), try_open(&url));
    let (one, two) = (one.expect("it opens"), two.expect("it opens"));
    one.apply(Batch::new().with(create("a"))).await.expect("accepted");
    let taken = two.apply(Batch::new().with(create("a"))).await;
    let is_taken = matches!(taken, Err(ApplyError::Conflict(Conflict::SessionKeyTaken { .. })));
    assert!(is_taken, "{taken:?}");
    one.close().await;
    let closed = one.apply(Batch::new().with(create("b"))).await;
    assert!(matches!(closed, Err(ApplyError::Storage(StorageError::Closed))), "{closed:?}");
}

/// What was acknowledged is there afterwards, once; the store goes on by itself.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_crash_of_the_server_loses_nothing_that_was_acknowledged() {
    let mut server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let store = Arc::new(open(&url).await);
    store.apply(Batch::new().with(create("a"))).await.expect("accepted");
    let (tasks, progress) = (TaskTracker::new(), Arc::new(Notify::new()));
    let writing = tasks.spawn(write_until_it_went_on(Arc::clone(&store), Arc::clone(&progress)));
    progress.notified().await;
    let server = tasks.spawn_blocking(move || {
        server.crash().expect("it ends");
        server.start_again().expect("it starts");
        server
    });
    let server = server.await.expect("restarted");
    let (kept, unsure) = writing.await.expect("written");
    let stored = store.messages_after(&session_id("a"), 0, 100_000).await.expect("read");
    let mut names: Vec<String> =
        stored.iter().map(|message| message.id.as_str().to_owned()).collect();
    let numbers: Vec<i64> = stored.iter().map(|message| message.seq).collect();
    assert_eq!(numbers, (1..=stored.len() as i64).collect::<Vec<_>>());
    names.retain(|name| !unsure.contains(name));
    assert_eq!(names, kept);
    assert!(kept.len() > 40, "{}", kept.len());
    drop(server);
}

/// Appends one by one, across the crash, until twenty were accepted after it. Returns those that were
/// accepted and those whose answer was lost.
async fn write_until_it_went_on(
    store: Arc<PostgresStorage>,
    progress: Arc<Notify>,
) -> (Vec<String>, Vec<String>) {
    let (mut kept, mut unsure) = (Vec::new(), Vec::new());
    let mut after = 0;
    for number in 0.. {
        let name = number.to_string();
        match store.apply(append("a", &name)).await {
            Ok(_) => kept.push(message_id(&name).into_string()),
            Err(ApplyError::Storage(StorageError::Lost(_))) => {
                unsure.push(message_id(&name).into_string());
            }
            Err(ApplyError::Storage(StorageError::Unreachable { .. } | StorageError::Busy(_))) => {}
            Err(other) => panic!("{other:?}"),
        }
        if kept.len() == 20 {
            progress.notify_one();
        }
        after += i32::from(kept.len() > 20);
        if after > 60 {
            break;
        }
    }
    (kept, unsure)
}

/// Batches that lock the same rows in opposite orders: the server ends one, which is tried again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn gateways_in_each_others_way_both_get_through() {
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let (one, two) = (Arc::new(open(&url).await), Arc::new(open(&url).await));
    let both = Batch::new().with(create("a")).with(create("b"));
    one.apply(both).await.expect("accepted");
    let tasks = TaskTracker::new();
    let mut writers = Vec::new();
    for (store, order) in [(one.clone(), ["a", "b"]), (two, ["b", "a"])] {
        writers.push(tasks.spawn(async move {
            for number in 0..60 {
                let mut batch = Batch::new();
                for name in order {
                    batch.push(touch(name, number));
                    let message = format!("{}-{name}-{number}", order[0]);
                    batch.push(Write::Append(Box::new(entry(name, &message))));
                }
                store.apply(batch).await.expect("accepted in the end");
            }
        }));
    }
    for writer in writers {
        writer.await.expect("the writer ends");
    }
    for name in ["a", "b"] {
        let session = one.session(&session_id(name)).await.expect("read").expect("there");
        assert_eq!(session.last_seq, 120);
    }
}

/// An event that two gateways hear of at the same time is accepted by one of them.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_gateways_one_accepts_an_event() {
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let stores = [Arc::new(open(&url).await), Arc::new(open(&url).await)];
    let tasks = TaskTracker::new();
    for number in 0..30 {
        let tries = stores.clone().map(|store| {
            let mut new = input("a", &number.to_string());
            new.id = openclaw_storage::conformance::inbox_id(&format!(
                "{number}-{:p}",
                Arc::as_ptr(&store)
            ));
            tasks.spawn(async move {
                store.apply(Batch::new().with(Write::AcceptInput(Box::new(new)))).await
            })
        });
        let mut accepted = 0;
        for tried in tries {
            match tried.await.expect("it ends") {
                Ok(_) => accepted += 1,
                Err(ApplyError::Conflict(Conflict::DuplicateInput { run_id })) => {
                    assert_eq!(run_id, run(&number.to_string()));
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        assert_eq!(accepted, 1, "event {number}");
    }
}

/// A gateway that stands still within a transaction holds the fence; the server ends it, the lease is
/// taken over, and what it still sends is refused.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_takeover_waits_for_a_write_under_the_old_fence_but_not_for_ever() {
    let server = PostgresServer::start().expect("a server");
    let url = server.empty().expect("a place");
    let (one, two) = (open(&url).await, open(&url).await);
    let take = |owner: &str, ttl| {
        let write =
            Write::TakeLease { resource: "lane:x".to_owned(), owner: owner.to_owned(), ttl };
        Batch::new().with(write)
    };
    let taken = one.apply(take("one", Duration::from_secs(15))).await.expect("taken");
    let fence = Fence::from(&taken.leases[0]);
    let held = two.apply(take("two", Duration::from_secs(15))).await;
    let is_held = matches!(held, Err(ApplyError::Conflict(Conflict::LeaseHeld { .. })));
    assert!(is_held, "{held:?}");
    // As the store does for a batch under the fence, and then nothing more.
    let stopped: PgConnectOptions = url.parse().expect("an address");
    let mut stopped = stopped.connect().await.expect("a connection");
    stopped.execute("SET idle_in_transaction_session_timeout = '2s'").await.expect("set");
    stopped.execute("BEGIN").await.expect("begun");
    let hold = "SELECT 1 FROM leases WHERE resource = 'lane:x' FOR KEY SHARE";
    stopped.execute(hold).await.expect("held");
    // A renewal does not wait for it.
    let leases = openclaw_storage::Leases::Of("lane:x".to_owned());
    let renew =
        Write::RenewLeases { owner: "one".to_owned(), leases, ttl: Duration::from_millis(50) };
    one.apply(Batch::new().with(renew)).await.expect("renewed");
    let began = tokio::time::Instant::now();
    let takeover = async {
        loop {
            match two.apply(take("two", Duration::from_secs(15))).await {
                Ok(applied) => break applied,
                Err(ApplyError::Conflict(Conflict::LeaseHeld { .. })) => {
                    tokio::time::sleep(Duration::from_millis(20)).await;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
    };
    let applied = tokio::time::timeout(Duration::from_secs(15), takeover).await.expect("in time");
    assert!(began.elapsed() > Duration::from_secs(1), "{:?}", began.elapsed());
    assert_eq!(applied.leases[0].fence, fence.fence + 1);
    stopped.execute("COMMIT").await.expect_err("the server ended it");
    let late = one.apply(append("a", "1").fenced(fence)).await;
    assert!(matches!(late, Err(ApplyError::Conflict(Conflict::FenceLost { .. }))), "{late:?}");
}

/// Writes are refused as such, reads go on, and with room again everything that was accepted is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_accepted() {
    let server = PostgresServer::start_on_small_disk(160).expect("a server on a disk of its own");
    let url = server.empty().expect("a place");
    let store = open(&url).await;
    store.apply(Batch::new().with(create("a"))).await.expect("accepted");
    let filler = server.disk().expect("a disk").join("filler");
    let mut accepted = 0;
    let mut refused = None;
    for number in 0..400 {
        if number == 20 {
            fill_up(&filler);
        }
        let mut said = entry("a", &number.to_string());
        if let Some(message) = &mut said.message {
            // More than compresses away.
            let noise: String = (0..60_000_u32)
                .map(|at| {
                    char::from(b'a' + (at.wrapping_mul(2_654_435_761 ^ number) >> 27) as u8 % 26)
                })
                .collect();
            message.content = openclaw_core::MessageContent::text(noise);
        }
        match store.apply(Batch::new().with(Write::Append(Box::new(said)))).await {
            Ok(_) => accepted += 1,
            Err(error) => {
                refused = Some(error);
                break;
            }
        }
    }
    let told = refused.expect("the disk is full at some time");
    let is_told = matches!(
        told,
        ApplyError::Storage(
            StorageError::Full(_) | StorageError::Unreachable { .. } | StorageError::Lost(_)
        )
    );
    assert!(is_told, "{told:?}");
    std::fs::remove_file(&filler).expect("removed");
    let went_on = async {
        loop {
            match store.apply(append("a", "after")).await {
                Ok(_) => break,
                Err(ApplyError::Conflict(Conflict::StateChanged { .. })) => break,
                Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), went_on).await.expect("it goes on");
    let stored = store.messages_after(&session_id("a"), 0, 1_000).await.expect("read");
    let seqs: Vec<i64> = stored.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=stored.len() as i64).collect::<Vec<_>>());
    assert!(stored.len() > accepted, "{} of {accepted}", stored.len());
    for (number, message) in stored.iter().take(accepted).enumerate() {
        assert_eq!(message.id, message_id(&number.to_string()));
    }
}

fn fill_up(file: &std::path::Path) {
    use std::io::Write as _;
    let mut file = std::fs::File::create(file).expect("made");
    let block = vec![0_u8; 1 << 20];
    while file.write_all(&block).is_ok() {}
}
