use openclaw_core::Inbound;

pub(super) fn run(inbound: &Inbound, is_owner: bool) -> String {
    let (sender, conversation) = (&inbound.sender, &inbound.conversation);
    let name = sender.display_name.as_deref().unwrap_or("without a name");
    let owner = if is_owner { ", the owner" } else { "" };
    format!(
        "You are `{}:{}` ({name}{owner}).\nThis chat is `{}`.",
        conversation.channel_id, sender.id, conversation.chat_id
    )
}
