use async_trait::async_trait;
use openclaw_core::{
    ChannelId, ChatAddress, ChatId, ExternalId, InboxId, Message, MessageId, OutboxId, RunId,
    Session, SessionId, SessionKey, Timestamp, UserId,
};
use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::ops::Bound;

use super::MemoryStorage;
use super::state::{State, all_of};
use crate::assemble::{folded_ids, folded_text};
use crate::rows::{
    Backlog, EventRow, InboxRow, LeaseRow, MessageQuery, OutboxRow, OutboxState, Page, PairingRow,
    SessionQuery, TranscriptKind, TranscriptRow, UsageRow, UserRow,
};
use crate::words::{self, Wanted};
use crate::{
    EventReads, InboxReads, LeaseReads, MessageReads, OutboxReads, PairingReads, SessionReads,
    StorageError, TranscriptReads, UserReads, ValueReads,
};

type Read<T> = Result<T, StorageError>;

fn matches(query: &SessionQuery, needle: Option<&str>, session: &Session) -> bool {
    let is_found = |needle: &str| {
        let label = session.label.as_deref().map(folded_text);
        folded_ids(session).contains(needle) || label.is_some_and(|label| label.contains(needle))
    };
    query.channel_id.as_ref().is_none_or(|channel| *channel == session.channel_id)
        && query.agent_id.as_ref().is_none_or(|agent| *agent == session.agent_id)
        && query.active_since.is_none_or(|since| session.last_activity_at >= since)
        && needle.is_none_or(is_found)
}

#[async_trait]
impl SessionReads for MemoryStorage {
    async fn session(&self, id: &SessionId) -> Read<Option<Session>> {
        self.read(|state| state.sessions.get(id).cloned())
    }

    async fn session_by_key(&self, key: &SessionKey) -> Read<Option<Session>> {
        self.read(|state| {
            let id = state.live_keys.get(key)?;
            state.sessions.get(id).cloned()
        })
    }

    async fn list_sessions(&self, query: &SessionQuery) -> Read<Page<Session>> {
        let from = match &query.cursor {
            None => Bound::Unbounded,
            Some(cursor) => {
                let (at, id) = SessionQuery::parse_cursor(cursor)
                    .ok_or_else(|| StorageError::bad_cursor(cursor))?;
                Bound::Excluded((Reverse(at), Reverse(id)))
            }
        };
        let needle = query.search.as_deref().map(folded_text);
        let size = query.page_size();
        self.read(|state| {
            let mut found = state
                .live_activity
                .range((from, Bound::Unbounded))
                .filter_map(|((_, Reverse(id)), ())| state.sessions.get(id))
                .filter(|session| matches(query, needle.as_deref(), session));
            let items: Vec<Session> = found.by_ref().take(size).cloned().collect();
            let next_cursor =
                found.next().and_then(|_| items.last()).map(SessionQuery::cursor_after);
            Page { items, next_cursor }
        })
    }

    async fn quiet_sessions(&self, before: Timestamp, limit: u32) -> Read<Vec<Session>> {
        self.read(|state| {
            let is_open = |session: &Session| {
                let of_key = state.open_inputs.range(all_of(&session.session_key));
                let mut rows = of_key.filter_map(|((_, position), ())| state.inputs.get(position));
                rows.any(|row| row.session_id == session.id)
            };
            let sessions = state.sessions.iter().map(|(_, session)| session);
            let mut quiet: Vec<&Session> = sessions
                .filter(|session| session.last_activity_at < before && !is_open(session))
                .collect();
            quiet.sort_by_key(|session| (session.last_activity_at, &session.id));
            quiet.into_iter().take(limit as usize).cloned().collect()
        })
    }

    async fn count_sessions(&self) -> Read<u64> {
        self.read(|state| state.live_keys.len() as u64)
    }
}

#[async_trait]
impl MessageReads for MemoryStorage {
    async fn message(&self, id: &MessageId) -> Read<Option<Message>> {
        self.read(|state| state.messages.get(id).cloned())
    }

    async fn messages_before(
        &self,
        session: &SessionId,
        before: Option<i64>,
        limit: u32,
    ) -> Read<Vec<Message>> {
        let end = before.map_or(Bound::Included((session.clone(), i64::MAX)), |seq| {
            Bound::Excluded((session.clone(), seq))
        });
        let start = Bound::Included((session.clone(), i64::MIN));
        self.read(|state| {
            if before == Some(i64::MIN) {
                return Vec::new();
            }
            let mut messages: Vec<Message> = state
                .message_log
                .range((start, end))
                .rev()
                .take(limit as usize)
                .filter_map(|(_, id)| state.messages.get(id).cloned())
                .collect();
            messages.reverse();
            messages
        })
    }

    async fn messages_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<Message>> {
        let range = after_seq(session, after);
        self.read(|state| {
            state
                .message_log
                .range(range)
                .take(limit as usize)
                .filter_map(|(_, id)| state.messages.get(id).cloned())
                .collect()
        })
    }

    async fn search_messages(&self, query: &MessageQuery) -> Read<Page<Message>> {
        let wanted = Wanted::of(query);
        let (at, id) = query.start()?;
        if wanted.is_empty() {
            return Ok(query.page(Vec::new()));
        }
        let comes_after = |message: &Message| {
            (message.created_at.as_millis(), message.id.as_str()) < (at, id.as_str())
        };
        self.read(|state| {
            let is_wanted = |message: &&Message| {
                let session = state.sessions.get(&message.session_id);
                query.channel_id.as_ref().is_none_or(|channel| *channel == message.channel_id)
                    && query.session_key.as_ref().is_none_or(|key| {
                        session.is_some_and(|session| session.session_key == *key)
                    })
                    && comes_after(message)
                    && wanted.is_in(&words::of_content(&message.content))
            };
            let found = state.messages.iter().map(|(_, message)| message).filter(is_wanted);
            let mut found: Vec<Message> = found.cloned().collect();
            found.sort_by(|one, other| {
                (other.created_at, &other.id).cmp(&(one.created_at, &one.id))
            });
            found.truncate(query.page_size() + 1);
            query.page(found)
        })
    }

    async fn message_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<Message>> {
        self.read(|state| {
            // No message id is smaller than the one-byte text U+0001.
            let first = MessageId::new("\u{1}").expect("one byte that is not NUL");
            let start = (channel.clone(), chat.clone(), external_id.clone(), first);
            state
                .message_externals
                .range(start..)
                .take_while(|((at, within, id, _), ())| {
                    at == channel && within == chat && id == external_id
                })
                .filter_map(|((.., id), ())| state.messages.get(id))
                .max_by_key(|message| (message.created_at, &message.id))
                .cloned()
        })
    }
}

type LogRange = (Bound<(SessionId, i64)>, Bound<(SessionId, i64)>);

fn after_seq(session: &SessionId, after: i64) -> LogRange {
    (Bound::Excluded((session.clone(), after)), Bound::Included((session.clone(), i64::MAX)))
}

#[async_trait]
impl UserReads for MemoryStorage {
    async fn user(&self, channel: &ChannelId, user: &UserId) -> Read<Option<UserRow>> {
        self.read(|state| state.users.get(&(channel.clone(), user.clone())).cloned())
    }
}

#[async_trait]
impl ValueReads for MemoryStorage {
    async fn value(&self, key: &str) -> Read<Option<String>> {
        self.read(|state| state.values.get(&key.to_owned()).cloned())
    }

    async fn values(&self, prefix: &str) -> Read<Vec<(String, String)>> {
        self.read(|state| {
            state
                .values
                .range(prefix.to_owned()..)
                .take_while(|(key, _)| key.starts_with(prefix))
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect()
        })
    }
}

#[async_trait]
impl InboxReads for MemoryStorage {
    async fn input(&self, id: &InboxId) -> Read<Option<InboxRow>> {
        self.read(|state| state.inputs.get(state.input_ids.get(id)?).cloned())
    }

    async fn input_by_run(&self, run: &RunId) -> Read<Option<InboxRow>> {
        self.read(|state| state.inputs.get(state.input_runs.get(run)?).cloned())
    }

    async fn input_by_external_id(
        &self,
        channel: &ChannelId,
        chat: &ChatId,
        external_id: &ExternalId,
    ) -> Read<Option<InboxRow>> {
        let key = (channel.clone(), chat.clone(), external_id.clone());
        self.read(|state| state.inputs.get(state.input_externals.get(&key)?).cloned())
    }

    async fn open_inputs(&self, key: &SessionKey, limit: u32) -> Read<Vec<InboxRow>> {
        self.read(|state| {
            state
                .open_inputs
                .range(all_of(key))
                .take(limit as usize)
                .filter_map(|((_, position), ())| state.inputs.get(position).cloned())
                .collect()
        })
    }

    async fn keys_with_open_inputs(&self) -> Read<Vec<SessionKey>> {
        self.read(|state| {
            let mut first: BTreeMap<&SessionKey, i64> = BTreeMap::new();
            for ((key, position), ()) in state.open_inputs.iter() {
                first.entry(key).or_insert(*position);
            }
            let mut keys: Vec<_> = first.into_iter().collect();
            keys.sort_by_key(|(_, position)| *position);
            keys.into_iter().map(|(key, _)| key.clone()).collect()
        })
    }

    async fn unattended_keys(&self, owner: &str, since: Timestamp) -> Read<Vec<SessionKey>> {
        let now = self.clock.now();
        self.read(|state| {
            let mut first: BTreeMap<&SessionKey, (i64, Timestamp)> = BTreeMap::new();
            for ((key, position), ()) in state.open_inputs.iter() {
                let Some(row) = state.inputs.get(position) else { continue };
                let known = first.entry(key).or_insert((*position, row.created_at));
                known.1 = known.1.min(row.created_at);
            }
            let is_unattended = |key: &SessionKey, accepted: Timestamp| match state
                .leases
                .get(&format!("lane:{key}"))
            {
                Some(lease) if lease.owner == owner => true,
                Some(lease) if lease.is_given() => lease.lease_until <= now,
                Some(_) | None => accepted < since,
            };
            let mut keys: Vec<_> = first
                .into_iter()
                .filter(|(key, (_, accepted))| is_unattended(key, *accepted))
                .collect();
            keys.sort_by_key(|(_, (position, _))| *position);
            keys.into_iter().map(|(key, _)| key.clone()).collect()
        })
    }

    async fn recent_inputs(&self, key: Option<&SessionKey>, limit: u32) -> Read<Vec<InboxRow>> {
        self.read(|state| {
            let newest = newest_inputs(state, key);
            let open = newest.iter().filter(|row| !row.state.is_final());
            let ended = newest.iter().filter(|row| row.state.is_final());
            open.chain(ended).take(limit as usize).map(|row| (*row).clone()).collect()
        })
    }

    async fn backlog(&self) -> Read<Backlog> {
        self.read(|state| state.backlog)
    }

    async fn usage_before(&self, position: Option<i64>, limit: u32) -> Read<Vec<UsageRow>> {
        self.read(|state| {
            let rows = state.inputs.iter().rev().map(|(_, row)| row);
            rows.filter(|row| position.is_none_or(|before| row.position < before))
                .take(limit as usize)
                .map(|row| UsageRow {
                    position: row.position,
                    session_key: row.session_key.clone(),
                    usage: row.usage,
                    created_at: row.created_at,
                    ended_at: row.ended_at,
                })
                .collect()
        })
    }
}

fn newest_inputs<'a>(state: &'a State, key: Option<&SessionKey>) -> Vec<&'a InboxRow> {
    match key {
        Some(key) => state
            .inputs_of_key
            .range(all_of(key))
            .rev()
            .filter_map(|((_, position), ())| state.inputs.get(position))
            .collect(),
        None => state.inputs.iter().rev().map(|(_, row)| row).collect(),
    }
}

#[async_trait]
impl OutboxReads for MemoryStorage {
    async fn outbox(&self, id: &OutboxId) -> Read<Option<OutboxRow>> {
        self.read(|state| state.outbox.get(state.outbox_ids.get(id)?).cloned())
    }

    async fn outbox_by_idempotency_key(&self, key: &str) -> Read<Option<OutboxRow>> {
        let key = key.to_owned();
        self.read(|state| state.outbox.get(state.outbox_keys.get(&key)?).cloned())
    }

    async fn open_conversations(&self) -> Read<Vec<(ChannelId, ChatAddress)>> {
        self.read(|state| {
            let mut first: BTreeMap<(&ChannelId, &ChatAddress), i64> = BTreeMap::new();
            for ((channel, chat, position), ()) in state.open_outbox.iter() {
                first.entry((channel, chat)).or_insert(*position);
            }
            let mut conversations: Vec<_> = first.into_iter().collect();
            conversations.sort_by_key(|(_, position)| *position);
            conversations
                .into_iter()
                .map(|((channel, chat), _)| (channel.clone(), chat.clone()))
                .collect()
        })
    }

    async fn open_outbox(
        &self,
        channel: &ChannelId,
        chat: &ChatAddress,
        limit: u32,
    ) -> Read<Vec<OutboxRow>> {
        let start = (channel.clone(), chat.clone(), i64::MIN);
        let end = (channel.clone(), chat.clone(), i64::MAX);
        self.read(|state| {
            state
                .open_outbox
                .range(start..=end)
                .take(limit as usize)
                .filter_map(|((.., position), ())| state.outbox.get(position).cloned())
                .collect()
        })
    }

    async fn outbox_of_run(&self, run: &RunId) -> Read<Vec<OutboxRow>> {
        self.read(|state| {
            state
                .outbox_runs
                .range(all_of(run))
                .filter_map(|((_, position), ())| state.outbox.get(position).cloned())
                .collect()
        })
    }

    async fn troubled_outbox(&self, limit: u32) -> Read<Vec<OutboxRow>> {
        let is_troubled =
            |row: &OutboxRow| matches!(row.state, OutboxState::Unknown | OutboxState::Failed);
        self.read(|state| {
            let newest = state.outbox.iter().rev().map(|(_, row)| row);
            newest.filter(|row| is_troubled(row)).take(limit as usize).cloned().collect()
        })
    }
}

#[async_trait]
impl TranscriptReads for MemoryStorage {
    async fn transcript_tail(
        &self,
        session: &SessionId,
        limit: u32,
        max_bytes: u64,
    ) -> Read<Vec<TranscriptRow>> {
        self.read(|state| {
            let mut total = 0;
            let mut tail: Vec<TranscriptRow> = state
                .transcript
                .range(all_of(session))
                .rev()
                .take(limit as usize)
                .enumerate()
                .take_while(|(index, (_, row))| {
                    total += row.data.to_string().len() as u64;
                    *index == 0 || total <= max_bytes
                })
                .map(|(_, (_, row))| row.clone())
                .collect();
            tail.reverse();
            self.count_transcript_rows(tail.len());
            tail
        })
    }

    async fn transcript_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<TranscriptRow>> {
        let range = after_seq(session, after);
        self.read(|state| {
            let rows = state.transcript.range(range).take(limit as usize);
            let rows: Vec<TranscriptRow> = rows.map(|(_, row)| row.clone()).collect();
            self.count_transcript_rows(rows.len());
            rows
        })
    }

    async fn compaction_before(
        &self,
        session: &SessionId,
        before: i64,
    ) -> Read<Option<TranscriptRow>> {
        self.read(|state| {
            let mut rows = state.transcript.range(all_of(session)).rev().map(|(_, row)| row);
            rows.find(|row| row.kind == TranscriptKind::Compaction && row.seq < before).cloned()
        })
    }

    async fn transcript_of_run(
        &self,
        session: &SessionId,
        run: &RunId,
    ) -> Read<Vec<TranscriptRow>> {
        let start = (run.clone(), session.clone(), i64::MIN);
        let end = (run.clone(), session.clone(), i64::MAX);
        self.read(|state| {
            state
                .transcript_runs
                .range(start..=end)
                .filter_map(|((_, session, seq), ())| {
                    state.transcript.get(&(session.clone(), *seq))
                })
                .cloned()
                .collect()
        })
    }
}

#[async_trait]
impl EventReads for MemoryStorage {
    async fn events_after(
        &self,
        session: &SessionId,
        after: i64,
        limit: u32,
    ) -> Read<Vec<EventRow>> {
        let range = after_seq(session, after);
        self.read(|state| {
            state
                .events
                .range(range)
                .take(limit as usize)
                .map(|((session_id, seq), event)| EventRow {
                    session_id: session_id.clone(),
                    seq: *seq,
                    topic: event.topic.to_owned(),
                    run_id: event.run_id.clone(),
                    message: event
                        .message_id
                        .as_ref()
                        .and_then(|id| state.messages.get(id))
                        .cloned(),
                    data: event.data.clone(),
                })
                .collect()
        })
    }
}

#[async_trait]
impl PairingReads for MemoryStorage {
    async fn pairing(&self, channel: &ChannelId, user: &UserId) -> Read<Option<PairingRow>> {
        self.read(|state| state.pairings.get(&(channel.clone(), user.clone())).cloned())
    }

    async fn pairing_by_code(&self, code: &str, now: Timestamp) -> Read<Option<PairingRow>> {
        let is_valid = |row: &&PairingRow| {
            row.code.as_deref() == Some(code) && row.expires_at.is_some_and(|until| until > now)
        };
        self.read(|state| state.pairings.iter().map(|(_, row)| row).find(is_valid).cloned())
    }

    async fn pairings(&self, channel: Option<&ChannelId>) -> Read<Vec<PairingRow>> {
        self.read(|state| {
            let rows = state.pairings.iter().map(|(_, row)| row);
            let mut rows: Vec<PairingRow> = rows
                .filter(|row| channel.is_none_or(|channel| row.channel_id == *channel))
                .cloned()
                .collect();
            // Stable: those of one moment stay ordered by channel and user.
            rows.sort_by_key(|row| row.created_at);
            rows
        })
    }
}

#[async_trait]
impl LeaseReads for MemoryStorage {
    async fn lease(&self, resource: &str) -> Read<Option<LeaseRow>> {
        let resource = resource.to_owned();
        self.read(|state| state.leases.get(&resource).cloned())
    }
}
