//! The index of an agent's vectors: all of them are looked at, which for tens of thousands takes
//! milliseconds and needs no structure that could be wrong.

use std::sync::Arc;

use openclaw_core::AgentId;
use openclaw_storage::rows::MemoryVectorRow;
use openclaw_storage::{Storage, StorageError};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::task::TaskTracker;

/// How many rows are read at a time.
const PAGE: u32 = 1_000;
/// What is kept of one agent between searches; what is more is read again for each.
const KEPT_BYTES: usize = 64 * 1024 * 1024;
/// Numbers that are multiplied side by side: what a processor does in one step.
const LANES: usize = 16;

/// A text near to a query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Near {
    /// The hash of the text.
    pub(super) hash: String,
    /// The cosine.
    pub(super) similarity: f32,
}

/// What was found near a query.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Nearest {
    /// The nearest texts, nearest first.
    pub(super) near: Vec<Near>,
    /// How near all texts are on average, and how many there are.
    pub(super) mean: f32,
    pub(super) count: usize,
}

/// The vectors of an agent and model.
#[derive(Debug, Default)]
pub(super) struct VectorIndex {
    model: String,
    width: usize,
    /// The position up to which vectors are kept.
    last: i64,
    hashes: Vec<String>,
    numbers: Vec<f32>,
}

impl VectorIndex {
    fn empty(model: &str) -> Self {
        Self { model: model.to_owned(), ..Self::default() }
    }

    fn add(&mut self, rows: Vec<MemoryVectorRow>) {
        for row in rows {
            self.last = row.position;
            let embedding = row.vector.embedding;
            if self.width == 0 {
                self.width = embedding.len();
            }
            // A vector of another length is none of this model.
            if embedding.len() == self.width {
                self.hashes.push(row.vector.hash);
                self.numbers.extend_from_slice(&embedding);
            }
        }
    }

    fn is_full(&self) -> bool {
        self.numbers.len() * size_of::<f32>() >= KEPT_BYTES
    }

    fn score(&self, query: &[f32], scored: &mut Scored) {
        if self.width == 0 || query.len() != self.width {
            return;
        }
        for (hash, vector) in self.hashes.iter().zip(self.numbers.chunks_exact(self.width)) {
            scored.add(hash, dot(query, vector));
        }
    }
}

/// The best so far.
struct Scored {
    most: usize,
    best: Vec<Near>,
    sum: f64,
    count: usize,
}

impl Scored {
    fn add(&mut self, hash: &str, similarity: f32) {
        self.sum += f64::from(similarity);
        self.count += 1;
        let is_better = self.best.last().is_none_or(|worst| similarity > worst.similarity);
        if self.best.len() < self.most || is_better {
            let place = self.best.partition_point(|near| near.similarity >= similarity);
            self.best.insert(place, Near { hash: hash.to_owned(), similarity });
            self.best.truncate(self.most);
        }
    }
}

/// The sum of products. Sums side by side, because one after another nothing can be done at once.
fn dot(one: &[f32], other: &[f32]) -> f32 {
    let (ones, one_rest) = one.as_chunks::<LANES>();
    let (others, other_rest) = other.as_chunks::<LANES>();
    let mut sums = [0.0; LANES];
    for (one, other) in ones.iter().zip(others) {
        for lane in 0..LANES {
            sums[lane] += one[lane] * other[lane];
        }
    }
    let rest: f32 = one_rest.iter().zip(other_rest).map(|(one, other)| one * other).sum();
    sums.iter().sum::<f32>() + rest
}

/// Looks for the texts nearest to a query; brings the index up to what is stored first.
pub(super) async fn nearest(
    index: Arc<Mutex<VectorIndex>>,
    (storage, tasks): (&dyn Storage, &TaskTracker),
    (agent, model): (&AgentId, &str),
    query: Vec<f32>,
    most: usize,
) -> Result<Nearest, StorageError> {
    let mut kept = index.lock_owned().await;
    if kept.model != model {
        *kept = VectorIndex::empty(model);
    }
    let mut after = kept.last;
    while !kept.is_full() {
        let rows = storage.memory_vectors_after(agent, model, after, PAGE).await?;
        let is_end = rows.len() < PAGE as usize;
        kept.add(rows);
        after = kept.last;
        if is_end {
            break;
        }
    }
    let scored = Scored { most, best: Vec::new(), sum: 0.0, count: 0 };
    let (kept, query, mut scored) = scan(tasks, kept, query, scored).await?;
    // What is not kept passes by.
    while kept.is_full() {
        let rows = storage.memory_vectors_after(agent, model, after, PAGE).await?;
        let is_end = rows.len() < PAGE as usize;
        let mut page = VectorIndex { width: kept.width, ..VectorIndex::empty(model) };
        page.add(rows);
        after = page.last.max(after);
        page.score(&query, &mut scored);
        if is_end {
            break;
        }
    }
    let mean = if scored.count == 0 { 0.0 } else { scored.sum / scored.count as f64 };
    Ok(Nearest { near: scored.best, mean: mean as f32, count: scored.count })
}

type Scanned = (OwnedMutexGuard<VectorIndex>, Vec<f32>, Scored);

/// On a thread of its own: milliseconds are long for those that serve connections.
async fn scan(
    tasks: &TaskTracker,
    kept: OwnedMutexGuard<VectorIndex>,
    query: Vec<f32>,
    mut scored: Scored,
) -> Result<Scanned, StorageError> {
    let work = tasks.spawn_blocking(move || {
        kept.score(&query, &mut scored);
        (kept, query, scored)
    });
    work.await.map_err(|error| StorageError::Other { doing: "searching", source: error.into() })
}

#[cfg(test)]
mod tests {
    use super::{Scored, VectorIndex, dot};
    use openclaw_storage::rows::{MemoryVector, MemoryVectorRow};
    use proptest::prelude::*;

    fn row(position: i64, embedding: Vec<f32>) -> MemoryVectorRow {
        let vector = MemoryVector { hash: format!("h{position}"), embedding };
        MemoryVectorRow { position, vector }
    }

    #[test]
    fn the_nearest_come_first_and_others_lengths_are_left_out() {
        let mut index = VectorIndex::empty("m");
        let rows = [vec![1.0, 0.0], vec![0.0, 1.0], vec![1.0], vec![0.8, 0.6]];
        index.add((1..).zip(rows).map(|(position, vector)| row(position, vector)).collect());
        let mut scored = Scored { most: 2, best: Vec::new(), sum: 0.0, count: 0 };
        index.score(&[1.0, 0.0], &mut scored);
        let found: Vec<_> = scored.best.iter().map(|near| near.hash.as_str()).collect();
        assert_eq!((found, scored.count, index.last), (vec!["h1", "h4"], 3, 4));
    }

    proptest! {
        #[test]
        fn the_product_is_that_of_the_definition(
            pairs in prop::collection::vec((-1.0..1.0_f32, -1.0..1.0_f32), 0..70)
        ) {
            let (one, other): (Vec<f32>, Vec<f32>) = pairs.into_iter().unzip();
            let expected: f64 =
                one.iter().zip(&other).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum();
            prop_assert!((f64::from(dot(&one, &other)) - expected).abs() < 1e-4);
        }
    }
}
