//! Puts what was found by words and what was found by meaning in one order.

use std::cmp::Reverse;
use std::collections::HashMap;

use openclaw_storage::MemoryMatch;
use openclaw_storage::rows::MemoryChunkRow;

use super::vectors::Nearest;

/// With fewer texts than this the average says little of how near unrelated texts are.
const SURE_COUNT: f32 = 20.0;
/// How far above the average, of the way to being the same, is as near as texts about one thing come.
const NEAR: f32 = 0.6;

/// A chunk and how well it fits, from 0 to 1.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Ranked {
    pub(super) row: MemoryChunkRow,
    pub(super) score: f64,
}

/// How near a text is, from 0 to 1. Models differ in how near texts are that have nothing to do with
/// each other: what counts is how far one stands out from all others.
fn nearness(similarity: f32, nearest: &Nearest) -> f64 {
    let count = nearest.count as f32;
    let usual = (nearest.mean * count / (count + SURE_COUNT)).clamp(0.0, 0.95);
    f64::from(((similarity - usual) / ((1.0 - usual) * NEAR)).clamp(0.0, 1.0))
}

/// All that was found, best first; what is equally good, newest first. `by_meaning` are the chunks of
/// the nearest texts. Without meaning words count alone.
pub(super) fn ranked(
    by_words: Vec<MemoryMatch>,
    by_meaning: Option<(Vec<MemoryChunkRow>, &Nearest)>,
    vector_weight: f64,
) -> Vec<Ranked> {
    let key = |row: &MemoryChunkRow| (row.source, row.path.clone(), row.ordinal);
    let mut found: HashMap<_, (MemoryChunkRow, f64, f64)> = HashMap::new();
    for MemoryMatch { row, score } in by_words {
        found.insert(key(&row), (row, score, 0.0));
    }
    let weight = if by_meaning.is_some() { vector_weight } else { 0.0 };
    if let Some((rows, nearest)) = by_meaning {
        let near: HashMap<&str, f64> = nearest
            .near
            .iter()
            .map(|near| (near.hash.as_str(), nearness(near.similarity, nearest)))
            .collect();
        for row in rows {
            let near = near.get(row.chunk.hash.as_str()).copied().unwrap_or_default();
            found.entry(key(&row)).or_insert((row, 0.0, 0.0)).2 = near;
        }
    }
    let mut ranked: Vec<Ranked> = found
        .into_values()
        .map(|(row, words, meaning)| Ranked {
            row,
            score: (1.0 - weight).mul_add(words, weight * meaning),
        })
        .collect();
    ranked.sort_by(|one, other| {
        let tie = |ranked: &Ranked| (Reverse(ranked.row.chunk.said_at), key(&ranked.row));
        other.score.total_cmp(&one.score).then_with(|| tie(one).cmp(&tie(other)))
    });
    ranked
}

#[cfg(test)]
mod tests {
    use super::{nearness, ranked};
    use crate::memory::vectors::{Near, Nearest};
    use openclaw_core::{AgentId, Timestamp};
    use openclaw_storage::MemoryMatch;
    use openclaw_storage::rows::{MemoryChunkRow, MemorySource, NewMemoryChunk};

    fn chunk(path: &str, at: i64) -> MemoryChunkRow {
        MemoryChunkRow {
            agent_id: AgentId::main(),
            source: MemorySource::Memory,
            path: path.to_owned(),
            ordinal: 0,
            chunk: NewMemoryChunk {
                start_line: 1,
                end_line: 1,
                hash: format!("#{path}"),
                text: path.to_owned(),
                said_at: Timestamp::from_millis(at),
            },
        }
    }

    fn paths(by_words: &[(&str, i64, f64)], near: Option<&[(&str, f32)]>) -> Vec<(String, i64)> {
        let words = by_words
            .iter()
            .map(|(path, at, score)| MemoryMatch { row: chunk(path, *at), score: *score })
            .collect();
        let nearest = near.map(|near| Nearest {
            near: near
                .iter()
                .map(|(path, similarity)| Near {
                    hash: format!("#{path}"),
                    similarity: *similarity,
                })
                .collect(),
            mean: 0.0,
            count: 100,
        });
        let rows = near.unwrap_or_default().iter().map(|(path, _)| chunk(path, 0)).collect();
        let ranked = ranked(words, nearest.as_ref().map(|nearest| (rows, nearest)), 0.7);
        let percent = |score: f64| (score * 100.0).round() as i64;
        ranked.into_iter().map(|ranked| (ranked.row.path, percent(ranked.score))).collect()
    }

    #[test]
    fn words_and_meaning_are_weighed() {
        let found = paths(&[("a", 0, 1.0), ("b", 0, 0.5)], Some(&[("b", 0.6), ("c", 0.3)]));
        let expected = [("b", 85), ("c", 35), ("a", 30)];
        assert_eq!(found, expected.map(|(path, score)| (path.to_owned(), score)));
    }

    #[test]
    fn words_count_alone_without_meaning_and_the_newest_wins_a_tie() {
        let found = paths(&[("a", 1, 0.5), ("b", 2, 0.5), ("c", 0, 0.9)], None);
        let expected = [("c", 90), ("b", 50), ("a", 50)];
        assert_eq!(found, expected.map(|(path, score)| (path.to_owned(), score)));
    }

    #[test]
    fn models_whose_texts_are_all_near_are_told_apart_too() {
        let of = |mean, similarity| {
            nearness(similarity, &Nearest { near: Vec::new(), mean, count: 1_000_000 })
        };
        assert!((of(0.1, 0.5) - of(0.7, 0.833_333)).abs() < 0.01);
        assert!(of(0.7, 0.7) < 0.001 && of(0.1, 0.9) == 1.0);
    }
}
