use openclaw_channel_traits::DeliveryError;
use openclaw_core::{EditMessage, Receipt};
use teloxide::payloads::{EditMessageCaption, EditMessageText};
use teloxide::types::{MessageId, ParseMode, Recipient};

use super::{Deliverer, is_markup_refused, target};
use crate::api::{CallFailure, Sent};
use openclaw_channel_traits::markup::{to_plain, to_telegram_html};

impl Deliverer {
    pub(super) async fn edit(&self, edit: &EditMessage) -> Result<Receipt, DeliveryError> {
        let chat = target::recipient(edit.chat.chat_id.as_str())?;
        let message = target::message(&edit.target)?;
        let target = Some(edit.target.clone());
        let html = (to_telegram_html(&edit.text), Some(ParseMode::Html));
        let changed = match self.change(&chat, message, html).await {
            Err(failure) if is_markup_refused(&failure) => {
                self.change(&chat, message, (to_plain(&edit.text), None)).await
            }
            other => other,
        };
        match changed {
            Ok(sent) => Ok(self.receipt(target, Some(sent))),
            // It says so already: done, perhaps by the try before this one.
            Err(failure) if failure.refused_with("message is not modified") => {
                Ok(self.receipt(target, None))
            }
            Err(failure) => Err(failure.into_delivery()),
        }
    }

    /// Changes the text, or the caption where the message has a file.
    async fn change(
        &self,
        chat: &Recipient,
        message: MessageId,
        (text, parse_mode): (String, Option<ParseMode>),
    ) -> Result<Sent, CallFailure> {
        let mut payload = EditMessageText::new(chat.clone(), message, text.clone());
        payload.parse_mode = parse_mode;
        match self.calls.send(payload).await {
            Err(failure) if failure.refused_with("there is no text in the message") => {
                let mut payload = EditMessageCaption::new(chat.clone(), message);
                payload.caption = Some(text);
                payload.parse_mode = parse_mode;
                self.calls.send(payload).await
            }
            other => other,
        }
    }
}
