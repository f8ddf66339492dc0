//! Room for the next request: the conversation is kept within the model's window.

use std::sync::Arc;

use openclaw_config::AgentSettings;
use openclaw_core::{AgentEvent, CompactionPhase};
use openclaw_storage::rows::RunOptions;

use super::overview::{CompactionStored, commit};
use super::record::NotCommitted;
use super::stop::Stopped;
use super::work::Work;
use crate::compaction::{Made, Making, make};
use crate::context::{self, Images, Stored, assemble};
use crate::model::{Model, candidates};
use crate::tokens::Measured;

/// The most summaries of one turn: more come of a window that holds nothing.
const MOST_COMPACTIONS: u32 = 8;

/// A turn that was begun this often is not held up by a model's summary once more.
const LAST_ATTEMPT_WITH_MODEL: u32 = 2;

/// What making room came to.
pub(super) enum Room {
    /// There was enough.
    Same,
    /// The conversation is shorter.
    Made,
    Stopped(Stopped),
}

impl Work<'_> {
    /// Counts the conversation when it comes near half of the window and has grown much since.
    pub(super) async fn measure(&mut self) {
        let (ratios, session) = (&self.runner.ratios, &self.turn.session.id);
        let prepared = &mut self.prepared;
        let size = prepared.context.size();
        let model = prepared.model.name();
        prepared.window = prepared.window.counted(ratios.bytes_per_token(model, session));
        let window = prepared.window;
        let measured = ratios.measured(session);
        let is_known = measured.is_some_and(|measured| size < measured.at + measured.at / 2);
        if is_known || window.tokens_with(size) < window.tokens() / 2 {
            return;
        }
        let counted = tokio::select! {
            biased;
            // The next wait of the turn tells of the stop.
            _ = self.stop.wait() => return,
            counted = self.runner.counter.bytes_per_token(prepared.context.sample()) => counted,
        };
        if let Some(bytes_per_token) = counted {
            ratios.keep(session, Measured { bytes_per_token, at: size });
            let ratio = ratios.bytes_per_token(prepared.model.name(), session);
            prepared.window = window.counted(ratio);
        }
    }

    /// Makes the conversation fit into so many bytes: by shortening what tools gave, by a summary of
    /// its older part, and where neither is enough, by leaving that out.
    pub(super) async fn make_room(&mut self, room: usize) -> Result<Room, NotCommitted> {
        let needs_summary = std::mem::take(&mut self.prepared.is_cut);
        if self.prepared.context.size() <= room && !needs_summary {
            return Ok(Room::Same);
        }
        self.prepared.context.prune();
        let enough = room / 4 * 3;
        if self.prepared.context.size() > enough || needs_summary {
            let settings = &self.settings().compaction;
            if settings.enabled && self.compactions < MOST_COMPACTIONS {
                self.compactions += 1;
                if let Some(stopped) = self.compact(room).await? {
                    return Ok(Room::Stopped(stopped));
                }
            }
        }
        if self.prepared.context.size() > room {
            // More goes than has to, so that the next requests begin alike.
            self.prepared.context.fit(enough);
        }
        self.prepared.context.note_cut(room);
        let settled = self.prepared.context.settled();
        self.runner.contexts.keep(&self.turn.session.id, settled);
        Ok(Room::Made)
    }

    fn settings(&self) -> &AgentSettings {
        let config = &self.turn.config;
        config.agent(&self.turn.session.agent_id).unwrap_or_else(|| config.default_agent())
    }

    /// Who writes summaries: the model that is configured for it, else the turn's own.
    fn summariser(&self) -> Arc<dyn Model> {
        let settings = self.settings();
        let own = || self.prepared.model.clone();
        let Some(named) = settings.compaction.model.clone() else { return own() };
        let (config, session) = (&self.turn.config, &self.turn.session);
        let options = RunOptions { model: Some(named), ..RunOptions::default() };
        let found = candidates(config, Some(session), Some(&options), &session.agent_id)
            .map_err(|missing| missing.to_string())
            .and_then(|found| {
                let built = self.runner.models.chain(
                    &found,
                    settings.model_idle_timeout,
                    session.id.as_str(),
                );
                built.map_err(|error| error.to_string())
            });
        match found {
            Ok((model, _)) => model,
            Err(error) => {
                tracing::warn!(error, "the model for summaries cannot be asked");
                own()
            }
        }
    }

    /// Summarises the older part and takes the summary in its place, if there is one.
    async fn compact(&mut self, room: usize) -> Result<Option<Stopped>, NotCommitted> {
        let (deps, session) = (&self.runner.deps, &self.turn.session);
        let window = self.prepared.window;
        let before_tokens = window.tokens_with(self.prepared.context.size());
        self.turn.stream.emit(AgentEvent::Compaction {
            phase: CompactionPhase::Started,
            before_tokens,
            after_tokens: None,
            model: None,
        });
        let with_model = self.turn.attempt <= LAST_ATTEMPT_WITH_MODEL;
        let settings = &self.settings().compaction;
        let making = make(Making {
            storage: &*deps.storage,
            ids: &*deps.ids,
            session: &session.id,
            model: with_model.then(|| self.summariser()),
            window,
            keep: room / 3,
            instructions: settings.instructions.as_deref(),
        });
        let made = tokio::select! {
            biased;
            stopped = self.stop.wait() => return Ok(Some(stopped)),
            made = making => made,
        };
        let Some(Made { entry, usage, old_bytes }) =
            made.map_err(|error| NotCommitted(error.to_string()))?
        else {
            return Ok(None);
        };
        self.usage += usage;
        let kept = self.prepared.context.size().saturating_sub(old_bytes) + entry.text.len();
        let after_tokens = window.tokens_with(kept).min(before_tokens);
        let stored = CompactionStored { entry: &entry, before_tokens, after_tokens };
        commit(&self.recorder, stored).await?;
        tracing::info!(
            session_key = %session.session_key, bytes = old_bytes, summary = entry.text.len(),
            model = entry.model, "an older part of the conversation is summarised"
        );
        let stored = context::read_anew(&*deps.storage, &session.id, &window).await;
        let Stored { settled, rows, .. } =
            stored.map_err(|error| NotCommitted(error.to_string()))?;
        let images = Images::load(&rows, &deps.media).await;
        self.prepared.context = assemble(settled, &rows, &images);
        Ok(None)
    }
}
