use openclaw_core::{Inbound, MessageContent};

/// Replaces U+0000, which Postgres refuses, by U+FFFD in every text of an event.
pub(super) fn scrub(inbound: &mut Inbound) {
    scrub_content(&mut inbound.content);
    scrub_option(&mut inbound.sender.display_name);
    scrub_option(&mut inbound.sender.username);
    scrub_option(&mut inbound.conversation.title);
    if let Some(reply) = &mut inbound.reply_to {
        scrub_option(&mut reply.author);
        scrub_option(&mut reply.text);
    }
}

fn scrub_content(content: &mut MessageContent) {
    match content {
        MessageContent::Text { text } | MessageContent::System { text } => scrub_text(text),
        MessageContent::Media { media, caption } => {
            scrub_option(caption);
            media.iter_mut().for_each(|media| scrub_option(&mut media.file_name));
        }
        MessageContent::Location(location) => scrub_option(&mut location.label),
        MessageContent::Contact(contact) => {
            scrub_text(&mut contact.name);
            scrub_option(&mut contact.phone);
        }
        MessageContent::Poll(poll) => {
            scrub_text(&mut poll.question);
            poll.options.iter_mut().for_each(scrub_text);
        }
    }
}

fn scrub_option(text: &mut Option<String>) {
    if let Some(text) = text {
        scrub_text(text);
    }
}

fn scrub_text(text: &mut String) {
    if text.contains('\0') {
        *text = text.replace('\0', "\u{fffd}");
    }
}
