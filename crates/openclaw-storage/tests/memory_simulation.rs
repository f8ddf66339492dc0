//! What a simulator does with the memory engine: it cuts the log of commits and starts anew.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use openclaw_core::Clock;
use openclaw_storage::conformance::{ManualClock, Recorder, at, entry, session, session_id};
use openclaw_storage::memory::{CommitHook, MemoryStorage};
use openclaw_storage::{
    ApplyError, Batch, MessageReads as _, SessionReads as _, Storage as _, StorageError, Write,
};

/// Fails the commit with this number, before it or after it.
#[derive(Debug)]
struct Cut {
    at: usize,
    is_committed: bool,
    seen: AtomicUsize,
    calls: Mutex<Vec<&'static str>>,
}

impl Cut {
    fn at(at: usize, is_committed: bool) -> Arc<Self> {
        Arc::new(Self { at, is_committed, seen: AtomicUsize::new(0), calls: Mutex::default() })
    }

    fn fail() -> Result<(), StorageError> {
        Err(StorageError::Lost("the simulator cut the connection".into()))
    }
}

impl CommitHook for Cut {
    fn before_commit(&self, _: &Batch) -> Result<(), StorageError> {
        self.calls.lock().expect("no panic").push("before");
        let number = self.seen.fetch_add(1, Ordering::SeqCst);
        if number == self.at && !self.is_committed { Self::fail() } else { Ok(()) }
    }

    fn after_commit(&self, _: &Batch) -> Result<(), StorageError> {
        self.calls.lock().expect("no panic").push("after");
        let number = self.seen.load(Ordering::SeqCst) - 1;
        if number == self.at && self.is_committed { Self::fail() } else { Ok(()) }
    }
}

fn clock() -> Arc<dyn Clock> {
    Arc::new(ManualClock::at(at(1_000)))
}

fn create() -> Batch {
    Batch::new().with(Write::CreateSession(Box::new(session("a"))))
}

fn append(name: &str) -> Batch {
    Batch::new().with(Write::Append(Box::new(entry("a", name))))
}

async fn lengths(storage: &MemoryStorage) -> (usize, i64) {
    let messages = storage.messages_after(&session_id("a"), 0, 10).await.expect("read");
    let session = storage.session(&session_id("a")).await.expect("read").expect("there");
    (messages.len(), session.last_seq)
}

#[tokio::test]
async fn a_commit_that_fails_before_leaves_nothing() {
    let (hook, told) = (Cut::at(1, false), Arc::new(Recorder::default()));
    let storage = MemoryStorage::new(clock(), told.clone()).with_hook(hook);
    storage.apply(create()).await.expect("accepted");
    told.take();
    let lost = storage.apply(append("1")).await;
    assert!(matches!(lost, Err(ApplyError::Storage(StorageError::Lost(_)))), "{lost:?}");
    assert_eq!((lengths(&storage).await, told.take().len()), ((0, 0), 0));
    assert_eq!(storage.apply(append("1")).await.expect("accepted").seqs, [1]);
    assert_eq!((lengths(&storage).await, told.take().len()), ((1, 1), 1));
}

#[tokio::test]
async fn a_lost_answer_is_committed_and_nobody_is_told() {
    let (hook, told) = (Cut::at(1, true), Arc::new(Recorder::default()));
    let storage = MemoryStorage::new(clock(), told.clone()).with_hook(hook);
    storage.apply(create()).await.expect("accepted");
    told.take();
    let lost = storage.apply(append("1")).await;
    assert!(matches!(lost, Err(ApplyError::Storage(StorageError::Lost(_)))), "{lost:?}");
    assert_eq!((lengths(&storage).await, told.take().len()), ((1, 1), 0));
    // The same batch again shows that it is there.
    let again = storage.apply(append("1")).await;
    assert!(matches!(again, Err(ApplyError::Conflict(_))), "{again:?}");
    assert_eq!(lengths(&storage).await, (1, 1));
}

#[tokio::test]
async fn a_refused_batch_never_reaches_the_hook() {
    let hook = Cut::at(usize::MAX, false);
    let storage =
        MemoryStorage::new(clock(), Arc::new(Recorder::default())).with_hook(hook.clone());
    storage.apply(append("1")).await.expect_err("no session");
    assert!(hook.calls.lock().expect("no panic").is_empty());
    storage.apply(create()).await.expect("accepted");
    assert_eq!(*hook.calls.lock().expect("no panic"), ["before", "after"]);
}

#[tokio::test]
async fn a_snapshot_is_a_moment_to_start_from_again() {
    let storage = MemoryStorage::new(clock(), Arc::new(Recorder::default()));
    storage.apply(create()).await.expect("accepted");
    storage.apply(append("1")).await.expect("accepted");
    let snapshot = storage.snapshot();
    storage.apply(append("2")).await.expect("accepted");
    storage.close().await;
    for _ in 0..2 {
        let told = Arc::new(Recorder::default());
        let restarted = MemoryStorage::from_snapshot(snapshot.clone(), clock(), told.clone());
        assert_eq!(lengths(&restarted).await, (1, 1));
        assert_eq!(restarted.apply(append("3")).await.expect("accepted").seqs, [2]);
        assert_eq!(told.take().len(), 1);
    }
}
