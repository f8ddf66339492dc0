//! A Telegram service with one bot.

use openclaw_testkit::telegram::{FakeBot, FakeTelegram, SentMessage};

const BOT_TOKEN: &str = "110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw";

/// The service and the bot that the gateway signs in as.
#[derive(Debug)]
pub(crate) struct Telegram {
    service: FakeTelegram,
    pub(crate) bot: FakeBot,
}

impl Telegram {
    pub(crate) async fn start() -> Self {
        let service = FakeTelegram::start().await;
        let bot = service.add_bot(BOT_TOKEN, "assistant_bot");
        Self { service, bot }
    }

    /// The bot's token.
    pub(crate) fn token(&self) -> &'static str {
        BOT_TOKEN
    }

    /// The configuration of the channel, with more keys after it.
    pub(crate) fn config(&self, more: &str) -> String {
        format!(
            "[channels.telegram]\nenabled = true\ntoken = \"{BOT_TOKEN}\"\nbase_url = \"{}\"\n{more}\n",
            self.service.base_url()
        )
    }

    /// What stands in a chat from the bot.
    pub(crate) fn shown(&self, chat: i64) -> Vec<SentMessage> {
        shown(&self.bot, chat)
    }

    /// Waits until a message of the bot in a chat reads so.
    pub(crate) async fn wait_for_text(
        &self,
        chat: i64,
        wanted: impl Fn(&str) -> bool,
    ) -> SentMessage {
        let look = |bot: &FakeBot| shown(bot, chat).into_iter().find(|sent| wanted(&sent.text));
        match self.bot.wait_for(look, super::LIMIT).await {
            Some(message) => message,
            None => panic!("no such message was sent, but {:#?}", self.shown(chat)),
        }
    }
}

fn shown(bot: &FakeBot, chat: i64) -> Vec<SentMessage> {
    bot.sent(chat).into_iter().filter(|sent| !sent.deleted).collect()
}
