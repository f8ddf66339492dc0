//! What is asked of a conversation's context besides turns: how large it is, and to shorten it.

use std::fmt;

use async_trait::async_trait;
use openclaw_config::Config;
use openclaw_core::AgentId;
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::Turn;
use openclaw_storage::StorageError;

use crate::compaction::{Made, Making, make};
use crate::context::{Images, Stored, assemble, read_anew};
use crate::model::candidates;
use crate::runner::AgentRunner;
use crate::skills::{SkillInfo, SkillShelf};
use crate::turn::{CompactionStored, Overview, overview, store_compaction};

/// Shows and shortens what a session's model is sent. Both are asked within a turn of the session's
/// lane, so that nothing else changes the conversation meanwhile.
#[async_trait]
pub trait Contexts: Send + Sync + fmt::Debug {
    /// What a request of this session holds at present.
    async fn overview(&self, turn: &Turn) -> Result<ContextOverview, OpenClawError>;

    /// Summarises all but the end of the conversation; `None` when there is too little of it. Ends
    /// when the turn is cancelled, without a trace.
    async fn compact(
        &self,
        turn: &Turn,
        instructions: Option<&str>,
    ) -> Result<Option<Compacted>, OpenClawError>;
}

/// What a request holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextOverview {
    /// The model that is asked first, `provider/model`.
    pub model: String,
    /// The parts, in the order they are sent.
    pub parts: Vec<ContextPart>,
    /// The most tokens of a request.
    pub window_tokens: u64,
}

/// A part of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContextPart {
    /// Such as `AGENTS.md`, `tools`, `summary` or `conversation`.
    pub name: String,
    /// Its size.
    pub bytes: usize,
    /// About how many tokens it has.
    pub tokens: u64,
}

/// A conversation that was shortened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compacted {
    /// About how many tokens a request had.
    pub before_tokens: u64,
    /// About how many it has.
    pub after_tokens: u64,
    /// The model that wrote the summary; none where it was extracted without one.
    pub model: Option<String>,
}

#[async_trait]
impl Contexts for AgentRunner {
    async fn overview(&self, turn: &Turn) -> Result<ContextOverview, OpenClawError> {
        let Overview { model, window, sections, tools, .. } = overview(self, turn).await?;
        let stored = read_anew(&*self.deps.storage, &turn.session.id, &window).await;
        let Stored { settled, rows, .. } = stored.map_err(unreadable)?;
        let images = Images::load(&rows, &self.deps.media).await;
        let context = assemble(settled, &rows, &images);
        let summary = context.summary_bytes();
        let part = |name: &str, bytes: usize| ContextPart {
            name: name.to_owned(),
            bytes,
            tokens: window.tokens_of(bytes),
        };
        let mut parts: Vec<ContextPart> =
            sections.iter().map(|section| part(&section.name, section.text.len())).collect();
        parts.push(part("tools", tools));
        if summary > 0 {
            parts.push(part("summary", summary));
        }
        parts.push(part("conversation", context.size() - summary));
        Ok(ContextOverview {
            model: model.name().to_owned(),
            parts,
            window_tokens: window.tokens(),
        })
    }

    async fn compact(
        &self,
        turn: &Turn,
        instructions: Option<&str>,
    ) -> Result<Option<Compacted>, OpenClawError> {
        let Overview { model, window, .. } = overview(self, turn).await?;
        let session = &turn.session;
        let stored = read_anew(&*self.deps.storage, &session.id, &window).await;
        let Stored { settled, rows, .. } = stored.map_err(unreadable)?;
        let size = assemble(settled, &rows, &Images::default()).size();
        drop(rows);
        let making = make(Making {
            storage: &*self.deps.storage,
            ids: &*self.deps.ids,
            session: &session.id,
            model: Some(model),
            window,
            keep: (window.room() / 3).min(size / 3),
            instructions,
        });
        let made = tokio::select! {
            biased;
            () = turn.cancel.cancelled() => {
                return Err(OpenClawError::new(ErrorKind::Agent, "the summary was stopped"));
            }
            made = making => made.map_err(unreadable)?,
        };
        let Some(Made { entry, usage: _, old_bytes }) = made else { return Ok(None) };
        let before_tokens = window.tokens_with(size);
        let after = size.saturating_sub(old_bytes) + entry.text.len();
        let after_tokens = window.tokens_with(after).min(before_tokens);
        store_compaction(
            self,
            turn,
            CompactionStored { entry: &entry, before_tokens, after_tokens },
        )
        .await
        .map_err(|message| OpenClawError::new(ErrorKind::Database, message))?;
        Ok(Some(Compacted { before_tokens, after_tokens, model: entry.model }))
    }
}

/// What a request of this agent's sessions would go to.
pub(crate) fn missing_model(turn: &Turn) -> Option<OpenClawError> {
    let (config, session) = (&turn.config, &turn.session);
    let missing = candidates(config, Some(session), None, &session.agent_id).err()?.stored();
    let error = OpenClawError::new(ErrorKind::Unavailable, missing.message);
    Some(match missing.hint {
        Some(hint) => error.with_hint(hint),
        None => error,
    })
}

fn unreadable(error: StorageError) -> OpenClawError {
    OpenClawError::new(ErrorKind::Database, "the conversation cannot be read").with_source(error)
}

/// For gateways whose runner keeps no context, as in tests of other things.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoContexts;

#[async_trait]
impl Contexts for NoContexts {
    async fn overview(&self, _: &Turn) -> Result<ContextOverview, OpenClawError> {
        Err(OpenClawError::new(ErrorKind::Unavailable, "this gateway's runner keeps no context"))
    }

    async fn compact(&self, _: &Turn, _: Option<&str>) -> Result<Option<Compacted>, OpenClawError> {
        Err(OpenClawError::new(ErrorKind::Unavailable, "this gateway's runner keeps no context"))
    }
}

#[async_trait]
impl SkillShelf for NoContexts {
    async fn skills(&self, _: &Config, _: &AgentId) -> Result<Vec<SkillInfo>, OpenClawError> {
        Ok(Vec::new())
    }

    async fn approve_skill(
        &self,
        _: &Config,
        _: &AgentId,
        name: &str,
    ) -> Result<SkillInfo, OpenClawError> {
        Err(OpenClawError::new(ErrorKind::NotFound, format!("there is no skill {name}")))
    }
}
