use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;

use super::Id;
use crate::{ErrorObject, EventParams};

#[derive(Serialize)]
struct Outgoing<'a, P> {
    jsonrpc: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
    method: &'a str,
    params: &'a P,
}

/// A request as JSON.
///
/// # Errors
/// When the params do not serialise.
pub fn request<P: Serialize>(
    id: u64,
    method: &str,
    params: &P,
) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Outgoing { jsonrpc: "2.0", id: Some(id), method, params })
}

/// A notification as JSON: a call without an answer.
///
/// # Errors
/// When the params do not serialise.
pub fn notification<P: Serialize>(method: &str, params: &P) -> Result<String, serde_json::Error> {
    serde_json::to_string(&Outgoing { jsonrpc: "2.0", id: None, method, params })
}

/// What a server sends.
#[derive(Debug)]
pub enum ServerFrame {
    /// The answer to one call.
    Response {
        /// The call's id; null where the server could not tell it.
        id: Id,
        /// What came out: the result as raw JSON.
        outcome: Result<Box<RawValue>, ErrorObject>,
    },
    /// An event.
    Event(EventParams),
}

#[derive(Deserialize)]
struct RawFrame<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(default)]
    method: Option<String>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
    #[serde(default, deserialize_with = "present_owned")]
    result: Option<Box<RawValue>>,
    #[serde(default)]
    error: Option<ErrorObject>,
}

fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

/// Keeps a null result apart from none.
fn present_owned<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(deserializer).map(Some)
}

impl ServerFrame {
    /// Parses one frame. `Ok(None)` is a notification that this version does not know.
    ///
    /// # Errors
    /// When the text is no JSON-RPC answer or notification.
    pub fn parse(text: &str) -> Result<Option<Self>, serde_json::Error> {
        use serde::de::Error;
        let frame: RawFrame<'_> = serde_json::from_str(text)?;
        if let Some(method) = frame.method {
            return match frame.params {
                Some(params) if method == crate::event::METHOD => {
                    serde_json::from_str(params.get()).map(|event| Some(Self::Event(event)))
                }
                _ => Ok(None),
            };
        }
        let id = frame
            .id
            .and_then(Id::from_raw)
            .ok_or_else(|| serde_json::Error::custom("an answer without an id"))?;
        let outcome = match (frame.result, frame.error) {
            (Some(result), None) => Ok(result),
            (None, Some(error)) => Err(error),
            _ => {
                return Err(serde_json::Error::custom(
                    "an answer holds either a result or an error",
                ));
            }
        };
        Ok(Some(Self::Response { id, outcome }))
    }
}
