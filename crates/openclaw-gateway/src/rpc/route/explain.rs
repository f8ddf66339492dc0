use openclaw_core::{ChatKind, Conversation, Inbound, MessageContent, UserId};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::{RouteExplainParams, RouteExplainResult};
use openclaw_routing::{DecidedBy, Verdict};

use crate::GatewayState;
use crate::rpc::hypothetical::message_in;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    params: RouteExplainParams,
) -> Result<RouteExplainResult, OpenClawError> {
    let inbound = inbound_of(state, params)?;
    let policy = state.channels.access(&inbound.conversation.channel_id);
    let agent = policy.as_ref().and_then(|policy| policy.group_agent(&inbound.conversation));
    let explanation = state.ingress.routing().explain(&inbound, agent);
    let config = state.config.current();
    let owner = openclaw_sessions::is_configured_owner(&config.session, &inbound)
        || state
            .storage
            .pairing(&inbound.conversation.channel_id, &inbound.sender.id)
            .await?
            .is_some_and(|row| row.is_owner);
    let session_key =
        openclaw_sessions::session_key(&config.session, &explanation.decision, &inbound, owner)
            .map_err(|error| OpenClawError::invalid_params("chat_id", error.to_string()))?;
    let mut steps: Vec<String> = explanation
        .rules
        .iter()
        .map(|rule| match &rule.verdict {
            Verdict::Decided => format!("{}: every condition holds, it decides", rule.place),
            Verdict::Shadowed => {
                format!("{}: every condition holds, but an earlier rule decided", rule.place)
            }
            Verdict::Failed { condition, expected, actual } => {
                format!("{}: {condition} is {actual:?}, the rule wants {expected:?}", rule.place)
            }
        })
        .collect();
    steps.push(match explanation.decided_by {
        DecidedBy::Rule => format!("agent {} by a rule", explanation.decision.agent_id),
        DecidedBy::ChatSetting => {
            format!("agent {} by the group's own setting", explanation.decision.agent_id)
        }
        DecidedBy::DefaultAgent => {
            format!("no rule holds: the default agent {}", explanation.decision.agent_id)
        }
    });
    if owner && inbound.conversation.kind == ChatKind::Direct {
        steps.push("the sender is an owner: direct chats go to the main session".to_owned());
    }
    steps.push(format!("session {session_key}"));
    Ok(RouteExplainResult {
        agent_id: explanation.decision.agent_id,
        session_key,
        rule: explanation.decision.rule.map(|place| place.to_string()),
        steps,
    })
}

fn inbound_of(state: &GatewayState, params: RouteExplainParams) -> Result<Inbound, OpenClawError> {
    let bad = |error: openclaw_core::InvalidId| {
        OpenClawError::invalid_params("chat_id", error.to_string())
    };
    let user_id = match params.user_id {
        Some(user) => user,
        None => UserId::new(params.chat_id.as_str()).map_err(bad)?,
    };
    let conversation = Conversation {
        channel_id: params.channel_id,
        chat_id: params.chat_id,
        kind: params.chat_kind.unwrap_or(ChatKind::Direct),
        thread_id: params.thread_id,
        title: None,
    };
    let mut inbound = message_in(conversation, user_id, state.clock.now()).map_err(bad)?;
    inbound.sender.username = params.username;
    inbound.sender.roles = params.roles;
    inbound.content = MessageContent::text(params.text.unwrap_or_default());
    Ok(inbound)
}
