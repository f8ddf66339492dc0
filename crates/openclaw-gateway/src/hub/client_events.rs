use openclaw_channel_traits::ClientEvents;
use openclaw_core::{ChannelId, ChatAddress};
use openclaw_protocol::event::{ChannelTyping, topic};

use super::Hub;

impl ClientEvents for Hub {
    fn typing(&self, channel: &ChannelId, chat: &ChatAddress) {
        let typing = ChannelTyping { channel_id: channel.clone(), chat: chat.clone() };
        self.notice(topic::CHANNEL_TYPING, None, &typing);
    }
}
