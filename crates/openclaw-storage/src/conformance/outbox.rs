//! Outbound rows.

use openclaw_core::{EditMessage, MessageId, Outbound, Receipt, SendMessage, ThreadId};

use super::{
    Fixture, at, channel, chat, external, message_id, outbox, outbox_id, run, session_id,
    session_key,
};
use crate::rows::{OutboxKind, OutboxRow, OutboxState};
use crate::{Conflict, NewOutbox, OutboxChange, Write};

fn enqueue(new: NewOutbox) -> Write {
    Write::Enqueue(Box::new(new))
}

fn change(change: OutboxChange) -> Write {
    Write::ChangeOutbox(Box::new(change))
}

fn moved(name: &str, from: OutboxState, to: OutboxState) -> OutboxChange {
    OutboxChange::new(outbox_id(name), vec![from], to, at(4_000))
}

fn row(new: NewOutbox, position: i64) -> OutboxRow {
    OutboxRow {
        id: new.id,
        position,
        channel_id: new.channel_id,
        chat: new.outbound.chat().clone(),
        session_id: new.session_id,
        session_key: new.session_key,
        run_id: new.run_id,
        message_id: new.message_id,
        kind: new.kind,
        chunk: new.chunk,
        outbound: new.outbound,
        state: new.state,
        attempts: 0,
        uncertain: 0,
        next_attempt_at: new.at,
        receipt: None,
        error: None,
        principal: new.principal,
        idempotency_key: new.idempotency_key,
        owner: None,
        lease_until: None,
        fence: None,
        created_at: new.at,
        updated_at: new.at,
    }
}

/// A row with every field set.
fn full(name: &str) -> NewOutbox {
    let mut new = outbox(name, "42");
    if let Outbound::Send(SendMessage { chat, .. }) = &mut new.outbound {
        chat.thread_id = Some(ThreadId::new("t").expect("a thread id"));
    }
    NewOutbox {
        session_id: Some(session_id("a")),
        session_key: Some(session_key("a")),
        run_id: Some(run("1")),
        message_id: Some(message_id("1")),
        kind: OutboxKind::Preview,
        chunk: 3,
        principal: Some("token".to_owned()),
        idempotency_key: Some("key".to_owned()),
        ..new
    }
}

/// Every field comes back, whichever way it is looked up.
pub async fn a_row_is_read_as_it_was_written(store: &Fixture) {
    let new = full("1");
    let position = store.apply([enqueue(new.clone())]).await.positions[0];
    let expected = row(new, position);
    let storage = &store.storage;
    assert_eq!(storage.outbox(&expected.id).await.expect("read"), Some(expected.clone()));
    let by_key = storage.outbox_by_idempotency_key("key").await.expect("read");
    assert_eq!(by_key, Some(expected.clone()));
    let of_run = storage.outbox_of_run(&run("1")).await.expect("read");
    assert_eq!(of_run, std::slice::from_ref(&expected));
    let open = storage.open_outbox(&channel("telegram"), &expected.chat, 10).await.expect("read");
    assert_eq!(open, [expected]);
    let other_thread = storage.open_outbox(&channel("telegram"), &chat("42"), 10).await;
    assert_eq!(other_thread.expect("read"), []);
    assert_eq!(storage.outbox_by_idempotency_key("other").await.expect("read"), None);
}

/// The second caller is told the message and whose it is.
pub async fn an_idempotency_key_is_taken_once(store: &Fixture) {
    store.apply([enqueue(full("1"))]).await;
    let taken = Conflict::IdempotencyKeyTaken {
        message_id: message_id("1"),
        principal: "token".to_owned(),
    };
    assert_eq!(store.refused([enqueue(full("2"))]).await, taken);
    let bare = |name: &str| NewOutbox {
        message_id: None,
        principal: None,
        idempotency_key: Some("bare".to_owned()),
        ..full(name)
    };
    store.apply([enqueue(bare("3"))]).await;
    let taken = Conflict::IdempotencyKeyTaken {
        message_id: MessageId::new("outbox-3").expect("a message id"),
        principal: String::new(),
    };
    assert_eq!(store.refused([enqueue(bare("4"))]).await, taken);
    let conflict = store.refused([enqueue(outbox("1", "42"))]).await;
    let stored = Conflict::StateChanged {
        what: "outbox",
        id: "outbox-1".to_owned(),
        actual: "pending".to_owned(),
    };
    assert_eq!(conflict, stored);
}

/// Attempts and repeated sends are counted; what is not named stays.
pub async fn a_row_moves_through_its_states(store: &Fixture) {
    let new = full("1");
    let position = store.apply([enqueue(new.clone())]).await.positions[0];
    store.apply([change(moved("1", OutboxState::Pending, OutboxState::Sending))]).await;
    let edit = Outbound::Edit(EditMessage {
        chat: chat("43"),
        target: external("5"),
        text: "longer".to_owned(),
    });
    let again = OutboxChange {
        outbound: Some(edit.clone()),
        next_attempt_at: Some(at(9_000)),
        error: Some("timed out".to_owned()),
        uncertain: true,
        at: at(5_000),
        ..moved("1", OutboxState::Sending, OutboxState::Pending)
    };
    store.apply([change(again)]).await;
    store.apply([change(moved("1", OutboxState::Pending, OutboxState::Sending))]).await;
    let receipt = Receipt { external_id: Some(external("77")), sent_at: at(6_000) };
    let sent = OutboxChange {
        receipt: Some(receipt.clone()),
        at: at(7_000),
        ..moved("1", OutboxState::Sending, OutboxState::Sent)
    };
    store.apply([change(sent)]).await;
    let first = row(new, position);
    let expected = OutboxRow {
        // The conversation stays that of the first address.
        chat: first.chat.clone(),
        outbound: edit,
        state: OutboxState::Sent,
        attempts: 2,
        uncertain: 1,
        next_attempt_at: at(9_000),
        receipt: Some(receipt),
        error: Some("timed out".to_owned()),
        updated_at: at(7_000),
        ..first
    };
    assert_eq!(store.storage.outbox(&outbox_id("1")).await.expect("read"), Some(expected));
    assert_eq!(store.storage.open_conversations().await.expect("read"), []);
}

/// Else the present state is told; an unknown row is missing.
pub async fn a_row_moves_only_from_the_states_named(store: &Fixture) {
    store.apply([enqueue(outbox("1", "42"))]).await;
    let conflict =
        store.refused([change(moved("1", OutboxState::Sending, OutboxState::Sent))]).await;
    let pending = Conflict::StateChanged {
        what: "outbox",
        id: "outbox-1".to_owned(),
        actual: "pending".to_owned(),
    };
    assert_eq!(conflict, pending);
    let missing = Conflict::Missing { what: "outbox", id: "outbox-9".to_owned() };
    let unknown = change(moved("9", OutboxState::Sending, OutboxState::Sent));
    assert_eq!(store.refused([unknown]).await, missing);
}

/// Rows by commit, conversations by their first open row.
pub async fn conversations_keep_their_order(store: &Fixture) {
    for (name, to) in [("1", "b"), ("2", "a"), ("3", "b"), ("4", "c")] {
        store.apply([enqueue(outbox(name, to))]).await;
    }
    let storage = &store.storage;
    let telegram = channel("telegram");
    let conversations = async || -> Vec<String> {
        let open = storage.open_conversations().await.expect("read");
        open.iter().map(|(_, chat)| chat.chat_id.to_string()).collect()
    };
    assert_eq!(conversations().await, ["b", "a", "c"]);
    let open = storage.open_outbox(&telegram, &chat("b"), 10).await.expect("read");
    let ids: Vec<&str> = open.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["outbox-1", "outbox-3"]);
    assert_eq!(storage.open_outbox(&telegram, &chat("b"), 1).await.expect("read").len(), 1);
    store.apply([change(moved("1", OutboxState::Pending, OutboxState::Failed))]).await;
    assert_eq!(conversations().await, ["a", "b", "c"]);
    store.apply([change(moved("1", OutboxState::Failed, OutboxState::Pending))]).await;
    assert_eq!(conversations().await, ["b", "a", "c"]);
}

/// What is sent or belongs to another channel stays.
pub async fn a_chat_that_moved_takes_its_unsent_rows_along(store: &Fixture) {
    let mut elsewhere = outbox("4", "old");
    elsewhere.channel_id = channel("discord");
    let mut threaded = outbox("5", "old");
    let thread_id = Some(ThreadId::new("t").expect("a thread id"));
    threaded.outbound.chat_mut().thread_id = thread_id.clone();
    store
        .apply([
            enqueue(outbox("1", "old")),
            enqueue(outbox("2", "old")),
            enqueue(outbox("3", "new")),
            enqueue(elsewhere),
            enqueue(threaded),
            change(moved("1", OutboxState::Pending, OutboxState::Failed)),
        ])
        .await;
    store.observer.take();
    let migrate = || Write::MigrateChat {
        channel_id: channel("telegram"),
        from: chat("old").chat_id,
        to: chat("new").chat_id,
    };
    store.apply([migrate()]).await;
    store.apply([migrate()]).await;
    let told: Vec<bool> = store.observer.take().iter().map(|told| told.outbox).collect();
    assert_eq!(told, [true, false]);
    let storage = &store.storage;
    let open = storage.open_outbox(&channel("telegram"), &chat("new"), 10).await.expect("read");
    let ids: Vec<&str> = open.iter().map(|row| row.id.as_str()).collect();
    assert_eq!(ids, ["outbox-2", "outbox-3"]);
    assert_eq!(open[0].outbound.chat(), &chat("new"));
    let moved = storage.outbox(&outbox_id("5")).await.expect("read").expect("there");
    assert_eq!(moved.chat.chat_id, chat("new").chat_id);
    assert_eq!(moved.chat.thread_id, thread_id);
    for name in ["1", "4"] {
        let row = storage.outbox(&outbox_id(name)).await.expect("read").expect("there");
        assert_eq!((&row.chat, row.outbound.chat()), (&chat("old"), &chat("old")));
    }
}

/// Unknown and failed ones.
pub async fn troubled_rows_are_listed_newest_first(store: &Fixture) {
    for name in ["1", "2", "3", "4"] {
        store.apply([enqueue(outbox(name, "42"))]).await;
    }
    for (name, to) in
        [("3", OutboxState::Unknown), ("1", OutboxState::Failed), ("2", OutboxState::Sent)]
    {
        store.apply([change(moved(name, OutboxState::Pending, to))]).await;
    }
    let troubled = async |limit| -> Vec<String> {
        let rows = store.storage.troubled_outbox(limit).await.expect("read");
        rows.iter().map(|row| row.id.to_string()).collect()
    };
    assert_eq!(troubled(10).await, ["outbox-3", "outbox-1"]);
    assert_eq!(troubled(1).await, ["outbox-3"]);
}

/// Whatever states a change may come from.
pub async fn the_backlog_counts_trouble(store: &Fixture) {
    let counts = async || {
        let backlog = store.storage.backlog().await.expect("read");
        (backlog.outbox, backlog.unknown, backlog.failed, backlog.resent)
    };
    for name in ["1", "2", "3"] {
        store.apply([enqueue(outbox(name, "42"))]).await;
    }
    assert_eq!(counts().await, (3, 0, 0, 0));
    store.apply([change(moved("1", OutboxState::Pending, OutboxState::Unknown))]).await;
    store.apply([change(moved("2", OutboxState::Pending, OutboxState::Failed))]).await;
    assert_eq!(counts().await, (1, 1, 1, 0));
    let any = vec![OutboxState::Unknown, OutboxState::Failed, OutboxState::Sending];
    let resend = |name: &str| OutboxChange {
        from: any.clone(),
        uncertain: true,
        ..moved(name, OutboxState::Unknown, OutboxState::Pending)
    };
    store.apply([change(resend("1")), change(resend("2"))]).await;
    assert_eq!(counts().await, (3, 0, 0, 2));
    store.apply([change(moved("3", OutboxState::Pending, OutboxState::Sent))]).await;
    assert_eq!(counts().await, (2, 0, 0, 2));
}

/// Not rows that are born sent, nor what only moves on.
pub async fn the_observer_hears_what_is_due(store: &Fixture) {
    let mut sent = outbox("1", "42");
    sent.state = OutboxState::Sent;
    store.apply([enqueue(sent)]).await;
    store.apply([enqueue(outbox("2", "42"))]).await;
    store.apply([change(moved("2", OutboxState::Pending, OutboxState::Sending))]).await;
    store.apply([change(moved("2", OutboxState::Sending, OutboxState::Pending))]).await;
    store.apply([change(moved("2", OutboxState::Pending, OutboxState::Sent))]).await;
    let told: Vec<bool> = store.observer.take().iter().map(|told| told.outbox).collect();
    assert_eq!(told, [false, true, false, true, false]);
}
