//! Many writers at once.

use std::collections::BTreeSet;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::{Fixture, entry, input, run, session, session_id};
use crate::{ApplyError, Batch, Conflict, Storage, Write};

const WRITERS: usize = 16;
const ENTRIES: usize = 25;

/// The observer hears them in that order.
pub async fn writers_of_one_session_get_dense_numbers_in_order(store: &Fixture) {
    store.with_session("a").await;
    store.observer.take();
    let tasks = TaskTracker::new();
    let mut writers = Vec::new();
    for writer in 0..WRITERS {
        let storage = Arc::clone(&store.storage);
        writers.push(tasks.spawn(append_one_by_one(storage, writer)));
    }
    let mut seqs = Vec::new();
    for writer in writers {
        let own = writer.await.expect("the writer ends");
        assert!(own.is_sorted(), "{own:?}");
        seqs.extend(own);
    }
    seqs.sort_unstable();
    let all: Vec<i64> = (1..=(WRITERS * ENTRIES) as i64).collect();
    assert_eq!(seqs, all);
    let told = store.observer.take();
    let heard: Vec<i64> =
        told.iter().flat_map(|told| &told.events).map(|event| event.seq).collect();
    assert_eq!(heard, all);
    let stored = store
        .storage
        .messages_after(&session_id("a"), 0, (WRITERS * ENTRIES) as u32)
        .await
        .expect("read");
    assert_eq!(stored.iter().map(|message| message.seq).collect::<Vec<_>>(), all);
}

async fn append_one_by_one(storage: Arc<dyn Storage>, writer: usize) -> Vec<i64> {
    let mut seqs = Vec::new();
    for number in 0..ENTRIES {
        let write = Write::Append(Box::new(entry("a", &format!("{writer}-{number}"))));
        let applied = storage.apply(Batch::new().with(write)).await.expect("accepted");
        seqs.extend(applied.seqs);
    }
    seqs
}

/// Those that share its commit are written, and it is not.
pub async fn a_refused_batch_does_not_harm_its_neighbours(store: &Fixture) {
    store.with_session("a").await;
    let tasks = TaskTracker::new();
    let mut writers = Vec::new();
    for number in 0..60 {
        let storage = Arc::clone(&store.storage);
        let mut batch = Batch::new().with(Write::Append(Box::new(entry("a", &number.to_string()))));
        if number % 3 == 0 {
            batch.push(Write::CreateSession(Box::new(session("a"))));
        }
        writers.push(tasks.spawn(async move { (number, storage.apply(batch).await) }));
    }
    let mut accepted = BTreeSet::new();
    for writer in writers {
        match writer.await.expect("the writer ends") {
            (number, Ok(_)) => {
                assert_ne!(number % 3, 0);
                accepted.insert(format!("message-{number}"));
            }
            (number, Err(ApplyError::Conflict(Conflict::SessionKeyTaken { .. }))) => {
                assert_eq!(number % 3, 0);
            }
            (number, other) => panic!("batch {number}: {other:?}"),
        }
    }
    let stored = store.storage.messages_after(&session_id("a"), 0, 100).await.expect("read");
    let ids: BTreeSet<String> = stored.iter().map(|message| message.id.to_string()).collect();
    assert_eq!(ids, accepted);
    let seqs: Vec<i64> = stored.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, (1..=40).collect::<Vec<_>>());
}

/// The others are told its run.
pub async fn one_of_many_duplicates_is_accepted(store: &Fixture) {
    let tasks = TaskTracker::new();
    let mut writers = Vec::new();
    for number in 0..20 {
        let storage = Arc::clone(&store.storage);
        let mut new = input("a", &number.to_string());
        new.inbound.external_id = super::external("same");
        let batch = Batch::new().with(Write::AcceptInput(Box::new(new)));
        writers.push(tasks.spawn(async move { (number, storage.apply(batch).await) }));
    }
    let (mut accepted, mut told) = (Vec::new(), BTreeSet::new());
    for writer in writers {
        match writer.await.expect("the writer ends") {
            (number, Ok(_)) => accepted.push(run(&number.to_string())),
            (_, Err(ApplyError::Conflict(Conflict::DuplicateInput { run_id }))) => {
                told.insert(run_id);
            }
            (number, other) => panic!("batch {number}: {other:?}"),
        }
    }
    assert_eq!(accepted.len(), 1);
    assert_eq!(told.into_iter().collect::<Vec<_>>(), accepted);
}
