use openclaw_channel_traits::{DeliveryError, MediaError};
use openclaw_core::{MediaRef, Receipt, SendMessage};
use teloxide::payloads::{SendDocument, SendMediaGroup, SendPhoto, SendVoice};
use teloxide::types::{InputFile, InputMedia, InputMediaDocument, InputMediaPhoto, ParseMode};

use super::{Deliverer, is_markup_refused, target};
use crate::api::{CallFailure, Sent};
use crate::descriptor::descriptor;
use openclaw_channel_traits::markup::{to_plain, to_telegram_html, visible_length};

/// The most files of one album.
const ALBUM: usize = 10;

/// Larger pictures go out as documents.
const PHOTO_LIMIT: u64 = 10 * 1024 * 1024;

/// How a file is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Photo,
    Voice,
    Document,
}

impl Form {
    fn of(file: &MediaRef) -> Self {
        match file.mime_type.as_str() {
            "image/jpeg" | "image/png" | "image/webp" if file.size_bytes <= PHOTO_LIMIT => {
                Self::Photo
            }
            "audio/ogg" | "audio/opus" => Self::Voice,
            _ => Self::Document,
        }
    }

    /// The one form that all of an album's files can have.
    fn common(files: &[MediaRef]) -> Self {
        if files.iter().all(|file| Self::of(file) == Self::Photo) {
            Self::Photo
        } else {
            Self::Document
        }
    }
}

/// A caption as it is given to the service.
#[derive(Clone, Default)]
struct Caption {
    text: Option<String>,
    parse_mode: Option<ParseMode>,
}

impl Deliverer {
    /// Sends the files, with the text as the caption of the first where it is short enough, else as
    /// a message after them.
    pub(super) async fn send_media(&self, send: &SendMessage) -> Result<Receipt, DeliveryError> {
        self.check(&send.media).await?;
        let html = to_telegram_html(&send.text);
        let length = visible_length(&send.text, descriptor().markup, descriptor().length_unit);
        let fits = length <= descriptor().caption_limit;
        let mut caption = Caption::default();
        if fits && !html.is_empty() {
            caption = Caption { text: Some(html), parse_mode: Some(ParseMode::Html) };
        }
        let mut first = None;
        for files in send.media.chunks(ALBUM) {
            let caption = std::mem::take(&mut caption);
            match self.send_files(send, files, caption).await {
                Ok(sent) => first = first.or(Some(sent)),
                Err(failure) if first.is_none() => return Err(failure.into_delivery()),
                Err(failure) => return Err(partly(&failure.to_string())),
            }
        }
        let Some(first) = first else {
            return Err(DeliveryError::Refused("there is no file to send".to_owned()));
        };
        if !fits {
            self.text(send).await.map_err(|error| partly(&error.to_string()))?;
        }
        self.made(first)
    }

    /// That every file is there and within the limit, before any of them is sent.
    async fn check(&self, files: &[MediaRef]) -> Result<(), DeliveryError> {
        for file in files {
            if file.size_bytes > self.media_limit {
                let (size, limit) = (file.size_bytes, self.media_limit);
                return Err(DeliveryError::TooLarge(format!(
                    "a file of {size} bytes is above the limit of {limit} bytes"
                )));
            }
            self.media.open(&file.media_id).await.map_err(|error| match error {
                MediaError::NotFound(_) => DeliveryError::Refused(error.to_string()),
                error => DeliveryError::Unreachable(error.to_string()),
            })?;
        }
        Ok(())
    }

    async fn send_files(
        &self,
        send: &SendMessage,
        files: &[MediaRef],
        caption: Caption,
    ) -> Result<Sent, CallFailure> {
        let form = match files {
            [file] => Form::of(file),
            files => Form::common(files),
        };
        match self.send_as(send, files, form, &caption).await {
            Err(failure) if is_markup_refused(&failure) => {
                let plain = Caption { text: Some(to_plain(&send.text)), parse_mode: None };
                self.send_as(send, files, form, &plain).await
            }
            // What the service cannot show as a picture it still passes on as a file.
            Err(failure) if form == Form::Photo && is_no_photo(&failure) => {
                self.send_as(send, files, Form::Document, &caption).await
            }
            other => other,
        }
    }

    async fn send_as(
        &self,
        send: &SendMessage,
        files: &[MediaRef],
        form: Form,
        caption: &Caption,
    ) -> Result<Sent, CallFailure> {
        let refused = |error: DeliveryError| CallFailure::BadRequest(error.to_string());
        let chat = target::recipient(send.chat.chat_id.as_str()).map_err(refused)?;
        let thread = target::thread(&send.chat).map_err(refused)?;
        let reply = target::reply(send.reply_to.as_ref());
        let Caption { text, parse_mode } = caption.clone();
        let [file] = files else {
            let mut payload = SendMediaGroup::new(chat, self.album(files, form, caption));
            payload.message_thread_id = thread;
            payload.reply_parameters = reply;
            return self.uploads.upload_album(payload).await;
        };
        macro_rules! single {
            ($payload:ident) => {{
                let mut payload = $payload::new(chat, self.input(file));
                payload.message_thread_id = thread;
                payload.reply_parameters = reply;
                payload.caption = text;
                payload.parse_mode = parse_mode;
                self.uploads.upload(payload).await
            }};
        }
        match form {
            Form::Photo => single!(SendPhoto),
            Form::Voice => single!(SendVoice),
            Form::Document => single!(SendDocument),
        }
    }

    fn album(&self, files: &[MediaRef], form: Form, caption: &Caption) -> Vec<InputMedia> {
        let mut caption = caption.clone();
        files
            .iter()
            .map(|file| {
                let Caption { text, parse_mode } = std::mem::take(&mut caption);
                if form == Form::Photo {
                    let mut item = InputMediaPhoto::new(self.input(file));
                    (item.caption, item.parse_mode) = (text, parse_mode);
                    InputMedia::Photo(item)
                } else {
                    let mut item = InputMediaDocument::new(self.input(file));
                    (item.caption, item.parse_mode) = (text, parse_mode);
                    InputMedia::Document(item)
                }
            })
            .collect()
    }

    /// The file, streamed from the store.
    fn input(&self, file: &MediaRef) -> InputFile {
        let name = file.file_name.clone().unwrap_or_else(|| {
            let extension = match file.mime_type.as_str() {
                "image/jpeg" => "jpg",
                "image/png" => "png",
                "image/webp" => "webp",
                "image/gif" => "gif",
                "audio/ogg" => "oga",
                "audio/mpeg" => "mp3",
                "video/mp4" => "mp4",
                "application/pdf" => "pdf",
                "text/plain" => "txt",
                _ => "bin",
            };
            format!("file.{extension}")
        });
        InputFile::file(self.media.path(&file.media_id)).file_name(name)
    }
}

fn is_no_photo(failure: &CallFailure) -> bool {
    ["IMAGE_PROCESS_FAILED", "PHOTO_INVALID_DIMENSIONS", "PHOTO_EXT_INVALID"]
        .iter()
        .any(|reason| failure.refused_with(reason))
}

/// Some of it stands in the chat and the rest does not: neither done nor to be done again unseen.
fn partly(reason: &str) -> DeliveryError {
    DeliveryError::Unknown(format!("only a part was sent: {reason}"))
}
