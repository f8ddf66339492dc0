use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use openclaw_core::{ChannelId, ChatAddress, Timestamp};

/// The most chats that are watched; beyond it the one that was quiet longest is forgotten.
const MAX_CHATS: usize = 1_000;

/// Stops exchanges between the assistant and other bots: after `limit` messages of bots in one chat
/// within `window`, more of them are refused until it is quiet, or a person writes.
#[derive(Debug)]
pub struct BotLoopGuard {
    limit: usize,
    window: Duration,
    chats: HashMap<(ChannelId, ChatAddress), VecDeque<Timestamp>>,
}

impl BotLoopGuard {
    /// Six messages in ten minutes.
    pub const DEFAULT_LIMIT: usize = 6;
    /// See [`Self::DEFAULT_LIMIT`].
    pub const DEFAULT_WINDOW: Duration = Duration::from_secs(600);

    /// A guard with other limits than the default.
    pub fn new(limit: usize, window: Duration) -> Self {
        Self { limit, window, chats: HashMap::new() }
    }

    /// Counts a message of a bot, and says whether it may still be heard. A refused message counts
    /// too: the other bot must become quiet.
    pub fn admit_bot(&mut self, channel: &ChannelId, chat: &ChatAddress, now: Timestamp) -> bool {
        let key = (channel.clone(), chat.clone());
        if !self.chats.contains_key(&key) && self.chats.len() >= MAX_CHATS {
            self.forget_quietest();
        }
        let heard = self.chats.entry(key).or_default();
        while heard.front().is_some_and(|at| now.since(*at) >= self.window) {
            heard.pop_front();
        }
        let admitted = heard.len() < self.limit;
        heard.push_back(now);
        // What is beyond the limit changes nothing but the time of the last one.
        if heard.len() > self.limit.max(1) {
            heard.pop_front();
        }
        admitted
    }

    /// A person wrote in the chat: bots may speak again.
    pub fn person_wrote(&mut self, channel: &ChannelId, chat: &ChatAddress) {
        if !self.chats.is_empty() {
            self.chats.remove(&(channel.clone(), chat.clone()));
        }
    }

    fn forget_quietest(&mut self) {
        let quietest = self.chats.iter().min_by_key(|(_, heard)| heard.back().copied());
        if let Some(key) = quietest.map(|(key, _)| key.clone()) {
            self.chats.remove(&key);
        }
    }
}

impl Default for BotLoopGuard {
    fn default() -> Self {
        Self::new(Self::DEFAULT_LIMIT, Self::DEFAULT_WINDOW)
    }
}

#[cfg(test)]
mod tests {
    use openclaw_core::ChatId;

    use super::*;

    fn chat(id: &str) -> ChatAddress {
        ChatAddress { chat_id: ChatId::new(id).unwrap(), thread_id: None }
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_millis(seconds * 1_000)
    }

    #[test]
    fn an_exchange_stops_until_it_was_quiet() {
        let (mut guard, channel) = (BotLoopGuard::default(), ChannelId::web());
        for second in 0..6 {
            assert!(guard.admit_bot(&channel, &chat("1"), at(second)), "message {second}");
        }
        assert!(!guard.admit_bot(&channel, &chat("1"), at(6)));
        assert!(guard.admit_bot(&channel, &chat("2"), at(6)), "another chat is not concerned");
        // It goes on trying, so it is not quiet.
        for minute in 1..30 {
            let admitted = guard.admit_bot(&channel, &chat("1"), at(minute * 60));
            assert!(!admitted || minute >= 10, "minute {minute}");
        }
        let quiet = at(30 * 60 + 600);
        assert!(guard.admit_bot(&channel, &chat("1"), quiet));
    }

    #[test]
    fn a_person_lets_them_go_on() {
        let (mut guard, channel) =
            (BotLoopGuard::new(1, Duration::from_secs(60)), ChannelId::web());
        assert!(guard.admit_bot(&channel, &chat("1"), at(0)));
        assert!(!guard.admit_bot(&channel, &chat("1"), at(1)));
        guard.person_wrote(&channel, &chat("1"));
        assert!(guard.admit_bot(&channel, &chat("1"), at(2)));
    }

    #[test]
    fn memory_is_bounded() {
        let (mut guard, channel) = (BotLoopGuard::default(), ChannelId::web());
        for index in 0..3_000 {
            guard.admit_bot(&channel, &chat(&index.to_string()), at(index));
        }
        for second in 0..3_000 {
            guard.admit_bot(&channel, &chat("busy"), at(3_000 + second));
        }
        assert!(guard.chats.len() <= MAX_CHATS);
        assert!(guard.chats.values().all(|heard| heard.len() <= BotLoopGuard::DEFAULT_LIMIT));
    }
}
