//! Chat commands, and what becomes of them when the gateway ends in between.

use std::time::Duration;

use openclaw_channel_traits::{Accept, Ingress as _};
use openclaw_core::{
    ChannelId, ChannelKind, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind,
    InboxId, MessageContent, MessageId, RunId, Sender, Timestamp, UserId,
};
use openclaw_storage::rows::{InboxRow, InputState, RunOptions};
use openclaw_storage::{Batch, NewInput, Write};
use serde_json::{Value, json};

use crate::support::{PATIENCE, TestGateway};

fn run(name: &str) -> RunId {
    RunId::new(name).expect("valid")
}

/// Starts a run and leaves it at that.
async fn begin(gateway: &TestGateway, name: &str, text: &str) {
    let params = json!({"message": text, "idempotency_key": name, "wait": false});
    gateway.call("agent.run", params).await.expect("begins");
}

async fn row(gateway: &TestGateway, name: &str) -> InboxRow {
    gateway.state.storage.input_by_run(&run(name)).await.expect("reads").expect("a run")
}

async fn until(gateway: &TestGateway, name: &str, states: &[InputState]) -> InboxRow {
    let reached = async {
        loop {
            let row = row(gateway, name).await;
            if states.contains(&row.state) {
                return row;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(PATIENCE, reached).await.expect("in time")
}

/// Stores an input beside another as a gateway does that ends before it has told anybody.
async fn store_silently(gateway: &TestGateway, like: &InboxRow, name: &str, text: &str) {
    let mut inbound = like.inbound.clone();
    inbound.external_id = ExternalId::new(name).expect("valid");
    inbound.content = MessageContent::text(text);
    let input = NewInput {
        id: InboxId::new(name).expect("valid"),
        run_id: run(name),
        principal: like.principal.clone(),
        session_id: like.session_id.clone(),
        session_key: like.session_key.clone(),
        message_id: MessageId::new(name).expect("valid"),
        inbound,
        options: RunOptions::default(),
        reply_back: false,
        state: InputState::Waiting,
        error: None,
        merged_into: None,
        at: like.created_at,
    };
    let batch = Batch::new().with(Write::AcceptInput(Box::new(input)));
    gateway.state.storage.apply(batch).await.expect("accepted");
}

#[tokio::test]
async fn a_command_is_answered_without_a_model() {
    let gateway = TestGateway::start().await;
    gateway.runner.lose_model();
    let asked = gateway.call("agent.run", json!({"message": "/whoami", "wait": true})).await;
    assert!(asked.expect("answered")["reply"].as_str().is_some_and(|reply| !reply.is_empty()));
}

/// Its commit was stored, and what it does was not done: whoever asks again has it done, for what came
/// before it and nothing else.
#[tokio::test]
async fn a_stop_that_is_asked_for_again_is_carried_out() {
    let gateway = TestGateway::start().await;
    begin(&gateway, "held", "hold").await;
    let held = until(&gateway, "held", &[InputState::Running]).await;
    store_silently(&gateway, &held, "stop", "/stop").await;
    store_silently(&gateway, &held, "later", "later").await;
    begin(&gateway, "stop", "/stop").await;
    let ended = until(&gateway, "held", &[InputState::Failed, InputState::Answered]).await;
    assert_eq!(ended.status, openclaw_core::RunStatus::Stopped);
    let later = until(&gateway, "later", &[InputState::Failed, InputState::Answered]).await;
    assert_eq!(later.reply.as_deref(), Some("re: later"));
    assert_eq!(row(&gateway, "stop").await.reply.as_deref(), Some("Stopped."));
}

#[tokio::test]
async fn a_stop_is_carried_out_after_a_restart() {
    let gateway = TestGateway::start().await;
    begin(&gateway, "held", "hold").await;
    let held = until(&gateway, "held", &[InputState::Running]).await;
    store_silently(&gateway, &held, "stop", "/stop").await;
    gateway.state.ingress.recover_commands().await.expect("reads");
    let ended = until(&gateway, "held", &[InputState::Failed, InputState::Answered]).await;
    assert_eq!(ended.status, openclaw_core::RunStatus::Stopped);
}

fn said(kind: InboundKind, id: &str, chat: ChatKind, text: &str) -> Inbound {
    Inbound {
        conversation: Conversation {
            channel_id: ChannelId::of_kind(&ChannelKind::new("fake").expect("valid")),
            chat_id: ChatId::new("5").expect("valid"),
            kind: chat,
            thread_id: None,
            title: None,
        },
        external_id: ExternalId::new(id).expect("valid"),
        kind,
        sender: Sender {
            id: UserId::new("5").expect("valid"),
            display_name: None,
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text(text),
        reply_to: None,
        mentions_self: true,
        sent_at: Timestamp::from_millis(1),
    }
}

async fn accepted(gateway: &TestGateway, inbound: Inbound) -> RunId {
    match gateway.state.ingress.accept(inbound).await {
        Accept::Accepted { run_id } => run_id,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn an_edit_makes_no_command_of_a_waiting_message() {
    let gateway = TestGateway::start().await;
    let message = |id, text| said(InboundKind::Message, id, ChatKind::Direct, text);
    let held = accepted(&gateway, message("1", "hold")).await;
    until(&gateway, held.as_str(), &[InputState::Running]).await;
    for (waiting, command) in [("2", "/stop"), ("3", "/new"), ("4", "otherwise")] {
        let run = accepted(&gateway, message(waiting, "as it was")).await;
        let target = ExternalId::new(waiting).expect("valid");
        let id = format!("{waiting}-edited");
        let edit = said(InboundKind::Edit { target }, &id, ChatKind::Direct, command);
        assert!(matches!(gateway.state.ingress.accept(edit).await, Accept::Noted));
        let expected = if command == "otherwise" { command } else { "as it was" };
        let row = row(&gateway, run.as_str()).await;
        assert_eq!(row.inbound.content.plain_text(), expected);
    }
}

#[tokio::test]
async fn a_fresh_session_with_a_message_is_the_owners_in_a_group() {
    let gateway = TestGateway::start().await;
    let asked = said(InboundKind::Message, "1", ChatKind::Group, "/new tell me all");
    let run = accepted(&gateway, asked).await;
    let row = until(&gateway, run.as_str(), &[InputState::Failed, InputState::Answered]).await;
    assert_eq!(row.reply.as_deref(), Some("Only the owner can use /new in a group."));
}

/// A setting that changed while a command waited is not put back by it.
#[tokio::test]
async fn a_command_changes_one_setting() {
    let gateway = TestGateway::start().await;
    let ask = async |text: &str| -> Value {
        let asked = gateway.call("agent.run", json!({"message": text, "wait": true})).await;
        asked.expect("answered")
    };
    ask("/think high").await;
    ask("/queue batch").await;
    let key = openclaw_core::SessionKey::new(&openclaw_core::AgentId::main(), "main");
    let session = gateway.state.storage.session_by_key(&key.expect("valid")).await;
    let config = session.expect("reads").expect("a session").config;
    assert_eq!(config.thinking, Some(openclaw_core::ThinkingLevel::High));
    assert_eq!(config.queue_mode, Some(openclaw_core::QueueMode::Batch));
}
