use openclaw_core::{
    Conversation, ExternalId, Inbound, InboundKind, InvalidId, MessageContent, Sender, Timestamp,
    UserId,
};

/// What a message in this conversation would look like: for asking where it would go.
pub(super) fn message_in(
    conversation: Conversation,
    user_id: UserId,
    now: Timestamp,
) -> Result<Inbound, InvalidId> {
    Ok(Inbound {
        conversation,
        external_id: ExternalId::new("none")?,
        kind: InboundKind::Message,
        sender: Sender {
            id: user_id,
            display_name: None,
            username: None,
            roles: Vec::new(),
            is_bot: false,
        },
        content: MessageContent::text(""),
        reply_to: None,
        mentions_self: true,
        sent_at: now,
    })
}
