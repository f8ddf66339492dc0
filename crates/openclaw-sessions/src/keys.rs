//! Session keys of messages.

use openclaw_config::{DmScope, SessionSettings};
use openclaw_core::{
    ChatKind, Conversation, Inbound, InvalidSessionKey, SessionKey, ThreadId, UserId,
};
use openclaw_routing::Decision;

/// The channel kind whose threads in groups are called topics in keys.
const TOPICS: &str = "telegram";

/// The session a message belongs to.
///
/// A session that a rule names wins. Else direct chats follow `dm_scope`, except that those of an
/// owner share the agent's main session; groups and channels have one each. A thread has its own.
/// `sender_is_owner` is [`is_configured_owner`] or a pairing approved as an owner.
///
/// # Errors
/// When the session that a rule names is no rest of a session key; a
/// [`openclaw_routing::RoutingTable`] hands out only such that are.
pub fn session_key(
    settings: &SessionSettings,
    decision: &Decision,
    inbound: &Inbound,
    sender_is_owner: bool,
) -> Result<SessionKey, InvalidSessionKey> {
    if let Some(session) = &decision.session {
        return SessionKey::new(&decision.agent_id, session);
    }
    let conversation = &inbound.conversation;
    let kind = conversation.channel_id.kind();
    let rest = match conversation.kind {
        ChatKind::Direct if sender_is_owner => "main".to_owned(),
        ChatKind::Direct => direct_rest(settings, conversation, &inbound.sender.id),
        ChatKind::Group | ChatKind::Channel => format!(
            "{kind}:{}:{}",
            conversation.kind.as_str(),
            SessionKey::segment(conversation.chat_id.as_str())
        ),
    };
    let rest = match &conversation.thread_id {
        Some(thread) => with_thread(rest, conversation, thread),
        None => rest,
    };
    SessionKey::new(&decision.agent_id, &rest)
}

/// Whether `session.owners` names the sender, as `<channel>:<user id>`; the channel may be a kind or
/// one account of it. Ids are compared exactly: services exist on which `Ann` and `ann` are two people.
pub fn is_configured_owner(settings: &SessionSettings, inbound: &Inbound) -> bool {
    let sender = &inbound.sender.id;
    settings.owners.iter().any(|owner| names_person(owner, &inbound.conversation, sender))
}

fn names_person(name: &str, conversation: &Conversation, user: &UserId) -> bool {
    let channel_id = &conversation.channel_id;
    name.split_once(':').is_some_and(|(channel, person)| {
        person == user.as_str()
            && (channel.eq_ignore_ascii_case(channel_id.as_str())
                || channel.eq_ignore_ascii_case(channel_id.kind().as_str()))
    })
}

fn direct_rest(settings: &SessionSettings, conversation: &Conversation, user: &UserId) -> String {
    let kind = conversation.channel_id.kind();
    let peer = peer_segment(settings, conversation, user);
    match settings.dm_scope {
        DmScope::Main => "main".to_owned(),
        DmScope::PerPeer => format!("direct:{peer}"),
        DmScope::PerChannelPeer => format!("{kind}:direct:{peer}"),
        DmScope::PerAccountChannelPeer => {
            let account = conversation.channel_id.account().unwrap_or("default");
            format!("{kind}:{}:direct:{peer}", SessionKey::segment(account))
        }
    }
}

/// The canonical name that links give a person, else the person's id.
fn peer_segment(settings: &SessionSettings, conversation: &Conversation, user: &UserId) -> String {
    let is_user = |link: &String| names_person(link, conversation, user);
    let linked = settings.identity_links.iter().find(|(_, links)| links.iter().any(is_user));
    if let Some((name, _)) = linked {
        return SessionKey::segment(name);
    }
    let segment = SessionKey::segment(user.as_str());
    let is_anothers_name =
        settings.identity_links.keys().any(|name| SessionKey::segment(name) == segment);
    if is_anothers_name {
        // A stranger whose id is the name of a linked person must not get that person's session.
        SessionKey::segment(&format!("{user}~"))
    } else {
        segment
    }
}

fn with_thread(rest: String, conversation: &Conversation, thread: &ThreadId) -> String {
    let is_topic =
        conversation.kind == ChatKind::Group && conversation.channel_id.kind().as_str() == TOPICS;
    let word = if is_topic { "topic" } else { "thread" };
    let whole = format!("{rest}:{word}:{}", SessionKey::segment(thread.as_str()));
    if whole.len() <= SessionKey::MAX_REST {
        return whole;
    }
    // A segment that is cut keeps a digest of all of it.
    let kind = conversation.channel_id.kind();
    format!("{kind}:{}:{}", conversation.kind.as_str(), SessionKey::segment(&whole))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use openclaw_config::{DmScope, ResetMode, ResetSettings, SessionSettings};
    use openclaw_core::{
        AgentId, ChannelId, ChatId, ChatKind, Conversation, ExternalId, Inbound, InboundKind,
        MessageContent, QueueMode, ReplyBack, Sender, SessionKey, ThreadId, Timestamp, UserId,
    };
    use openclaw_routing::Decision;
    use proptest::prelude::*;

    use super::{is_configured_owner, session_key};

    fn settings(dm_scope: DmScope) -> SessionSettings {
        SessionSettings {
            dm_scope,
            queue_mode: QueueMode::Queue,
            queue: Default::default(),
            reply_back: ReplyBack::Always,
            owners: vec!["telegram:7".into(), "slack/acme:U1".into()],
            reset: ResetSettings { mode: ResetMode::Never, at_minutes: 240, idle: None },
            identity_links: BTreeMap::from([(
                "alice".to_owned(),
                vec!["telegram:42".to_owned(), "discord:99".to_owned()],
            )]),
        }
    }

    fn decision(session: Option<&str>) -> Decision {
        Decision {
            agent_id: AgentId::new("work").expect("valid"),
            session: session.map(Into::into),
            rule: None,
        }
    }

    fn inbound(channel: &str, kind: ChatKind, chat: &str, user: &str, thread: &str) -> Inbound {
        Inbound {
            conversation: Conversation {
                channel_id: ChannelId::new(channel).expect("valid"),
                chat_id: ChatId::new(chat).expect("valid"),
                kind,
                thread_id: ThreadId::new(thread).ok(),
                title: None,
            },
            external_id: ExternalId::new("1").expect("valid"),
            kind: InboundKind::Message,
            sender: Sender {
                id: UserId::new(user).expect("valid"),
                display_name: None,
                username: None,
                roles: Vec::new(),
                is_bot: false,
            },
            content: MessageContent::text("hi"),
            reply_to: None,
            mentions_self: false,
            sent_at: Timestamp::from_millis(0),
        }
    }

    fn key(scope: DmScope, inbound: &Inbound) -> String {
        let settings = settings(scope);
        let owner = is_configured_owner(&settings, inbound);
        session_key(&settings, &decision(None), inbound, owner).expect("valid").to_string()
    }

    #[test]
    fn direct_chats_follow_the_scope() {
        let direct = inbound("telegram/bot2", ChatKind::Direct, "5", "5", "");
        for (scope, expected) in [
            (DmScope::Main, "agent:work:main"),
            (DmScope::PerPeer, "agent:work:direct:5"),
            (DmScope::PerChannelPeer, "agent:work:telegram:direct:5"),
            (DmScope::PerAccountChannelPeer, "agent:work:telegram:bot2:direct:5"),
        ] {
            assert_eq!(key(scope, &direct), expected);
        }
        let default_account = inbound("telegram", ChatKind::Direct, "5", "5", "");
        assert_eq!(
            key(DmScope::PerAccountChannelPeer, &default_account),
            "agent:work:telegram:default:direct:5"
        );
    }

    #[test]
    fn groups_channels_and_threads_have_their_own() {
        let scope = DmScope::PerChannelPeer;
        for (message, expected) in [
            (inbound("telegram", ChatKind::Group, "-100", "5", ""), "telegram:group:-100"),
            (inbound("telegram", ChatKind::Group, "-100", "5", "9"), "telegram:group:-100:topic:9"),
            (inbound("slack", ChatKind::Channel, "c1", "5", "1.2"), "slack:channel:c1:thread:1.2"),
            (inbound("slack", ChatKind::Direct, "d1", "u9", "1.2"), "slack:direct:u9:thread:1.2"),
        ] {
            assert_eq!(key(scope, &message), format!("agent:work:{expected}"));
        }
    }

    #[test]
    fn owners_share_the_main_session_and_rules_win() {
        let scope = DmScope::PerChannelPeer;
        let owner = inbound("telegram", ChatKind::Direct, "7", "7", "");
        assert_eq!(key(scope, &owner), "agent:work:main");
        let in_group = inbound("telegram", ChatKind::Group, "-1", "7", "");
        assert_eq!(key(scope, &in_group), "agent:work:telegram:group:-1");
        let one_account = inbound("slack/acme", ChatKind::Direct, "D", "U1", "");
        assert_eq!(key(scope, &one_account), "agent:work:main");
        let other_account = inbound("slack", ChatKind::Direct, "D", "U1", "");
        assert!(key(scope, &other_account).starts_with("agent:work:slack:direct:u1~"));
        let ruled = session_key(&settings(scope), &decision(Some("Team A")), &owner, true);
        assert_eq!(ruled.expect("valid").as_str(), "agent:work:team%20a");
    }

    #[test]
    fn links_give_one_session_to_a_person_and_none_to_a_namesake() {
        let at = |channel, user| {
            key(DmScope::PerPeer, &inbound(channel, ChatKind::Direct, user, user, ""))
        };
        assert_eq!(at("telegram", "42"), "agent:work:direct:alice");
        assert_eq!(at("discord/x", "99"), "agent:work:direct:alice");
        assert_eq!(at("discord", "42"), "agent:work:direct:42");
        assert_ne!(at("irc", "alice"), "agent:work:direct:alice");
    }

    /// Ids as services give them, and such as try to forge the writing of keys.
    fn any_id() -> impl Strategy<Value = String> {
        prop_oneof![
            "[a-zA-Z0-9:_@.~% -]{1,12}",
            "(%3a|%3A|:|~|a|A|İ|ß|thread|topic|/){1,6}",
            "[ -~]{90,140}",
            "\\PC{1,20}",
        ]
    }

    type Chat = (String, Option<String>);

    /// Two chats, the second often made from the first so that their keys come close.
    fn any_chats() -> impl Strategy<Value = (Chat, Chat)> {
        let chat = || (any_id(), prop::option::of(any_id()));
        (chat(), chat(), 0_u8..6).prop_map(|(left, other, way)| {
            let near = match way {
                0 => SessionKey::segment(&left.0),
                1 => left.0.to_lowercase(),
                2 => left.0.replace(':', "%3a"),
                3 => format!("{}:thread:1", left.0),
                4 => left.0.clone(),
                _ => other.0,
            };
            let right = (near.chars().take(500).collect(), other.1);
            (left, right)
        })
    }

    proptest! {
        #[test]
        fn keys_are_valid_and_distinct_chats_share_none(
            (left, right) in any_chats(),
            channel in prop::sample::select(vec!["telegram", "slack/Acme"]),
            kinds in prop::sample::select(vec![
                (ChatKind::Group, ChatKind::Group),
                (ChatKind::Direct, ChatKind::Direct),
                (ChatKind::Group, ChatKind::Channel),
            ]),
        ) {
            let make = |(chat, thread): &(String, Option<String>), kind| {
                inbound(channel, kind, chat, chat, thread.as_deref().unwrap_or_default())
            };
            let (one, two) = (make(&left, kinds.0), make(&right, kinds.1));
            let scope = DmScope::PerAccountChannelPeer;
            let (first, second) = (key(scope, &one), key(scope, &two));
            prop_assert_eq!(SessionKey::parse(&first).map(|key| key.to_string()), Ok(first.clone()));
            prop_assert_eq!(first == second, kinds.0 == kinds.1 && left == right);
        }
    }
}
