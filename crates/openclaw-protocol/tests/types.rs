//! What every type looks like on the wire, and that it is read back as it was.

use std::fmt::Debug;

use openclaw_core::{
    AgentEvent, AgentId, CallId, ChannelId, ChatAddress, ChatId, Direction, ExternalId, MediaId,
    MediaRef, Message, MessageContent, MessageId, RunId, RunStatus, Session, SessionConfig,
    SessionContext, SessionId, SessionKey, SessionState, StopReason, ThinkingLevel, Timestamp,
    ToolName, ToolPhase, Usage, UserId,
};
use openclaw_protocol::event::{self, EventParams};
use openclaw_protocol::methods::*;
use openclaw_protocol::{Scope, ScopeSet, envelope};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::json;

fn id<T: std::str::FromStr<Err: Debug>>(text: &str) -> T {
    text.parse().expect("a valid id")
}

/// The JSON, after it was read back as the same value.
fn wire<T: Serialize + DeserializeOwned + PartialEq + Debug>(value: T) -> String {
    let text = serde_json::to_string(&value).expect("serialises");
    let back: T = serde_json::from_str(&text).expect("parses");
    assert_eq!(back, value, "{text}");
    text
}

fn at() -> Timestamp {
    Timestamp::from_millis(1_709_210_096_789)
}

fn session() -> Session {
    Session {
        id: id("s1"),
        session_key: SessionKey::main(&AgentId::main()),
        agent_id: AgentId::main(),
        channel_id: ChannelId::web(),
        user_id: id::<UserId>("u1"),
        chat_id: id::<ChatId>("c1"),
        label: Some("Home".to_owned()),
        config: SessionConfig { thinking: Some(ThinkingLevel::Low), ..SessionConfig::default() },
        state: SessionState::Idle,
        context: SessionContext::default(),
        last_seq: 3,
        created_at: at(),
        updated_at: at(),
        last_activity_at: at(),
        ended_at: None,
    }
}

fn message() -> Message {
    Message {
        id: id::<MessageId>("m1"),
        session_id: id::<SessionId>("s1"),
        seq: 2,
        channel_id: ChannelId::web(),
        direction: Direction::Outbound,
        sender: None,
        chat: ChatAddress { chat_id: id("c1"), thread_id: None },
        content: MessageContent::text("hi"),
        reply_to: None,
        external_id: Some(id::<ExternalId>("77")),
        run_id: Some(id::<RunId>("r1")),
        created_at: at(),
        edited_at: None,
    }
}

#[test]
fn sessions() {
    let lines = [
        wire(SessionRef::key(SessionKey::main(&AgentId::main()))),
        wire(SessionCreateParams {
            user_id: Some(id("alice")),
            config: Some(SessionConfig { tools_enabled: Some(false), ..SessionConfig::default() }),
            ..SessionCreateParams::default()
        }),
        wire(SessionListParams { limit: Some(5), ..SessionListParams::default() }),
        wire(SessionListResult { sessions: vec![session()], next_cursor: Some("x".to_owned()) }),
        wire(SessionUpdateParams {
            session_id: Some(id("s1")),
            session_key: None,
            patch: SessionPatch {
                label: Some(None),
                config: Some(SessionConfigPatch {
                    model: Some(Some("a/b".to_owned())),
                    thinking: Some(None),
                    ..SessionConfigPatch::default()
                }),
            },
        }),
        wire(SessionDeleteResult { deleted: true }),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn messages() {
    let send = |content| MessageSendParams {
        channel_id: id("telegram/work"),
        chat_id: id("-100"),
        thread_id: Some(id("7")),
        content,
        reply_to: None,
        idempotency_key: Some("k".to_owned()),
    };
    let media = MediaRef {
        media_id: id::<MediaId>(&"ab".repeat(32)),
        mime_type: "image/png".to_owned(),
        file_name: None,
        size_bytes: 7,
    };
    let lines = [
        wire(send(ContentParam::Text("hi".to_owned()))),
        wire(send(ContentParam::Content(MessageContent::Media {
            media: vec![media],
            caption: Some("look".to_owned()),
        }))),
        wire(MessageSendResult { message_id: id("m1"), status: MessageStatus::Queued }),
        wire(MessageReceiveParams {
            session_key: SessionKey::main(&AgentId::main()),
            after_seq: Some(3),
            wait_ms: Some(55_000),
            limit: None,
        }),
        wire(MessageReceiveResult { messages: vec![message()], next_seq: 2 }),
        wire(MessageHistoryParams {
            session_id: Some(id("s1")),
            before: Some(Before::Seq(9)),
            ..MessageHistoryParams::default()
        }),
        wire(MessageHistoryParams {
            before: Some(Before::Cursor("9".to_owned())),
            ..MessageHistoryParams::default()
        }),
        wire(MessageHistoryResult { messages: Vec::new(), next_cursor: None }),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn runs_and_tools() {
    let key = SessionKey::main(&AgentId::main());
    let error = RunError {
        code: "unavailable".to_owned(),
        message: "no model".to_owned(),
        hint: Some("set agents.model".to_owned()),
    };
    let lines = [
        wire(AgentRunParams {
            message: "hi".to_owned(),
            thinking: Some(ThinkingLevel::High),
            attachments: vec![Attachment {
                file_name: Some("a.txt".to_owned()),
                mime_type: Some("text/plain".to_owned()),
                content_base64: Some("aGk=".to_owned()),
                media_id: None,
            }],
            idempotency_key: Some(id("r1")),
            wait: true,
            ..AgentRunParams::default()
        }),
        wire(AgentRunResult {
            run_id: id("r1"),
            session_key: key.clone(),
            status: RunStatus::Merged,
            merged_into: Some(id("r0")),
            reply: Some("hi".to_owned()),
            usage: Some(Usage { input_tokens: 1, ..Usage::default() }),
            error: None,
        }),
        wire(AgentRunRef { run_id: Some(id("r1")), session_key: None }),
        wire(AgentStopResult { stopped: false }),
        wire(AgentStatusParams { session_key: Some(key.clone()), ..AgentStatusParams::default() }),
        wire(AgentStatusResult {
            runs: vec![RunInfo {
                run_id: id("r1"),
                session_key: key.clone(),
                status: RunStatus::Error,
                merged_into: None,
                delivered: None,
                reply: None,
                usage: None,
                error: Some(error),
                created_at: at(),
                started_at: None,
                ended_at: Some(at()),
            }],
        }),
        wire(ToolCallParams {
            name: id::<ToolName>("read"),
            arguments: serde_json::Map::from_iter([("path".to_owned(), json!("a"))]),
            session_key: Some(key),
        }),
        wire(ToolResult {
            call_id: id::<CallId>("c1"),
            name: id("read"),
            result: "text".to_owned(),
            is_error: false,
            media: Vec::new(),
        }),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn the_rest() {
    let lines = [
        wire(PingResult { pong: true }),
        wire(AuthenticateParams { token: Some("t".to_owned()), ..AuthenticateParams::default() }),
        wire(AuthenticateResult {
            principal: "owner".to_owned(),
            scopes: [Scope::Read, Scope::Approvals].into_iter().collect::<ScopeSet>(),
            access_token: None,
            expires_at: Some(at()),
        }),
        wire(SubscribeParams {
            topics: vec!["agent.*".to_owned()],
            session_key: Some(SessionKey::main(&AgentId::main())),
            from_seq: Some(0),
        }),
        wire(SubscribeResult { subscription_id: "1".to_owned() }),
        wire(UnsubscribeParams { subscription_id: "1".to_owned() }),
        wire(Empty {}),
        wire(PairingApproveParams {
            code: Some("ABCDEFGH".to_owned()),
            owner: true,
            ..PairingApproveParams::default()
        }),
        wire(PairingListResult {
            pairings: vec![Pairing {
                channel_id: id("telegram"),
                user_id: id("7"),
                display_name: None,
                code: Some("ABCDEFGH".to_owned()),
                expires_at: Some(at()),
                approved_at: None,
                is_owner: false,
                denied: 2,
                created_at: at(),
            }],
        }),
        wire(ConfigSetParams { key: "gateway.port".to_owned(), value: json!(null) }),
        wire(RouteExplainResult {
            agent_id: AgentId::main(),
            session_key: SessionKey::main(&AgentId::main()),
            rule: Some("openclaw.toml:12".to_owned()),
            steps: vec!["because".to_owned()],
        }),
        wire(GatewayStopResult { stopping: true, pid: 7 }),
        wire(ReloadResult { changed: vec!["tools".to_owned()], ..ReloadResult::default() }),
    ];
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn events() {
    let tool = |phase, arguments, result| AgentEvent::Tool {
        phase,
        call_id: id("c1"),
        name: id("read"),
        arguments,
        result,
        is_error: None,
    };
    let lines: Vec<String> = [
        AgentEvent::Started { model: Some("a/b".to_owned()) },
        AgentEvent::Delta { text: "hi".to_owned(), index: 0, reset: false },
        AgentEvent::Delta { text: "ho".to_owned(), index: 1, reset: true },
        tool(ToolPhase::Started, Some(json!({"path": "a"})), None),
        tool(ToolPhase::Output, None, Some("line".to_owned())),
        AgentEvent::Done {
            reply: "hi".to_owned(),
            usage: Usage::default(),
            stop_reason: StopReason::EndTurn,
        },
        AgentEvent::Error { code: "agent".to_owned(), message: "failed".to_owned(), hint: None },
    ]
    .into_iter()
    .map(|event| {
        let (topic, data) = event::of_agent_event(event, 4);
        assert!(event::TOPICS.iter().any(|info| info.topic == topic));
        let params = EventParams {
            topic: topic.into(),
            seq: None,
            session_key: None,
            run_id: Some(id("r1")),
            data,
        };
        envelope::event(&params).expect("serialises")
    })
    .collect();
    insta::assert_snapshot!(lines.join("\n"));
}
