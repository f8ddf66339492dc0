use std::sync::Arc;

use openclaw_core::SessionId;
use openclaw_storage::rows::{TranscriptKind, TranscriptRow};
use openclaw_storage::{Storage, StorageError};
use serde::Deserialize;

use super::{ContextCache, Settled, continues};
use crate::tokens::Window;
use crate::transcript::SummaryEntry;

/// The most entries of a session that are read; their bytes are the narrower bound.
const MOST_ENTRIES: u32 = 16_384;

/// The most entries that are read after what is known of a session.
const MOST_NEW_ENTRIES: u32 = 256;

/// How many summaries that do not serve are passed over.
const MOST_SUMMARIES: usize = 8;

/// A session whose first entry is not later than this is read from its beginning.
const FIRST: i64 = 8;

/// What is known of a session, and the entries that follow.
pub(crate) struct Stored {
    pub(crate) settled: Arc<Settled>,
    /// Oldest first; where older ones are summarised, the summary is before them.
    pub(crate) rows: Vec<TranscriptRow>,
    /// Whether older entries were not read, which no summary stands for.
    pub(crate) is_cut: bool,
}

/// What a turn begins with: what is kept in memory and the new entries, else all that is needed.
pub(crate) async fn read(
    storage: &dyn Storage,
    cache: &ContextCache,
    session: &SessionId,
    window: &Window,
) -> Result<Stored, StorageError> {
    if let Some(settled) = cache.take(session, window.room()) {
        let rows = storage.transcript_after(session, settled.last_seq(), MOST_NEW_ENTRIES).await?;
        if rows.len() < MOST_NEW_ENTRIES as usize && continues(&rows, settled.summary_seq()) {
            return Ok(Stored { settled, rows, is_cut: false });
        }
    }
    read_anew(storage, session, window).await
}

/// Reads a session from the newest summary that serves, else as far back as there may be room.
pub(crate) async fn read_anew(
    storage: &dyn Storage,
    session: &SessionId,
    window: &Window,
) -> Result<Stored, StorageError> {
    // Old tool results are sent shortened, so stored entries are much larger than what is sent.
    let most_bytes = (window.room() as u64).saturating_mul(4).clamp(1 << 20, 16 << 20);
    let tail = storage.transcript_tail(session, MOST_ENTRIES, most_bytes).await?;
    let first = tail.first().map_or(0, |row| row.seq);
    let is_cut = first > FIRST
        && (tail.len() >= MOST_ENTRIES as usize || json_bytes(&tail) > most_bytes / 2);
    let in_tail = tail.iter().rev().find_map(|row| serving(row, window.tokens()));
    let summary = match in_tail {
        Some(found) => Some(found),
        None if is_cut => newest_row(storage, session, first, window.tokens()).await?,
        None => None,
    };
    let settled = Arc::new(Settled::new());
    let Some((row, entry)) = summary else {
        let rows = tail.into_iter().filter(|row| row.kind != TranscriptKind::Compaction);
        return Ok(Stored { settled, rows: rows.collect(), is_cut });
    };
    let is_covered = !is_cut || first <= entry.through;
    let after = match is_covered {
        true => tail,
        false => storage.transcript_after(session, entry.through, MOST_ENTRIES).await?,
    };
    let is_kept = |other: &TranscriptRow| {
        other.seq > entry.through && other.kind != TranscriptKind::Compaction
    };
    let mut rows = vec![row];
    rows.extend(after.into_iter().filter(is_kept));
    Ok(Stored { settled, rows, is_cut: false })
}

/// The newest summary before a place that serves for requests of so many tokens, and its place.
pub(crate) async fn newest_summary(
    storage: &dyn Storage,
    session: &SessionId,
    before: i64,
    tokens: u64,
) -> Result<Option<(i64, SummaryEntry)>, StorageError> {
    let found = newest_row(storage, session, before, tokens).await?;
    Ok(found.map(|(row, entry)| (row.seq, entry)))
}

async fn newest_row(
    storage: &dyn Storage,
    session: &SessionId,
    mut before: i64,
    tokens: u64,
) -> Result<Option<(TranscriptRow, SummaryEntry)>, StorageError> {
    for _ in 0..MOST_SUMMARIES {
        let Some(row) = storage.compaction_before(session, before).await? else { break };
        if let Some(found) = serving(&row, tokens) {
            return Ok(Some(found));
        }
        before = row.seq;
    }
    Ok(None)
}

fn serving(row: &TranscriptRow, tokens: u64) -> Option<(TranscriptRow, SummaryEntry)> {
    if row.kind != TranscriptKind::Compaction {
        return None;
    }
    match SummaryEntry::deserialize(&row.data) {
        Ok(entry) => entry.serves(tokens).then(|| (row.clone(), entry)),
        Err(error) => {
            tracing::warn!(seq = row.seq, %error, "a summary is not readable");
            None
        }
    }
}

fn json_bytes(rows: &[TranscriptRow]) -> u64 {
    rows.iter().map(|row| row.data.to_string().len() as u64).sum()
}
