use serde_json::json;

use crate::telegram::answer::{ApiError, ApiResult};
use crate::telegram::bot::BotState;
use crate::telegram::call::Call;

/// The service hands out files up to 20 MB.
const DOWNLOAD_LIMIT: u64 = 20 * 1024 * 1024;

pub(super) fn get(state: &BotState, call: &Call) -> ApiResult {
    let id = call.text("file_id").unwrap_or_default();
    let file = state.files.get(id).ok_or_else(|| {
        ApiError::bad_request("wrong file_id or the file is temporarily unavailable")
    })?;
    if file.size > DOWNLOAD_LIMIT {
        return Err(ApiError::bad_request("file is too big"));
    }
    Ok(json!({
        "file_id": id,
        "file_unique_id": format!("u{id}"),
        "file_size": file.size,
        "file_path": file.path,
    }))
}
