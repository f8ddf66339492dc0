use serde::Serialize;

use super::Id;
use crate::{ErrorObject, EventParams};

/// The answer to a call that worked, as JSON.
///
/// # Errors
/// When the result does not serialise: a map with keys that are no text, or a failing type.
pub fn success<R: Serialize>(id: &Id, result: &R) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(result)?;
    let id = id.as_json();
    Ok(format!(r#"{{"jsonrpc":"2.0","id":{id},"result":{json}}}"#))
}

/// The answer to a call that failed, as JSON.
pub fn failure(id: &Id, error: &ErrorObject) -> String {
    let json = serde_json::to_string(error).expect("an error object is texts and numbers");
    let id = id.as_json();
    format!(r#"{{"jsonrpc":"2.0","id":{id},"error":{json}}}"#)
}

/// An event as a notification, as JSON.
///
/// # Errors
/// When the data does not serialise.
pub fn event<D: Serialize>(params: &EventParams<D>) -> Result<String, serde_json::Error> {
    let json = serde_json::to_string(params)?;
    let method = crate::event::METHOD;
    Ok(format!(r#"{{"jsonrpc":"2.0","method":"{method}","params":{json}}}"#))
}
