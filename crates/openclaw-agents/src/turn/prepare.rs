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
use crate::asking;
use crate::context::{self, Context, Images, Stored, assemble};
use crate::model::{Model, ModelFacts, candidates};
use crate::placing::place_files;
use crate::prompt::{Section, SystemPrompt, stable_code, system_prompt};
use crate::runner::AgentRunner;
use crate::skills::{Offered, asked_name};
use crate::subagents;
use crate::tokens::Window;
use crate::transcript::{AssistantEntry, ToolResultEntry, UserEntry};

/// What a turn works with.
pub(super) struct Prepared {
    pub(super) model: Arc<dyn Model>,
    pub(super) allowed: Allowed,
    /// What the run's caller asks for.
    pub(super) caller: Caller,
    pub(super) system: Arc<str>,
    pub(super) thinking: ThinkingLevel,
    pub(super) context: Context,
    pub(super) window: Window,
    /// Whether older entries were not read, and are to be summarised.
    pub(super) is_cut: bool,
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
    let by_owner = asking::is_owners_run(
        runner.deps.storage.as_ref(),
        config,
        session,
        &turn.run_id,
        &turn.inputs,
    );
    let by_owner = by_owner.await.map_err(|error| NotPrepared::Parked(error.to_string()))?;
    let allowed = Allowed::new(runner, turn, &caller, &own, by_owner);
    let mut sections = system_sections(runner, turn, &facts, !allowed.tools.is_empty()).await;
    let mut system: String = sections.drain(..).map(|section| section.text).collect();
    subagents::instruct(&mut system, session);
    caller.instruct(&mut system);
    let system: Arc<str> = system.into();
    let taken = taken(&system, &allowed.tools);
    let window = window_for(runner, turn, (model.name(), &facts), taken);
    let stored = context::read(&*runner.deps.storage, &runner.contexts, &session.id, &window).await;
    let Stored { settled, rows, is_cut } = stored.map_err(|error| unreadable(&error))?;
    if rows.is_empty() {
        return Err(NotPrepared::Parked("the inputs of the turn are not in the store".to_owned()));
    }
    let before = before(&own, &caller);
    place_all(runner, turn, &rows, &settings.workspace).await;
    let images = Images::load(&rows, &runner.deps.media).await;
    let mut context = assemble(settled, &rows, &images);
    if is_cut || context.settled().summary_seq() != 0 {
        context.note_cut(window.room());
    }
    runner.contexts.keep(&session.id, context.settled());
    let thinking = options
        .and_then(|options| options.thinking)
        .or(session.config.thinking)
        .unwrap_or_default();
    Ok(Prepared { model, allowed, caller, system, thinking, context, window, is_cut, before })
}

fn unreadable(error: &openclaw_storage::StorageError) -> NotPrepared {
    NotPrepared::Parked(error.to_string())
}

/// The bytes of what stands before a conversation.
pub(super) fn taken(system: &str, tools: &[ToolDefinition]) -> usize {
    let definitions = tools
        .iter()
        .map(|tool| tool.name.len() + tool.description.len() + tool.parameters.to_string().len());
    system.len() + definitions.sum::<usize>()
}

/// The system prompt of a session, in sections.
pub(super) async fn system_sections(
    runner: &AgentRunner,
    turn: &Turn,
    facts: &ModelFacts,
    has_tools: bool,
) -> Vec<Section> {
    let (config, session) = (&turn.config, &turn.session);
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    let tokens = window_tokens(turn, facts);
    // A quarter of the window, at three bytes a token.
    let room = usize::try_from(tokens / 4 * 3).unwrap_or(usize::MAX);
    let files = runner.bootstrap.read(&settings.workspace, &session.session_key, room).await;
    let offered = offered_skills(runner, turn, has_tools).await;
    let texts: Vec<&str> = files.iter().map(|file| &*file.text).collect();
    let code = stable_code(&session.id, &texts);
    let said = turn.inputs.last().map(|input| input.inbound.content.plain_text());
    let asked = said.and_then(asked_name).and_then(|name| offered.asked(name));
    system_prompt(&SystemPrompt {
        agent: &session.agent_id,
        code: &code,
        workspace: &settings.workspace,
        files: &files,
        skills: &offered.section(&code),
        last: asked.as_deref().unwrap_or_default(),
        has_tools,
        now: runner.deps.clock.now(),
        zone: &runner.deps.zone,
    })
}

/// The skills of a session; without tools nothing could read them.
async fn offered_skills(runner: &AgentRunner, turn: &Turn, has_tools: bool) -> Offered {
    if !has_tools {
        return Offered::default();
    }
    let (config, session) = (&turn.config, &turn.session);
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    match runner.skills.look(&*runner.deps.storage, config, settings).await {
        Ok(offered) => offered.place(&settings.workspace).await,
        Err(error) => {
            tracing::warn!(error = error.report(), "skills are not offered");
            Offered::default()
        }
    }
}

fn window_tokens(turn: &Turn, facts: &ModelFacts) -> u64 {
    let (config, session) = (&turn.config, &turn.session);
    let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
    let set = session.config.max_context_length.or(settings.max_context_tokens);
    set.unwrap_or(facts.context_window)
}

/// The window of the model that is asked first.
pub(super) fn window_for(
    runner: &AgentRunner,
    turn: &Turn,
    (model, facts): (&str, &ModelFacts),
    taken: usize,
) -> Window {
    let tokens = window_tokens(turn, facts);
    let ratio = runner.ratios.bytes_per_token(model, &turn.session.id);
    let window = Window::new(tokens, facts.max_output, taken, ratio);
    match runner.ratios.too_long(model) {
        Some(bytes) => window.below(bytes),
        None => window,
    }
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
