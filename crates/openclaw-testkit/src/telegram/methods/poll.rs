use serde_json::{Value, json};

use super::send::Place;
use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;
use crate::telegram::entities::utf16_len;

pub(super) fn send(state: &mut BotState, call: &Call) -> ApiResult {
    let place = Place::of(state, call)?;
    let question = call.text("question").unwrap_or_default().to_owned();
    match utf16_len(&question) {
        0 => return Err(ApiError::bad_request("poll question must be non-empty")),
        1..=300 => {}
        _ => return Err(ApiError::bad_request("poll question length must not exceed 300")),
    }
    let options = call.json("options").and_then(Value::as_array).cloned().unwrap_or_default();
    if options.len() < 2 {
        return Err(ApiError::bad_request("poll must have at least 2 option"));
    }
    if options.len() > 12 {
        return Err(ApiError::bad_request("poll can't have more than 12 options"));
    }
    let mut shown = Vec::new();
    for option in &options {
        let Some(text) = option["text"].as_str() else {
            return Err(ApiError::bad_request("can't parse poll options"));
        };
        match utf16_len(text) {
            0 => return Err(ApiError::bad_request("poll options must be non-empty")),
            1..=100 => {}
            _ => return Err(ApiError::bad_request("poll options length must not exceed 100")),
        }
        shown.push(json!({ "text": text, "voter_count": 0 }));
    }
    let anonymous = call.json("is_anonymous").and_then(Value::as_bool).unwrap_or(true);
    let poll = json!({
        "id": format!("{}", 5_000_000 + state.number()),
        "question": question,
        "options": shown,
        "total_voter_count": 0,
        "is_closed": false,
        "is_anonymous": anonymous,
        "type": call.text("type").unwrap_or("regular"),
        "allows_multiple_answers": call.flag("allows_multiple_answers"),
    });
    Ok(place.store(state, call, &question, None, |message| {
        message.insert("poll".to_owned(), poll);
    }))
}
