//! Ids for events that a service gives none: edits and reactions.

use openclaw_core::{ExternalId, InvalidId, Timestamp, UserId};
use sha2::{Digest, Sha256};

/// The id of an edit, `<id>:edit:<date>:<8 hex of its content>`.
///
/// `date` is the service's own time of the edit: a redelivered edit gets the same id, and two edits
/// within the service's resolution of time differ by their content.
///
/// # Errors
/// When the message's id leaves no room.
pub fn edit_id(
    message: &ExternalId,
    date: Timestamp,
    content: &str,
) -> Result<ExternalId, InvalidId> {
    ExternalId::new(format!("{message}:edit:{}:{}", date.as_millis(), digest([content])))
}

/// The id of a reaction, `<id>:react:<user>:<date>:<8 hex of the reactions that stand now>`.
///
/// # Errors
/// When the message's and the user's id leave no room.
pub fn reaction_id<'a>(
    message: &ExternalId,
    user: &UserId,
    date: Timestamp,
    reactions: impl IntoIterator<Item = &'a str>,
) -> Result<ExternalId, InvalidId> {
    let digest = digest(reactions);
    ExternalId::new(format!("{message}:react:{user}:{}:{digest}", date.as_millis()))
}

/// The message that an id of an edit or a reaction belongs to; other ids are their own.
pub fn message_of(id: &ExternalId) -> ExternalId {
    let text = id.as_str();
    let cut = [":edit:", ":react:"].iter().filter_map(|mark| text.find(mark)).min();
    cut.and_then(|cut| ExternalId::new(&text[..cut]).ok()).unwrap_or_else(|| id.clone())
}

fn digest<'a>(parts: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update(part.as_bytes());
        hasher.update([0]);
    }
    hex::encode(&hasher.finalize()[..4])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_and_reactions_are_events_of_their_own() {
        let message = ExternalId::new("42").unwrap();
        let date = Timestamp::from_millis(1_700_000_000_000);
        let edit = edit_id(&message, date, "the").unwrap();
        assert_eq!(edit, edit_id(&message, date, "the").unwrap());
        assert_ne!(edit, edit_id(&message, date, "thé").unwrap());
        assert!(edit.as_str().starts_with("42:edit:1700000000000:"));
        assert_eq!(edit.as_str().rsplit(':').next().unwrap().len(), 8);

        let user = UserId::new("7").unwrap();
        let reaction = reaction_id(&message, &user, date, ["👍"]).unwrap();
        assert!(reaction.as_str().starts_with("42:react:7:1700000000000:"));
        assert_ne!(reaction, reaction_id(&message, &user, date, []).unwrap());
        assert_ne!(
            reaction_id(&message, &user, date, ["ab"]).unwrap(),
            reaction_id(&message, &user, date, ["a", "b"]).unwrap()
        );
        for id in [&edit, &reaction, &message] {
            assert_eq!(message_of(id), message);
        }
        assert!(edit_id(&ExternalId::new("x".repeat(512)).unwrap(), date, "").is_err());
    }
}
