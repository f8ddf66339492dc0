use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use openclaw_agents::model::Models;
use openclaw_agents::{Contexts, Ledger, SkillShelf};
use openclaw_config::Config;
use openclaw_core::{
    ChannelId, ChatKind, Clock, Inbound, MessageContent, Session, SessionConfig, StopReason, Usage,
};
use openclaw_errors::{ErrorKind, OpenClawError};
use openclaw_sessions::{Turn, TurnOutcome, TurnResult, TurnRunner, is_configured_owner};
use openclaw_storage::rows::{InboxRow, RunOptions, StoredError, TranscriptKind};
use openclaw_storage::{Batch, SessionPatch, Storage, TranscriptDraft, Write};
use openclaw_tools::approvals::Approvals;
use serde_json::json;

use super::{
    Command, CommandInfo, Who, activation, approve, compact, context, help, model, parse, queue,
    restart, send, skill, status, subagents, think, usage, whoami,
};
use crate::tools::GatewayHandle;

/// What commands work with.
#[derive(Clone)]
pub struct CommandDeps {
    /// Sessions and what waits for them.
    pub storage: Arc<dyn Storage>,
    /// The models, and what failed lately.
    pub models: Arc<Models>,
    /// What agents used today.
    pub ledger: Arc<Ledger>,
    /// What is sent to models.
    pub contexts: Arc<dyn Contexts>,
    /// The skills.
    pub skills: Arc<dyn SkillShelf>,
    /// The time.
    pub clock: Arc<dyn Clock>,
    /// The program's version.
    pub version: &'static str,
    /// Who is asked before commands run; `None` where no tool asks.
    pub approvals: Option<Arc<Approvals>>,
    /// The gateway, once it is put together.
    pub handle: GatewayHandle,
}

impl fmt::Debug for CommandDeps {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandDeps").field("version", &self.version).finish_non_exhaustive()
    }
}

impl CommandDeps {
    /// Changes one of a session's own settings; what else was set while the command waited stays.
    pub(super) async fn configure(
        &self,
        session: &Session,
        change: impl FnOnce(&mut SessionConfig),
    ) -> Result<(), OpenClawError> {
        let current = self.storage.session(&session.id).await?;
        let mut config = current.map_or_else(|| session.config.clone(), |session| session.config);
        change(&mut config);
        let patch = SessionPatch {
            config: Some(config),
            updated_at: Some(self.clock.now()),
            ..SessionPatch::default()
        };
        let write = Write::UpdateSession { id: session.id.clone(), patch };
        self.storage.apply(Batch::new().with(write)).await?;
        Ok(())
    }
}

/// Answers commands, and hands every other turn to the runner behind it.
#[derive(Debug)]
pub struct CommandRunner {
    deps: CommandDeps,
    inner: Arc<dyn TurnRunner>,
}

impl CommandRunner {
    /// Stands before a runner.
    pub fn new(deps: CommandDeps, inner: Arc<dyn TurnRunner>) -> Self {
        Self { deps, inner }
    }

    /// Whether the owner sent an input. A program with a credential that may not do everything is the
    /// owner's, but does not do what only the owner does.
    async fn is_owner(&self, config: &Config, input: &InboxRow) -> Result<bool, OpenClawError> {
        let inbound = &input.inbound;
        let channel = &inbound.conversation.channel_id;
        if *channel == ChannelId::web() {
            return Ok(input.options.by_owner);
        }
        if is_configured_owner(&config.session, inbound) {
            return Ok(true);
        }
        let pairing = self.deps.storage.pairing(channel, &inbound.sender.id).await?;
        Ok(pairing.is_some_and(|row| row.is_owner))
    }

    /// The command that a turn is. A first message for a fresh session is the model's, unless whoever
    /// wrote it may not begin one.
    async fn asked<'t>(
        &self,
        turn: &'t Turn,
    ) -> Result<Option<(&'static CommandInfo, &'t str)>, OpenClawError> {
        if let Some(asked) = command_of(&turn.inputs) {
            return Ok(Some(asked));
        }
        let [input] = &turn.inputs[..] else { return Ok(None) };
        let Some(asked) = parse(&input.inbound) else { return Ok(None) };
        let is_owner = self.is_owner(&turn.config, input).await?;
        Ok((!may_use(asked.0, &input.inbound, is_owner)).then_some(asked))
    }

    async fn answer(
        &self,
        turn: &Turn,
        input: &InboxRow,
        (info, arguments): (&CommandInfo, &str),
    ) -> Result<String, OpenClawError> {
        let inbound = &input.inbound;
        let is_owner = self.is_owner(&turn.config, input).await?;
        let is_group = inbound.conversation.kind != ChatKind::Direct;
        let is_web = inbound.conversation.channel_id == ChannelId::web();
        if info.command == Command::Approve && is_web {
            return Ok("Answer it in your client, or with `openclaw approvals`.".to_owned());
        }
        if !may_use(info, inbound, is_owner) {
            let place = if info.who == Who::Owner { " in a group" } else { "" };
            return Ok(format!("Only the owner can use /{}{place}.", info.name));
        }
        let (deps, config, session) = (&self.deps, &*turn.config, &turn.session);
        match info.command {
            Command::Help => Ok(help::run(is_group)),
            Command::Status => status::run(deps, config, session).await,
            Command::Whoami => Ok(whoami::run(inbound, is_owner)),
            Command::Usage => usage::run(deps, config, session, arguments).await,
            // What these do was done when they were stored.
            Command::New => Ok("A fresh session. What would you like to do?".to_owned()),
            Command::Stop => Ok("Stopped.".to_owned()),
            Command::Approve => Ok(approve::run(deps, inbound, arguments)),
            Command::Compact => compact::run(deps, turn, arguments).await,
            Command::Context => context::run(deps, turn).await,
            Command::Skill => skill::run(deps, turn, arguments, is_owner).await,
            Command::Model => model::run(deps, config, session, arguments).await,
            Command::Think => think::run(deps, session, arguments).await,
            Command::Queue => queue::run(deps, config, session, arguments).await,
            Command::Activation => activation::run(deps, inbound, session, arguments).await,
            Command::Send => send::run(deps, session, arguments).await,
            Command::Subagents => subagents::run(deps, session, arguments).await,
            Command::Restart => restart::run(deps, inbound),
        }
    }
}

/// Whether a command may be used where it was said.
fn may_use(info: &CommandInfo, inbound: &Inbound, is_owner: bool) -> bool {
    match info.who {
        Who::Anyone => true,
        Who::Owner => is_owner || inbound.conversation.kind == ChatKind::Direct,
        Who::OnlyOwner => is_owner,
    }
}

/// How a command ends that could not be carried out: what the store may take another time is tried
/// again, anything else is said.
fn failed(error: OpenClawError) -> TurnResult {
    match error.kind() {
        ErrorKind::Database => TurnResult::Parked(error.report()),
        kind => TurnResult::Failed(StoredError {
            code: kind.as_str().to_owned(),
            message: error.to_string(),
            hint: error.hint().map(str::to_owned),
        }),
    }
}

/// The command that inputs are; a fresh session with a first message is a turn of the model, and so
/// is the use of a skill.
fn command_of(inputs: &[InboxRow]) -> Option<(&'static CommandInfo, &str)> {
    let [input] = inputs else { return None };
    parse(&input.inbound).filter(|(info, rest)| match info.command {
        Command::New => rest.is_empty(),
        Command::Skill => skill::is_ours(rest),
        _ => true,
    })
}

/// Inputs as the model reads them: without the command that began the session.
fn without_command(inputs: &[InboxRow]) -> Option<Vec<InboxRow>> {
    let is_first_message = |input: &InboxRow| {
        parse(&input.inbound)
            .is_some_and(|(info, rest)| info.command == Command::New && !rest.is_empty())
    };
    if !inputs.iter().any(is_first_message) {
        return None;
    }
    let stripped = inputs.iter().map(|input| {
        let mut input = input.clone();
        if let Some((info, rest)) = parse(&input.inbound)
            && info.command == Command::New
        {
            let rest = rest.to_owned();
            input.inbound.content = MessageContent::text(rest);
        }
        input
    });
    Some(stripped.collect())
}

/// An entry of the transcript that the model is not shown.
fn aside(info: &CommandInfo, inputs: &[InboxRow]) -> TranscriptDraft {
    TranscriptDraft {
        kind: TranscriptKind::Note,
        message_id: inputs.last().map(|input| input.message_id.clone()),
        data: json!({ "command": info.name }),
    }
}

#[async_trait]
impl TurnRunner for CommandRunner {
    fn refusal(
        &self,
        config: &Config,
        session: &Session,
        options: &RunOptions,
    ) -> Option<StoredError> {
        self.inner.refusal(config, session, options)
    }

    fn user_entry(
        &self,
        config: &Config,
        session: &Session,
        inputs: &[InboxRow],
    ) -> TranscriptDraft {
        if let Some((info, _)) = command_of(inputs) {
            return aside(info, inputs);
        }
        match without_command(inputs) {
            Some(inputs) => self.inner.user_entry(config, session, &inputs),
            None => self.inner.user_entry(config, session, inputs),
        }
    }

    fn stands_alone(&self, inbound: &Inbound) -> bool {
        parse(inbound).is_some() || self.inner.stands_alone(inbound)
    }

    async fn run(&self, turn: Turn) -> TurnOutcome {
        let asked = match self.asked(&turn).await {
            Ok(Some(asked)) => asked,
            Ok(None) => return self.inner.run(turn).await,
            Err(error) => {
                return TurnOutcome { result: failed(error), usage: Usage::default() };
            }
        };
        let Some(input) = turn.inputs.last() else { return self.inner.run(turn).await };
        let result = match self.answer(&turn, input, asked).await {
            Ok(reply) => TurnResult::Done {
                reply,
                entry: aside(asked.0, &[]),
                stop_reason: StopReason::EndTurn,
            },
            Err(error) => failed(error),
        };
        TurnOutcome { result, usage: Usage::default() }
    }
}
