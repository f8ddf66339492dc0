use crate::wire::{Update, UpdateContent};

/// Updates that are one event: an album's, or a single one.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) updates: Vec<Update>,
}

impl Group {
    /// The id of its last update.
    pub(crate) fn last_id(&self) -> i64 {
        self.updates.last().map_or(0, |update| update.id)
    }

    /// Whether it is part of an album, which may go on in the next batch.
    pub(crate) fn is_album(&self) -> bool {
        self.updates.last().is_some_and(|update| album_of(update).is_some())
    }
}

/// Puts the parts of an album that follow each other together.
pub(crate) fn group(updates: Vec<Update>) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    for update in updates {
        let album = album_of(&update);
        match groups.last_mut() {
            Some(last)
                if album.is_some() && last.updates.last().is_some_and(|u| album_of(u) == album) =>
            {
                last.updates.push(update);
            }
            _ => groups.push(Group { updates: vec![update] }),
        }
    }
    groups
}

fn album_of(update: &Update) -> Option<(i64, &str)> {
    match &update.content {
        UpdateContent::Message(message) => {
            message.media_group_id.as_deref().map(|album| (message.chat.id, album))
        }
        UpdateContent::Edited(_)
        | UpdateContent::Reaction(_)
        | UpdateContent::Callback(_)
        | UpdateContent::Unreadable { .. } => None,
    }
}
