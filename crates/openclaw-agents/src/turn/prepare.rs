use std::path::Path;
use std::sync::Arc;

use openclaw_core::{ThinkingLevel, Usage};
use openclaw_sessions::Turn;
use openclaw_storage::rows::{CallerCall, StoredError, TranscriptKind, TranscriptRow};
use openclaw_tools::ToolDefinition;
use serde::Deserialize;

use super::caller::{Caller, caller_call};
use super::loop_guard::LoopGuard;
use super::policy::Allowed;
use crate::context::{Context, Images, Settled, assemble, continues, room};
use crate::model::{Model, ModelFacts, candidates};
use crate::placing::place_files;
use crate::prompt::{SystemPrompt, system_prompt};
use crate::runner::AgentRunner;
use crate::transcript::{AssistantEntry, ToolResultEntry, UserEntry};

/// The most entries of a session that are looked at.
const MOST_ENTRIES: u32 = 2_000;

/// The most entries that are read after what is known of a session.
const MOST_NEW_ENTRIES: u32 = 256;

/// What a turn works with.
pub(super) struct Prepared {
    pub(super) model: Arc<dyn Model>,
    pub(super) allowed: Allowed,
    /// What the run's caller asks for.
    pub(super) caller: Caller,
    pub(super) system: Arc<str>,
    pub(super) thinking: ThinkingLevel,
    pub(super) context: Context,
    pub(super) room: usize,
    /// What the run did before it was interrupted.
    pub(super) before: Before,
}

/// The stored steps of a run.
#[derive(Default)]
pub(super) struct Before {
    /// Tool rounds.
    pub(super) rounds: usize,
    /// What its answers used.
    pub(super) usage: Usage,
    /// The texts of its answers.
    pub(super) said: Vec<String>,
    pub(super) guard: LoopGuard,
    /// Calls that were begun and have no result.
    pub(super) interrupted: Vec<ToolResultEntry>,
    /// Calls that are for the run's caller.
    pub(super) handed_over: Vec<CallerCall>,
}

/// Why a turn cannot begin.
pub(super) enum NotPrepared {
    Failed(StoredError),
    Parked(String),
}

const INTERRUPTED: &str =
    "interrupted by a restart; it may or may not have taken effect. Check before doing it again.";

pub(super) async fn prepare(runner: &AgentRunner, turn: &Turn) -> Result<Prepared, NotPrepared> {
    let (config, session) = (&turn.config, &turn.session);
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    let options = turn.inputs.last().map(|input| &input.options);
    let found = candidates(config, Some(session), options, &session.agent_id)
        .map_err(|missing| NotPrepared::Failed(missing.stored()))?;
    let (model, facts) = runner
        .models
        .chain(&found, settings.model_idle_timeout, session.id.as_str())
        .map_err(|error| NotPrepared::Failed(error.stored()))?;
    let caller = Caller::of(&turn.inputs);
    let own = if turn.attempt > 1 {
        let own = runner.deps.storage.transcript_of_run(&session.id, &turn.run_id).await;
        own.map_err(|error| NotPrepared::Parked(error.to_string()))?
    } else {
        Vec::new()
    };
    runner.deps.tools.prepare(&session.agent_id).await;
    let allowed = Allowed::new(runner, turn, &caller, &own);
    let mut system = system_prompt(&SystemPrompt {
        agent: &session.agent_id,
        workspace: &settings.workspace,
        has_tools: !allowed.tools.is_empty(),
        now: runner.deps.clock.now(),
        zone: &runner.deps.zone,
    });
    caller.instruct(&mut system);
    let system: Arc<str> = system.into();
    let room = room_for(turn, settings.max_context_tokens, &facts, &system, &allowed.tools);
    let Known { settled, rows, may_be_short } = read_rows(runner, turn, room).await?;
    let before = before(&own, &caller);
    place_all(runner, turn, &rows, &settings.workspace).await;
    let images = Images::load(&rows, &runner.deps.media).await;
    let mut context = assemble(settled, &rows, &images);
    let is_cut = context.size() > room;
    if is_cut {
        // More goes than has to, so that the next turns do not cut again.
        context.fit(room / 4 * 3);
    }
    if is_cut || may_be_short {
        context.note_cut(room);
    }
    runner.contexts.keep(&session.id, context.settled());
    let thinking = options
        .and_then(|options| options.thinking)
        .or(session.config.thinking)
        .unwrap_or_default();
    Ok(Prepared { model, allowed, caller, system, thinking, context, room, before })
}

fn room_for(
    turn: &Turn,
    configured: Option<u64>,
    facts: &ModelFacts,
    system: &str,
    tools: &[ToolDefinition],
) -> usize {
    let window =
        turn.session.config.max_context_length.or(configured).unwrap_or(facts.context_window);
    let definitions: usize = tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len())
        .sum();
    room(window, facts.max_output, system.len() + definitions)
}

/// What is known of a session, and the entries that follow.
struct Known {
    settled: Arc<Settled>,
    rows: Vec<TranscriptRow>,
    /// Whether no more was read than there is room for.
    may_be_short: bool,
}

async fn read_rows(runner: &AgentRunner, turn: &Turn, room: usize) -> Result<Known, NotPrepared> {
    let session = &turn.session.id;
    let unreadable = |error: openclaw_storage::StorageError| NotPrepared::Parked(error.to_string());
    if let Some(settled) = runner.contexts.take(session, room) {
        let rows = runner
            .deps
            .storage
            .transcript_after(session, settled.last_seq(), MOST_NEW_ENTRIES)
            .await
            .map_err(unreadable)?;
        if rows.len() < MOST_NEW_ENTRIES as usize && continues(&rows) {
            return Ok(Known { settled, rows, may_be_short: false });
        }
    }
    // Stored entries are a little larger than what is sent of them.
    let most_bytes = (room as u64).saturating_mul(2).min(8 * 1024 * 1024);
    let rows = runner
        .deps
        .storage
        .transcript_tail(session, MOST_ENTRIES, most_bytes)
        .await
        .map_err(unreadable)?;
    if rows.is_empty() {
        return Err(NotPrepared::Parked("the inputs of the turn are not in the store".to_owned()));
    }
    Ok(Known { settled: Arc::new(Settled::new()), rows, may_be_short: true })
}

/// Puts the files that came with this run into the workspace.
async fn place_all(runner: &AgentRunner, turn: &Turn, rows: &[TranscriptRow], workspace: &Path) {
    let own = rows.iter().filter(|row| {
        row.kind == TranscriptKind::User
            && row.run_id.as_ref() == Some(&turn.run_id)
            && row.data.get("files").is_some()
    });
    for row in own {
        if let Ok(entry) = UserEntry::deserialize(&row.data) {
            place_files(&entry, &runner.deps.media, workspace).await;
        }
    }
}

/// Reads what a run did from its stored steps.
fn before(rows: &[TranscriptRow], caller: &Caller) -> Before {
    let mut before = Before::default();
    let mut open: Vec<crate::transcript::CallEntry> = Vec::new();
    for row in rows {
        match row.kind {
            TranscriptKind::Assistant => {
                let Ok(entry) = AssistantEntry::deserialize(&row.data) else { continue };
                if !entry.calls.is_empty() {
                    before.rounds += 1;
                }
                before.usage += entry.usage.unwrap_or_default();
                before.said.push(entry.text);
                open = entry.calls;
            }
            TranscriptKind::ToolResult => {
                let Ok(entry) = ToolResultEntry::deserialize(&row.data) else { continue };
                if let Some(place) = open.iter().position(|call| call.id == entry.call) {
                    let call = open.remove(place);
                    before.guard.observe(&call.name, &call.arguments, &entry.text);
                }
            }
            TranscriptKind::User | TranscriptKind::Compaction | TranscriptKind::Note => {}
        }
    }
    let (theirs, ours): (Vec<_>, Vec<_>) =
        open.into_iter().partition(|call| caller.has(call.name.as_str()));
    before.handed_over = theirs.iter().filter_map(caller_call).collect();
    before.interrupted = ours
        .into_iter()
        .map(|call| ToolResultEntry {
            call: call.id,
            name: call.name,
            text: INTERRUPTED.to_owned(),
            is_error: true,
            images: Vec::new(),
        })
        .collect();
    before
}
