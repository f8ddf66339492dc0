//! What is appended to a session: messages, transcript, events.

use openclaw_core::{
    ChannelId, ChatAddress, ChatId, Direction, Location, Message, MessageContent, Sender, ThreadId,
};
use serde_json::json;

use super::{
    Fixture, at, chat, entry, external, message_id, run, said, session, session_id, session_key,
    user_id,
};
use crate::rows::{EventRow, TranscriptKind, TranscriptRow};
use crate::{
    CommittedEvent, Conflict, EventDraft, LogEntry, NewMessage, SessionPatch, TranscriptDraft,
    Write,
};

fn append(entry: LogEntry) -> Write {
    Write::Append(Box::new(entry))
}

/// A message with every field set.
fn full_message(id: &str) -> NewMessage {
    NewMessage {
        direction: Direction::Inbound,
        sender: Some(Sender {
            id: user_id("7"),
            display_name: Some("Ada \"L\"".to_owned()),
            username: Some("ada".to_owned()),
            roles: vec!["admin".to_owned()],
            is_bot: false,
        }),
        chat: ChatAddress {
            chat_id: ChatId::new("-100").expect("a chat id"),
            thread_id: Some(ThreadId::new("5").expect("a thread id")),
        },
        content: MessageContent::Location(Location {
            latitude: 47.25,
            longitude: -0.125,
            label: Some("Süd".to_owned()),
        }),
        reply_to: Some(external("r")),
        external_id: Some(external("x")),
        ..said(id, "")
    }
}

/// Every field comes back, and the event carries the message.
pub async fn a_message_is_read_as_it_was_written(store: &Fixture) {
    store.with_session("a").await;
    store.observer.take();
    let new = full_message("1");
    let mut first = entry("a", "1");
    first.run_id = Some(run("1"));
    first.message = Some(new.clone());
    let applied = store.apply([append(first)]).await;
    assert_eq!(applied.seqs, [1]);
    let message = Message {
        id: new.id,
        session_id: session_id("a"),
        seq: 1,
        channel_id: ChannelId::web(),
        direction: Direction::Inbound,
        sender: new.sender,
        chat: new.chat,
        content: new.content,
        reply_to: new.reply_to,
        external_id: new.external_id,
        run_id: Some(run("1")),
        created_at: at(2_000),
        edited_at: None,
    };
    let storage = &store.storage;
    assert_eq!(storage.message(&message.id).await.expect("read"), Some(message.clone()));
    let found = storage
        .message_by_external_id(&ChannelId::web(), &message.chat.chat_id, &external("x"))
        .await
        .expect("read");
    assert_eq!(found, Some(message.clone()));
    let told = store.observer.take();
    assert_eq!(
        told[0].events,
        [CommittedEvent {
            session_id: session_id("a"),
            session_key: session_key("a"),
            seq: 1,
            topic: "message.received",
            run_id: Some(run("1")),
            message: Some(message),
            data: None,
        }]
    );
}

/// From 1, without gaps, each session for itself.
pub async fn numbers_are_dense_per_session(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    let applied = store
        .apply([
            append(entry("a", "1")),
            append(entry("b", "2")),
            append(entry("a", "3")),
            append(entry("a", "4")),
        ])
        .await;
    assert_eq!(applied.seqs, [1, 1, 2, 3]);
    let applied = store.apply([append(entry("b", "5")), append(entry("a", "6"))]).await;
    assert_eq!(applied.seqs, [2, 4]);
    let read = store.storage.session(&session_id("a")).await.expect("read");
    assert_eq!(read.map(|session| session.last_seq), Some(4));
    let messages = store.storage.messages_after(&session_id("a"), 0, 10).await.expect("read");
    let seqs: Vec<i64> = messages.iter().map(|message| message.seq).collect();
    assert_eq!(seqs, [1, 2, 3, 4]);
}

/// In any order; the last of two patches wins.
pub async fn numbers_and_patches_share_a_batch(store: &Fixture) {
    store.with_session("a").await;
    let label =
        |text: &str| SessionPatch { label: Some(Some(text.to_owned())), ..SessionPatch::default() };
    let update = |patch| Write::UpdateSession { id: session_id("a"), patch };
    let active = SessionPatch { last_activity_at: Some(at(4_000)), ..SessionPatch::default() };
    let applied = store
        .apply([
            append(entry("a", "1")),
            update(label("one")),
            append(entry("a", "2")),
            update(active),
            update(label("two")),
            append(entry("a", "3")),
        ])
        .await;
    assert_eq!(applied.seqs, [1, 2, 3]);
    let read = store.storage.session(&session_id("a")).await.expect("read").expect("there");
    assert_eq!((read.label.as_deref(), read.last_seq), (Some("two"), 3));
    assert_eq!(read.last_activity_at, at(4_000));
    let ended = [
        Write::EndSession { id: session_id("a"), at: at(5_000) },
        append(entry("a", "4")),
        update(label("three")),
    ];
    let missing = Conflict::Missing { what: "session", id: "session-a".to_owned() };
    assert_eq!(store.refused(ended).await, missing);
}

/// A session made in a batch takes entries in it.
pub async fn a_batch_may_create_append_and_end(store: &Fixture) {
    let patch = SessionPatch { last_activity_at: Some(at(6_000)), ..SessionPatch::default() };
    let applied = store
        .apply([
            Write::CreateSession(Box::new(session("a"))),
            append(entry("a", "1")),
            Write::UpdateSession { id: session_id("a"), patch },
            append(entry("a", "2")),
            Write::EndSession { id: session_id("a"), at: at(7_000) },
            append(entry("a", "3")),
        ])
        .await;
    assert_eq!(applied.seqs, [1, 2, 3]);
    let read = store.storage.session(&session_id("a")).await.expect("read").expect("there");
    assert_eq!(read.last_seq, 3);
    assert_eq!((read.last_activity_at, read.ended_at), (at(6_000), Some(at(7_000))));
}

/// Else nothing is appended.
pub async fn appending_needs_a_session_and_a_new_message_id(store: &Fixture) {
    let missing = Conflict::Missing { what: "session", id: "session-a".to_owned() };
    assert_eq!(store.refused([append(entry("a", "1"))]).await, missing);
    store.with_session("a").await;
    store.apply([append(entry("a", "1"))]).await;
    let conflict = store.refused([append(entry("a", "2")), append(entry("a", "1"))]).await;
    let stored = matches!(&conflict, Conflict::StateChanged { what: "message", id, .. }
        if id == "message-1");
    assert!(stored, "{conflict:?}");
    assert_eq!(store.apply([append(entry("a", "3"))]).await.seqs, [2]);
}

/// A turn may outlive the session's end.
pub async fn an_ended_session_still_takes_entries(store: &Fixture) {
    store.with_session("a").await;
    store.apply([Write::EndSession { id: session_id("a"), at: at(5) }]).await;
    assert_eq!(store.apply([append(entry("a", "1"))]).await.seqs, [1]);
}

/// The newest before a number, the first after one; oldest first.
pub async fn history_is_paged_both_ways(store: &Fixture) {
    store.with_session("a").await;
    let mut silent = entry("a", "none");
    silent.message = None;
    silent.event = Some(EventDraft { topic: "agent.started", message_id: None, data: None });
    let mut writes: Vec<Write> =
        (1..=4).map(|number| append(entry("a", &number.to_string()))).collect();
    writes.insert(2, append(silent));
    store.apply(writes).await;
    let seqs = |messages: Vec<Message>| -> Vec<i64> {
        messages.iter().map(|message| message.seq).collect()
    };
    let (storage, id) = (&store.storage, session_id("a"));
    assert_eq!(seqs(storage.messages_before(&id, None, 2).await.expect("read")), [4, 5]);
    assert_eq!(seqs(storage.messages_before(&id, Some(4), 2).await.expect("read")), [1, 2]);
    assert_eq!(seqs(storage.messages_before(&id, Some(1), 2).await.expect("read")), [0_i64; 0]);
    assert_eq!(seqs(storage.messages_after(&id, 2, 10).await.expect("read")), [4, 5]);
    assert_eq!(seqs(storage.messages_after(&id, 0, 1).await.expect("read")), [1]);
    assert_eq!(seqs(storage.messages_after(&id, i64::MAX, 1).await.expect("read")), [0_i64; 0]);
    let none = session_id("none");
    assert_eq!(seqs(storage.messages_before(&none, None, 2).await.expect("read")), [0_i64; 0]);
}

/// Both leave the rest as it is; an unknown message is missing.
pub async fn a_message_is_edited_and_gets_its_external_id(store: &Fixture) {
    store.with_session("a").await;
    store.apply([append(entry("a", "1"))]).await;
    let id = message_id("1");
    let before = store.storage.message(&id).await.expect("read").expect("there");
    let content = MessageContent::text("changed");
    let edit =
        Write::EditMessage { id: id.clone(), content: content.clone(), edited_at: at(8_000) };
    let name = Write::SetMessageExternalId { id: id.clone(), external_id: external("x") };
    store.apply([edit, name]).await;
    let after =
        Message { content, edited_at: Some(at(8_000)), external_id: Some(external("x")), ..before };
    let (storage, web) = (&store.storage, ChannelId::web());
    assert_eq!(storage.message(&id).await.expect("read"), Some(after.clone()));
    let room = chat("room").chat_id;
    let found = storage.message_by_external_id(&web, &room, &external("x")).await.expect("read");
    assert_eq!(found, Some(after));
    let other = chat("other").chat_id;
    let found = storage.message_by_external_id(&web, &other, &external("x")).await.expect("read");
    assert_eq!(found, None);
    let rename = Write::SetMessageExternalId { id, external_id: external("y") };
    store.apply([rename]).await;
    let found = storage.message_by_external_id(&web, &room, &external("x")).await.expect("read");
    assert_eq!(found, None);
    let missing = Conflict::Missing { what: "message", id: "message-9".to_owned() };
    let content = MessageContent::text("");
    let edit = Write::EditMessage { id: message_id("9"), content, edited_at: at(1) };
    assert_eq!(store.refused([edit]).await, missing);
    let name = Write::SetMessageExternalId { id: message_id("9"), external_id: external("z") };
    assert_eq!(store.refused([name]).await, missing);
}

/// An edit of the service may store the same id twice.
pub async fn an_external_id_finds_the_newest_message(store: &Fixture) {
    store.with_session("a").await;
    for (id, millis) in [("2", 10), ("1", 30), ("3", 20)] {
        let mut entry = entry("a", id);
        entry.at = at(millis);
        if let Some(message) = &mut entry.message {
            message.external_id = Some(external("same"));
        }
        store.apply([append(entry)]).await;
    }
    let found = store
        .storage
        .message_by_external_id(&ChannelId::web(), &chat("room").chat_id, &external("same"))
        .await
        .expect("read");
    assert_eq!(found.map(|message| message.id), Some(message_id("1")));
}

fn remembered(session: &str, of_run: &str, data: serde_json::Value) -> LogEntry {
    LogEntry {
        session_id: session_id(session),
        session_key: session_key(session),
        run_id: Some(run(of_run)),
        message: None,
        transcript: Some(TranscriptDraft {
            kind: TranscriptKind::ToolResult,
            message_id: None,
            data,
        }),
        event: None,
        at: at(2_000),
    }
}

/// The newest entries, oldest first, and at least one however large it is.
pub async fn the_transcript_tail_is_cut_by_number_and_size(store: &Fixture) {
    store.with_session("a").await;
    // Each is 10 bytes long as JSON.
    let data = |number: u32| json!(format!("{number:08}"));
    store.apply((1..=5).map(|number| append(remembered("a", "1", data(number))))).await;
    let (storage, id) = (&store.storage, session_id("a"));
    let tail = async |limit, max_bytes| -> Vec<i64> {
        let rows = storage.transcript_tail(&id, limit, max_bytes).await.expect("read");
        rows.iter().map(|row| row.seq).collect()
    };
    assert_eq!(tail(10, 1_000).await, [1, 2, 3, 4, 5]);
    assert_eq!(tail(2, 1_000).await, [4, 5]);
    assert_eq!(tail(10, 30).await, [3, 4, 5]);
    assert_eq!(tail(10, 29).await, [4, 5]);
    assert_eq!(tail(10, 0).await, [5]);
    let after = async |seq, limit| -> Vec<i64> {
        let rows = storage.transcript_after(&id, seq, limit).await.expect("read");
        rows.iter().map(|row| row.seq).collect()
    };
    assert_eq!(after(0, 10).await, [1, 2, 3, 4, 5]);
    assert_eq!(after(2, 2).await, [3, 4]);
    assert_eq!(after(5, 10).await, [0_i64; 0]);
    let long = json!("ä".repeat(100_000));
    store.apply([append(remembered("a", "1", long.clone()))]).await;
    assert_eq!(tail(10, 1_000).await, [6]);
    let rows = storage.transcript_tail(&id, 1, 0).await.expect("read");
    let row = TranscriptRow {
        session_id: session_id("a"),
        seq: 6,
        run_id: Some(run("1")),
        kind: TranscriptKind::ToolResult,
        message_id: None,
        data: long,
    };
    assert_eq!(rows, [row]);
    let many = (0..200).map(|number| append(remembered("a", "2", data(number))));
    store.apply(many).await;
    assert_eq!(tail(1_000, 1_500).await.len(), 150);
    assert_eq!(tail(10, 1_000).await.len(), 10);
}

/// Of this session only, and below a place.
pub async fn the_newest_compaction_is_found_from_the_end(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    let entry = |session: &str, kind, number: u32| {
        let mut entry = remembered(session, "1", json!(number));
        entry.transcript.as_mut().expect("an entry").kind = kind;
        append(entry)
    };
    let (user, compaction) = (TranscriptKind::User, TranscriptKind::Compaction);
    store
        .apply([
            entry("a", user, 1),
            entry("a", compaction, 2),
            entry("a", user, 3),
            entry("a", compaction, 4),
            entry("a", user, 5),
            entry("b", user, 1),
        ])
        .await;
    let found = async |session, before| {
        let id = session_id(session);
        let row = store.storage.compaction_before(&id, before).await.expect("read");
        row.map(|row| (row.seq, row.kind, row.data))
    };
    assert_eq!(found("a", i64::MAX).await, Some((4, compaction, json!(4))));
    assert_eq!(found("a", 4).await, Some((2, compaction, json!(2))));
    assert_eq!(found("a", 2).await, None);
    assert_eq!(found("b", i64::MAX).await, None);
}

/// In order, of this session only.
pub async fn the_transcript_of_a_run_is_its_own(store: &Fixture) {
    store.with_session("a").await;
    store.with_session("b").await;
    store
        .apply([
            append(remembered("a", "1", json!({"z": 1, "a": [null]}))),
            append(remembered("a", "2", json!(2))),
            append(remembered("b", "1", json!(3))),
            append(remembered("a", "1", json!(4))),
        ])
        .await;
    let rows = store.storage.transcript_of_run(&session_id("a"), &run("1")).await.expect("read");
    let data: Vec<String> = rows.iter().map(|row| row.data.to_string()).collect();
    assert_eq!(data, [r#"{"z":1,"a":[null]}"#, "4"]);
}

/// With the message as it is at present, or with their own data.
pub async fn events_are_replayed_with_their_messages(store: &Fixture) {
    store.with_session("a").await;
    let mut done = entry("a", "2");
    done.message = None;
    done.run_id = Some(run("1"));
    done.event = Some(EventDraft {
        topic: "agent.done",
        message_id: None,
        data: Some(json!({"reply": "x"})),
    });
    let mut again = entry("a", "1");
    again.message = None;
    store.apply([append(entry("a", "1")), append(done), append(again)]).await;
    let content = MessageContent::text("changed");
    store.apply([Write::EditMessage { id: message_id("1"), content, edited_at: at(9_000) }]).await;
    let storage = &store.storage;
    let message = storage.message(&message_id("1")).await.expect("read");
    let events = storage.events_after(&session_id("a"), 0, 10).await.expect("read");
    let event = |seq, topic: &str| EventRow {
        session_id: session_id("a"),
        seq,
        topic: topic.to_owned(),
        run_id: None,
        message: None,
        data: None,
    };
    let expected = [
        EventRow { message: message.clone(), ..event(1, "message.received") },
        EventRow {
            run_id: Some(run("1")),
            data: Some(json!({"reply": "x"})),
            ..event(2, "agent.done")
        },
        EventRow { message, ..event(3, "message.received") },
    ];
    assert_eq!(events, expected);
    let rest = storage.events_after(&session_id("a"), 1, 1).await.expect("read");
    assert_eq!(rest, expected[1..2]);
}
