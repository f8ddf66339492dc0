use std::borrow::Cow;

use openclaw_errors::ErrorKind;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::{Id, is_too_deep};
use crate::ErrorObject;

/// The most calls in one batch: each costs an answer, however short it is itself.
pub const MAX_BATCH: usize = 1_000;

/// What a client sent, borrowed from its text.
#[derive(Debug)]
pub enum Incoming<'a> {
    /// One call.
    Single(Result<Call<'a>, Rejected>),
    /// A batch of at least one.
    Batch(Vec<Result<Call<'a>, Rejected>>),
}

/// One well-formed call.
#[derive(Debug)]
pub struct Call<'a> {
    /// `None` for a notification, which is never answered. A null id is an id.
    pub id: Option<Id>,
    /// The method as the client wrote it.
    pub method: Cow<'a, str>,
    /// The params, an object; `None` when they are left out.
    pub params: Params<'a>,
}

/// The params of a call, unread.
#[derive(Debug, Clone, Copy)]
pub enum Params<'a> {
    /// Left out, or null.
    Absent,
    /// An object, as JSON.
    Object(&'a str),
    /// An array: by position, which no method takes.
    Array,
}

impl Params<'_> {
    /// Reads them as the params of a method.
    ///
    /// # Errors
    /// -32602 with the reason and, where it can be told, the field.
    pub fn read<P: serde::de::DeserializeOwned>(self) -> Result<P, ErrorObject> {
        let json = match self {
            Self::Absent => "{}",
            Self::Object(json) => json,
            Self::Array => {
                let message = "params must be an object, not an array";
                return Err(ErrorObject::new(ErrorKind::InvalidParams, message));
            }
        };
        // Reading with the path costs more, so that is done only to say what is wrong.
        serde_json::from_str(json).map_err(|error| {
            let traced: Result<P, _> =
                serde_path_to_error::deserialize(&mut serde_json::Deserializer::from_str(json));
            match traced {
                Ok(_) => invalid_params("", &error),
                Err(traced) => invalid_params(&traced.path().to_string(), &error),
            }
        })
    }
}

/// A call that is none, and the answer it gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejected {
    /// The call's id where it could be told, else null.
    pub id: Id,
    /// Why.
    pub error: ErrorObject,
}

impl Rejected {
    fn new(id: Id, kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { id, error: ErrorObject::new(kind, message) }
    }
}

impl<'a> Incoming<'a> {
    /// Parses a text.
    ///
    /// # Errors
    /// -32700 for what is not JSON or nested too deep, -32600 for an empty batch, -32009 for one of
    /// more than [`MAX_BATCH`] calls.
    pub fn parse(text: &'a str) -> Result<Self, Rejected> {
        if is_too_deep(text) {
            let message = format!("the JSON is nested deeper than {}", super::MAX_DEPTH);
            return Err(Rejected::new(Id::null(), ErrorKind::Parse, message));
        }
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('[') {
            return match Call::parse(text) {
                Err(rejected) if rejected.error.kind() == ErrorKind::Parse => Err(rejected),
                call => Ok(Self::Single(call)),
            };
        }
        let items: Vec<&RawValue> = serde_json::from_str(text).map_err(|error| {
            Rejected::new(Id::null(), ErrorKind::Parse, format!("not JSON: {error}"))
        })?;
        if items.is_empty() {
            return Err(Rejected::new(Id::null(), ErrorKind::InvalidRequest, "the batch is empty"));
        }
        if items.len() > MAX_BATCH {
            let message = format!("a batch holds at most {MAX_BATCH} calls, not {}", items.len());
            return Err(Rejected::new(Id::null(), ErrorKind::PayloadTooLarge, message));
        }
        Ok(Self::Batch(items.into_iter().map(|item| Call::parse(item.get())).collect()))
    }
}

#[derive(Deserialize)]
struct RawCall<'a> {
    #[serde(borrow, default, deserialize_with = "present")]
    jsonrpc: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    id: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    method: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    params: Option<&'a RawValue>,
}

/// Keeps a null apart from a field that is left out.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(deserializer).map(Some)
}

impl<'a> Call<'a> {
    fn parse(text: &'a str) -> Result<Self, Rejected> {
        let null = Id::null;
        if !text.trim_start_matches([' ', '\t', '\r', '\n']).starts_with('{') {
            return Err(match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => Rejected::new(null(), ErrorKind::InvalidRequest, "a call is an object"),
                Err(error) => not_json(&error),
            });
        }
        let raw: RawCall<'a> = serde_json::from_str(text).map_err(|error| {
            // A repeated name is found before the rest is read, which may be no JSON at all.
            match serde_json::from_str::<&RawValue>(text) {
                Ok(_) => Rejected::new(null(), ErrorKind::InvalidRequest, without_position(&error)),
                Err(error) => not_json(&error),
            }
        })?;
        let id = match raw.id.map(Id::from_raw) {
            None => None,
            Some(Some(id)) => Some(id),
            Some(None) => {
                let message = "id must be a string, a number or null";
                return Err(Rejected::new(null(), ErrorKind::InvalidRequest, message));
            }
        };
        let reject = |message: &str| {
            let id = id.clone().unwrap_or_else(Id::null);
            Err(Rejected::new(id, ErrorKind::InvalidRequest, message))
        };
        if raw.jsonrpc.and_then(text_of).as_deref() != Some("2.0") {
            return reject("jsonrpc must be \"2.0\"");
        }
        let Some(method) = raw.method.and_then(text_of) else {
            return reject("method must be a string");
        };
        let params = match raw.params {
            None => Params::Absent,
            Some(params) => match params.get().as_bytes().first() {
                Some(b'{') => Params::Object(params.get()),
                Some(b'[') => Params::Array,
                Some(b'n') => Params::Absent,
                _ => return reject("params must be an object"),
            },
        };
        Ok(Self { id, method, params })
    }
}

fn text_of(raw: &RawValue) -> Option<Cow<'_, str>> {
    let json = raw.get();
    let inner = json.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(json).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

fn not_json(error: &serde_json::Error) -> Rejected {
    Rejected::new(Id::null(), ErrorKind::Parse, format!("not JSON: {error}"))
}

/// The reason without `at line 1 column 7`, which counts from within the params.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(cut) => text[..cut].to_owned(),
        None => text,
    }
}

/// The error for params that do not fit, with the field at fault: the place where reading ended, and
/// the name that serde's message gives within it.
fn invalid_params(path: &str, error: &serde_json::Error) -> ErrorObject {
    let message = without_position(error);
    let path = if matches!(path, "." | "?") { "" } else { path };
    let field = match field_named_in(&message) {
        Some(name) if path.is_empty() => Some(name.to_owned()),
        Some(name) if !path.ends_with(name) => Some(format!("{path}.{name}")),
        _ => Some(path.to_owned()).filter(|path| !path.is_empty()),
    };
    let shown = match &field {
        Some(field) if !message.contains(&format!("`{field}`")) => format!("{field}: {message}"),
        _ => message,
    };
    let mut object = ErrorObject::new(ErrorKind::InvalidParams, shown);
    if let Some(data) = &mut object.data {
        data.field = field;
    }
    object
}

/// The field in serde's "missing field `x`", "unknown field `x`, …", "duplicate field `x`".
fn field_named_in(message: &str) -> Option<&str> {
    let (_, rest) = message.split_once(" field `")?;
    let (field, _) = rest.split_once('`')?;
    Some(field)
}
