//! From updates to our vocabulary; pure.

mod album;
mod callback;
mod content;
mod conversation;
mod mention;
mod message;
mod reaction;
mod reply;

pub(crate) use album::{Group, group};
pub(crate) use content::Attachment;
pub(crate) use conversation::full_name;

use openclaw_core::{ExternalId, Inbound};

use crate::api::BotAccount;
use crate::wire::UpdateContent;

/// What an update comes to.
#[derive(Debug)]
pub(crate) enum Event {
    /// Something to hand in.
    Inbound(Box<Draft>),
    /// A group became a supergroup.
    Migrated { from: i64, to: i64 },
    /// Nothing for us, such as a member that joined.
    Nothing,
    /// It cannot be read.
    Unreadable { keys: Vec<String>, error: String },
}

/// An event whose attachments are not fetched yet.
#[derive(Debug)]
pub(crate) struct Draft {
    /// With the content as far as it needs no attachment.
    pub(crate) inbound: Inbound,
    /// The files, in order.
    pub(crate) attachments: Vec<Attachment>,
    /// The button press to answer once it is stored.
    pub(crate) callback: Option<String>,
    /// For an edit: what its id is made of, once the content is complete.
    pub(crate) edit_of: Option<ExternalId>,
}

/// Reads the updates of one group: several only for an album.
pub(crate) fn event(group: Group, me: &BotAccount) -> Event {
    let mut updates = group.updates.into_iter();
    let Some(first) = updates.next() else {
        return Event::Nothing;
    };
    match first.content {
        UpdateContent::Message(message) => {
            let more = updates.filter_map(|update| match update.content {
                UpdateContent::Message(message) => Some(*message),
                _ => None,
            });
            message::new(*message, more.collect(), me)
        }
        UpdateContent::Edited(message) => message::edited(*message, me),
        UpdateContent::Reaction(reaction) => reaction::event(&reaction),
        UpdateContent::Callback(callback) => callback::event(*callback),
        UpdateContent::Unreadable { keys, error } => Event::Unreadable { keys, error },
    }
}

fn unreadable(what: &str, error: impl std::fmt::Display) -> Event {
    Event::Unreadable { keys: vec![what.to_owned()], error: error.to_string() }
}

#[cfg(test)]
mod tests;
