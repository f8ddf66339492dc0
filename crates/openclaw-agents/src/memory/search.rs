use std::collections::BTreeMap;
use std::time::Duration;

use openclaw_config::MemorySettings;
use openclaw_core::SessionKey;
use openclaw_storage::rows::{MemoryChunkRow, MemorySource};
use openclaw_storage::search_memory;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::answers::{MemoryFound, MemoryHit, MemoryMode, MemorySearch};
use super::embedder::EmbedError;
use super::error::MemoryError;
use super::rank::ranked;
use super::service::Memory;
use super::vectors::{Nearest, nearest};

/// How long a search waits until what changed is indexed; what is not by then is not found yet.
const FRESHNESS_WAIT: Duration = Duration::from_secs(2);
/// How long a search waits for the query's vector.
const QUERY_LIMIT: Duration = Duration::from_secs(10);
/// How many candidates there are for one result.
const CANDIDATES: u32 = 4;
/// The longest snippet, in characters.
const SNIPPET: usize = 700;
/// Of a longer query the beginning is looked for.
const LONGEST_QUERY: usize = 2_000;
const MOST_RESULTS: u32 = 50;

impl Memory {
    /// Looks for what an agent noted or said. What changed since the last time is indexed first, as far
    /// as that is quick.
    ///
    /// # Errors
    /// When the store cannot be read, there is no such agent, or it was cancelled.
    pub async fn search(
        &self,
        search: &MemorySearch,
        cancel: &CancellationToken,
    ) -> Result<MemoryFound, MemoryError> {
        tokio::select! {
            biased;
            () = cancel.cancelled() => Err(MemoryError::Ending),
            found = self.find(search) => found,
        }
    }

    async fn find(&self, search: &MemorySearch) -> Result<MemoryFound, MemoryError> {
        let settings = self.config().memory.clone();
        let query: String = search.query.trim().chars().take(LONGEST_QUERY).collect();
        let mut notice = match self.index(&search.agent_id, false, FRESHNESS_WAIT).await {
            Ok(report) => report.trouble,
            Err(error @ (MemoryError::UnknownAgent(_) | MemoryError::Ending)) => return Err(error),
            Err(error) => {
                // What was indexed before is found all the same.
                tracing::warn!(%error, "memory could not be brought up to date");
                Some(error.to_string())
            }
        };
        let most = search.max_results.unwrap_or(settings.max_results).clamp(1, MOST_RESULTS);
        let storage = self.inner.storage.as_ref();
        let by_words = search_memory(storage, &search.agent_id, &query).await?;
        let by_meaning = match self.by_meaning(search, &settings, &query, most).await? {
            Ok(found) => found,
            Err(error) => {
                notice = Some(error.to_string());
                None
            }
        };
        let mode = if by_meaning.is_some() { MemoryMode::Hybrid } else { MemoryMode::Text };
        let by_meaning = by_meaning.as_ref().map(|(rows, nearest)| (rows.clone(), nearest));
        // By words alone every text that holds one is worth a look.
        let usual = if mode == MemoryMode::Hybrid { settings.min_score } else { 0.0 };
        let min_score = search.min_score.unwrap_or(usual);
        let mut found = ranked(by_words, by_meaning, settings.vector_weight);
        found.retain(|ranked| ranked.score >= min_score);
        found.truncate(most as usize);
        let keys = self.session_keys(found.iter().map(|ranked| &ranked.row)).await?;
        let hits = found
            .into_iter()
            .map(|ranked| {
                let (row, score) = (ranked.row, ranked.score);
                MemoryHit {
                    source: row.source,
                    session_key: keys.get(&row.path).cloned(),
                    path: row.path,
                    start_line: row.chunk.start_line,
                    end_line: row.chunk.end_line,
                    score,
                    snippet: snippet(&row.chunk.text),
                }
            })
            .collect();
        Ok(MemoryFound { hits, mode, notice })
    }

    /// The texts nearest to the query with their chunks; `None` without a model. The inner error is the
    /// model's.
    async fn by_meaning(
        &self,
        search: &MemorySearch,
        settings: &MemorySettings,
        query: &str,
        most: u32,
    ) -> Result<Result<Option<(Vec<MemoryChunkRow>, Nearest)>, EmbedError>, MemoryError> {
        let embedder = match self.embedder(settings) {
            Ok(Some(embedder)) if !query.is_empty() => embedder,
            Ok(_) => return Ok(Ok(None)),
            Err(error) => return Ok(Err(error)),
        };
        self.used();
        let (model, agent) = (embedder.id(), self.agent(&search.agent_id));
        if let Some(trouble) = agent.resting(model, self.now()) {
            return Ok(Err(EmbedError::lasting(trouble.message)));
        }
        let asked = timeout(QUERY_LIMIT, embedder.embed(vec![query.to_owned()])).await;
        let vector = match asked {
            Ok(Ok(vectors)) => vectors.into_iter().next().unwrap_or_default(),
            Ok(Err(error)) => {
                agent.note(model, Some(&error), self.now());
                return Ok(Err(error));
            }
            Err(_) => {
                let waited = QUERY_LIMIT.as_secs();
                let error = EmbedError::lasting(format!("{model} did not answer in {waited} s"));
                agent.note(model, Some(&error), self.now());
                return Ok(Err(error));
            }
        };
        let (storage, tasks) = (self.inner.storage.as_ref(), &self.inner.tasks);
        let most = (most * CANDIDATES) as usize;
        let of = (&search.agent_id, model);
        let nearest = nearest(agent.vectors.clone(), (storage, tasks), of, vector, most).await?;
        let hashes: Vec<String> = nearest.near.iter().map(|near| near.hash.clone()).collect();
        let rows = storage.memory_chunks_of(&search.agent_id, &hashes).await?;
        Ok(Ok(Some((rows, nearest))))
    }

    async fn session_keys<'a>(
        &self,
        rows: impl Iterator<Item = &'a MemoryChunkRow>,
    ) -> Result<BTreeMap<String, SessionKey>, MemoryError> {
        let mut keys = BTreeMap::new();
        for row in rows.filter(|row| row.source == MemorySource::Sessions) {
            let Ok(id) = openclaw_core::SessionId::new(row.path.clone()) else { continue };
            if let Some(session) = self.inner.storage.session(&id).await? {
                keys.insert(row.path.clone(), session.session_key);
            }
        }
        Ok(keys)
    }
}

fn snippet(text: &str) -> String {
    match text.char_indices().nth(SNIPPET) {
        None => text.to_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}
