//! From rows of tables to rows as readers see them.

use openclaw_core::{
    ChannelId, ChatAddress, Direction, Message, MessageContent, MessageId, OutboxId, RunId, Sender,
    Session, SessionId, SessionKey, SessionState, Timestamp,
};
#[cfg(feature = "postgres")]
use openclaw_core::{ExternalId, Outbound};
use serde::de::value::{Error as WordError, StrDeserializer};
use serde::de::{DeserializeOwned, IntoDeserializer};
use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::error::Error;
use std::str::FromStr;

use super::cells::{Cells, Decoded};
#[cfg(feature = "postgres")]
use crate::rows::Backlog;
use crate::rows::vector_of;
use crate::rows::{
    EventRow, InboxRow, JobRow, JobRunRow, LeaseRow, MemoryChunkRow, MemoryCounts, MemoryFileRow,
    MemoryVector, MemoryVectorRow, NewMemoryChunk, OutboxKind, OutboxRow, OutboxState, PairingRow,
    TranscriptRow, UsageRow, UserRow,
};

pub(crate) fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Inbound => "inbound",
        Direction::Outbound => "outbound",
    }
}

pub(crate) fn session_state_word(state: SessionState) -> &'static str {
    match state {
        SessionState::Idle => "idle",
        SessionState::Running => "running",
        SessionState::Ended => "ended",
    }
}

pub(crate) fn outbox_kind_word(kind: OutboxKind) -> &'static str {
    match kind {
        OutboxKind::Reply => "reply",
        OutboxKind::Preview => "preview",
        OutboxKind::Notice => "notice",
        OutboxKind::Message => "message",
    }
}

/// What a message's row holds besides its columns, as it is written.
#[derive(Debug, Serialize)]
pub(crate) struct MessageMetadata<'a> {
    pub(crate) sender: &'a Sender,
}

#[derive(Debug, Deserialize)]
struct StoredMetadata {
    sender: Option<Sender>,
}

/// Reads the columns of a row one after another.
struct Columns<'r, R> {
    row: &'r R,
    next: usize,
}

impl<'r, R: Cells> Columns<'r, R> {
    fn of(row: &'r R) -> Self {
        Self { row, next: 0 }
    }

    fn optional_text(&mut self) -> Decoded<Option<Cow<'r, str>>> {
        self.next += 1;
        self.row.text(self.next - 1)
    }

    fn text(&mut self) -> Decoded<Cow<'r, str>> {
        Ok(self.optional_text()?.ok_or("a text is null")?)
    }

    fn string(&mut self) -> Decoded<String> {
        Ok(self.text()?.into_owned())
    }

    fn optional_string(&mut self) -> Decoded<Option<String>> {
        Ok(self.optional_text()?.map(Cow::into_owned))
    }

    fn optional_integer(&mut self) -> Decoded<Option<i64>> {
        self.next += 1;
        self.row.integer(self.next - 1)
    }

    fn integer(&mut self) -> Decoded<i64> {
        Ok(self.optional_integer()?.ok_or("an integer is null")?)
    }

    fn number<T: TryFrom<i64>>(&mut self) -> Decoded<T>
    where
        T::Error: Error + Send + Sync + 'static,
    {
        Ok(T::try_from(self.integer()?)?)
    }

    fn bytes(&mut self) -> Decoded<Vec<u8>> {
        self.next += 1;
        Ok(self.row.bytes(self.next - 1)?.ok_or("bytes are null")?)
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
        Ok(self.optional_text()?.map(|text| text.parse()).transpose()?)
    }

    fn json<T: DeserializeOwned>(&mut self) -> Decoded<T> {
        Ok(serde_json::from_str(&self.text()?)?)
    }

    fn optional_json<T: DeserializeOwned>(&mut self) -> Decoded<Option<T>> {
        Ok(self.optional_text()?.map(|text| serde_json::from_str(&text)).transpose()?)
    }

    fn word<T: DeserializeOwned>(&mut self) -> Decoded<T> {
        word(&self.text()?)
    }
}

/// The value that is written as this word.
pub(crate) fn word<T: DeserializeOwned>(text: &str) -> Decoded<T> {
    let deserializer: StrDeserializer<'_, WordError> = text.into_deserializer();
    Ok(T::deserialize(deserializer)?)
}

pub(crate) fn string(row: &impl Cells) -> Decoded<String> {
    Columns::of(row).string()
}

pub(crate) fn integer(row: &impl Cells) -> Decoded<i64> {
    Columns::of(row).integer()
}

/// The engine's version, the schema's, and the size in bytes.
pub(crate) fn versions_and_size(row: &impl Cells) -> Decoded<(String, i64, u64)> {
    let mut columns = Columns::of(row);
    Ok((columns.string()?, columns.integer()?, columns.number()?))
}

pub(crate) fn count(row: &impl Cells) -> Decoded<u64> {
    Columns::of(row).number()
}

pub(crate) fn key_and_value(row: &impl Cells) -> Decoded<(String, String)> {
    let mut columns = Columns::of(row);
    Ok((columns.string()?, columns.string()?))
}

pub(crate) fn session_key(row: &impl Cells) -> Decoded<SessionKey> {
    Columns::of(row).parsed()
}

/// Two integers.
#[cfg(feature = "postgres")]
pub(crate) fn two_integers(row: &impl Cells) -> Decoded<(i64, i64)> {
    let mut columns = Columns::of(row);
    Ok((columns.integer()?, columns.integer()?))
}

/// The service's id of an event.
#[cfg(feature = "postgres")]
pub(crate) fn external_id(row: &impl Cells) -> Decoded<ExternalId> {
    Columns::of(row).parsed()
}

/// An outbox row's position and what it is to do.
#[cfg(feature = "postgres")]
pub(crate) fn unsent(row: &impl Cells) -> Decoded<(i64, Outbound)> {
    let mut columns = Columns::of(row);
    Ok((columns.integer()?, columns.json()?))
}

/// The counts in the order of their fields.
#[cfg(feature = "postgres")]
pub(crate) fn backlog(row: &impl Cells) -> Decoded<Backlog> {
    let mut columns = Columns::of(row);
    Ok(Backlog {
        inputs: columns.number()?,
        outbox: columns.number()?,
        unknown: columns.number()?,
        failed: columns.number()?,
        resent: columns.number()?,
    })
}

/// A message's position and what it says.
pub(crate) fn position_and_content(row: &impl Cells) -> Decoded<(i64, MessageContent)> {
    let mut columns = Columns::of(row);
    Ok((columns.integer()?, columns.json()?))
}

/// A session's key and its last `seq`.
pub(crate) fn key_and_seq(row: &impl Cells) -> Decoded<(SessionKey, i64)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.integer()?))
}

/// An outbox row's state and how often its outcome was not known.
pub(crate) fn state_and_uncertain(row: &impl Cells) -> Decoded<(OutboxState, u64)> {
    let mut columns = Columns::of(row);
    Ok((columns.word()?, columns.number()?))
}

pub(crate) fn session(row: &impl Cells) -> Decoded<Session> {
    session_of(&mut Columns::of(row))
}

/// A session, and how far it is indexed.
pub(crate) fn session_and_indexed(row: &impl Cells) -> Decoded<(Session, u64)> {
    let mut columns = Columns::of(row);
    Ok((session_of(&mut columns)?, columns.number()?))
}

fn session_of(columns: &mut Columns<'_, impl Cells>) -> Decoded<Session> {
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

pub(crate) fn message(row: &impl Cells) -> Decoded<Message> {
    message_of(&mut Columns::of(row))
}

fn message_of(columns: &mut Columns<'_, impl Cells>) -> Decoded<Message> {
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

pub(crate) fn user(row: &impl Cells) -> Decoded<UserRow> {
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

pub(crate) fn usage(row: &impl Cells) -> Decoded<UsageRow> {
    let mut columns = Columns::of(row);
    Ok(UsageRow {
        position: columns.integer()?,
        session_key: columns.parsed()?,
        usage: columns.optional_json()?,
        created_at: columns.time()?,
        ended_at: columns.optional_time()?,
    })
}

pub(crate) fn input(row: &impl Cells) -> Decoded<InboxRow> {
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

pub(crate) fn outbox(row: &impl Cells) -> Decoded<OutboxRow> {
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
pub(crate) fn conversation(row: &impl Cells) -> Decoded<(ChannelId, ChatAddress)> {
    let mut columns = Columns::of(row);
    let channel = columns.parsed()?;
    Ok((channel, ChatAddress { chat_id: columns.parsed()?, thread_id: columns.optional_parsed()? }))
}

const TRANSCRIPT_DATA: usize = 5;

pub(crate) fn transcript(row: &impl Cells) -> Decoded<TranscriptRow> {
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
pub(crate) fn transcript_size(row: &impl Cells) -> Decoded<u64> {
    let data = Columns { row, next: TRANSCRIPT_DATA }.text()?;
    Ok(data.len() as u64)
}

pub(crate) fn event(row: &impl Cells) -> Decoded<EventRow> {
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

pub(crate) fn pairing(row: &impl Cells) -> Decoded<PairingRow> {
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

pub(crate) fn lease(row: &impl Cells) -> Decoded<LeaseRow> {
    let mut columns = Columns::of(row);
    Ok(LeaseRow {
        resource: columns.string()?,
        owner: columns.string()?,
        lease_until: columns.time()?,
        fence: columns.integer()?,
    })
}

pub(crate) fn job(row: &impl Cells) -> Decoded<JobRow> {
    let mut columns = Columns::of(row);
    Ok(JobRow {
        id: columns.parsed()?,
        agent_id: columns.parsed()?,
        kind: columns.string()?,
        data: columns.json()?,
        state: columns.json()?,
        due_at: columns.optional_time()?,
        owner: columns.optional_string()?,
        fence: columns.integer()?,
        created_at: columns.time()?,
        updated_at: columns.time()?,
    })
}

pub(crate) fn job_run(row: &impl Cells) -> Decoded<JobRunRow> {
    let mut columns = Columns::of(row);
    Ok(JobRunRow {
        job_id: columns.parsed()?,
        slot: columns.time()?,
        run_id: columns.optional_parsed()?,
        session_key: columns.optional_text()?.map(|key| SessionKey::parse(&key)).transpose()?,
        session_id: columns.optional_parsed()?,
        status: columns.word()?,
        data: columns.json()?,
        owner: columns.string()?,
        started_at: columns.time()?,
        finished_at: columns.optional_time()?,
    })
}

pub(crate) fn session_id(row: &impl Cells) -> Decoded<SessionId> {
    Columns::of(row).parsed()
}

pub(crate) fn state<T: DeserializeOwned>(row: &impl Cells) -> Decoded<T> {
    Columns::of(row).word()
}

pub(crate) fn run_and_principal(row: &impl Cells) -> Decoded<(RunId, String)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.string()?))
}

/// An outbox row's id, its message and who asked for it.
pub(crate) fn outbox_identity(
    row: &impl Cells,
) -> Decoded<(OutboxId, Option<MessageId>, Option<String>)> {
    let mut columns = Columns::of(row);
    Ok((columns.parsed()?, columns.optional_parsed()?, columns.optional_string()?))
}

pub(crate) fn memory_file(row: &impl Cells) -> Decoded<MemoryFileRow> {
    let mut columns = Columns::of(row);
    Ok(MemoryFileRow {
        agent_id: columns.parsed()?,
        source: columns.word()?,
        path: columns.string()?,
        hash: columns.string()?,
        modified_at: columns.time()?,
        size: columns.number()?,
        indexed_at: columns.time()?,
    })
}

pub(crate) fn memory_chunk(row: &impl Cells) -> Decoded<MemoryChunkRow> {
    let mut columns = Columns::of(row);
    Ok(MemoryChunkRow {
        agent_id: columns.parsed()?,
        source: columns.word()?,
        path: columns.string()?,
        ordinal: columns.number()?,
        chunk: NewMemoryChunk {
            start_line: columns.number()?,
            end_line: columns.number()?,
            hash: columns.string()?,
            text: columns.string()?,
            said_at: columns.time()?,
        },
    })
}

pub(crate) fn memory_vector(row: &impl Cells) -> Decoded<MemoryVectorRow> {
    let mut columns = Columns::of(row);
    Ok(MemoryVectorRow {
        position: columns.integer()?,
        vector: MemoryVector { hash: columns.string()?, embedding: vector_of(&columns.bytes()?) },
    })
}

pub(crate) fn memory_counts(row: &impl Cells) -> Decoded<MemoryCounts> {
    let mut columns = Columns::of(row);
    Ok(MemoryCounts {
        files: columns.number()?,
        sessions: columns.number()?,
        chunks: columns.number()?,
        texts: columns.number()?,
        vectors: columns.number()?,
        last_vector: columns.integer()?,
    })
}
