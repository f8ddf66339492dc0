use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use openclaw_channel_traits::conformance::{
    Arrived, Credential, Failure, Push, Pushed, ServiceDriver,
};
use openclaw_channel_traits::{Channel, MediaStore};
use openclaw_core::{ChatAddress, UserId};
use openclaw_testkit::telegram::Failure as Fault;

use crate::support::{ANN, PATIENCE, Service, TEAM, TOKEN, chat, id, limits};

const WRONG_TOKEN: &str = "110201543:BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB";

async fn driver() -> Service {
    Service::start().await
}

openclaw_channel_traits::channel_conformance!(driver, inbound, outbound, lifecycle);

#[async_trait]
impl ServiceDriver for Service {
    fn channel(&self, credential: Credential) -> Arc<dyn Channel> {
        let token = match credential {
            Credential::Valid => TOKEN,
            Credential::Refused => WRONG_TOKEN,
        };
        self.channel_with(self.settings(token))
    }

    fn secrets(&self) -> Vec<String> {
        vec![TOKEN.to_owned(), WRONG_TOKEN.to_owned()]
    }

    fn media(&self) -> Arc<MediaStore> {
        Arc::clone(&self.media)
    }

    fn direct_chat(&self) -> ChatAddress {
        chat(ANN)
    }

    fn person(&self) -> UserId {
        UserId::new(ANN.to_string()).expect("a user id")
    }

    fn delivery_limit(&self) -> Duration {
        limits().delivery
    }

    fn acknowledges(&self) -> bool {
        true
    }

    fn can_fail(&self, failure: &Failure) -> bool {
        match failure {
            Failure::RetryAfter(_)
            | Failure::Down
            | Failure::Blocked
            | Failure::TooLarge
            | Failure::CredentialRefused
            | Failure::Refused
            | Failure::UndecodableSuccess
            | Failure::CutAfterTaking
            | Failure::Hang => true,
        }
    }

    async fn push(&self, push: Push) -> Pushed {
        let (message, place) = match push {
            Push::Direct { text } => (id(self.bot.say(ANN, ANN, &text)), chat(ANN)),
            Push::Group { text, mentioned } => {
                let text = if mentioned { format!("@fake_bot {text}") } else { text };
                (id(self.bot.say(TEAM, ANN, &text)), chat(TEAM))
            }
            Push::Edit { of, text } => {
                let number = of.message.as_str().parse().expect("a message id");
                self.bot.edit(of.chat.chat_id.as_str().parse().expect("a chat"), number, &text);
                (of.message, of.chat)
            }
        };
        Pushed { message, chat: place, token: self.bot.last_update_id().to_string() }
    }

    async fn is_acknowledged(&self, pushed: &Pushed) -> bool {
        !self.bot.pending_update_ids().iter().any(|id| id.to_string() == pushed.token)
    }

    async fn acknowledged(&self, pushed: &Pushed) {
        let confirmed = |bot: &openclaw_testkit::telegram::FakeBot| {
            let pending = bot.pending_update_ids();
            (!pending.iter().any(|id| id.to_string() == pushed.token)).then_some(())
        };
        self.bot.wait_for(confirmed, PATIENCE).await.expect("confirmed in time");
    }

    async fn arrived(&self) -> Vec<Arrived> {
        let sent = self.bot.sent(ANN).into_iter().filter(|message| !message.deleted);
        sent.map(|message| Arrived {
            message: id(message.message_id),
            chat: chat(ANN),
            text: message.text,
        })
        .collect()
    }

    async fn fail_next(&self, failure: Failure) {
        let fault = match failure {
            Failure::RetryAfter(pause) => Fault::RateLimited {
                retry_after: u32::try_from(pause.as_secs()).expect("a short pause"),
            },
            Failure::Down => Fault::BadGateway,
            Failure::Blocked => {
                Fault::Forbidden { description: "bot was blocked by the user".to_owned() }
            }
            Failure::TooLarge => {
                Fault::BadRequest { description: "message is too long".to_owned() }
            }
            Failure::CredentialRefused => Fault::Unauthorized,
            Failure::Refused => Fault::BadRequest { description: "chat not found".to_owned() },
            Failure::UndecodableSuccess => Fault::Undecodable,
            Failure::CutAfterTaking => Fault::DoneThenDrop,
            Failure::Hang => Fault::DoneThenHang,
        };
        self.bot.fail_next("sendMessage", 1, fault);
    }
}
