use openclaw_core::{AgentId, ChannelKind, ChatKind, SessionKey};
use regex::RegexBuilder;

use crate::{Place, Spanned, TableReader};

const CHAT_KINDS: [(&str, ChatKind); 3] =
    [("direct", ChatKind::Direct), ("group", ChatKind::Group), ("channel", ChatKind::Channel)];

/// One of `[[routing.rules]]`.
pub(crate) struct RuleSection {
    pub(crate) place: Option<Place>,
    pub(crate) channel: Option<Spanned<ChannelKind>>,
    pub(crate) account: Option<String>,
    pub(crate) chat_kind: Option<ChatKind>,
    pub(crate) chat: Option<String>,
    pub(crate) sender: Option<String>,
    pub(crate) role: Option<String>,
    pub(crate) pattern: Option<String>,
    pub(crate) agent: Option<Spanned<AgentId>>,
    pub(crate) session: Option<String>,
}

pub(super) fn read_routing(reader: &mut TableReader<'_>) -> Vec<RuleSection> {
    reader.tables(
        "rules",
        "Where messages go; the first rule whose conditions all hold decides.",
        read_rule,
    )
}

fn read_rule(reader: &mut TableReader<'_>) -> RuleSection {
    RuleSection {
        place: reader.table_place(),
        channel: reader
            .string("channel", "The channel's kind.")
            .parse(|text| {
                ChannelKind::new(text)
                    .map_err(|error| format!("must be a channel kind: {}", error.expected))
            })
            .spanned()
            .optional(),
        account: reader.string("account", "The channel's account.").optional(),
        chat_kind: reader.choice("chat_kind", "The kind of chat.", &CHAT_KINDS).optional(),
        chat: reader.id("chat", "The service's id of the chat.").optional(),
        sender: reader.id("sender", "The sender's id or @name.").optional(),
        role: reader.string("role", "A role of the sender.").optional(),
        pattern: reader
            .string("pattern", "A regular expression on the text, case-insensitive.")
            .parse(read_pattern)
            .optional(),
        agent: reader
            .string("agent", "The agent to go to; without it the default agent.")
            .parse(|text| {
                AgentId::new(text)
                    .map_err(|error| format!("must be an agent id: {}", error.expected))
            })
            .spanned()
            .optional(),
        session: reader
            .string("session", "The session to go to: what follows agent:<agent id>: in its key.")
            .parse(|text| {
                SessionKey::new(&AgentId::main(), &text).map(|_| text).map_err(|_| {
                    format!("must be at most {} bytes of a session key", SessionKey::MAX_REST)
                })
            })
            .optional(),
    }
}

fn read_pattern(text: String) -> Result<String, String> {
    match RegexBuilder::new(&text).case_insensitive(true).build() {
        Ok(_) => Ok(text),
        Err(regex::Error::CompiledTooBig(limit)) => {
            Err(format!("is too large: compiled it exceeds {limit} bytes"))
        }
        // The error's text repeats the expression.
        Err(_) => Err("must be a regular expression in the syntax of the Rust crate regex, without look-around and back-references".to_owned()),
    }
}
