use openclaw_core::{AgentId, ChatId, ChatKind, Conversation, Sender, Timestamp};

use crate::{AccessPolicy, DenyReason, DmPolicy, GroupPolicy, GroupSettings};

/// Whether somebody may talk to the assistant where they did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Yes.
    Allowed,
    /// No.
    Denied(DenyReason),
    /// Not yet: the owner must approve a code; see [`crate::pairing`].
    NeedsPairing,
}

/// Where a person stands with pairing on one channel account. Says nothing about groups.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingState {
    /// A code was given out.
    Requested {
        /// The code.
        code: String,
        /// When it stops working.
        expires_at: Timestamp,
    },
    /// The owner approved the person.
    Approved,
}

impl AccessPolicy {
    /// Nobody but people the owner approves, in direct chats alone.
    pub fn closed() -> Self {
        Self {
            dm_policy: DmPolicy::Pairing,
            allow_from: Vec::new(),
            group_policy: GroupPolicy::Allowlist,
            groups: std::collections::BTreeMap::new(),
            require_mention: true,
        }
    }

    /// Decides whether an event is heard. `paired` is what is stored of the sender on this account,
    /// and counts in direct chats alone.
    pub fn decide(
        &self,
        conversation: &Conversation,
        sender: &Sender,
        paired: Option<&PairingState>,
    ) -> Access {
        match conversation.kind {
            ChatKind::Direct => self.decide_direct(sender, paired),
            ChatKind::Group | ChatKind::Channel => self.decide_group(&conversation.chat_id, sender),
        }
    }

    fn decide_direct(&self, sender: &Sender, paired: Option<&PairingState>) -> Access {
        let listed = is_listed(&self.allow_from, sender);
        match self.dm_policy {
            DmPolicy::Disabled => Access::Denied(DenyReason::DirectDisabled),
            DmPolicy::Open => Access::Allowed,
            DmPolicy::Allowlist | DmPolicy::Pairing if listed => Access::Allowed,
            DmPolicy::Allowlist => Access::Denied(DenyReason::NotAllowed),
            DmPolicy::Pairing if paired == Some(&PairingState::Approved) => Access::Allowed,
            // A code sent to a bot is answered by it, and so on.
            DmPolicy::Pairing if sender.is_bot => Access::Denied(DenyReason::NotAllowed),
            DmPolicy::Pairing => Access::NeedsPairing,
        }
    }

    fn decide_group(&self, chat: &ChatId, sender: &Sender) -> Access {
        if self.group_policy == GroupPolicy::Disabled {
            return Access::Denied(DenyReason::GroupNotAllowed);
        }
        let mut entries = self.group_entries(chat).peekable();
        let listed = entries.peek().is_some();
        match entries.find_map(|group| group.allow_from.as_ref()) {
            Some(allow_from) if is_listed(allow_from, sender) => Access::Allowed,
            Some(_) => Access::Denied(DenyReason::NotAllowed),
            None if listed || self.group_policy == GroupPolicy::Open => Access::Allowed,
            // Everybody in direct chats is not every group that somebody adds the assistant to.
            None if is_named(&self.allow_from, sender) => Access::Allowed,
            None => Access::Denied(DenyReason::GroupNotAllowed),
        }
    }

    /// Whether the assistant must be addressed for a message here to start a turn. Never in direct
    /// chats.
    pub fn mention_required(&self, conversation: &Conversation) -> bool {
        conversation.kind != ChatKind::Direct
            && self
                .group_entries(&conversation.chat_id)
                .find_map(|group| group.require_mention)
                .unwrap_or(self.require_mention)
    }

    /// The agent that the configuration names for this group.
    pub fn group_agent(&self, conversation: &Conversation) -> Option<&AgentId> {
        if conversation.kind == ChatKind::Direct {
            return None;
        }
        self.group_entries(&conversation.chat_id).find_map(|group| group.agent.as_ref())
    }

    /// The settings that hold for a group, the more specific first.
    fn group_entries(&self, chat: &ChatId) -> impl Iterator<Item = &GroupSettings> {
        self.groups.get(chat.as_str()).into_iter().chain(self.groups.get("*"))
    }
}

/// Whether a list of ids, `@names` and `*` names the sender. An empty list names nobody.
pub fn is_listed(list: &[String], sender: &Sender) -> bool {
    list.iter().any(|entry| entry == "*") || is_named(list, sender)
}

/// Whether a list of ids and `@names` names the sender in person.
fn is_named(list: &[String], sender: &Sender) -> bool {
    let username = sender.username.as_deref().map(|name| name.trim_start_matches('@'));
    list.iter().any(|entry| {
        entry == sender.id.as_str()
            || entry.strip_prefix('@').is_some_and(|name| {
                !name.is_empty() && username.is_some_and(|own| same_name(own, name))
            })
    })
}

fn same_name(a: &str, b: &str) -> bool {
    a.chars().flat_map(char::to_lowercase).eq(b.chars().flat_map(char::to_lowercase))
}

#[cfg(test)]
mod tests {
    use openclaw_core::{ChannelId, UserId};

    use super::*;

    fn conversation(kind: ChatKind, chat: &str) -> Conversation {
        Conversation {
            channel_id: ChannelId::new("telegram").unwrap(),
            chat_id: ChatId::new(chat).unwrap(),
            kind,
            thread_id: None,
            title: None,
        }
    }

    fn sender(id: &str, username: Option<&str>) -> Sender {
        Sender {
            id: UserId::new(id).unwrap(),
            display_name: Some("7".to_owned()),
            username: username.map(str::to_owned),
            roles: Vec::new(),
            is_bot: false,
        }
    }

    fn list(entries: &[&str]) -> Vec<String> {
        entries.iter().map(|entry| (*entry).to_owned()).collect()
    }

    fn direct(policy: &AccessPolicy, sender: &Sender, paired: Option<&PairingState>) -> Access {
        policy.decide(&conversation(ChatKind::Direct, "7"), sender, paired)
    }

    fn group(policy: &AccessPolicy, chat: &str, sender: &Sender) -> Access {
        let approved = Some(&PairingState::Approved);
        policy.decide(&conversation(ChatKind::Group, chat), sender, approved)
    }

    const NOT_ALLOWED: Access = Access::Denied(DenyReason::NotAllowed);
    const GROUP_NOT_ALLOWED: Access = Access::Denied(DenyReason::GroupNotAllowed);

    #[test]
    fn direct_chats_follow_the_policy() {
        let requested =
            PairingState::Requested { code: "A".to_owned(), expires_at: Timestamp::default() };
        let mut policy = AccessPolicy::closed();
        let ann = sender("7", Some("Ann"));
        assert_eq!(direct(&policy, &ann, None), Access::NeedsPairing);
        assert_eq!(direct(&policy, &ann, Some(&requested)), Access::NeedsPairing);
        assert_eq!(direct(&policy, &ann, Some(&PairingState::Approved)), Access::Allowed);

        policy.dm_policy = DmPolicy::Allowlist;
        assert_eq!(direct(&policy, &ann, Some(&PairingState::Approved)), NOT_ALLOWED);
        for names in [&["7"][..], &["@ann"], &["@ANN"], &["*"]] {
            policy.allow_from = list(names);
            assert_eq!(direct(&policy, &ann, None), Access::Allowed, "{names:?}");
        }
        for names in [&[][..], &["ann"], &["@an"], &["@"], &["@7"], &["70"], &["**"]] {
            policy.allow_from = list(names);
            assert_eq!(direct(&policy, &ann, None), NOT_ALLOWED, "{names:?}");
        }
        policy.dm_policy = DmPolicy::Open;
        assert_eq!(direct(&policy, &ann, None), Access::Allowed);
        policy.dm_policy = DmPolicy::Disabled;
        policy.allow_from = list(&["*"]);
        let denied = Access::Denied(DenyReason::DirectDisabled);
        assert_eq!(direct(&policy, &ann, Some(&PairingState::Approved)), denied);
    }

    #[test]
    fn a_username_is_no_id_and_a_display_name_is_nothing() {
        let mut policy = AccessPolicy::closed();
        policy.dm_policy = DmPolicy::Allowlist;
        policy.allow_from = list(&["7"]);
        assert_eq!(direct(&policy, &sender("8", Some("7")), None), NOT_ALLOWED);
        policy.allow_from = list(&["@7"]);
        assert_eq!(direct(&policy, &sender("8", None), None), NOT_ALLOWED);
    }

    #[test]
    fn bots_get_no_pairing_code() {
        let bot = Sender { is_bot: true, ..sender("9", None) };
        assert_eq!(direct(&AccessPolicy::closed(), &bot, None), NOT_ALLOWED);
    }

    #[test]
    fn pairing_gives_no_rights_in_groups_and_groups_none_in_direct_chats() {
        let mut policy = AccessPolicy::closed();
        let ann = sender("7", None);
        assert_eq!(group(&policy, "-1", &ann), GROUP_NOT_ALLOWED);
        let everybody = GroupSettings { allow_from: Some(list(&["7"])), ..Default::default() };
        policy.groups.insert("-1".to_owned(), everybody);
        assert_eq!(group(&policy, "-1", &ann), Access::Allowed);
        assert_eq!(direct(&policy, &ann, None), Access::NeedsPairing);
    }

    #[test]
    fn groups_follow_the_policy_and_their_own_list() {
        let mut policy = AccessPolicy::closed();
        let (ann, bob) = (sender("7", None), sender("8", None));
        policy.allow_from = list(&["7"]);
        assert_eq!(group(&policy, "-1", &ann), Access::Allowed);
        assert_eq!(group(&policy, "-1", &bob), GROUP_NOT_ALLOWED);
        policy.allow_from = list(&["7", "*"]);
        assert_eq!(group(&policy, "-1", &ann), Access::Allowed);
        assert_eq!(
            group(&policy, "-1", &bob),
            GROUP_NOT_ALLOWED,
            "a group is named, or it is shut"
        );
        policy.groups.insert("-1".to_owned(), GroupSettings::default());
        assert_eq!(group(&policy, "-1", &bob), Access::Allowed);
        assert_eq!(group(&policy, "-2", &bob), GROUP_NOT_ALLOWED);

        let nobody = GroupSettings { allow_from: Some(Vec::new()), ..Default::default() };
        policy.groups.insert("*".to_owned(), nobody);
        assert_eq!(group(&policy, "-2", &ann), NOT_ALLOWED);
        assert_eq!(group(&policy, "-1", &bob), NOT_ALLOWED, "`*` holds where the group is silent");
        policy.group_policy = GroupPolicy::Open;
        assert_eq!(group(&policy, "-3", &bob), NOT_ALLOWED);
        policy.groups.clear();
        assert_eq!(group(&policy, "-3", &bob), Access::Allowed);
        policy.group_policy = GroupPolicy::Disabled;
        assert_eq!(group(&policy, "-1", &ann), GROUP_NOT_ALLOWED);
    }

    #[test]
    fn mention_and_agent_come_from_the_group_then_from_all_groups_then_from_the_account() {
        let agent = |id: &str| Some(AgentId::new(id).unwrap());
        let mut policy = AccessPolicy::closed();
        let (one, two) = (conversation(ChatKind::Group, "-1"), conversation(ChatKind::Group, "-2"));
        assert!(policy.mention_required(&one));
        assert!(!policy.mention_required(&conversation(ChatKind::Direct, "-1")));
        policy.groups.insert(
            "*".to_owned(),
            GroupSettings { require_mention: Some(false), agent: agent("a"), allow_from: None },
        );
        policy.groups.insert(
            "-1".to_owned(),
            GroupSettings { require_mention: Some(true), agent: None, allow_from: None },
        );
        assert!(policy.mention_required(&one));
        assert!(!policy.mention_required(&two));
        assert_eq!(policy.group_agent(&one), agent("a").as_ref());
        assert_eq!(policy.group_agent(&conversation(ChatKind::Direct, "-1")), None);
    }
}
