use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use openclaw_core::SessionId;

use super::Settled;

/// How many bytes all conversations in memory may occupy together.
const MOST_BYTES: usize = 12 * 1024 * 1024;

/// The settled rounds of the sessions that were busy last, so that a turn reads only what is new.
///
/// The transcript only grows, so what is in here never is wrong, only short of the newest rows;
/// the session that was not used for the longest time goes first.
#[derive(Debug)]
pub(crate) struct ContextCache {
    kept: Mutex<Kept>,
    most_bytes: usize,
}

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<SessionId, Entry>,
    bytes: usize,
    uses: u64,
}

#[derive(Debug)]
struct Entry {
    settled: Arc<Settled>,
    bytes: usize,
    used: u64,
}

impl Default for ContextCache {
    fn default() -> Self {
        Self { kept: Mutex::default(), most_bytes: MOST_BYTES }
    }
}

impl ContextCache {
    /// What is known of a session; it is not kept any more then, so that its user can change it
    /// without a copy. `None` also when it was cut for less room than there is now.
    pub(crate) fn take(&self, session: &SessionId, room: usize) -> Option<Arc<Settled>> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = kept.entries.remove(session)?;
        kept.bytes -= entry.bytes;
        // The room differs from turn to turn: by what the system prompt says, and by what is learned
        // of the model's tokens.
        let is_enough = entry.settled.cut_for().is_none_or(|cut| room / 2 < cut);
        is_enough.then_some(entry.settled)
    }

    /// Keeps what is known of a session, and forgets others for it.
    pub(crate) fn keep(&self, session: &SessionId, settled: Arc<Settled>) {
        let bytes = settled.footprint();
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if bytes > self.most_bytes {
            return;
        }
        kept.uses += 1;
        let entry = Entry { settled, bytes, used: kept.uses };
        kept.bytes += bytes;
        if let Some(replaced) = kept.entries.insert(session.clone(), entry) {
            kept.bytes -= replaced.bytes;
        }
        if kept.bytes > self.most_bytes {
            kept.shrink(self.most_bytes - self.most_bytes / 8);
        }
    }
}

impl Kept {
    /// Forgets the least recently used; several at once, so that the search for them is rare.
    fn shrink(&mut self, to: usize) {
        let mut by_use: Vec<_> =
            self.entries.iter().map(|(session, entry)| (entry.used, session.clone())).collect();
        by_use.sort_unstable_by_key(|(used, _)| *used);
        for (_, session) in by_use {
            if self.bytes <= to {
                break;
            }
            if let Some(entry) = self.entries.remove(&session) {
                self.bytes -= entry.bytes;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use openclaw_core::SessionId;
    use rig_core::message::Message;

    use super::{ContextCache, Kept};
    use crate::context::Settled;

    fn settled(bytes: usize) -> Arc<Settled> {
        let mut settled = Settled::new();
        settled.extend([Message::user("x".repeat(bytes))], 1);
        Arc::new(settled)
    }

    #[test]
    fn what_was_cut_for_less_room_is_read_anew() {
        let cache = ContextCache::default();
        let id = SessionId::new("s").expect("valid");
        for (cut, room, is_known) in [
            (None, 100_000, true),
            (Some(10_000), 10_000, true),
            (Some(10_000), 10_100, true),
            (Some(10_000), 5_000, true),
            (Some(10_000), 20_000, false),
        ] {
            let mut known = settled(10);
            if let Some(cut) = cut {
                Arc::make_mut(&mut known).note_cut(cut);
            }
            cache.keep(&id, known);
            assert_eq!(cache.take(&id, room).is_some(), is_known, "{cut:?} {room}");
        }
    }

    #[test]
    fn an_encoding_that_is_still_to_come_is_counted() {
        assert!(settled(10_000).footprint() >= 20_000);
    }

    #[test]
    fn the_least_recently_used_go_and_the_sum_is_bounded() {
        let cache =
            ContextCache { kept: std::sync::Mutex::new(Kept::default()), most_bytes: 80_000 };
        let id = |number: u32| SessionId::new(format!("s{number}")).expect("valid");
        for number in 0..3 {
            cache.keep(&id(number), settled(10_000));
        }
        let first = cache.take(&id(0), 0).expect("kept");
        cache.keep(&id(0), first);
        cache.keep(&id(3), settled(10_000));
        assert!(cache.take(&id(1), 0).is_none(), "the oldest is still there");
        for number in [0, 2, 3] {
            assert!(cache.take(&id(number), 0).is_some(), "{number}");
        }
        assert_eq!(cache.kept.lock().expect("sound").bytes, 0);
        cache.keep(&id(4), settled(50_000));
        assert!(cache.take(&id(4), 0).is_none(), "larger than everything that is kept");
    }
}
