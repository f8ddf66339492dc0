use openclaw_channel_traits::DeliveryError;
use openclaw_core::{DeleteMessage, React, Receipt, SendPoll, Typing};
use teloxide::payloads::{
    DeleteMessage as DeletePayload, SendChatAction, SendPoll as PollPayload, SetMessageReaction,
};
use teloxide::types::{ChatAction, InputPollOption, ReactionType};

use super::{Deliverer, target};
use crate::api::{Answering, CallFailure, Ignored};

/// Asks for the emoji's coloured form; Telegram's list of reactions is written without it.
const VARIATION_SELECTOR: char = '\u{fe0f}';

impl Deliverer {
    pub(super) async fn delete(&self, delete: &DeleteMessage) -> Result<Receipt, DeliveryError> {
        let chat = target::recipient(delete.chat.chat_id.as_str())?;
        let payload = DeletePayload::new(chat, target::message(&delete.target)?);
        match self.calls.call(Answering::<_, Ignored>::new(payload)).await {
            Ok(Ignored) => Ok(self.receipt(None, None)),
            // It is gone already, perhaps by the try before this one.
            Err(failure) if failure.refused_with("message to delete not found") => {
                Ok(self.receipt(None, None))
            }
            Err(failure) => Err(failure.into_delivery()),
        }
    }

    pub(super) async fn react(&self, react: &React) -> Result<Receipt, DeliveryError> {
        let chat = target::recipient(react.chat.chat_id.as_str())?;
        let mut payload = SetMessageReaction::new(chat, target::message(&react.target)?);
        let emoji = react.emoji.as_deref().map(|emoji| emoji.replace(VARIATION_SELECTOR, ""));
        payload.reaction =
            Some(emoji.into_iter().map(|emoji| ReactionType::Emoji { emoji }).collect());
        self.done(payload).await
    }

    pub(super) async fn typing(&self, typing: &Typing) -> Result<Receipt, DeliveryError> {
        let chat = target::recipient(typing.chat.chat_id.as_str())?;
        let mut payload = SendChatAction::new(chat, ChatAction::Typing);
        payload.message_thread_id = target::thread(&typing.chat)?;
        self.done(payload).await
    }

    pub(super) async fn poll(&self, send: &SendPoll) -> Result<Receipt, DeliveryError> {
        let chat = target::recipient(send.chat.chat_id.as_str())?;
        let options = send.poll.options.iter().map(|text| InputPollOption::new(text.as_str()));
        let mut payload =
            PollPayload::new(chat, send.poll.question.as_str(), options.collect::<Vec<_>>());
        payload.message_thread_id = target::thread(&send.chat)?;
        payload.allows_multiple_answers = Some(send.poll.multiple);
        self.made(self.calls.send(payload).await.map_err(CallFailure::into_delivery)?)
    }

    async fn done<P>(&self, payload: P) -> Result<Receipt, DeliveryError>
    where
        P: teloxide::requests::Payload + serde::Serialize + 'static,
    {
        let call = self.calls.call(Answering::<P, Ignored>::new(payload));
        call.await.map_err(CallFailure::into_delivery)?;
        Ok(self.receipt(None, None))
    }
}
