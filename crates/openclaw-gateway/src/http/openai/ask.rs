use std::time::Duration;

use http::HeaderMap;
use openclaw_agents::history_entries;
use openclaw_core::{AgentId, RunId, SessionKey, ThinkingLevel};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_protocol::Scope;
use openclaw_sessions::RunWatch;
use openclaw_storage::rows::{CallerRun, RunOptions};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::error::Refused;
use super::files::{FileSource, store_all};
use super::follow::{peer_gone, stopping};
use super::said::{Said, check, take_apart};
use super::text::RunText;
use crate::GatewayState;
use crate::auth::{Grant, Principal};
use crate::hub::RunListener;
use crate::ingress::RunRequest;
use crate::server::Shared;

/// How long the files of a request may take together.
const FILES_LIMIT: Duration = Duration::from_secs(60);

/// A request, understood.
#[derive(Debug)]
pub(super) struct Asked {
    /// The agent that the model stands for; the default one where it names none.
    pub(super) agent: Option<AgentId>,
    /// The conversation.
    pub(super) said: Vec<Said<FileSource>>,
    /// Where it is in the request.
    pub(super) param: &'static str,
    /// Tools and limits; instructions and results come from the conversation.
    pub(super) caller: CallerRun,
    /// How much to think.
    pub(super) thinking: Option<ThinkingLevel>,
    /// Whose conversation it is.
    pub(super) user: Option<String>,
    /// The run that this goes on from.
    pub(super) previous: Option<RunId>,
    /// What session keys of this interface begin with.
    pub(super) kind: &'static str,
}

/// A run that is stored, and how to hear of it.
#[derive(Debug)]
pub(super) struct Running {
    pub(super) run_id: RunId,
    /// In seconds since 1970.
    pub(super) created: i64,
    /// Nobody else can ask for this session again.
    pub(super) is_own_session: bool,
    /// Its caller's; what it began ends with it.
    pub(super) grant: Grant,
    pub(super) watch: RunWatch,
    pub(super) listener: RunListener,
    pub(super) text: RunText,
}

/// Stores the run.
///
/// # Errors
/// Whatever keeps it from being stored, and having no model.
pub(super) async fn begin(
    shared: &Shared,
    gone: &CancellationToken,
    principal: &Principal,
    headers: &HeaderMap,
    asked: Asked,
) -> Result<Running, Refused> {
    let state = shared.state();
    check(&asked.said, asked.param)?;
    let place = match &asked.previous {
        Some(run) => {
            let place = previous(state, principal, run).await?;
            agrees(state, headers, &asked, &place)?;
            place
        }
        None => session_key(state, headers, &asked)?,
    };
    // Fetching ends with whoever waits for it; what was stored for nothing is swept up. All arms are
    // cancel-safe.
    let stored = tokio::select! {
        stored = timeout(FILES_LIMIT, store_all(state, asked.said, asked.param)) => stored,
        () = gone.cancelled() => return Err(peer_gone()),
        () = shared.closing() => return Err(stopping()),
    };
    let stored = stored.map_err(|_| {
        let message = format!("the files took longer than {}s", FILES_LIMIT.as_secs());
        OpenClawError::new(ErrorKind::Timeout, message)
    })??;
    let conversation = take_apart(stored);
    let mut caller = asked.caller;
    caller.results = conversation.results;
    caller.instructions = match (caller.instructions, conversation.instructions) {
        (Some(first), Some(second)) => Some(format!("{first}\n\n{second}")),
        (first, second) => first.or(second),
    };
    let history = match place.is_own {
        true => history_entries(&conversation.history),
        false => Vec::new(),
    };
    let run_id = RunId::new(state.ids.new_id()).map_err(|error| {
        OpenClawError::internal("the id source gave an unusable id").with_source(error)
    })?;
    // Before it is accepted, so that nothing is missed.
    let watch = state.lanes.watch_run(&run_id);
    let listener = state.hub.listen(principal.name.clone(), principal.scopes, &run_id);
    let accepted = state
        .ingress
        .accept_run(RunRequest {
            principal: principal.name.to_string(),
            session_key: place.key,
            message: conversation.text,
            media: conversation.media,
            options: RunOptions {
                thinking: asked.thinking,
                caller: Some(Box::new(caller)),
                by_owner: principal.scopes.allows(Scope::Admin),
                ..RunOptions::default()
            },
            conversation: None,
            history,
            run_id: Some(run_id.clone()),
        })
        .await?;
    if let Some(refusal) = accepted.refusal {
        return Err(Refused::unconfigured(&refusal));
    }
    let is_own_session = place.is_own;
    let created = state.clock.now().as_millis() / 1_000;
    Ok(Running {
        run_id,
        created,
        is_own_session,
        grant: principal.grant.clone(),
        watch,
        listener,
        text: RunText::default(),
    })
}

/// The agent of a model's name; `None` inside for whichever is the default.
///
/// # Errors
/// When it is no agent.
pub(super) fn agent_of(state: &GatewayState, model: &str) -> Result<Option<AgentId>, Refused> {
    if model == "openclaw" {
        return Ok(None);
    }
    let name = ["openclaw/", "openclaw:", "agent:"]
        .iter()
        .find_map(|prefix| model.strip_prefix(prefix))
        .ok_or_else(|| Refused::no_model(model))?;
    let agent = AgentId::new(name).map_err(|_| Refused::no_model(model))?;
    match state.config.current().agent(&agent) {
        Some(_) => Ok(Some(agent)),
        None => Err(Refused::no_model(model)),
    }
}

struct Place {
    key: SessionKey,
    is_own: bool,
}

/// The session of an earlier answer. What belongs to another caller is not there.
async fn previous(
    state: &GatewayState,
    principal: &Principal,
    run: &RunId,
) -> Result<Place, Refused> {
    let row = state.storage.input_by_run(run).await.map_err(OpenClawError::from)?;
    let row = row.filter(|row| row.principal == *principal.name);
    match row {
        Some(row) => Ok(Place { key: row.session_key, is_own: false }),
        None => Err(Refused::no_previous()),
    }
}

const AGENT_HEADER: &str = "x-openclaw-agent-id";
const SESSION_HEADER: &str = "x-openclaw-session-key";

/// The agent that the request asks for; `None` where it does not say.
fn named_agent(
    state: &GatewayState,
    headers: &HeaderMap,
    asked: &Asked,
) -> Result<Option<AgentId>, Refused> {
    Ok(match (&asked.agent, text_of(headers, AGENT_HEADER)?) {
        (Some(agent), _) => Some(agent.clone()),
        (None, Some(name)) => {
            let config = state.config.current();
            let agent = AgentId::new(name).ok().filter(|agent| config.agent(agent).is_some());
            Some(agent.ok_or_else(|| Refused::bad("no such agent", AGENT_HEADER))?)
        }
        (None, None) => None,
    })
}

/// Whether an earlier answer is one of the agent that is asked for now.
fn agrees(
    state: &GatewayState,
    headers: &HeaderMap,
    asked: &Asked,
    place: &Place,
) -> Result<(), Refused> {
    match named_agent(state, headers, asked)? {
        Some(named) if named != place.key.agent_id() => {
            Err(Refused::bad("the response is another agent's", "previous_response_id"))
        }
        Some(_) | None => Ok(()),
    }
}

fn session_key(state: &GatewayState, headers: &HeaderMap, asked: &Asked) -> Result<Place, Refused> {
    let config = state.config.current();
    let named = named_agent(state, headers, asked)?;
    let agent = named.clone().unwrap_or_else(|| config.default_agent().id.clone());
    if let Some(name) = text_of(headers, SESSION_HEADER)? {
        let key = match name.starts_with("agent:") {
            true => SessionKey::parse(name),
            false => SessionKey::new(&agent, name),
        };
        let key = key.map_err(|error| Refused::bad(error.to_string(), SESSION_HEADER))?;
        let owner = key.agent_id();
        if config.agent(&owner).is_none() || named.is_some_and(|named| named != owner) {
            return Err(Refused::bad("the session belongs to another agent", SESSION_HEADER));
        }
        return Ok(Place { key, is_own: false });
    }
    let kind = asked.kind;
    let user = asked.user.as_deref().filter(|user| !user.is_empty());
    let rest = match user {
        Some(user) => format!("{kind}-user:{}", SessionKey::segment(user)),
        None => format!("{kind}:{}", state.ids.new_id()),
    };
    let key =
        SessionKey::new(&agent, &rest).map_err(|error| Refused::bad(error.to_string(), "user"))?;
    Ok(Place { key, is_own: user.is_none() })
}

fn text_of<'h>(headers: &'h HeaderMap, name: &'static str) -> Result<Option<&'h str>, Refused> {
    let Some(value) = headers.get(name) else { return Ok(None) };
    match value.to_str() {
        Ok("") => Ok(None),
        Ok(text) => Ok(Some(text)),
        Err(_) => Err(Refused::bad("the header is no plain text", name)),
    }
}

/// What a program calls how much to think.
///
/// # Errors
/// When it is no word that is known.
pub(super) fn thinking(word: Option<&str>, param: &str) -> Result<Option<ThinkingLevel>, Refused> {
    Ok(match word {
        None => None,
        Some("none") => Some(ThinkingLevel::Off),
        Some("minimal") => Some(ThinkingLevel::Minimal),
        Some("low") => Some(ThinkingLevel::Low),
        Some("medium") => Some(ThinkingLevel::Medium),
        Some("high" | "xhigh") => Some(ThinkingLevel::High),
        Some(_) => {
            let words = "expected none, minimal, low, medium, high or xhigh";
            return Err(Refused::bad(words, param));
        }
    })
}
