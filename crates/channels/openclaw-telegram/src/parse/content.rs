use openclaw_core::{Contact, Location, MessageContent, Poll};

use super::conversation::full_name;
use super::mention::without_own_name;
use crate::api::BotAccount;
use crate::wire::{File, Message};

/// A file to fetch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Attachment {
    pub(crate) file_id: String,
    /// What it is to people, such as `photo`.
    pub(crate) what: &'static str,
    pub(crate) file_name: Option<String>,
    pub(crate) size: Option<u64>,
}

/// The content of a message: complete, or files with what stands beside them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Body {
    Complete(MessageContent),
    Files { attachment: Attachment, caption: Option<String> },
}

/// What a message says; `None` for reports of the service and kinds we cannot show.
pub(super) fn body(message: &Message, me: &BotAccount) -> Option<Body> {
    if let Some(text) = &message.text {
        let text = without_own_name(text.clone(), &message.entities, me);
        return Some(Body::Complete(MessageContent::text(text)));
    }
    if let Some(attachment) = attachment(message) {
        let caption = message
            .caption
            .clone()
            .map(|caption| without_own_name(caption, &message.caption_entities, me))
            .or_else(|| message.sticker.as_ref().and_then(|sticker| sticker.emoji.clone()));
        return Some(Body::Files { attachment, caption });
    }
    plain(message).map(Body::Complete)
}

fn plain(message: &Message) -> Option<MessageContent> {
    if let Some(venue) = &message.venue {
        let label = [venue.title.as_str(), venue.address.as_str()]
            .into_iter()
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join(", ");
        return Some(MessageContent::Location(Location {
            latitude: venue.location.latitude,
            longitude: venue.location.longitude,
            label: Some(label).filter(|label| !label.is_empty()),
        }));
    }
    if let Some(point) = &message.location {
        return Some(MessageContent::Location(Location {
            latitude: point.latitude,
            longitude: point.longitude,
            label: None,
        }));
    }
    if let Some(card) = &message.contact {
        return Some(MessageContent::Contact(Contact {
            name: full_name(&card.first_name, card.last_name.as_deref()),
            phone: card.phone_number.clone(),
        }));
    }
    if let Some(poll) = &message.poll {
        return Some(MessageContent::Poll(Poll {
            question: poll.question.clone(),
            options: poll.options.iter().map(|option| option.text.clone()).collect(),
            multiple: poll.allows_multiple_answers,
        }));
    }
    let dice = message.dice.as_ref()?;
    Some(MessageContent::text(format!("{} {}", dice.emoji, dice.value)))
}

fn attachment(message: &Message) -> Option<Attachment> {
    let of = |file: &File, what: &'static str| Attachment {
        file_id: file.file_id.clone(),
        what,
        file_name: file.file_name.clone(),
        size: file.file_size,
    };
    // An animation comes with a copy of itself as a document, for older clients.
    let files = [
        (message.animation.as_ref(), "animation"),
        (message.document.as_ref(), "document"),
        (message.audio.as_ref(), "audio file"),
        (message.voice.as_ref(), "voice message"),
        (message.video.as_ref(), "video"),
        (message.video_note.as_ref(), "video message"),
        (message.sticker.as_ref().map(|sticker| &sticker.file), "sticker"),
        // The sizes of a photo come smallest first.
        (message.photo.last(), "photo"),
    ];
    files.into_iter().find_map(|(file, what)| file.map(|file| of(file, what)))
}
