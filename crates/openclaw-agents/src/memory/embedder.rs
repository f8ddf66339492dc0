use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::EmbeddingSettings;
use openclaw_core::Rng;

#[cfg(feature = "local-embeddings")]
use super::local::LocalModel;
use super::remote::RemoteModel;
use crate::model::ModelHttp;

/// Tries of one request; between them a pause that doubles.
const TRIES: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(500);
/// A service that wants more time than this is asked again by a later pass.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// What turns texts into vectors whose nearness is that of what they mean.
#[async_trait]
pub trait Embedder: Send + Sync + fmt::Debug {
    /// The model with all that its vectors depend on: those of another id are of no use.
    fn id(&self) -> &str;

    /// The vectors of texts, in their order and all of one length; each of length 1.
    ///
    /// # Errors
    /// When the model cannot be had.
    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError>;

    /// Frees what was kept for the next call.
    fn give_up_memory(&self) {}
}

/// Why there are no vectors.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct EmbedError {
    /// What happened, without secrets.
    pub message: String,
    /// Whether asking again may help, and after which time at the earliest.
    pub retry: Option<Duration>,
}

impl EmbedError {
    /// One that asking again does not mend.
    pub fn lasting(message: impl Into<String>) -> Self {
        Self { message: message.into(), retry: None }
    }
}

/// A vector of length 1 in the same direction.
pub(super) fn normalised(mut vector: Vec<f32>) -> Vec<f32> {
    let length = vector.iter().map(|number| number * number).sum::<f32>().sqrt();
    if length > 0.0 && length.is_finite() {
        vector.iter_mut().for_each(|number| *number /= length);
    }
    vector
}

/// What builds embedders.
#[derive(Debug, Clone)]
pub(super) struct Embedders {
    pub(super) http: ModelHttp,
    pub(super) tasks: tokio_util::task::TaskTracker,
    pub(super) rng: Arc<dyn Rng>,
}

impl Embedders {
    /// The embedder of these settings; `None` where texts are found by their words alone.
    ///
    /// # Errors
    /// When this program has none of the kind.
    pub(super) fn build(
        &self,
        settings: &EmbeddingSettings,
    ) -> Result<Option<Arc<dyn Embedder>>, EmbedError> {
        match settings {
            EmbeddingSettings::None => Ok(None),
            EmbeddingSettings::Remote(remote) => {
                let model = RemoteModel::new(remote, &self.http)?;
                Ok(Some(Arc::new(Persistent { inner: model, rng: self.rng.clone() })))
            }
            #[cfg(feature = "local-embeddings")]
            EmbeddingSettings::Local(folder) => {
                Ok(Some(Arc::new(LocalModel::new(folder, self.tasks.clone()))))
            }
            #[cfg(not(feature = "local-embeddings"))]
            EmbeddingSettings::Local(_) => {
                let message = "this program was built without the feature local-embeddings";
                Err(EmbedError::lasting(message))
            }
        }
    }
}

/// Asks again while that may help.
#[derive(Debug)]
struct Persistent<E> {
    inner: E,
    rng: Arc<dyn Rng>,
}

#[async_trait]
impl<E: Embedder> Embedder for Persistent<E> {
    fn id(&self) -> &str {
        self.inner.id()
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let mut pause = FIRST_PAUSE;
        for _ in 1..TRIES {
            match self.inner.embed(texts.clone()).await {
                Err(EmbedError { retry: Some(at_least), .. }) if at_least <= LONGEST_PAUSE => {
                    // Not all who were refused come back at once.
                    let jitter = (self.rng.next_u64() % 256) as u32;
                    tokio::time::sleep(at_least.max(pause + pause * jitter / 1_024)).await;
                    pause *= 2;
                }
                outcome => return outcome,
            }
        }
        self.inner.embed(texts).await
    }
}
