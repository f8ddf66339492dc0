use std::sync::Arc;

use futures_util::{FutureExt, StreamExt};
use openclaw_core::{StopReason, Usage};
use openclaw_sessions::{Turn, TurnOutcome, TurnResult};
use openclaw_storage::EventDraft;
use openclaw_storage::rows::StoredError;
use openclaw_tools::ToolContext;
use serde::Deserialize;
use serde_json::Value;

use super::caller::HandedOver;
use super::calls::{PlannedCall, UsedIds, plan};
use super::deltas::Deltas;
use super::loop_guard::{Verdict, WARNING};
use super::prepare::{NotPrepared, Prepared, prepare, taken};
use super::record::{NotCommitted, Recorder, Step};
use super::room::Room;
use super::stop::{Stop, Stopped};
use super::tools::{self, Ended, RunningCall};
use crate::asking;
use crate::context::Images;
use crate::model::{ErrorClass, Event, ModelError, OnLimit, Reply, Request};
use crate::placing::place_files;
use crate::runner::AgentRunner;
use crate::subagents::command_rules;
use crate::tokens::Measured;
use crate::transcript::{AssistantEntry, ToolResultEntry, UserEntry};

/// The most tool rounds of a turn.
const MOST_ROUNDS: usize = 100;

/// How long the results of a stopped turn may take to be stored.
const LONGEST_LAST_COMMIT: std::time::Duration = std::time::Duration::from_millis(100);

const LIMIT_NOTICE: &str = "I stopped here: 100 rounds of tool calls are the limit of one turn. Say \"go on\" to continue.";
const LOOP_NOTICE: &str =
    "I stopped here: the same tool call kept giving the same result, so I was going in circles.";

/// Runs a turn to its end.
pub(crate) async fn run(runner: &AgentRunner, turn: &Turn) -> TurnOutcome {
    let stop = Stop::new(turn);
    let prepared = tokio::select! {
        biased;
        stopped = stop.wait() => return outcome(ended_early(stopped), Usage::default()),
        prepared = prepare(runner, turn) => prepared,
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(NotPrepared::Failed(error)) => {
            return outcome(TurnResult::Failed(error), Usage::default());
        }
        Err(NotPrepared::Parked(reason)) => {
            return outcome(TurnResult::Parked(reason), Usage::default());
        }
    };
    let mut work = Work::new(runner, turn, stop, prepared);
    let result = match work.run().await {
        Ok(result) => result,
        Err(NotCommitted(reason)) => TurnResult::Parked(reason),
    };
    outcome(result, work.usage)
}

fn outcome(result: TurnResult, usage: Usage) -> TurnOutcome {
    TurnOutcome { result, usage }
}

fn ended_early(stopped: Stopped) -> TurnResult {
    match stopped {
        Stopped::Cancelled => TurnResult::Cancelled { partial: String::new(), entry: None },
        Stopped::TimedOut => TurnResult::TimedOut { partial: String::new(), entry: None },
    }
}

pub(super) struct Work<'a> {
    pub(super) runner: &'a AgentRunner,
    pub(super) turn: &'a Turn,
    pub(super) stop: Stop,
    pub(super) prepared: Prepared,
    pub(super) recorder: Recorder,
    deltas: Deltas,
    /// Read when the first tool is called.
    used_ids: Option<UsedIds>,
    pub(super) usage: Usage,
    /// How often this turn summarised.
    pub(super) compactions: u32,
}

/// What asking the model came to.
enum Asked {
    Reply(Box<Reply>),
    Stopped(Stopped),
    Failed(ModelError),
}

/// What running the tools of an answer came to.
enum Called {
    /// The model can be asked again.
    Done,
    /// The rest is for the run's caller.
    HandedOver(Box<HandedOver>),
    Stopped(Stopped),
    Looping,
    Fatal(String),
}

impl<'a> Work<'a> {
    fn new(runner: &'a AgentRunner, turn: &'a Turn, stop: Stop, mut prepared: Prepared) -> Self {
        let said = std::mem::take(&mut prepared.before.said);
        Self {
            recorder: Recorder::new(runner.deps.storage.clone(), runner.deps.clock.clone(), turn),
            deltas: Deltas::new(turn.stream.clone(), said, turn.attempt > 1),
            used_ids: None,
            usage: prepared.before.usage,
            compactions: 0,
            runner,
            turn,
            stop,
            prepared,
        }
    }

    async fn run(&mut self) -> Result<TurnResult, NotCommitted> {
        self.report_interrupted().await?;
        if !self.prepared.before.handed_over.is_empty() {
            let calls = std::mem::take(&mut self.prepared.before.handed_over);
            return Ok(self.handed_over(HandedOver::after_results(calls)));
        }
        loop {
            if let Some(reached) = self.spending_refusal().await {
                return Ok(self.limited(reached));
            }
            let reply = match self.ask_within_room().await? {
                Asked::Reply(reply) => *reply,
                Asked::Stopped(stopped) => return Ok(self.stopped(stopped)),
                Asked::Failed(error) => return Ok(TurnResult::Failed(error.stored())),
            };
            self.usage += reply.usage;
            self.count(reply.usage).await;
            if reply.calls().next().is_none() {
                return Ok(self.done(&AssistantEntry::of_reply(&reply), reply.stop));
            }
            if self.prepared.before.rounds >= MOST_ROUNDS {
                return Ok(self.done_with_notice(LIMIT_NOTICE, StopReason::ToolLimit));
            }
            self.prepared.before.rounds += 1;
            match self.call_tools(reply).await? {
                Called::Done => self.take_steering().await,
                Called::HandedOver(handed) => return Ok(self.handed_over(*handed)),
                Called::Stopped(stopped) => return Ok(self.stopped(stopped)),
                Called::Looping => {
                    return Ok(self.done_with_notice(LOOP_NOTICE, StopReason::ToolLoop));
                }
                Called::Fatal(message) => return Ok(TurnResult::Failed(fatal(message))),
            }
        }
    }

    /// Why no model may be asked now: what the agent may use is used.
    async fn spending_refusal(&self) -> Option<StoredError> {
        let (config, agent) = (&self.turn.config, &self.turn.session.agent_id);
        let settings = config.agent(agent).unwrap_or_else(|| config.default_agent());
        let now = self.runner.deps.clock.now();
        self.runner.ledger.refusal(&settings.limits, agent, now, self.usage).await
    }

    async fn count(&self, usage: Usage) {
        let now = self.runner.deps.clock.now();
        self.runner.ledger.add(&self.turn.session.agent_id, now, usage).await;
    }

    /// Ends at a limit: with what was said and why there is no more.
    fn limited(&mut self, reached: StoredError) -> TurnResult {
        if self.deltas.whole().trim().is_empty() {
            return TurnResult::Failed(reached);
        }
        let hint = reached.hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
        let notice = format!("I stopped here: {}{hint}.", reached.message);
        self.done_with_notice(&notice, StopReason::SpendLimit)
    }

    /// Answers the calls that a restart interrupted, instead of running them again.
    async fn report_interrupted(&mut self) -> Result<(), NotCommitted> {
        let interrupted = std::mem::take(&mut self.prepared.before.interrupted);
        if interrupted.is_empty() {
            return Ok(());
        }
        let steps = interrupted.iter().map(|result| {
            let call_id = result.call.wire().into_owned();
            let data = serde_json::json!({
                "phase": "finished", "call_id": call_id, "name": result.name.as_str(),
                "result": result.text, "is_error": true,
            });
            (Some(result.draft()), Some(tool_event(data)))
        });
        self.recorder.commit(steps.collect()).await?;
        // The context was built before these results were stored and holds placeholders for them.
        self.prepared.context.answer_interrupted(&interrupted);
        Ok(())
    }

    /// Asks; when the provider finds the conversation too long, again with half of it.
    async fn ask_within_room(&mut self) -> Result<Asked, NotCommitted> {
        self.measure().await;
        let mut room = self.prepared.window.room();
        match self.make_room(room).await? {
            Room::Stopped(stopped) => return Ok(Asked::Stopped(stopped)),
            Room::Same | Room::Made => {}
        }
        loop {
            let asked = self.ask().await;
            let Asked::Failed(error) = &asked else { return Ok(asked) };
            if error.class != ErrorClass::ContextTooLong {
                return Ok(asked);
            }
            let size = self.prepared.context.size();
            self.runner.ratios.refused(&error.model, size + self.prepared.window.taken());
            room = room.min(size) / 2;
            if room < 4 * 1024 {
                return Ok(asked);
            }
            tracing::info!(room, "the conversation is too long for the model");
            self.deltas.restart();
            match self.make_room(room).await? {
                Room::Made => {}
                Room::Same => return Ok(asked),
                Room::Stopped(stopped) => return Ok(Asked::Stopped(stopped)),
            }
        }
    }

    async fn ask(&mut self) -> Asked {
        let mut events = self.prepared.model.stream(Request {
            system: self.prepared.system.clone(),
            settled: self.prepared.context.settled(),
            messages: self.prepared.context.fresh(),
            tools: self.prepared.allowed.tools.clone(),
            tool_choice: self.prepared.caller.choice(),
            max_output: self.prepared.caller.max_output(),
            thinking: self.prepared.thinking,
            pauses: None,
            on_limit: OnLimit::default(),
            sampling: self.prepared.caller.sampling(),
        });
        let stop = self.stop.clone();
        let stopped = stop.wait();
        tokio::pin!(stopped);
        loop {
            let due = self.deltas.due();
            let pace = async {
                match due {
                    Some(due) => tokio::time::sleep_until(due).await,
                    None => std::future::pending().await,
                }
            };
            // All arms are cancel-safe: what a stream did not give stays in it.
            let event = tokio::select! {
                biased;
                stopped = &mut stopped => {
                    self.deltas.end();
                    return Asked::Stopped(stopped);
                }
                event = events.next() => event,
                () = pace => {
                    self.deltas.show();
                    continue;
                }
            };
            match event {
                Some(Ok(Event::Text(text))) => self.deltas.push(&text),
                Some(Ok(Event::Thinking(_))) => {}
                Some(Ok(Event::Reset)) => self.deltas.restart(),
                Some(Ok(Event::Finished(reply))) => {
                    self.deltas.end();
                    self.learn(&reply);
                    return Asked::Reply(reply);
                }
                Some(Err(error)) => {
                    self.deltas.end();
                    return Asked::Failed(error);
                }
                None => {
                    self.deltas.end();
                    let name = self.prepared.model.name();
                    let message = "the reply ended without an end";
                    return Asked::Failed(ModelError::new(name, ErrorClass::Transport, message));
                }
            }
        }
    }

    /// Learns how many bytes make a token from what the provider counted.
    fn learn(&self, reply: &Reply) {
        let (ratios, at) = (&self.runner.ratios, self.prepared.context.size());
        let bytes = at + self.prepared.window.taken();
        if let Some(bytes_per_token) = ratios.replied(&reply.model, bytes, &reply.usage) {
            ratios.keep(&self.turn.session.id, Measured { bytes_per_token, at });
        }
    }

    async fn call_tools(&mut self, mut reply: Reply) -> Result<Called, NotCommitted> {
        let context = &self.prepared.context;
        let used = self.used_ids.get_or_insert_with(|| UsedIds::of(context.messages()));
        let calls = plan(&mut reply.message, used, &*self.runner.deps.ids);
        let theirs = self.prepared.caller.calls_of(&reply);
        let (calls, handed): (Vec<_>, Vec<_>) =
            calls.into_iter().partition(|call| !self.prepared.caller.runs(&call.name));
        if calls.is_empty() && !handed.is_empty() {
            return Ok(Called::HandedOver(Box::new(HandedOver::at_once(&reply, theirs))));
        }
        let entry = AssistantEntry::of_reply(&reply);
        self.commit_calls(&entry, &calls).await?;
        self.deltas.commit();
        // As later turns will send it, so that what the provider cached of it counts then too.
        let message = entry.to_message().unwrap_or(reply.message);
        self.prepared.context.push_assistant(message);
        let context = self.tool_context();
        // Whoever gives up this turn ends its tools with it.
        let _ends_the_tools = context.cancel.clone().drop_guard();
        let running: Vec<RunningCall> = calls
            .into_iter()
            .flat_map(|call| {
                let allowed = &self.prepared.allowed;
                if call.problem.is_none() && allowed.is_search(call.name.as_str()) {
                    let found = allowed.search(self.runner, self.turn, &call.arguments);
                    return vec![tools::answered(call, found)];
                }
                let context = tools::with_output(&context, &call, self.turn.stream.clone());
                tools::begin(self.runner, &self.prepared.allowed.policy, &context, vec![call])
            })
            .collect();
        let mut results = Vec::with_capacity(running.len());
        let called = self.collect(running, &context, &mut results).await?;
        self.reveal();
        let images = Images::of_results(&results, &self.runner.deps.media).await;
        self.prepared.context.push_results(&results, &images);
        if let (Called::Done, false) = (&called, theirs.is_empty()) {
            return Ok(Called::HandedOver(Box::new(HandedOver::after_results(theirs))));
        }
        Ok(called)
    }

    /// Offers the tools that were found, from the next request on.
    fn reveal(&mut self) {
        let Prepared { allowed, caller, window, system, .. } = &mut self.prepared;
        let before = allowed.tools.len();
        allowed.reveal(self.runner, self.turn, caller);
        if allowed.tools.len() != before {
            *window = window.with_taken(taken(system, &allowed.tools));
        }
    }

    async fn commit_calls(
        &self,
        entry: &AssistantEntry,
        calls: &[PlannedCall],
    ) -> Result<(), NotCommitted> {
        let events = calls.iter().map(|call| Some(tool_event(tools::started_event(call))));
        let drafts = std::iter::once(Some(entry.draft())).chain(std::iter::repeat(None));
        self.recorder.commit(drafts.zip(events).collect()).await
    }

    fn tool_context(&self) -> ToolContext {
        let (config, session) = (&self.turn.config, &self.turn.session);
        let settings = config.agent(&session.agent_id).unwrap_or_else(|| config.default_agent());
        ToolContext {
            agent_id: session.agent_id.clone(),
            session_key: session.session_key.clone(),
            run_id: Some(self.turn.run_id.clone()),
            workspace: settings.workspace.clone(),
            commands: Arc::new(command_rules(config, settings, session)),
            cancel: self.stop.child(),
            output: Arc::new(|_| {}),
        }
    }

    /// Waits for the calls in order and commits each result; what has ended meanwhile is committed
    /// with it.
    async fn collect(
        &mut self,
        running: Vec<RunningCall>,
        context: &ToolContext,
        results: &mut Vec<ToolResultEntry>,
    ) -> Result<Called, NotCommitted> {
        let mut called = Called::Done;
        let mut running = running.into_iter();
        let mut ready: Vec<(PlannedCall, ToolResultEntry)> = Vec::new();
        while let Some(mut call) = running.next() {
            let ended = match call.ended().now_or_never() {
                Some(ended) => ended,
                None => {
                    self.commit_results(&mut ready, results, &mut called).await?;
                    let stopped = tokio::select! {
                        biased;
                        stopped = self.stop.wait() => Err(stopped),
                        ended = call.ended() => Ok(ended),
                    };
                    match stopped {
                        Ok(ended) => ended,
                        Err(stopped) => {
                            called = Called::Stopped(stopped);
                            let rest = std::iter::once(call).chain(running.by_ref());
                            ready.extend(tools::stop(rest, &context.cancel).await);
                            break;
                        }
                    }
                }
            };
            match ended {
                Ended::Result(result) => ready.push((call.call, result)),
                Ended::Fatal(message) => {
                    called = Called::Fatal(message.clone());
                    let result = fatal_result(&call.call, message);
                    ready.push((call.call, result));
                    ready.extend(tools::stop(running.by_ref(), &context.cancel).await);
                    break;
                }
            }
        }
        if let Called::Stopped(stopped) = called {
            // A slow store must not hold up the stop; what it still commits is found by the next
            // turn, and what it does not is told as interrupted.
            let commit = self.commit_results(&mut ready, results, &mut called);
            return match tokio::time::timeout(LONGEST_LAST_COMMIT, commit).await {
                Ok(committed) => committed.map(|()| Called::Stopped(stopped)),
                Err(_) => Ok(Called::Stopped(stopped)),
            };
        }
        self.commit_results(&mut ready, results, &mut called).await?;
        Ok(match (called, self.stop.now()) {
            (Called::Done, Some(stopped)) => Called::Stopped(stopped),
            (called, _) => called,
        })
    }

    async fn commit_results(
        &mut self,
        ready: &mut Vec<(PlannedCall, ToolResultEntry)>,
        results: &mut Vec<ToolResultEntry>,
        called: &mut Called,
    ) -> Result<(), NotCommitted> {
        if ready.is_empty() {
            return Ok(());
        }
        let mut steps: Vec<Step> = Vec::with_capacity(ready.len());
        for (call, mut result) in ready.drain(..) {
            let guard = &mut self.prepared.before.guard;
            match guard.observe(call.name.as_str(), &call.arguments, &result.text) {
                Verdict::Fine => {}
                Verdict::Warn => result.text.push_str(WARNING),
                Verdict::Stop if matches!(called, Called::Done) => *called = Called::Looping,
                Verdict::Stop => {}
            }
            let event = tool_event(tools::finished_event(&call, &result));
            steps.push((Some(result.draft()), Some(event)));
            results.push(result);
        }
        self.recorder.commit(steps).await
    }

    /// Takes what people said meanwhile, when the queue mode lets it join.
    async fn take_steering(&mut self) {
        let rows = self.turn.steering.take().await;
        if rows.is_empty() {
            return;
        }
        let by_owner = asking::is_owners_run(
            self.runner.deps.storage.as_ref(),
            &self.turn.config,
            &self.turn.session,
            &self.turn.run_id,
            &self.turn.inputs,
        );
        let by_owner = by_owner.await.unwrap_or_else(|error| {
            tracing::warn!(%error, "who joined a run cannot be read; it goes on as a stranger's");
            false
        });
        let images = Images::load(&rows, &self.runner.deps.media).await;
        let workspace = self.tool_context().workspace;
        for row in &rows {
            match UserEntry::deserialize(&row.data) {
                Ok(entry) => {
                    let Prepared { allowed, caller, .. } = &mut self.prepared;
                    allowed.join(self.runner, self.turn, caller, entry.askers.clone(), by_owner);
                    place_files(&entry, &self.runner.deps.media, &workspace).await;
                    self.prepared.context.push_user(&entry, &images);
                }
                Err(error) => tracing::warn!(seq = row.seq, %error, "an input is not readable"),
            }
        }
    }

    fn done(&self, entry: &AssistantEntry, stop_reason: StopReason) -> TurnResult {
        TurnResult::Done { reply: self.deltas.whole(), entry: entry.draft(), stop_reason }
    }

    fn handed_over(&self, handed: HandedOver) -> TurnResult {
        let HandedOver { entry, calls } = handed;
        TurnResult::HandedOver { reply: self.deltas.whole(), entry: entry.draft(), calls }
    }

    /// Ends with what was said and a word of why there is no more.
    fn done_with_notice(&mut self, notice: &str, stop_reason: StopReason) -> TurnResult {
        let separator = if self.deltas.current().is_empty() { "" } else { "\n\n" };
        self.deltas.push(&format!("{separator}{notice}"));
        self.deltas.end();
        let entry = AssistantEntry::text(self.deltas.current(), Some(stop_reason));
        self.done(&entry, stop_reason)
    }

    fn stopped(&self, stopped: Stopped) -> TurnResult {
        let (partial, current) = (self.deltas.whole(), self.deltas.current());
        let entry =
            |stop| (!current.is_empty()).then(|| AssistantEntry::text(current, Some(stop)).draft());
        match stopped {
            Stopped::Cancelled => {
                TurnResult::Cancelled { partial, entry: entry(StopReason::Stopped) }
            }
            Stopped::TimedOut => {
                TurnResult::TimedOut { partial, entry: entry(StopReason::Timeout) }
            }
        }
    }
}

fn tool_event(data: Value) -> EventDraft {
    EventDraft { topic: "agent.tool", message_id: None, data: Some(data) }
}

fn fatal_result(call: &PlannedCall, text: String) -> ToolResultEntry {
    ToolResultEntry {
        call: call.rig_id.clone(),
        name: call.rig_name.clone(),
        text,
        is_error: true,
        images: Vec::new(),
    }
}

fn fatal(message: String) -> StoredError {
    StoredError { code: openclaw_errors::ErrorKind::Tool.as_str().to_owned(), message, hint: None }
}
