use std::fmt;
use std::time::Duration;

use openclaw_config::{EmbeddingApi, RemoteEmbeddings};
use openclaw_core::Secret;
use rig_core::DynModel;
use rig_core::operation::Embedding;
use rig_core::providers::gemini::GeminiConfig;
use rig_core::providers::ollama::OllamaConfig;
use rig_core::providers::openai::wire::{Auth, OpenAIConfig};

use super::errors::Translator;
use super::http::ModelHttp;
use super::transport::Transport;
use crate::model::ModelError;

/// An embedding model through rig.
pub(crate) struct EmbeddingModel {
    translator: Translator,
    inner: DynModel<Embedding>,
}

impl fmt::Debug for EmbeddingModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EmbeddingModel").finish_non_exhaustive()
    }
}

impl EmbeddingModel {
    /// The model of these settings; nothing is contacted.
    ///
    /// # Errors
    /// When they cannot be used.
    pub(crate) fn build(
        settings: &RemoteEmbeddings,
        http: &ModelHttp,
        idle: Duration,
    ) -> Result<Self, ModelError> {
        let RemoteEmbeddings { api, base_url, api_key, model } = settings;
        let transport = Transport::new(http.clone(), idle);
        let key = api_key.as_ref().map(Secret::expose).unwrap_or_default();
        let base_url = base_url.trim_end_matches('/');
        // These wires add the version themselves.
        let root = base_url.trim_end_matches("/v1beta").trim_end_matches("/v1");
        let inner = match api {
            EmbeddingApi::OpenAi => {
                let mut config = OpenAIConfig::new(key).with_base_url(base_url);
                if key.is_empty() {
                    config = config.with_auth(Auth::OptionalBearer);
                }
                config.connect(transport).embedding(model.as_str(), None).erase()
            }
            EmbeddingApi::Gemini => {
                let config = GeminiConfig::new(key).with_base_url(root);
                config.connect(transport).embedding(model.as_str(), None).erase()
            }
            EmbeddingApi::Ollama => {
                let mut config = OllamaConfig::new().with_base_url(root);
                config.api_key = key.into();
                config.connect(transport).embedding(model.as_str(), None).erase()
            }
        };
        let name = format!("{}/{model}", api.name());
        Ok(Self { translator: Translator::new(name, api_key.clone()), inner })
    }

    /// The vectors of texts, in their order.
    ///
    /// # Errors
    /// What the service said.
    pub(crate) async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, ModelError> {
        let answer = self.inner.call(texts).await;
        let answer = answer.map_err(|error| self.translator.translate(&error))?;
        let vectors = answer.embeddings.into_iter();
        Ok(vectors
            .map(|embedding| embedding.vec.into_iter().map(|number| number as f32).collect())
            .collect())
    }
}
