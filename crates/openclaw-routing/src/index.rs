use std::collections::HashMap;

use crate::pattern::Patterns;
use crate::rule::{Rule, SenderCondition, Subject};

/// Rules by one thing they ask for: a rule is looked at only for messages that have it.
///
/// Each rule stands under the rarest of the values it compares for equality and of its pattern,
/// where texts exist that the pattern's filter rules out; those without such a thing are looked at
/// for every message. All lists are in file order.
#[derive(Debug, Default)]
pub(crate) struct Index {
    chats: HashMap<String, Vec<u32>>,
    sender_ids: HashMap<String, Vec<u32>>,
    sender_names: HashMap<String, Vec<u32>>,
    roles: HashMap<String, Vec<u32>>,
    accounts: HashMap<String, Vec<u32>>,
    channels: HashMap<String, Vec<u32>>,
    chat_kinds: HashMap<&'static str, Vec<u32>>,
    /// By the number of the pattern; empty when no rule stands under one.
    patterns: Vec<Vec<u32>>,
    others: Vec<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum Key<'r> {
    Chat(&'r str),
    SenderId(&'r str),
    SenderName(&'r str),
    Role(&'r str),
    Account(&'r str),
    Channel(&'r str),
    ChatKind(&'static str),
    Pattern(usize),
}

impl Index {
    pub(crate) fn over(rules: &[Rule], patterns: &Patterns) -> Self {
        let mut counts: HashMap<Key<'_>, usize> = HashMap::new();
        for key in rules.iter().flat_map(|rule| keys(rule, patterns)) {
            *counts.entry(key).or_default() += 1;
        }
        let mut index = Self::default();
        for (number, rule) in (0_u32..).zip(rules) {
            let rarest = keys(rule, patterns).min_by_key(|key| counts.get(key).copied());
            index.list_of(rarest).push(number);
        }
        index
    }

    /// The lists of rules that may match, the likely short ones first.
    pub(crate) fn lists<'i>(
        &'i self,
        subject: &'i Subject<'_>,
        patterns: &'i Patterns,
    ) -> impl Iterator<Item = &'i [u32]> {
        let sender = &subject.inbound.sender;
        let roles = if self.roles.is_empty() { &[] } else { sender.roles.as_slice() };
        let name = if self.sender_names.is_empty() { None } else { subject.username() };
        [
            self.chats.get(subject.chat()),
            self.sender_ids.get(sender.id.as_str()),
            name.and_then(|name| self.sender_names.get(name)),
        ]
        .into_iter()
        .flatten()
        .chain(roles.iter().filter_map(|role| self.roles.get(role)))
        .chain(self.lists_by_pattern(subject, patterns))
        .chain(
            [
                self.accounts.get(subject.account),
                self.channels.get(subject.channel),
                self.chat_kinds.get(subject.inbound.conversation.kind.as_str()),
                Some(&self.others),
            ]
            .into_iter()
            .flatten(),
        )
        .map(Vec::as_slice)
    }

    fn lists_by_pattern<'i>(
        &'i self,
        subject: &'i Subject<'_>,
        patterns: &'i Patterns,
    ) -> impl Iterator<Item = &'i Vec<u32>> {
        let possible = (!self.patterns.is_empty())
            .then(|| patterns.possible_in(subject.text, &subject.possible));
        possible
            .into_iter()
            .flat_map(|possible| possible.numbers())
            .filter_map(|number| self.patterns.get(number))
    }

    fn list_of(&mut self, key: Option<Key<'_>>) -> &mut Vec<u32> {
        match key {
            Some(Key::Chat(chat)) => self.chats.entry(chat.to_owned()).or_default(),
            Some(Key::SenderId(id)) => self.sender_ids.entry(id.to_owned()).or_default(),
            Some(Key::SenderName(name)) => self.sender_names.entry(name.to_owned()).or_default(),
            Some(Key::Role(role)) => self.roles.entry(role.to_owned()).or_default(),
            Some(Key::Account(account)) => self.accounts.entry(account.to_owned()).or_default(),
            Some(Key::Channel(kind)) => self.channels.entry(kind.to_owned()).or_default(),
            Some(Key::ChatKind(kind)) => self.chat_kinds.entry(kind).or_default(),
            Some(Key::Pattern(number)) => {
                if self.patterns.len() <= number {
                    self.patterns.resize_with(number + 1, Vec::new);
                }
                &mut self.patterns[number]
            }
            None => &mut self.others,
        }
    }
}

/// What a rule can stand under. Among equally rare things the first is taken.
fn keys<'r>(rule: &'r Rule, patterns: &Patterns) -> impl Iterator<Item = Key<'r>> + use<'r> {
    let sender = rule.sender.as_ref().map(|sender| match sender {
        SenderCondition::Id(id) => Key::SenderId(id),
        SenderCondition::Name(name) => Key::SenderName(name),
    });
    [
        rule.chat.as_deref().map(Key::Chat),
        sender,
        rule.role.as_deref().map(Key::Role),
        rule.account.as_deref().map(Key::Account),
        rule.channel.as_deref().map(Key::Channel),
        rule.chat_kind.map(|kind| Key::ChatKind(kind.as_str())),
        rule.pattern.filter(|number| patterns.is_filtered(*number)).map(Key::Pattern),
    ]
    .into_iter()
    .flatten()
}
