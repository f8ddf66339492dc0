use std::collections::HashMap;
use std::time::Duration;

use openclaw_core::{RunId, SessionId, SessionKey};
use openclaw_storage::Storage;
use openclaw_storage::rows::EventRow;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use super::client::{Client, Inner};
use super::filter::may_see;
use super::text::of_stored;

/// Events read from the store at a time.
const PAGE: u32 = 64;
/// The pause after the store could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// Where one session's stored events stand for one client that does not simply follow.
#[derive(Debug)]
pub(super) struct Cursor {
    /// That session's key.
    key: SessionKey,
    /// Whether the client still reads from the store. When it does not, it has everything below
    /// `next`, although not all of these commits need have been announced.
    is_behind: bool,
    /// The next `seq` to read.
    next: i64,
    /// From here on everything the client wants counts; before it only replaying subscriptions do.
    live_from: Option<i64>,
    /// The highest announced `seq` that is left to be read.
    announced: i64,
    /// Subscriptions that asked for older events.
    replays: Vec<Asked>,
}

/// A subscription that asked for older events.
#[derive(Debug)]
struct Asked {
    subscription: String,
    /// The first `seq` it asked for.
    from: i64,
    /// It has everything below; grows only when reading begins anew from further back.
    done: i64,
}

/// What is to be done with an announced event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Announced {
    /// It will be read from the store.
    Skip,
    /// It was read from the store already; it counts only if it was not sent then.
    Read,
    /// The client follows.
    Follow,
}

impl Cursor {
    /// A stored event did not fit.
    pub(super) fn fall_behind(
        cursors: &mut HashMap<SessionId, Self>,
        session: &SessionId,
        key: &SessionKey,
        seq: i64,
    ) {
        let cursor = cursors.entry(session.clone()).or_insert_with(|| Self {
            key: key.clone(),
            is_behind: true,
            next: seq,
            live_from: None,
            announced: seq,
            replays: Vec::new(),
        });
        cursor.begin_anew(seq);
        cursor.live_from.get_or_insert(seq);
        cursor.announced = cursor.announced.max(seq);
    }

    /// A subscription wants stored events from a `seq` on.
    pub(super) fn replay(
        cursors: &mut HashMap<SessionId, Self>,
        session: SessionId,
        key: SessionKey,
        subscription: &str,
        from_seq: i64,
    ) {
        let from_seq = from_seq.max(1);
        let cursor = cursors.entry(session).or_insert(Self {
            key,
            is_behind: true,
            next: from_seq,
            live_from: None,
            announced: 0,
            replays: Vec::new(),
        });
        // What was read already counts for the new subscription only.
        cursor.live_from = cursor.live_from.map(|from| from.max(cursor.next));
        cursor.begin_anew(from_seq);
        let subscription = subscription.to_owned();
        cursor.replays.push(Asked { subscription, from: from_seq, done: from_seq });
    }

    /// Reads from here on, perhaps again.
    fn begin_anew(&mut self, seq: i64) {
        for asked in &mut self.replays {
            asked.done = asked.done.max(self.next);
        }
        self.is_behind = true;
        self.next = self.next.min(seq);
    }

    /// A subscription is over.
    pub(super) fn forget(&mut self, subscription: &str) {
        self.replays.retain(|asked| asked.subscription != subscription);
    }

    pub(super) fn is_behind(&self) -> bool {
        self.is_behind
    }

    fn counts_all(&self, seq: i64) -> bool {
        self.live_from.is_some_and(|from| seq >= from)
    }

    fn asked_by(&self, subscription: &str) -> Option<&Asked> {
        self.replays.iter().find(|asked| asked.subscription == subscription)
    }

    pub(super) fn announce(&mut self, seq: i64) -> Announced {
        if seq < self.next {
            Announced::Read
        } else if self.is_behind {
            self.live_from.get_or_insert(seq);
            self.announced = self.announced.max(seq);
            Announced::Skip
        } else {
            Announced::Follow
        }
    }
}

impl Inner {
    /// Whether an event that is read from the store goes to the client.
    pub(super) fn wants_read(
        &self,
        cursor: &Cursor,
        topic: &str,
        run: Option<&RunId>,
        seq: i64,
    ) -> bool {
        let is_new = |asked: &Asked| seq >= asked.done;
        let was_sent = |asked: &Asked| seq >= asked.from && seq < asked.done;
        may_see(self.scopes, topic)
            && (self.is_asked_for(cursor, topic, is_new)
                || (cursor.counts_all(seq)
                    && self.is_followed(cursor, topic, run)
                    && !self.is_asked_for(cursor, topic, was_sent)))
    }

    /// Whether an event goes to the client that was read from the store before it was announced: a
    /// subscription that only follows may want it, for which it was not read.
    pub(super) fn is_owed(
        &self,
        cursor: &Cursor,
        topic: &str,
        run: Option<&RunId>,
        seq: i64,
    ) -> bool {
        may_see(self.scopes, topic)
            && !cursor.counts_all(seq)
            && self.is_followed(cursor, topic, run)
            && !self.is_asked_for(cursor, topic, |asked| seq >= asked.from)
    }

    fn is_asked_for(&self, cursor: &Cursor, topic: &str, counts: impl Fn(&Asked) -> bool) -> bool {
        self.subscriptions().any(|sub| {
            cursor.asked_by(&sub.id).is_some_and(&counts) && sub.matches(topic, Some(&cursor.key))
        })
    }

    fn is_followed(&self, cursor: &Cursor, topic: &str, run: Option<&RunId>) -> bool {
        run.is_some_and(|run| self.watches(run))
            || self.subscriptions().any(|sub| {
                cursor.asked_by(&sub.id).is_none() && sub.matches(topic, Some(&cursor.key))
            })
    }
}

impl Client {
    /// Whether stored events are to be read from the store, and there is room for them.
    pub fn needs_catch_up(&self) -> bool {
        let inner = self.inner();
        inner.queue.is_half_empty() && inner.cursors.values().any(Cursor::is_behind)
    }

    /// Reads one page of what the client is behind with and queues it. Cancel-safe: what was not
    /// queued is read again.
    pub async fn catch_up(&self, storage: &dyn Storage) {
        let Some((session, next)) = self.next_behind() else { return };
        match storage.events_after(&session, next - 1, PAGE).await {
            Ok(rows) => self.take_page(&session, next, &rows),
            Err(error) => {
                tracing::warn!(%session, %error, "cannot read stored events for a client, trying again");
                tokio::time::sleep(RETRY).await;
            }
        }
        self.wake();
    }

    fn next_behind(&self) -> Option<(SessionId, i64)> {
        let inner = self.inner();
        let (session, cursor) = inner.cursors.iter().find(|(_, cursor)| cursor.is_behind)?;
        Some((session.clone(), cursor.next))
    }

    fn take_page(&self, session: &SessionId, mut next: i64, rows: &[EventRow]) {
        let mut inner = self.inner();
        for row in rows {
            let Some(cursor) = inner.cursors.get(session) else { return };
            if cursor.next != next {
                // A replay from further back was asked for meanwhile: the next call reads it.
                return;
            }
            if inner.wants_read(cursor, &row.topic, row.run_id.as_ref(), row.seq)
                && !queue_row(&mut inner, session, row)
            {
                return;
            }
            next = row.seq + 1;
            if let Some(cursor) = inner.cursors.get_mut(session) {
                cursor.next = next;
            }
        }
        if rows.len() < PAGE as usize {
            go_live(&mut inner, session, next);
        }
    }
}

/// `false` when there is no room.
fn queue_row(inner: &mut Inner, session: &SessionId, row: &EventRow) -> bool {
    let Some(cursor) = inner.cursors.get(session) else { return false };
    let (run, message, data) = (row.run_id.as_ref(), row.message.as_ref(), row.data.as_ref());
    let text = of_stored(&row.topic, row.seq, &cursor.key, run, message, data);
    // What cannot be written is logged and passed over.
    let Some(text) = text else { return true };
    let has_room = inner.queue.has_room(text.len());
    if has_room {
        inner.queue.push_event(Utf8Bytes::from(text));
    }
    has_room
}

/// Follows from now on, if everything announced so far was read.
fn go_live(inner: &mut Inner, session: &SessionId, next: i64) {
    let Some(cursor) = inner.cursors.get_mut(session) else { return };
    if cursor.next != next || cursor.announced >= next {
        return;
    }
    cursor.is_behind = false;
    if cursor.announced + 1 == next {
        inner.cursors.remove(session);
    }
    inner.drop_ended_runs(session);
}
