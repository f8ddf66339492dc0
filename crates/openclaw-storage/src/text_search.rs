//! Finds chunks of memory by their words: the engines look words up, the rank is given here, so that
//! it is the same with all of them.

use std::collections::HashMap;

use openclaw_core::AgentId;

use crate::rows::MemoryChunkRow;
use crate::{Storage, StorageError, stems};

/// How many chunks are ranked; an engine gives those that are likely best.
const RANKED: u32 = 200;

/// How soon more of the same word stops counting, and how much long texts are held back: the usual
/// values of BM25.
const K: f64 = 1.2;
const B: f64 = 0.75;

/// A chunk that holds some of the words.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryMatch {
    /// The chunk.
    pub row: MemoryChunkRow,
    /// From 0 to 1: how much of the query it holds, where rare words count more.
    pub score: f64,
}

/// The chunks of an agent that hold words of the query, best first; at most 200.
///
/// # Errors
/// When the store cannot be read.
pub async fn search_memory(
    storage: &dyn Storage,
    agent: &AgentId,
    query: &str,
) -> Result<Vec<MemoryMatch>, StorageError> {
    let wanted = stems::of_query(query);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    let rows = storage.memory_matches(agent, &wanted, RANKED).await?;
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let counts = storage.memory_word_counts(agent, &wanted).await?;
    let weights: HashMap<&str, f64> = wanted
        .iter()
        .zip(&counts.holding)
        .map(|(stem, holding)| (stem.as_str(), weight(counts.chunks, *holding)))
        .collect();
    Ok(ranked(rows, &weights))
}

/// How much a word tells: more the fewer chunks hold it.
fn weight(chunks: u64, holding: u64) -> f64 {
    let (chunks, holding) = (chunks as f64, holding as f64);
    (1.0 + (chunks - holding + 0.5).max(0.0) / (holding + 0.5)).ln()
}

fn ranked(rows: Vec<MemoryChunkRow>, weights: &HashMap<&str, f64>) -> Vec<MemoryMatch> {
    let counted: Vec<(HashMap<String, f64>, f64)> =
        rows.iter().map(|row| counts(&row.chunk.text, weights)).collect();
    let average = counted.iter().map(|(_, length)| length).sum::<f64>() / counted.len() as f64;
    let whole: f64 = weights.values().sum();
    let mut matches: Vec<MemoryMatch> = rows
        .into_iter()
        .zip(counted)
        .map(|(row, (counts, length))| {
            let held = B.mul_add(length / average.max(1.0), 1.0 - B) * K;
            let score: f64 = counts
                .iter()
                .map(|(stem, count)| {
                    weights.get(stem.as_str()).copied().unwrap_or_default() * count * (K + 1.0)
                        / (count + held)
                })
                .sum();
            MemoryMatch { row, score: (score / whole.max(f64::MIN_POSITIVE)).clamp(0.0, 1.0) }
        })
        .collect();
    matches.sort_by(|one, other| {
        other.score.total_cmp(&one.score).then_with(|| place(&one.row).cmp(&place(&other.row)))
    });
    matches
}

fn place(row: &MemoryChunkRow) -> (crate::rows::MemorySource, &str, u32) {
    (row.source, &row.path, row.ordinal)
}

/// How often a text holds each of the words, and how many words it has.
fn counts(text: &str, weights: &HashMap<&str, f64>) -> (HashMap<String, f64>, f64) {
    let (mut counts, mut length) = (HashMap::new(), 0.0);
    for stem in stems::in_order(text) {
        length += 1.0;
        if weights.contains_key(stem.as_str()) {
            *counts.entry(stem).or_insert(0.0) += 1.0;
        }
    }
    (counts, length)
}
