use openclaw_config::{AgentSettings, Config};
use openclaw_core::{
    AgentId, OriginKind, QueueMode, ReportTo, RunId, RunOrigin, SandboxMode, SessionConfig,
    SessionKey, SpawnBound, Spawned, ThinkingLevel,
};
use openclaw_errors::OpenClawError;
use openclaw_sessions::SUBAGENT;
use openclaw_storage::rows::RunOptions;
use openclaw_tools::{ToolContext, ToolError};

use super::command_rules;
use crate::asking::{Asking, unreadable};
use crate::desk::{Desk, NewSession, SessionRun};
use crate::model::candidates;

/// A subagent that is asked for.
#[derive(Debug)]
pub(crate) struct SpawnRequest {
    pub(crate) task: String,
    pub(crate) label: Option<String>,
    pub(crate) agent_id: Option<AgentId>,
    pub(crate) model: Option<String>,
    pub(crate) thinking: Option<ThinkingLevel>,
    pub(crate) timeout_seconds: Option<u64>,
    pub(crate) ends_after_run: bool,
}

/// Begins a subagent; answers its session and run.
pub(crate) async fn spawn(
    desk: &Desk,
    context: &ToolContext,
    request: SpawnRequest,
) -> Result<(SessionKey, RunId), ToolError> {
    let port = desk.port()?;
    let config = port.config();
    let asking = Asking::of(&desk.storage, &config, context).await?;
    let parent = &asking.session;
    let depth = parent.context.spawned.as_ref().map_or(0, |spawned| spawned.depth) + 1;
    if depth > config.subagents.max_depth {
        return refuse(format!(
            "subagents may not be {depth} deep; agents.subagents.max_depth is {}",
            config.subagents.max_depth
        ));
    }
    let agent = agent_for(&config, &context.agent_id, request.agent_id.as_ref())?;
    let _one_at_a_time = desk.spawning.lock().await;
    hold_limits(desk, &config, &parent.session_key).await?;
    let key = SessionKey::new(&agent.id, &format!("{SUBAGENT}:{}", desk.ids.new_id()))
        .map_err(|error| ToolError::Fatal(error.to_string()))?;
    let model = request.model.or_else(|| config.subagents.model.clone());
    let run = RunOptions {
        model: model.clone(),
        thinking: request.thinking,
        timeout_seconds: request.timeout_seconds,
        ..RunOptions::default()
    };
    candidates(&config, None, Some(&run), &agent.id)
        .map_err(|error| ToolError::RespondToModel(format!("it cannot begin: {error}")))?;
    let mut within = vec![SpawnBound {
        session_key: parent.session_key.clone(),
        sandboxed: command_rules(&config, agent_of(&config, &parent.agent_id), parent).sandboxed,
    }];
    within.extend(parent.context.spawned.iter().flat_map(|spawned| spawned.within.clone()));
    let sandboxed = within.iter().any(|bound| bound.sandboxed);
    let begins = NewSession {
        spawned: Spawned {
            parent: parent.session_key.clone(),
            run_id: asking.lead.run_id.clone(),
            depth,
            ends_after_run: request.ends_after_run,
            within,
        },
        label: request.label.clone(),
        config: SessionConfig {
            model,
            thinking: request.thinking,
            timeout_seconds: request.timeout_seconds,
            sandbox_mode: sandboxed.then_some(SandboxMode::Always),
            // What its parent says meanwhile joins its work.
            queue_mode: Some(QueueMode::Immediate),
            ..SessionConfig::default()
        },
    };
    let name = match &request.label {
        Some(label) => format!("Subagent \"{label}\""),
        None => "A subagent".to_owned(),
    };
    let run_id =
        begin_task(desk, &asking, key.clone(), name, request.task, Some(Box::new(begins))).await?;
    if context.cancel.is_cancelled() {
        // Its parent was stopped while it began, and those that stop its subagents may be past it.
        port.stop(&key).await.map_err(|error| unreadable(&error))?;
        return Err(ToolError::Cancelled);
    }
    Ok((key, run_id))
}

/// Gives a subagent something to do, of which the session that asks is told the end.
pub(crate) async fn begin_task(
    desk: &Desk,
    asking: &Asking,
    key: SessionKey,
    name: String,
    task: String,
    begins: Option<Box<NewSession>>,
) -> Result<RunId, ToolError> {
    let lead = &asking.lead;
    let report = ReportTo {
        session_key: asking.session.session_key.clone(),
        conversation: lead.inbound.conversation.clone(),
        sender: lead.inbound.sender.clone(),
        principal: lead.principal.clone(),
        reply_back: lead.reply_back,
        name,
    };
    let origin = RunOrigin {
        kind: OriginKind::Task,
        session_key: asking.session.session_key.clone(),
        run_id: lead.run_id.clone(),
        askers: asking.askers.clone(),
        by_owner: asking.by_owner,
        exchanges: asking.exchanges(),
        answers: Some(lead.answers().clone()),
        report: Some(Box::new(report)),
    };
    let run_id = desk.new_run_id()?;
    let settings = begins.as_ref().map(|begins| begins.config.clone()).unwrap_or_default();
    desk.port()?
        .begin(SessionRun {
            run_id: run_id.clone(),
            principal: lead.principal.clone(),
            session_key: key,
            text: task,
            options: RunOptions {
                model: settings.model,
                thinking: settings.thinking,
                timeout_seconds: settings.timeout_seconds,
                origin: Some(Box::new(origin)),
                ..RunOptions::default()
            },
            begins,
        })
        .await
        .map_err(refused)?;
    Ok(run_id)
}

/// What a model is told when a run cannot begin.
pub(crate) fn refused(error: OpenClawError) -> ToolError {
    ToolError::RespondToModel(error.report())
}

async fn hold_limits(desk: &Desk, config: &Config, parent: &SessionKey) -> Result<(), ToolError> {
    let at_work = desk.port()?.subagents().await.map_err(|error| unreadable(&error))?;
    let limits = &config.subagents;
    let own = at_work.iter().filter(|(_, above)| above == parent).count();
    if own >= limits.max_children as usize {
        return refuse(format!(
            "this session has {own} subagents at work, which is the most; wait for one to end, or stop one"
        ));
    }
    if at_work.len() >= limits.max_running as usize {
        return refuse(format!(
            "{} subagents are at work, which is the most; try again when one has ended",
            at_work.len()
        ));
    }
    Ok(())
}

/// The agent that is to work: the same, or one that others may begin.
fn agent_for<'c>(
    config: &'c Config,
    own: &AgentId,
    asked: Option<&AgentId>,
) -> Result<&'c AgentSettings, ToolError> {
    let wanted = asked.unwrap_or(own);
    let allowed = wanted == own || may_begin(config, wanted);
    match config.agent(wanted) {
        Some(agent) if allowed => Ok(agent),
        Some(_) => Err(ToolError::RespondToModel(format!(
            "the agent {wanted} may not be begun by others; agents.subagents.allow_agents says which may"
        ))),
        None => Err(ToolError::RespondToModel(format!("there is no agent {wanted}"))),
    }
}

/// Whether other agents may begin this one.
pub(crate) fn may_begin(config: &Config, agent: &AgentId) -> bool {
    config
        .subagents
        .allow_agents
        .iter()
        .any(|allowed| allowed == "*" || allowed.eq_ignore_ascii_case(agent.as_str()))
}

fn agent_of<'c>(config: &'c Config, agent: &AgentId) -> &'c AgentSettings {
    config.agent(agent).unwrap_or_else(|| config.default_agent())
}

fn refuse<T>(message: String) -> Result<T, ToolError> {
    Err(ToolError::RespondToModel(message))
}
