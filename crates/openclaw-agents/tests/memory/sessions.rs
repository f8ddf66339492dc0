//! What was said in sessions.

use openclaw_core::{
    AgentId, ChannelId, ChatAddress, ChatId, Direction, MessageContent, MessageId, Session,
    SessionConfig, SessionContext, SessionId, SessionKey, SessionState, Timestamp, UserId,
};
use openclaw_storage::rows::MemorySource;
use openclaw_storage::{Batch, LogEntry, NewMessage, Write};

use crate::support::Harness;

const AT: Timestamp = Timestamp::from_millis(1_767_000_000_000);

async fn session(harness: &Harness, key: &str, channel: &str) -> Session {
    let session = Session {
        id: SessionId::new(format!("session-{key}")).expect("an id"),
        session_key: SessionKey::parse(&format!("agent:main:{key}")).expect("a key"),
        agent_id: AgentId::main(),
        channel_id: ChannelId::new(channel).expect("a channel"),
        user_id: UserId::new("7").expect("a user"),
        chat_id: ChatId::new("42").expect("a chat"),
        label: None,
        config: SessionConfig::default(),
        state: SessionState::Idle,
        context: SessionContext::default(),
        last_seq: 0,
        created_at: AT,
        updated_at: AT,
        last_activity_at: AT,
        ended_at: None,
    };
    let write = Write::CreateSession(Box::new(session.clone()));
    harness.storage.apply(Batch::new().with(write)).await.expect("accepted");
    session
}

async fn say(harness: &Harness, session: &Session, id: &str, direction: Direction, text: &str) {
    let message = NewMessage {
        id: MessageId::new(id).expect("an id"),
        channel_id: session.channel_id.clone(),
        direction,
        sender: None,
        chat: ChatAddress { chat_id: session.chat_id.clone(), thread_id: None },
        content: MessageContent::text(text),
        reply_to: None,
        external_id: None,
    };
    let entry = LogEntry {
        session_id: session.id.clone(),
        session_key: session.session_key.clone(),
        run_id: None,
        message: Some(message),
        transcript: None,
        event: None,
        at: AT,
    };
    let batch = Batch::new().with(Write::Append(Box::new(entry)));
    harness.storage.apply(batch).await.expect("accepted");
}

#[tokio::test]
async fn only_the_sessions_that_are_chosen_are_found() {
    let mut harness = Harness::new("");
    let main = session(&harness, "main", "telegram").await;
    let group = session(&harness, "telegram:group:-100", "telegram").await;
    say(&harness, &main, "1", Direction::Inbound, "the plumber comes on Tuesday").await;
    say(&harness, &group, "2", Direction::Inbound, "a plumber from the group").await;
    for (sessions, expected) in [
        ("off", vec![]),
        ("private", vec!["session-main"]),
        ("all", vec!["session-main", "session-telegram:group:-100"]),
        ("private", vec!["session-main"]),
        ("off", vec![]),
    ] {
        harness = harness.again(&format!("[memory]\nsessions = \"{sessions}\""));
        let mut found = harness.paths("plumber").await;
        found.sort();
        assert_eq!(found, expected, "{sessions}");
    }
}

#[tokio::test]
async fn a_session_is_indexed_as_it_grows() {
    let harness = Harness::new(
        "[memory]\nsessions = \"private\"\n[memory.chunking]\ntokens = 50\noverlap = 10",
    );
    let main = session(&harness, "main", "telegram").await;
    say(&harness, &main, "1", Direction::Inbound, "When is the plumber coming?").await;
    say(&harness, &main, "2", Direction::Outbound, "On Tuesday at nine.").await;
    let found = harness.search("plumber").await;
    let hit = &found.hits[0];
    assert_eq!((hit.source, hit.start_line, hit.end_line), (MemorySource::Sessions, 1, 2));
    assert_eq!(hit.session_key.as_ref(), Some(&main.session_key));
    assert_eq!(hit.snippet, "user: When is the plumber coming?\nassistant: On Tuesday at nine.");
    // What follows fills the chunk up, then begins others.
    say(&harness, &main, "3", Direction::Inbound, "And the electrician?").await;
    let found = harness.search("electrician").await;
    assert_eq!((found.hits[0].start_line, found.hits[0].end_line), (1, 3));
    assert_eq!(found.hits.len(), 1);
    for number in 4..30 {
        let text = format!("message {number} about the gardener and the hedge he cuts");
        say(&harness, &main, &number.to_string(), Direction::Inbound, &text).await;
        if number % 7 == 0 {
            harness.search("gardener").await;
        }
    }
    assert_eq!(harness.search("electrician").await.hits.len(), 1);
    harness.search("gardener").await;
    let last = harness
        .storage
        .last_memory_chunk(&AgentId::main(), MemorySource::Sessions, main.id.as_str())
        .await
        .expect("read")
        .expect("there is one");
    assert_eq!(last.chunk.end_line, 29);
    assert!(harness.status().await.counts.chunks >= 8);

    harness
        .storage
        .apply(Batch::new().with(Write::DeleteSession { id: main.id }))
        .await
        .expect("ok");
    assert_eq!(harness.paths("electrician").await, Vec::<String>::new());
}
