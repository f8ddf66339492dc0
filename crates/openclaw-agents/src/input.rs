//! What arrives with a turn: its inputs as one entry.

use jiff::tz::TimeZone;
use openclaw_core::{Inbound, MediaRef};
use openclaw_media::sanitise_file_name;
use openclaw_storage::rows::InboxRow;
use serde_json::{Value, json};

use crate::prompt::{code_of, write_message};
use crate::transcript::{AskerEntry, FileEntry, ImageEntry, UserEntry};

/// The largest image a model is shown, in bytes.
pub(crate) const LARGEST_IMAGE: u64 = 5 * 1024 * 1024;

const IMAGE_TYPES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// The folder of the workspace that attachments are placed in.
const MEDIA_FOLDER: &str = "media";

/// Whether models take this file as an image.
pub(crate) fn is_shown(media: &MediaRef) -> bool {
    IMAGE_TYPES.contains(&media.mime_type.as_str()) && media.size_bytes <= LARGEST_IMAGE
}

/// The inputs of a turn as one entry.
pub(crate) fn user_entry(inputs: &[InboxRow], zone: &TimeZone) -> UserEntry {
    let mut entry = UserEntry::default();
    let Some(first) = inputs.first() else { return entry };
    let code = code_of(&first.message_id);
    for input in inputs {
        for asker in askers(input) {
            if !entry.askers.contains(&asker) {
                entry.askers.push(asker);
            }
        }
        let mut files = Vec::new();
        for media in input.inbound.content.media() {
            files.push(place(&mut entry, media));
        }
        let results = input.options.caller.as_ref().map(|caller| caller.results.as_slice());
        entry.results.extend_from_slice(results.unwrap_or_default());
        // Results alone are no message.
        if results.is_some_and(|results| !results.is_empty()) && is_empty(&input.inbound) {
            continue;
        }
        let origin = input.options.origin.as_deref();
        write_message(&mut entry.text, &code, &input.inbound, origin, &files, zone);
    }
    entry
}

/// Who asks with this input, and where; for what another session's run began, whose wishes that
/// followed.
pub(crate) fn askers(input: &InboxRow) -> Vec<AskerEntry> {
    match &input.options.origin {
        Some(origin) => origin
            .askers
            .iter()
            .map(|asked| AskerEntry {
                channel: asked.channel.clone(),
                sender: asked.sender.clone(),
            })
            .collect(),
        None => vec![asker(input)],
    }
}

fn asker(input: &InboxRow) -> AskerEntry {
    let Inbound { conversation, sender, .. } = &input.inbound;
    let sender = (!input.is_of_own_program()).then(|| sender.id.clone());
    AskerEntry { channel: conversation.channel_id.clone(), sender }
}

fn is_empty(inbound: &Inbound) -> bool {
    inbound.content.plain_text().is_empty() && inbound.content.media().is_empty()
}

/// Notes a file in the entry.
pub(crate) fn note_file(entry: &mut UserEntry, media: &MediaRef) {
    place(entry, media);
}

/// Notes a file in the entry; gives what the envelope says of it.
fn place(entry: &mut UserEntry, media: &MediaRef) -> Value {
    let path = format!("{MEDIA_FOLDER}/{}", placed_name(media));
    let mut data = json!({"path": path, "type": media.mime_type, "bytes": media.size_bytes});
    if is_shown(media) {
        let image =
            ImageEntry { media_id: media.media_id.clone(), mime_type: media.mime_type.clone() };
        entry.images.push(image);
        data["shown"] = json!(true);
    }
    entry.files.push(FileEntry { media_id: media.media_id.clone(), path });
    data
}

/// The name a file has in the workspace: the start of its content's hash keeps two files of one
/// name apart, also over time.
fn placed_name(media: &MediaRef) -> String {
    let given = media.file_name.as_deref().and_then(sanitise_file_name);
    let name = given.unwrap_or_else(|| format!("file.{}", extension(&media.mime_type)));
    format!("{}-{name}", &media.media_id.as_str()[..8])
}

fn extension(mime_type: &str) -> &str {
    match mime_type {
        "image/jpeg" => "jpg",
        "text/plain" => "txt",
        "audio/ogg" => "ogg",
        "audio/mpeg" => "mp3",
        "application/octet-stream" => "bin",
        other => other
            .rsplit('/')
            .next()
            .filter(|word| word.len() <= 8 && word.bytes().all(|b| b.is_ascii_alphanumeric()))
            .unwrap_or("bin"),
    }
}
