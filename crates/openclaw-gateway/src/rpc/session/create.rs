use openclaw_core::{
    ChannelId, ChatId, ChatKind, Conversation, Session, SessionId, SessionKey, UserId,
};
use openclaw_errors::OpenClawError;
use openclaw_protocol::methods::SessionCreateParams;
use openclaw_storage::{ApplyError, Batch, Conflict, Write};

use super::find::check_agent;
use super::update::{check_limits, check_sandbox};
use crate::GatewayState;
use crate::rpc::Caller;
use crate::rpc::hypothetical::message_in;

const LONGEST_LABEL: usize = 64;

pub(in crate::rpc) async fn run(
    state: &GatewayState,
    caller: &Caller,
    params: SessionCreateParams,
) -> Result<Session, OpenClawError> {
    let config = state.config.current();
    let agent = params.agent_id.clone().unwrap_or_else(|| config.default_agent().id.clone());
    check_agent(state, &agent, "agent_id")?;
    check_label(params.label.as_deref())?;
    if let Some(config) = &params.config {
        if config.sandbox_mode.is_some() {
            check_sandbox(caller, config.sandbox_mode, "config")?;
        }
        check_limits(config, "config")?;
    }
    let channel_id = params.channel_id.clone().unwrap_or_else(ChannelId::web);
    if params.channel_id.is_some() && state.channels.status(&channel_id).is_none() {
        return Err(
            OpenClawError::not_found(format!("no channel {channel_id}")).with_field("channel_id")
        );
    }
    let fresh = state.ids.new_id();
    let named = params.user_id.is_some() || params.chat_id.is_some();
    let chat_id = match (&params.chat_id, &params.user_id) {
        (Some(chat), _) => chat.clone(),
        (None, Some(user)) => ChatId::new(user.as_str()).map_err(bad_id)?,
        (None, None) => ChatId::new(fresh.clone()).map_err(bad_id)?,
    };
    let user_id = match &params.user_id {
        Some(user) => user.clone(),
        None => UserId::new(chat_id.as_str()).map_err(bad_id)?,
    };
    let session_key = if named {
        let conversation = Conversation {
            channel_id: channel_id.clone(),
            chat_id: chat_id.clone(),
            kind: ChatKind::Direct,
            thread_id: None,
            title: None,
        };
        let inbound =
            message_in(conversation, user_id.clone(), state.clock.now()).map_err(bad_id)?;
        let decision =
            openclaw_routing::Decision { agent_id: agent.clone(), session: None, rule: None };
        openclaw_sessions::session_key(&config.session, &decision, &inbound, false)
    } else {
        SessionKey::new(&agent, &format!("{}:direct:{fresh}", channel_id.kind()))
    }
    .map_err(|error| OpenClawError::invalid_params("chat_id", error.to_string()))?;
    let now = state.clock.now();
    let id = SessionId::new(fresh).map_err(bad_id)?;
    let session = Session {
        label: params.label,
        config: params.config.unwrap_or_default(),
        ..Session::begin(id, session_key, channel_id, user_id, chat_id, now)
    };
    match state
        .storage
        .apply(Batch::new().with(Write::CreateSession(Box::new(session.clone()))))
        .await
    {
        Ok(_) => Ok(session),
        Err(ApplyError::Conflict(Conflict::SessionKeyTaken { session_id })) => {
            Err(OpenClawError::conflict(format!(
                "{} is the key of session {session_id}",
                session.session_key
            ))
            .with_hint("use that session, or reset it with session.reset"))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn check_label(label: Option<&str>) -> Result<(), OpenClawError> {
    match label {
        Some(label) if label.chars().count() > LONGEST_LABEL => Err(OpenClawError::invalid_params(
            "label",
            format!("a label has at most {LONGEST_LABEL} characters"),
        )),
        _ => Ok(()),
    }
}

fn bad_id(error: openclaw_core::InvalidId) -> OpenClawError {
    OpenClawError::invalid_params("chat_id", error.to_string())
}
