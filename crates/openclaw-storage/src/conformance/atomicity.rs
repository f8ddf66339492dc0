//! All of a batch or nothing.

use std::time::Duration;

use openclaw_core::RunStatus;

use super::memory::{note, piece};
use super::{
    Fixture, Universe, at, channel, chat, entry, image, inbox_id, input, message_id, outbox,
    outbox_id, run, session, session_id, session_key, user_id,
};
use crate::rows::{InputState, MemoryIndexing, OutboxState, UserRow};
use crate::{
    Applied, ApplyError, Batch, Fence, InputChange, MemoryWrite, NewInput, OutboxChange,
    SessionPatch, StorageError, TranscriptDraft, Write,
};

fn universe() -> Universe {
    let names = ["1", "2", "3"];
    Universe {
        sessions: ["a", "b", "c"].map(session_id).to_vec(),
        keys: ["a", "b", "c"].map(session_key).to_vec(),
        messages: names.map(message_id).to_vec(),
        inputs: names.map(inbox_id).to_vec(),
        runs: names.map(run).to_vec(),
        outbox: names.map(outbox_id).to_vec(),
        channels: ["web", "telegram"].map(channel).to_vec(),
        chats: ["room", "42"].map(chat).to_vec(),
        users: ["7", "8"].map(user_id).to_vec(),
        resources: ["lane:x", "lane:y", "k"].map(ToOwned::to_owned).to_vec(),
        codes: vec!["AAAA".to_owned()],
        agents: vec![openclaw_core::AgentId::main()],
        texts: vec!["note".to_owned()],
    }
}

/// One write of each kind, all of which hold on a store with session `a` and its rows `1`.
fn one_of_each() -> Vec<Write> {
    let mut remembered = entry("a", "2");
    remembered.transcript = Some(TranscriptDraft {
        kind: crate::rows::TranscriptKind::User,
        message_id: Some(message_id("2")),
        data: serde_json::json!({"text": "x"}),
    });
    let patch = SessionPatch {
        label: Some(Some("changed".to_owned())),
        last_activity_at: Some(at(9_999)),
        ..SessionPatch::default()
    };
    let content = openclaw_core::MessageContent::text("changed");
    let running = InputChange::new(
        inbox_id("1"),
        vec![InputState::Waiting],
        InputState::Running,
        RunStatus::Running,
        at(4_000),
    );
    let sending = OutboxChange::new(
        outbox_id("1"),
        vec![OutboxState::Pending],
        OutboxState::Sending,
        at(4_000),
    );
    let person = UserRow {
        channel_id: channel("telegram"),
        channel_user_id: user_id("7"),
        global_user_id: None,
        display_name: None,
        metadata: None,
        created_at: at(1),
    };
    let pairing = Write::RequestPairing {
        channel_id: channel("telegram"),
        user_id: user_id("8"),
        display_name: None,
        code: "AAAA".to_owned(),
        expires_at: at(99_000),
        at: at(4_000),
    };
    let lease = |resource: &str| Write::TakeLease {
        resource: resource.to_owned(),
        owner: "one".to_owned(),
        ttl: Duration::from_secs(15),
    };
    vec![
        Write::CreateSession(Box::new(session("b"))),
        Write::ReplaceInput { id: inbox_id("1"), inbound: Box::new(input("a", "9").inbound) },
        Write::UpdateSession { id: session_id("a"), patch },
        Write::Append(Box::new(remembered)),
        Write::EditMessage { id: message_id("1"), content, edited_at: at(4_000) },
        Write::SetMessageExternalId {
            id: message_id("1"),
            external_id: super::external("message-1"),
        },
        Write::AcceptInput(Box::new(input("a", "2"))),
        Write::ChangeInput(Box::new(running)),
        Write::Enqueue(Box::new(outbox("2", "42"))),
        Write::ChangeOutbox(Box::new(sending)),
        Write::MigrateChat {
            channel_id: channel("telegram"),
            from: chat("42").chat_id,
            to: chat("room").chat_id,
        },
        Write::UpsertUser(person),
        Write::PutValue { key: "k".to_owned(), value: "new".to_owned(), expect: None },
        pairing,
        Write::ApprovePairing {
            channel_id: channel("telegram"),
            user_id: user_id("8"),
            owner: true,
            at: at(5_000),
        },
        lease("lane:y"),
        Write::RenewLeases {
            owner: "one".to_owned(),
            leases: crate::Leases::Beginning(String::new()),
            ttl: Duration::from_secs(99),
        },
        Write::DeleteValue { key: "gone".to_owned() },
        Write::RemovePairing { channel_id: channel("telegram"), user_id: user_id("7") },
        Write::Memory(MemoryWrite::Index(Box::new(MemoryIndexing {
            file: note("a.md"),
            from: 0,
            chunks: vec![piece(1, "note")],
        }))),
        Write::EndSession { id: session_id("b"), at: at(6_000) },
        Write::DeleteSession { id: session_id("c") },
    ]
}

/// Writes of which each conflicts, on the same store and after the others.
fn conflicting() -> Vec<Write> {
    let duplicate = NewInput { id: inbox_id("3"), ..input("a", "1") };
    let mut key_taken = outbox("3", "42");
    key_taken.idempotency_key = Some("outbox-1".to_owned());
    let waiting = InputChange::new(
        inbox_id("1"),
        vec![InputState::Answered],
        InputState::Failed,
        RunStatus::Error,
        at(4_000),
    );
    let sent =
        OutboxChange::new(outbox_id("1"), vec![OutboxState::Sent], OutboxState::Failed, at(4_000));
    vec![
        Write::CreateSession(Box::new(session("a"))),
        Write::UpdateSession { id: session_id("none"), patch: SessionPatch::default() },
        Write::EndSession { id: session_id("none"), at: at(1) },
        Write::DeleteSession { id: session_id("a") },
        Write::Append(Box::new(entry("none", "9"))),
        Write::Append(Box::new(entry("a", "1"))),
        Write::AcceptInput(Box::new(duplicate)),
        Write::ChangeInput(Box::new(waiting)),
        Write::Enqueue(Box::new(key_taken)),
        Write::ChangeOutbox(Box::new(sent)),
        Write::PutValue {
            key: "k".to_owned(),
            value: "x".to_owned(),
            expect: Some(Some("other".to_owned())),
        },
        Write::ApprovePairing {
            channel_id: channel("web"),
            user_id: user_id("8"),
            owner: true,
            at: at(5_000),
        },
        Write::TakeLease {
            resource: "lane:x".to_owned(),
            owner: "two".to_owned(),
            ttl: Duration::from_secs(15),
        },
    ]
}

async fn fill(store: &Fixture) {
    for name in ["a", "c"] {
        store.with_session(name).await;
    }
    let mut keyed = outbox("1", "42");
    keyed.idempotency_key = Some("outbox-1".to_owned());
    let lease = Write::TakeLease {
        resource: "lane:x".to_owned(),
        owner: "one".to_owned(),
        ttl: Duration::from_secs(15),
    };
    store
        .apply([
            Write::Append(Box::new(entry("a", "1"))),
            Write::Append(Box::new(entry("c", "3"))),
            Write::AcceptInput(Box::new(input("a", "1"))),
            Write::Enqueue(Box::new(keyed)),
            Write::PutValue { key: "k".to_owned(), value: "old".to_owned(), expect: None },
            lease,
        ])
        .await;
    store.observer.take();
}

/// Whatever came before it, and whatever the conflict is.
pub async fn a_conflict_leaves_nothing_of_its_batch(store: &Fixture) {
    fill(store).await;
    let universe = universe();
    let before = image(store.storage.as_ref(), &universe).await;
    for last in conflicting() {
        let mut writes = one_of_each();
        writes.push(last.clone());
        store.refused(writes).await;
        let after = image(store.storage.as_ref(), &universe).await;
        assert_eq!(after, before, "after {last:?}");
    }
    let fence = Fence { resource: "lane:x".to_owned(), owner: "one".to_owned(), fence: 2 };
    let fenced = Batch { fences: vec![fence], writes: one_of_each() };
    store.refused_batch(fenced).await;
    assert_eq!(image(store.storage.as_ref(), &universe).await, before);
    assert_eq!(store.observer.take(), []);
    let applied = store.apply(one_of_each()).await;
    assert_eq!((applied.seqs, applied.positions.len(), applied.leases.len()), (vec![2], 2, 1));
    assert_ne!(image(store.storage.as_ref(), &universe).await, before);
    assert_eq!(store.observer.take().len(), 1);
}

/// It changes nothing.
pub async fn an_empty_batch_is_no_error(store: &Fixture) {
    let applied = store.storage.apply(Batch::new()).await.expect("accepted");
    assert_eq!(applied, Applied::default());
    assert_eq!(store.observer.take(), []);
}

/// For writes and reads; what was accepted before is committed.
pub async fn a_closed_store_says_so(store: &Fixture) {
    store.with_session("a").await;
    store.storage.close().await;
    store.storage.close().await;
    let batch = Batch::new().with(Write::DeleteValue { key: "k".to_owned() });
    let applied = store.storage.apply(batch).await;
    assert!(matches!(applied, Err(ApplyError::Storage(StorageError::Closed))), "{applied:?}");
    let read = store.storage.session(&session_id("a")).await;
    assert!(matches!(read, Err(StorageError::Closed)), "{read:?}");
    let backlog = store.storage.backlog().await;
    assert!(matches!(backlog, Err(StorageError::Closed)), "{backlog:?}");
}

/// It says so, and finds no fault in itself after work of every kind.
pub async fn the_engine_is_healthy(store: &Fixture) {
    fill(store).await;
    store.apply(one_of_each()).await;
    let health = store.storage.health().await.expect("read");
    assert!(!health.engine.is_empty() && !health.version.is_empty());
    assert!(health.schema >= 1);
    assert_eq!(store.storage.integrity().await.expect("read"), Vec::<String>::new());
}

/// What a batch changes before does not hide that a write changed nothing, whatever tables it is in.
pub async fn a_conflict_is_seen_after_any_write(store: &Fixture) {
    store.with_session("a").await;
    store
        .apply([
            Write::Append(Box::new(entry("a", "1"))),
            Write::AcceptInput(Box::new(input("a", "1"))),
        ])
        .await;
    // What was said is in the index of words once somebody looked for it.
    let query = crate::rows::MessageQuery { text: "1".to_owned(), limit: 1, ..Default::default() };
    store.storage.search_messages(&query).await.expect("read");
    let content = openclaw_core::MessageContent::text("other words");
    let changes = [
        Write::EditMessage { id: message_id("1"), content, edited_at: at(4_000) },
        Write::Memory(MemoryWrite::Index(Box::new(MemoryIndexing {
            file: note("a.md"),
            from: 0,
            chunks: vec![piece(1, "note")],
        }))),
    ];
    for change in changes {
        let again = Write::AcceptInput(Box::new(input("a", "1")));
        let conflict = store.refused([change, again]).await;
        assert!(matches!(conflict, crate::Conflict::DuplicateInput { .. }), "{conflict:?}");
    }
}
