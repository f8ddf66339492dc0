use openclaw_config::Config;
use openclaw_core::{ChatKind, Inbound, ReplyBack, Session};

/// Whether an answer is sent back to the chat its input came from; asked when it is accepted.
pub fn replies_back(rule: ReplyBack, chat: ChatKind, mentions_self: bool) -> bool {
    match rule {
        ReplyBack::Always => true,
        ReplyBack::Mention => mentions_self || chat == ChatKind::Direct,
        ReplyBack::DirectOnly => chat == ChatKind::Direct,
        ReplyBack::Never => false,
    }
}

/// The same with the session's own rule, else that of the configuration.
pub fn replies_back_to(config: &Config, session: &Session, inbound: &Inbound) -> bool {
    let rule = session.config.reply_back.unwrap_or(config.session.reply_back);
    replies_back(rule, inbound.conversation.kind, inbound.mentions_self)
}

#[cfg(test)]
mod tests {
    use openclaw_core::{ChatKind, ReplyBack};

    use super::replies_back;

    #[test]
    fn each_rule_has_its_table() {
        let table = |rule| {
            [
                replies_back(rule, ChatKind::Direct, false),
                replies_back(rule, ChatKind::Group, false),
                replies_back(rule, ChatKind::Group, true),
                replies_back(rule, ChatKind::Channel, true),
            ]
        };
        assert_eq!(table(ReplyBack::Always), [true; 4]);
        assert_eq!(table(ReplyBack::Mention), [true, false, true, true]);
        assert_eq!(table(ReplyBack::DirectOnly), [true, false, false, false]);
        assert_eq!(table(ReplyBack::Never), [false; 4]);
    }
}
