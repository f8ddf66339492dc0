use openclaw_channel_traits::DeliveryError;
use openclaw_core::{Button, Receipt, SendMessage};
use teloxide::payloads::SendMessage as Payload;
use teloxide::types::{
    InlineKeyboardButton, InlineKeyboardButtonKind, InlineKeyboardMarkup, ParseMode, ReplyMarkup,
};

use super::{Deliverer, is_markup_refused, target};
use crate::api::{CallFailure, Sent};
use openclaw_channel_traits::markup::{to_plain, to_telegram_html};

impl Deliverer {
    pub(super) async fn send_text(&self, send: &SendMessage) -> Result<Receipt, DeliveryError> {
        self.made(self.text(send).await?)
    }

    /// Sends the text alone, with markup, and plain where the service cannot parse that.
    pub(super) async fn text(&self, send: &SendMessage) -> Result<Sent, DeliveryError> {
        let mut payload = Payload::new(
            target::recipient(send.chat.chat_id.as_str())?,
            to_telegram_html(&send.text),
        );
        payload.message_thread_id = target::thread(&send.chat)?;
        payload.reply_parameters = target::reply(send.reply_to.as_ref());
        payload.parse_mode = Some(ParseMode::Html);
        payload.reply_markup = keyboard(&send.buttons);
        match self.calls.send(payload.clone()).await {
            Err(failure) if is_markup_refused(&failure) => {
                tracing::warn!(error = %failure, "the text is sent without markup");
                payload.parse_mode = None;
                payload.text = to_plain(&send.text);
                self.calls.send(payload).await
            }
            other => other,
        }
        .map_err(CallFailure::into_delivery)
    }
}

/// The longest that the service gives back when a button is pressed, in bytes.
const LONGEST_DATA: usize = 64;

/// One button in each row, so that none is cut on a phone.
fn keyboard(buttons: &[Button]) -> Option<ReplyMarkup> {
    let rows: Vec<Vec<InlineKeyboardButton>> = buttons
        .iter()
        .filter(|button| (1..=LONGEST_DATA).contains(&button.says.len()))
        .map(|button| {
            let kind = InlineKeyboardButtonKind::CallbackData(button.says.clone());
            vec![InlineKeyboardButton::new(button.label.clone(), kind)]
        })
        .collect();
    (!rows.is_empty()).then(|| ReplyMarkup::InlineKeyboard(InlineKeyboardMarkup::new(rows)))
}
