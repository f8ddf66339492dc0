use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::RemoteEmbeddings;

use super::embedder::{EmbedError, Embedder, normalised};
use crate::model::{EmbeddingModel, ModelHttp};

/// How long a service may think about one request.
const TIME_LIMIT: Duration = Duration::from_secs(60);
/// The least pause where a service names none.
const USUAL_PAUSE: Duration = Duration::from_millis(500);

/// A service's embedding model.
pub(super) struct RemoteModel {
    id: String,
    model: EmbeddingModel,
}

impl fmt::Debug for RemoteModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteModel").field("id", &self.id).finish_non_exhaustive()
    }
}

impl RemoteModel {
    pub(super) fn new(settings: &RemoteEmbeddings, http: &ModelHttp) -> Result<Self, EmbedError> {
        let RemoteEmbeddings { api, base_url, model, .. } = settings;
        let id = format!("{}:{model}@{base_url}", api.name());
        let model = EmbeddingModel::build(settings, http, TIME_LIMIT)
            .map_err(|error| EmbedError::lasting(error.to_string()))?;
        Ok(Self { id, model })
    }
}

#[async_trait]
impl Embedder for RemoteModel {
    fn id(&self) -> &str {
        &self.id
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let count = texts.len();
        let asked = tokio::time::timeout(TIME_LIMIT, self.model.embed(texts)).await;
        let vectors = match asked {
            Ok(Ok(vectors)) => vectors,
            Ok(Err(error)) => {
                let retry =
                    error.class.is_transient().then(|| error.retry_after.unwrap_or(USUAL_PAUSE));
                return Err(EmbedError { message: error.to_string(), retry });
            }
            Err(_) => {
                let message = format!("{} did not answer in {} s", self.id, TIME_LIMIT.as_secs());
                return Err(EmbedError { message, retry: Some(USUAL_PAUSE) });
            }
        };
        let length = vectors.first().map_or(0, Vec::len);
        let fits = |vector: &Vec<f32>| {
            vector.len() == length && vector.iter().all(|number| number.is_finite())
        };
        if vectors.len() != count || length == 0 || !vectors.iter().all(fits) {
            return Err(EmbedError::lasting(format!("{} gave no usable vectors", self.id)));
        }
        Ok(vectors.into_iter().map(normalised).collect())
    }
}
