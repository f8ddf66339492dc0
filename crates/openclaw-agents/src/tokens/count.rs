use std::sync::Arc;

use tiktoken_rs::o200k_base;
use tokio::sync::Semaphore;

/// How many bytes of a conversation are counted: a sample of this size tells the rest.
const SAMPLE: usize = 256 * 1024;

/// A conversation that was counted with a vocabulary.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Measured {
    pub(crate) bytes_per_token: f64,
    /// The size of the conversation then, in bytes.
    pub(crate) at: usize,
}

/// Counts tokens with the vocabulary of OpenAI's newer models, which others' come near to.
///
/// The vocabulary takes 46 MB, so it is loaded for one count and dropped, by one count at a time.
#[derive(Debug, Clone)]
pub(crate) struct Counter(Arc<Semaphore>);

impl Default for Counter {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(1)))
    }
}

impl Counter {
    /// Bytes per token of a text. `None` when there is nothing to count, or no counting.
    pub(crate) async fn bytes_per_token(&self, sample: Sample) -> Option<f64> {
        if sample.0.len() < 1024 {
            return None;
        }
        let Ok(_permit) = self.0.acquire().await else { return None };
        let counted = tokio::task::spawn_blocking(move || count(&sample.0)).await;
        match counted {
            Ok(ratio) => ratio,
            Err(error) => {
                tracing::warn!(%error, "counting tokens broke");
                None
            }
        }
    }
}

fn count(text: &str) -> Option<f64> {
    let vocabulary = match o200k_base() {
        Ok(vocabulary) => vocabulary,
        Err(error) => {
            tracing::warn!(%error, "the vocabulary cannot be loaded");
            return None;
        }
    };
    let tokens = vocabulary.count_ordinary(text).max(1);
    Some(text.len() as f64 / tokens as f64)
}

/// Text to be counted: the newest of a conversation first, as much as is needed.
#[derive(Debug, Default)]
pub(crate) struct Sample(String);

impl Sample {
    /// Adds a text; `false` when there is enough.
    pub(crate) fn add(&mut self, text: &str) -> bool {
        let room = SAMPLE.saturating_sub(self.0.len());
        self.0.push_str(&text[..text.floor_char_boundary(room)]);
        self.0.len() < SAMPLE
    }
}

#[cfg(test)]
mod tests {
    use super::{Counter, SAMPLE, Sample};

    async fn ratio(text: &str) -> Option<f64> {
        let mut sample = Sample::default();
        sample.add(text);
        Counter::default().bytes_per_token(sample).await
    }

    #[tokio::test]
    async fn prose_is_long_and_noise_is_short() {
        let prose = ratio(&"The quick brown fox jumps over the lazy dog. ".repeat(50)).await;
        assert!(prose.is_some_and(|ratio| (4.0..5.5).contains(&ratio)), "{prose:?}");
        let noise: String = (0..2_000u32)
            .map(|n| char::from(b'!' + u8::try_from(n * n * 7 % 90).expect("small")))
            .collect();
        let noise = ratio(&noise).await;
        assert!(noise.is_some_and(|ratio| ratio < 2.5), "{noise:?}");
        // Special tokens in what people write are plain text.
        let special = ratio(&"<|endoftext|>".repeat(100)).await;
        assert!(special.is_some_and(|ratio| ratio < 4.0), "{special:?}");
        assert_eq!(ratio("short").await, None);
    }

    #[test]
    fn a_sample_is_bounded() {
        let mut sample = Sample::default();
        assert!(sample.add(&"é".repeat(1_000)));
        assert!(!sample.add(&"é".repeat(SAMPLE)));
        assert!(sample.0.len() <= SAMPLE);
    }
}
