use bytes::Bytes;
use serde_json::{Map, Value, json};

use super::send::Place;
use super::text::Formatted;
use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;

const CAPTION_LIMIT: usize = 1024;
const PHOTO_LIMIT: usize = 10 * 1024 * 1024;

pub(super) fn send(state: &mut BotState, call: &Call) -> ApiResult {
    let place = Place::of(state, call)?;
    let kind = match call.spec.name {
        "sendPhoto" => "photo",
        "sendVoice" => "voice",
        _ => "document",
    };
    let caption = Formatted::of_call(call, "caption", "caption_entities")?;
    check_caption(&caption)?;
    let reference = call
        .text(kind)
        .ok_or_else(|| ApiError::bad_request(format!("there is no {kind} in the request")))?;
    let (file_id, content) = take_file(state, call, kind, reference)?;
    let source = caption.source.clone();
    Ok(place.store(state, call, &source, Some(file_id), |message| {
        message.insert(kind.to_owned(), content);
        if !caption.text.is_empty() {
            caption.put(message, true);
        }
    }))
}

pub(super) fn send_group(state: &mut BotState, call: &Call) -> ApiResult {
    let place = Place::of(state, call)?;
    let items = call.json("media").and_then(Value::as_array).cloned().unwrap_or_default();
    if !(2..=10).contains(&items.len()) {
        return Err(ApiError::bad_request("media group must include 2-10 items"));
    }
    let kinds: Vec<&str> = items.iter().filter_map(|item| item["type"].as_str()).collect();
    if kinds.len() != items.len() {
        return Err(ApiError::bad_request("can't parse InputMedia: Can't find field \"type\""));
    }
    for alone in ["document", "audio"] {
        if kinds.contains(&alone) && kinds.iter().any(|kind| *kind != alone) {
            return Err(ApiError::bad_request(format!(
                "{alone} can't be mixed with other media types"
            )));
        }
    }
    let mut prepared = Vec::new();
    for item in &items {
        let kind = item["type"].as_str().unwrap_or_default();
        let caption = Formatted::read(
            item["caption"].as_str().unwrap_or_default(),
            item["parse_mode"].as_str(),
            item.get("caption_entities"),
        )?;
        check_caption(&caption)?;
        let reference = item["media"].as_str().unwrap_or_default();
        let (file_id, content) = take_file(state, call, kind, reference)?;
        prepared.push((kind.to_owned(), caption, file_id, content));
    }
    let group = format!("{}", 13_000_000 + state.number());
    let mut sent = Vec::new();
    for (kind, caption, file_id, content) in prepared {
        let source = caption.source.clone();
        sent.push(place.store(state, call, &source, Some(file_id), |message: &mut Map<_, _>| {
            message.insert("media_group_id".to_owned(), Value::from(group.as_str()));
            message.insert(kind, content);
            if !caption.text.is_empty() {
                caption.put(message, true);
            }
        }));
    }
    Ok(Value::Array(sent))
}

fn check_caption(caption: &Formatted) -> Result<(), ApiError> {
    if caption.length() > CAPTION_LIMIT {
        return Err(ApiError::bad_request("message caption is too long"));
    }
    Ok(())
}

/// Stores the upload and gives its id and the object that describes it in a message.
fn take_file(
    state: &mut BotState,
    call: &Call,
    kind: &str,
    reference: &str,
) -> Result<(String, Value), ApiError> {
    let (name, bytes) = match call.upload(reference) {
        Some(upload) => (upload.name.clone(), upload.bytes.clone()),
        None if reference.starts_with("attach://") => {
            return Err(ApiError::bad_request("wrong file identifier/HTTP URL specified"));
        }
        None => match state.files.get(reference) {
            Some(file) => (file.name.clone(), file.bytes.clone()),
            None => {
                return Err(ApiError::bad_request("wrong file identifier/HTTP URL specified"));
            }
        },
    };
    if bytes.is_empty() {
        return Err(ApiError::bad_request("file must be non-empty"));
    }
    if kind == "photo" {
        if bytes.len() > PHOTO_LIMIT {
            return Err(ApiError::bad_request("file is too big"));
        }
        if !is_image(&bytes) {
            return Err(ApiError::bad_request("IMAGE_PROCESS_FAILED"));
        }
    }
    let size = bytes.len();
    let file_id = state.store_file(&format!("{kind}s"), &name, bytes);
    let content = if kind == "photo" {
        state.photo_sizes(&file_id)
    } else {
        let mut object = json!({
            "file_id": file_id, "file_unique_id": format!("u{file_id}"), "file_size": size,
        });
        if kind == "voice" || kind == "audio" || kind == "video" {
            object["duration"] = Value::from(1);
        }
        if kind == "video" {
            object["width"] = Value::from(320);
            object["height"] = Value::from(240);
        }
        if kind != "voice" {
            object["file_name"] = Value::from(name);
        }
        object
    };
    Ok((file_id, content))
}

fn is_image(bytes: &Bytes) -> bool {
    let starts: [&[u8]; 5] = [b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff", b"GIF8", b"BM", b"RIFF"];
    starts.iter().any(|start| bytes.starts_with(start))
}
