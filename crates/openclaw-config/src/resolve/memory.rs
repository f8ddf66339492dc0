use std::collections::BTreeMap;

use super::{Resolver, normal};
use crate::sections::{EmbeddingProvider, MemoryFields};
use crate::{
    EmbeddingApi, EmbeddingSettings, MemorySettings, ModelProvider, RemoteEmbeddings, Spanned,
};

impl Resolver<'_> {
    pub(super) fn memory(
        &mut self,
        fields: MemoryFields,
        providers: &BTreeMap<String, ModelProvider>,
    ) -> MemorySettings {
        let embeddings = self.embeddings(&fields, providers);
        let Spanned { value: chunk_overlap, place } = fields.chunk_overlap;
        if chunk_overlap.saturating_mul(2) > fields.chunk_tokens {
            let message = "must be at most half of memory.chunking.tokens";
            self.issue(place, "memory.chunking.overlap", message);
        }
        MemorySettings {
            embeddings,
            sessions: fields.sessions,
            who: fields.who,
            max_results: fields.max_results,
            min_score: fields.min_score,
            vector_weight: fields.vector_weight,
            chunk_tokens: fields.chunk_tokens,
            chunk_overlap,
        }
    }

    fn embeddings(
        &mut self,
        fields: &MemoryFields,
        providers: &BTreeMap<String, ModelProvider>,
    ) -> EmbeddingSettings {
        let place = fields.provider.place.clone();
        let (api, usual_url, usual_model) = match fields.provider.value {
            EmbeddingProvider::None => return EmbeddingSettings::None,
            EmbeddingProvider::Local => {
                let Some(path) = &fields.model_path else {
                    self.issue(place, "memory.provider", "needs memory.local.model_path");
                    return EmbeddingSettings::None;
                };
                let folder = self.environment.expand_home(&path.value);
                return EmbeddingSettings::Local(normal(&self.folder.join(folder)));
            }
            EmbeddingProvider::OpenAi => {
                let usual = Some("text-embedding-3-small");
                (EmbeddingApi::OpenAi, "https://api.openai.com/v1", usual)
            }
            EmbeddingProvider::Gemini => {
                let url = "https://generativelanguage.googleapis.com";
                (EmbeddingApi::Gemini, url, Some("gemini-embedding-001"))
            }
            EmbeddingProvider::Ollama => (EmbeddingApi::Ollama, "http://127.0.0.1:11434", None),
        };
        let known = providers.get(api.name());
        let Some(model) = fields.model.clone().or(usual_model.map(str::to_owned)) else {
            self.issue(place, "memory.provider", "needs memory.model, such as nomic-embed-text");
            return EmbeddingSettings::None;
        };
        let own_url = fields.base_url.clone();
        let base_url = own_url.clone().or_else(|| known.map(|provider| provider.base_url.clone()));
        // A key of a provider goes to that provider only.
        let known_key = known.filter(|_| own_url.is_none());
        let api_key =
            fields.api_key.clone().or_else(|| known_key.and_then(|known| known.api_key.clone()));
        if api_key.is_none() && own_url.is_none() && api != EmbeddingApi::Ollama {
            let message = format!("needs memory.api_key or models.providers.{}", api.name());
            self.issue(place, "memory.provider", message);
        }
        EmbeddingSettings::Remote(RemoteEmbeddings {
            api,
            base_url: base_url.unwrap_or_else(|| usual_url.to_owned()),
            api_key,
            model,
        })
    }
}
