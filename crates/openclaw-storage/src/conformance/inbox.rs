//! Inputs.

use openclaw_core::{
    AskedBy, CallId, ChatKind, Inbound, MessageContent, OriginKind, ReportTo, RunOrigin, RunStatus,
    ThinkingLevel, ToolName, Usage,
};
use serde_json::json;

use super::{
    Fixture, at, channel, chat, external, inbox_id, input, message_id, run, session_id, session_key,
};
use crate::rows::{
    CallerChoice, CallerResult, CallerRun, CallerTool, InboxRow, InputState, RunOptions, Sampling,
    StoredError,
};
use crate::{Conflict, InputChange, NewInput, Write};

fn accept(new: NewInput) -> Write {
    Write::AcceptInput(Box::new(new))
}

fn change(change: InputChange) -> Write {
    Write::ChangeInput(Box::new(change))
}

fn to_running(name: &str, millis: i64) -> InputChange {
    InputChange::new(
        inbox_id(name),
        vec![InputState::Waiting, InputState::Running],
        InputState::Running,
        RunStatus::Running,
        at(millis),
    )
}

fn to_answered(name: &str) -> InputChange {
    InputChange::new(
        inbox_id(name),
        vec![InputState::Running],
        InputState::Answered,
        RunStatus::Done,
        at(5_000),
    )
}

fn row(new: NewInput, position: i64) -> InboxRow {
    InboxRow {
        id: new.id,
        position,
        run_id: new.run_id,
        principal: new.principal,
        session_id: new.session_id,
        session_key: new.session_key,
        message_id: new.message_id,
        inbound: new.inbound,
        options: new.options,
        reply_back: new.reply_back,
        state: InputState::Waiting,
        status: RunStatus::Accepted,
        merged_into: None,
        delivered: None,
        reply: None,
        usage: None,
        error: None,
        attempts: 0,
        owner: None,
        lease_until: None,
        fence: None,
        created_at: new.at,
        started_at: None,
        ended_at: None,
    }
}

/// Every field comes back, whichever way it is looked up.
pub async fn an_input_is_read_as_it_was_written(store: &Fixture) {
    let mut new = input("a", "1");
    new.options = RunOptions {
        model: Some("x/y".to_owned()),
        thinking: Some(ThinkingLevel::Low),
        timeout_seconds: Some(30),
        request_id: Some("request-1".to_owned()),
        caller: Some(Box::new(CallerRun {
            instructions: Some("Answer in verse.".to_owned()),
            tools: vec![CallerTool {
                name: ToolName::new("lookup").expect("valid"),
                description: "Looks up.".to_owned(),
                parameters: json!({"type": "object"}),
            }],
            choice: CallerChoice::Required,
            results: vec![CallerResult {
                call_id: CallId::new("call_1").expect("valid"),
                text: "found".to_owned(),
            }],
            max_output_tokens: Some(100),
            sampling: Sampling { temperature: Some(1.into()), ..Sampling::default() },
        })),
        by_owner: true,
        origin: Some(Box::new(RunOrigin {
            kind: OriginKind::Report { status: RunStatus::Done, name: "research".to_owned() },
            session_key: session_key("b"),
            run_id: run("0"),
            askers: vec![AskedBy {
                channel: channel("telegram"),
                sender: Some(new.inbound.sender.id.clone()),
            }],
            by_owner: true,
            exchanges: 2,
            answers: Some(external("9")),
            report: Some(Box::new(ReportTo {
                session_key: session_key("c"),
                conversation: new.inbound.conversation.clone(),
                sender: new.inbound.sender.clone(),
                principal: "channel:telegram".to_owned(),
                reply_back: true,
                name: "research".to_owned(),
            })),
        })),
    };
    new.reply_back = false;
    new.inbound.conversation.kind = ChatKind::Group;
    new.inbound.mentions_self = true;
    let applied = store.apply([accept(new.clone())]).await;
    let expected = Some(row(new, applied.positions[0]));
    let storage = &store.storage;
    assert_eq!(storage.input(&inbox_id("1")).await.expect("read"), expected);
    assert_eq!(storage.input_by_run(&run("1")).await.expect("read"), expected);
    let found = storage
        .input_by_external_id(&channel("telegram"), &chat("42").chat_id, &external("1"))
        .await
        .expect("read");
    assert_eq!(found, expected);
    let found = storage
        .input_by_external_id(&channel("discord"), &chat("42").chat_id, &external("1"))
        .await
        .expect("read");
    assert_eq!(found, None);
    let mut refused = input("a", "2");
    refused.state = InputState::Refused;
    let error = StoredError {
        code: "unavailable".to_owned(),
        message: "no model".to_owned(),
        hint: Some("set agents.model".to_owned()),
    };
    refused.error = Some(error.clone());
    store.apply([accept(refused)]).await;
    let stored = storage.input(&inbox_id("2")).await.expect("read").expect("there");
    assert_eq!((stored.state, stored.status), (InputState::Refused, RunStatus::Error));
    assert_eq!((stored.error, stored.ended_at), (Some(error), Some(at(2_000))));
    let mut merged = input("a", "3");
    merged.state = InputState::Merged;
    merged.merged_into = Some(run("1"));
    store.apply([accept(merged)]).await;
    let stored = storage.input(&inbox_id("3")).await.expect("read").expect("there");
    assert_eq!((stored.status, stored.merged_into), (RunStatus::Merged, Some(run("1"))));
}

/// A second delivery is told the run of the first.
pub async fn an_event_is_accepted_once(store: &Fixture) {
    store.apply([accept(input("a", "1"))]).await;
    let mut again = input("a", "2");
    again.inbound.external_id = external("1");
    let duplicate = Conflict::DuplicateInput { run_id: run("1") };
    assert_eq!(store.refused([accept(again.clone())]).await, duplicate);
    // The same batch again, because its answer was lost.
    assert_eq!(store.refused([accept(input("a", "1"))]).await, duplicate);
    again.inbound.conversation.chat_id = chat("43").chat_id;
    store.apply([accept(again)]).await;
    let mut other = input("a", "3");
    other.inbound.external_id = external("1");
    other.inbound.conversation.channel_id = channel("telegram/second");
    store.apply([accept(other)]).await;
}

/// The second caller is told whose it is.
pub async fn a_run_id_is_taken_once(store: &Fixture) {
    store.apply([accept(input("a", "1"))]).await;
    let mut again = input("b", "2");
    again.run_id = run("1");
    again.principal = "somebody".to_owned();
    let taken = Conflict::RunIdTaken { run_id: run("1"), principal: "channel:telegram".to_owned() };
    assert_eq!(store.refused([accept(again)]).await, taken);
}

/// Ids are made by us, so this is a fault that must not pass.
pub async fn an_input_id_is_taken_once(store: &Fixture) {
    store.apply([accept(input("a", "1"))]).await;
    let mut again = input("a", "2");
    again.id = inbox_id("1");
    let conflict = store.refused([accept(again)]).await;
    let taken = Conflict::StateChanged {
        what: "input",
        id: "input-1".to_owned(),
        actual: "waiting".to_owned(),
    };
    assert_eq!(conflict, taken);
}

/// Attempts are counted, the first start stays, the end is noted.
pub async fn an_input_moves_through_its_states(store: &Fixture) {
    let new = input("a", "1");
    let position = store.apply([accept(new.clone())]).await.positions[0];
    store.apply([change(to_running("1", 3_000))]).await;
    store.apply([change(to_running("1", 4_000))]).await;
    let running = InboxRow {
        state: InputState::Running,
        status: RunStatus::Running,
        attempts: 2,
        started_at: Some(at(3_000)),
        ..row(new, position)
    };
    let storage = &store.storage;
    assert_eq!(storage.input(&inbox_id("1")).await.expect("read"), Some(running.clone()));
    let usage = Usage { output_tokens: 3, ..Usage::default() };
    let error = StoredError { code: "tool".to_owned(), message: "m".to_owned(), hint: None };
    let mut answered = to_answered("1");
    answered.merged_into = Some(run("2"));
    answered.delivered = Some(true);
    answered.reply = Some("Hello".to_owned());
    answered.usage = Some(usage);
    answered.error = Some(error.clone());
    store.apply([change(answered)]).await;
    let ended = InboxRow {
        state: InputState::Answered,
        status: RunStatus::Done,
        merged_into: Some(run("2")),
        delivered: Some(true),
        reply: Some("Hello".to_owned()),
        usage: Some(usage),
        error: Some(error),
        ended_at: Some(at(5_000)),
        ..running
    };
    assert_eq!(storage.input(&inbox_id("1")).await.expect("read"), Some(ended));
    assert!(storage.open_inputs(&session_key("a"), 10).await.expect("read").is_empty());
}

/// From the newest back, in pages.
pub async fn what_inputs_used_is_read_from_the_newest_back(store: &Fixture) {
    for name in ["1", "2", "3"] {
        store.apply([accept(input("a", name))]).await;
    }
    store.apply([change(to_running("2", 3_000))]).await;
    let used = Usage { output_tokens: 3, cost_micro_usd: 7, ..Usage::default() };
    let mut answered = to_answered("2");
    answered.usage = Some(used);
    store.apply([change(answered)]).await;
    let storage = &store.storage;
    let newest = storage.usage_before(None, 2).await.expect("read");
    let told: Vec<_> = newest.iter().map(|row| (row.usage, row.ended_at)).collect();
    assert_eq!(told, [(None, None), (Some(used), Some(at(5_000)))]);
    assert!(newest.iter().all(|row| row.session_key == session_key("a")));
    let older = storage.usage_before(Some(newest[1].position), 2).await.expect("read");
    assert_eq!(older.len(), 1);
    assert!(older[0].position < newest[1].position);
    assert_eq!(storage.usage_before(Some(older[0].position), 2).await.expect("read"), []);
}

/// Else the present state is told; an unknown input is missing.
pub async fn an_input_moves_only_from_the_states_named(store: &Fixture) {
    store.apply([accept(input("a", "1"))]).await;
    let conflict = store.refused([change(to_answered("1"))]).await;
    let waiting = Conflict::StateChanged {
        what: "input",
        id: "input-1".to_owned(),
        actual: "waiting".to_owned(),
    };
    assert_eq!(conflict, waiting);
    let missing = Conflict::Missing { what: "input", id: "input-9".to_owned() };
    assert_eq!(store.refused([change(to_answered("9"))]).await, missing);
    let nothing = InputChange { from: Vec::new(), ..to_answered("1") };
    assert_eq!(store.refused([change(nothing)]).await, waiting);
}

/// Once a turn has begun it is too late.
pub async fn a_waiting_input_is_replaced_and_keeps_its_external_id(store: &Fixture) {
    let first = input("a", "1").inbound;
    store.apply([accept(input("a", "1"))]).await;
    let edited = Inbound {
        content: MessageContent::text("edited \u{0} \"x\""),
        external_id: external("1:edit"),
        ..first.clone()
    };
    let replace =
        |name: &str| Write::ReplaceInput { id: inbox_id(name), inbound: Box::new(edited.clone()) };
    store.apply([replace("1")]).await;
    let stored = store.storage.input(&inbox_id("1")).await.expect("read").expect("there");
    assert_eq!(stored.inbound, Inbound { external_id: external("1"), ..edited.clone() });
    let found = store
        .storage
        .input_by_external_id(&channel("telegram"), &chat("42").chat_id, &external("1"))
        .await
        .expect("read");
    assert_eq!(found, Some(stored));
    store.apply([change(to_running("1", 3_000))]).await;
    let running = Conflict::StateChanged {
        what: "input",
        id: "input-1".to_owned(),
        actual: "running".to_owned(),
    };
    assert_eq!(store.refused([replace("1")]).await, running);
    let missing = Conflict::Missing { what: "input", id: "input-9".to_owned() };
    assert_eq!(store.refused([replace("9")]).await, missing);
}

/// Per key and over keys.
pub async fn open_inputs_keep_the_order_of_acceptance(store: &Fixture) {
    for (session, name) in [("b", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("c", "5")] {
        store.apply([accept(input(session, name))]).await;
    }
    let open = async |key: &str, limit| -> Vec<String> {
        let rows = store.storage.open_inputs(&session_key(key), limit).await.expect("read");
        rows.iter().map(|row| row.run_id.to_string()).collect()
    };
    assert_eq!(open("b", 10).await, ["run-1", "run-3"]);
    assert_eq!(open("a", 1).await, ["run-2"]);
    let keys = store.storage.keys_with_open_inputs().await.expect("read");
    assert_eq!(keys, [session_key("b"), session_key("a"), session_key("c")]);
    store.apply([change(to_running("1", 3_000)), change(to_answered("1"))]).await;
    assert_eq!(open("b", 10).await, ["run-3"]);
    let keys = store.storage.keys_with_open_inputs().await.expect("read");
    assert_eq!(keys, [session_key("a"), session_key("b"), session_key("c")]);
}

/// Then ended ones, each newest first.
pub async fn recent_inputs_show_open_ones_first(store: &Fixture) {
    for (session, name) in [("a", "1"), ("a", "2"), ("b", "3"), ("a", "4"), ("a", "5")] {
        store.apply([accept(input(session, name))]).await;
    }
    for name in ["2", "4"] {
        store.apply([change(to_running(name, 3_000)), change(to_answered(name))]).await;
    }
    let recent = async |key: Option<&str>, limit| -> Vec<String> {
        let key = key.map(session_key);
        let rows = store.storage.recent_inputs(key.as_ref(), limit).await.expect("read");
        rows.iter().map(|row| row.run_id.to_string()).collect()
    };
    assert_eq!(recent(None, 10).await, ["run-5", "run-3", "run-1", "run-4", "run-2"]);
    assert_eq!(recent(None, 4).await, ["run-5", "run-3", "run-1", "run-4"]);
    assert_eq!(recent(Some("a"), 10).await, ["run-5", "run-1", "run-4", "run-2"]);
    assert_eq!(recent(Some("a"), 1).await, ["run-5"]);
    assert!(recent(Some("z"), 1).await.is_empty());
}

/// Whatever states a change may come from.
pub async fn the_backlog_counts_what_is_open(store: &Fixture) {
    let inputs = async || store.storage.backlog().await.expect("read").inputs;
    store.apply([accept(input("a", "1")), accept(input("a", "2"))]).await;
    let mut ended = input("a", "3");
    ended.state = InputState::Refused;
    store.apply([accept(ended)]).await;
    assert_eq!(inputs().await, 2);
    store.apply([change(to_running("1", 3_000))]).await;
    assert_eq!(inputs().await, 2);
    store.apply([change(to_answered("1"))]).await;
    assert_eq!(inputs().await, 1);
    let any = vec![InputState::Answered, InputState::Waiting, InputState::Refused];
    let mut failed = InputChange { from: any, ..to_answered("1") };
    failed.to = InputState::Failed;
    store.apply([change(failed.clone())]).await;
    assert_eq!(inputs().await, 1);
    store.apply([change(InputChange { id: inbox_id("2"), ..failed })]).await;
    assert_eq!(inputs().await, 0);
    let stored = store.storage.input(&inbox_id("2")).await.expect("read").expect("there");
    assert_eq!((stored.session_id, stored.message_id), (session_id("a"), message_id("2")));
}
