//! From rows of tables to rows as readers see them.

use openclaw_core::{
    ChannelId, ChatAddress, Direction, Message, MessageId, OutboxId, RunId, Sender, Session,
    SessionId, SessionKey, SessionState, Timestamp,
};
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use sqlx::Row as _;
use sqlx::sqlite::SqliteRow;
use std::error::Error;
use std::str::FromStr;

use crate::StorageHealth;
use crate::rows::{
    EventRow, InboxRow, LeaseRow, OutboxKind, OutboxRow, OutboxState, PairingRow, TranscriptRow,
    UserRow,
};

/// Why a row is not what the tables' invariants promise.
type Unreadable = Box<dyn Error + Send + Sync>;
pub(super) type Decoded<T> = Result<T, Unreadable>;

pub(super) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(super) fn session_state_word(state: SessionState) -> &'static str {
    match state {
        SessionState::Idle => "idle",
        SessionState::Running => "running",
        SessionState::Ended => "ended",
    }
}

pub(super) fn outbox_kind_word(kind: OutboxKind) -> &'static str {
    match kind {
        OutboxKind::Reply => "reply",
        OutboxKind::Preview => "preview",
        OutboxKind::Notice => "notice",
        OutboxKind::Message => "message",
    }
}

/// What a message's row holds besides its columns, as it is written.
#[derive(Debug, Serialize)]
pub(super) struct MessageMetadata<'a> {
    pub(super) sender: &'a Sender,
}

#[derive(Debug, Deserialize)]
struct StoredMetadata {
    sender: Option<Sender>,
}

/// Reads the columns of a row one after another.
struct Columns<'r> {
    row: &'r SqliteRow,
    next: usize,
}

impl<'r> Columns<'r> {
    fn of(row: &'r SqliteRow) -> Self {
        Self { row, next: 0 }
    }

    fn optional_text(&mut self) -> Decoded<Option<&'r str>> {
        self.next += 1;
        Ok(self.row.try_get(self.next - 1)?)
    }

    fn text(&mut self) -> Decoded<&'r str> {
        self.next += 1;
        Ok(self.row.try_get(self.next - 1)?)
    }

    fn string(&mut self) -> Decoded<String> {
        Ok(self.text()?.to_owned())
    }

    fn optional_string(&mut self) -> Decoded<Option<String>> {
        Ok(self.optional_text()?.map(ToOwned::to_owned))
    }

    fn optional_integer(&mut self) -> Decoded<Option<i64>> {
        self.next += 1;
        Ok(self.row.try_get(self.next - 1)?)
    }

    fn integer(&mut self) -> Decoded<i64> {
        self.next += 1;
        Ok(self.row.try_get(self.next - 1)?)
    }

    fn number<T: TryFrom<i64>>(&mut self) -> Decoded<T>
    where
        T::Error: Error + Send + Sync + 'static,
    {
        Ok(T::try_from(self.integer()?)?)
    }

    fn flag(&mut self) -> Decoded<bool> {
        Ok(self.integer()? != 0)
    }

    fn time(&mut self) -> Decoded<Timestamp> {
        Ok(Timestamp::from_millis(self.integer()?))
    }

    fn optional_time(&mut self) -> Decoded<Option<Timestamp>> {
        Ok(self.optional_integer()?.map(Timestamp::from_millis))
    }

    fn parsed<T: FromStr>(&mut self) -> Decoded<T>
    where
        T::Err: Error + Send + Sync + 'static,
    {
        Ok(self.text()?.parse()?)
    }

    fn optional_parsed<T: FromStr>(&mut self) -> Decoded<Option<T>>
    where
        T::Err: Error + Send + Sync + 'static,
    {
        Ok(self.optional_text()?.map(str::parse).transpose()?)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Decoded<T> {
        Ok(serde_json::from_str(self.text()?)?)
    }

    fn optional_json<T: DeserializeOwned>(&mut self) -> Decoded<Option<T>> {
        Ok(self.optional_text()?.map(serde_json::from_str).transpose()?)
    }

    fn word<T: DeserializeOwned>(&mut self) -> Decoded<T> {
        word(self.text()?)
    }
}

/// The value that is written as this word.
pub(super) fn word<T: DeserializeOwned>(text: &str) -> Decoded<T> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    Ok(T::deserialize(deserializer)?)
}

pub(super) fn string(row: &SqliteRow) -> Decoded<String> {
    Columns::of(row).string()
}

pub(super) fn integer(row: &SqliteRow) -> Decoded<i64> {
    Columns::of(row).integer()
}

pub(super) fn health(row: &SqliteRow) -> Decoded<StorageHealth> {
    let mut columns = Columns::of(row);
    Ok(StorageHealth {
        engine: "sqlite",
        version: columns.string()?,
        schema: columns.integer()?,
        size_bytes: columns.number()?,
    })
}

pub(super) fn count(row: &SqliteRow) -> Decoded<u64> {
    Columns::of(row).number()
}

pub(super) fn key_and_value(row: &SqliteRow) -> Decoded<(String, String)> {
    let mut columns = Columns::of(row);
    Ok((columns.string()?, columns.string()?))
}

pub(super) fn session_key(row: &SqliteRow) -> Decoded<SessionKey> {
    Columns::of(row).parsed()
}

/// A session's key and its last `seq`.
pub(super) fn key_and_seq(row: &SqliteRow) -> Decoded<(SessionKey, i64)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.integer()?))
}

/// An outbox row's state and how often its outcome was not known.
pub(super) fn state_and_uncertain(row: &SqliteRow) -> Decoded<(OutboxState, u64)> {
    let mut columns = Columns::of(row);
    Ok((columns.word()?, columns.number()?))
}

pub(super) fn session(row: &SqliteRow) -> Decoded<Session> {
    let mut columns = Columns::of(row);
    Ok(Session {
        id: columns.parsed()?,
        session_key: columns.parsed()?,
        agent_id: columns.parsed()?,
        channel_id: columns.parsed()?,
        user_id: columns.parsed()?,
        chat_id: columns.parsed()?,
        label: columns.optional_string()?,
        config: columns.json()?,
        state: columns.word()?,
        context: columns.json()?,
        last_seq: columns.integer()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
        last_activity_at: columns.time()?,
        ended_at: columns.optional_time()?,
    })
}

pub(super) fn message(row: &SqliteRow) -> Decoded<Message> {
    message_of(&mut Columns::of(row))
}

fn message_of(columns: &mut Columns<'_>) -> Decoded<Message> {
    Ok(Message {
        id: columns.parsed()?,
        session_id: columns.parsed()?,
        seq: columns.integer()?,
        channel_id: columns.parsed()?,
        chat: ChatAddress { chat_id: columns.parsed()?, thread_id: columns.optional_parsed()? },
        direction: columns.word()?,
        content: columns.json()?,
        sender: columns.optional_json::<StoredMetadata>()?.and_then(|stored| stored.sender),
        reply_to: columns.optional_parsed()?,
        external_id: columns.optional_parsed()?,
        run_id: columns.optional_parsed()?,
        created_at: columns.time()?,
        edited_at: columns.optional_time()?,
    })
}

pub(super) fn user(row: &SqliteRow) -> Decoded<UserRow> {
    let mut columns = Columns::of(row);
    Ok(UserRow {
        channel_id: columns.parsed()?,
        channel_user_id: columns.parsed()?,
        global_user_id: columns.optional_string()?,
        display_name: columns.optional_string()?,
        metadata: columns.optional_json()?,
        created_at: columns.time()?,
    })
}

pub(super) fn input(row: &SqliteRow) -> Decoded<InboxRow> {
    let mut columns = Columns::of(row);
    Ok(InboxRow {
        id: columns.parsed()?,
        position: columns.integer()?,
        run_id: columns.parsed()?,
        principal: columns.string()?,
        session_id: columns.parsed()?,
        session_key: columns.parsed()?,
        message_id: columns.parsed()?,
        inbound: columns.json()?,
        options: columns.json()?,
        reply_back: columns.flag()?,
        state: columns.word()?,
        status: columns.word()?,
        merged_into: columns.optional_parsed()?,
        delivered: columns.optional_integer()?.map(|flag| flag != 0),
        reply: columns.optional_string()?,
        usage: columns.optional_json()?,
        error: columns.optional_json()?,
        attempts: columns.number()?,
        owner: columns.optional_string()?,
        lease_until: columns.optional_time()?,
        fence: columns.optional_integer()?,
        created_at: columns.time()?,
        started_at: columns.optional_time()?,
        ended_at: columns.optional_time()?,
    })
}

pub(super) fn outbox(row: &SqliteRow) -> Decoded<OutboxRow> {
    let mut columns = Columns::of(row);
    Ok(OutboxRow {
        id: columns.parsed()?,
        position: columns.integer()?,
        channel_id: columns.parsed()?,
        chat: ChatAddress { chat_id: columns.parsed()?, thread_id: columns.optional_parsed()? },
        session_id: columns.optional_parsed()?,
        session_key: columns.optional_parsed()?,
        run_id: columns.optional_parsed()?,
        message_id: columns.optional_parsed()?,
        kind: columns.word()?,
        chunk: columns.number()?,
        outbound: columns.json()?,
        state: columns.word()?,
        attempts: columns.number()?,
        uncertain: columns.number()?,
        next_attempt_at: columns.time()?,
        receipt: columns.optional_json()?,
        error: columns.optional_string()?,
        principal: columns.optional_string()?,
        idempotency_key: columns.optional_string()?,
        owner: columns.optional_string()?,
        lease_until: columns.optional_time()?,
        fence: columns.optional_integer()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

/// A conversation with outbox rows that have not ended.
pub(super) fn conversation(row: &SqliteRow) -> Decoded<(ChannelId, ChatAddress)> {
    let mut columns = Columns::of(row);
    let channel = columns.parsed()?;
    Ok((channel, ChatAddress { chat_id: columns.parsed()?, thread_id: columns.optional_parsed()? }))
}

const TRANSCRIPT_DATA: usize = 5;

pub(super) fn transcript(row: &SqliteRow) -> Decoded<TranscriptRow> {
    let mut columns = Columns::of(row);
    Ok(TranscriptRow {
        session_id: columns.parsed()?,
        seq: columns.integer()?,
        run_id: columns.optional_parsed()?,
        kind: columns.word()?,
        message_id: columns.optional_parsed()?,
        data: columns.json()?,
    })
}

/// The size in bytes of a transcript row's data.
pub(super) fn transcript_size(row: &SqliteRow) -> Decoded<u64> {
    let data = Columns { row, next: TRANSCRIPT_DATA }.text()?;
    Ok(data.len() as u64)
}

pub(super) fn event(row: &SqliteRow) -> Decoded<EventRow> {
    let mut columns = Columns::of(row);
    let mut event = EventRow {
        session_id: columns.parsed()?,
        seq: columns.integer()?,
        topic: columns.string()?,
        run_id: columns.optional_parsed()?,
        message: None,
        data: columns.optional_json()?,
    };
    let has_message = columns.flag()?;
    if has_message {
        event.message = Some(message_of(&mut columns)?);
    }
    Ok(event)
}

pub(super) fn pairing(row: &SqliteRow) -> Decoded<PairingRow> {
    let mut columns = Columns::of(row);
    Ok(PairingRow {
        channel_id: columns.parsed()?,
        user_id: columns.parsed()?,
        display_name: columns.optional_string()?,
        code: columns.optional_string()?,
        expires_at: columns.optional_time()?,
        approved_at: columns.optional_time()?,
        is_owner: columns.flag()?,
        denied: columns.number()?,
        created_at: columns.time()?,
    })
}

pub(super) fn lease(row: &SqliteRow) -> Decoded<LeaseRow> {
    let mut columns = Columns::of(row);
    Ok(LeaseRow {
        resource: columns.string()?,
        owner: columns.string()?,
        lease_until: columns.time()?,
        fence: columns.integer()?,
    })
}

pub(super) fn session_id(row: &SqliteRow) -> Decoded<SessionId> {
    Columns::of(row).parsed()
}

pub(super) fn state<T: DeserializeOwned>(row: &SqliteRow) -> Decoded<T> {
    Columns::of(row).word()
}

pub(super) fn run_and_principal(row: &SqliteRow) -> Decoded<(RunId, String)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.string()?))
}

/// An outbox row's id, its message and who asked for it.
pub(super) fn outbox_identity(
    row: &SqliteRow,
) -> Decoded<(OutboxId, Option<MessageId>, Option<String>)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.optional_parsed()?, columns.optional_string()?))
}
