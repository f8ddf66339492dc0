use std::collections::BTreeMap;

use bytes::Bytes;
use serde_json::{Map, Value};

use super::answer::ApiError;
use super::catalog::{MethodSpec, ParamKind};

/// A file that came with a call.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) name: String,
    pub(crate) bytes: Bytes,
}

/// The parameters of a call as they came over the wire.
#[derive(Debug, Default)]
pub(crate) struct RawCall {
    params: Map<String, Value>,
    uploads: BTreeMap<String, Upload>,
}

impl RawCall {
    /// Reads query and body, which may be JSON, a form, or multipart.
    pub(crate) async fn read(
        query: Option<&str>,
        content_type: &str,
        body: Bytes,
    ) -> Result<Self, ApiError> {
        let mut call = Self::default();
        call.add_form(query.unwrap_or_default().as_bytes());
        if body.is_empty() {
            return Ok(call);
        }
        if let Ok(boundary) = multer::parse_boundary(content_type) {
            call.add_multipart(body, boundary).await?;
        } else if content_type.starts_with("application/json") {
            match serde_json::from_slice(&body) {
                Ok(Value::Object(params)) => call.params.extend(params),
                _ => return Err(ApiError::bad_request("can't parse JSON object")),
            }
        } else if content_type.starts_with("application/x-www-form-urlencoded") {
            call.add_form(&body);
        } else {
            return Err(ApiError::bad_request("unsupported content type"));
        }
        Ok(call)
    }

    fn add_form(&mut self, form: &[u8]) {
        for (key, value) in url::form_urlencoded::parse(form) {
            self.params.insert(key.into_owned(), Value::from(value.into_owned()));
        }
    }

    async fn add_multipart(&mut self, body: Bytes, boundary: String) -> Result<(), ApiError> {
        let broken = |_| ApiError::bad_request("can't parse multipart form");
        let stream = futures_util::stream::once(async move { Ok::<_, std::io::Error>(body) });
        let mut form = multer::Multipart::new(stream, boundary);
        while let Some(field) = form.next_field().await.map_err(broken)? {
            let name = field.name().unwrap_or_default().to_owned();
            match field.file_name().map(str::to_owned) {
                Some(file_name) => {
                    let bytes = field.bytes().await.map_err(broken)?;
                    self.uploads.insert(name, Upload { name: file_name, bytes });
                }
                None => {
                    let text = field.text().await.map_err(broken)?;
                    self.params.insert(name, Value::from(text));
                }
            }
        }
        Ok(())
    }

    /// The parameters in their proper types, with what is wrong about them.
    pub(crate) fn check(self, spec: &'static MethodSpec) -> (Call, Vec<String>) {
        let mut wrong = Vec::new();
        let mut params = Map::new();
        for (name, value) in self.params {
            let Some(kind) = spec.kind_of(&name) else {
                wrong.push(format!("{}: unknown parameter {name}", spec.name));
                continue;
            };
            if value.is_null() {
                continue;
            }
            match normalize(kind, value) {
                Some(value) => {
                    params.insert(name, value);
                }
                None => wrong.push(format!("{}: {name} is not {kind:?}", spec.name)),
            }
        }
        for name in self.uploads.keys() {
            if spec.kind_of(name) == Some(ParamKind::File) {
                params.entry(name.clone()).or_insert_with(|| format!("attach://{name}").into());
            }
        }
        let text = Value::Object(params.clone()).to_string();
        for name in self.uploads.keys() {
            if !text.contains(&format!("attach://{name}")) {
                wrong.push(format!("{}: nothing refers to the upload {name}", spec.name));
            }
        }
        (Call { spec, params, uploads: self.uploads }, wrong)
    }
}

fn normalize(kind: ParamKind, value: Value) -> Option<Value> {
    match (kind, value) {
        (ParamKind::Integer, Value::String(text)) => text.parse::<i64>().ok().map(Value::from),
        (ParamKind::Integer, value) => value.as_i64().map(Value::from),
        (ParamKind::Float, Value::String(text)) => text.parse::<f64>().ok().map(Value::from),
        (ParamKind::Float, value) => value.as_f64().map(Value::from),
        (ParamKind::Boolean, Value::Bool(flag)) => Some(Value::from(flag)),
        (ParamKind::Boolean, Value::String(text)) => match text.as_str() {
            "true" => Some(Value::from(true)),
            "false" => Some(Value::from(false)),
            _ => None,
        },
        (ParamKind::Boolean, _) => None,
        (ParamKind::Text | ParamKind::File, value @ Value::String(_)) => Some(value),
        (ParamKind::Text | ParamKind::File, _) => None,
        (ParamKind::ChatId, Value::String(text)) => match text.parse::<i64>() {
            Ok(number) => Some(Value::from(number)),
            Err(_) => text.starts_with('@').then(|| Value::from(text)),
        },
        (ParamKind::ChatId, value) => value.as_i64().map(Value::from),
        (ParamKind::Json, Value::String(text)) => serde_json::from_str(&text)
            .ok()
            .filter(|value: &Value| value.is_object() || value.is_array()),
        (ParamKind::Json, value) => (value.is_object() || value.is_array()).then_some(value),
    }
}

/// A call with parameters of the right types.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) spec: &'static MethodSpec,
    pub(crate) params: Map<String, Value>,
    pub(crate) uploads: BTreeMap<String, Upload>,
}

impl Call {
    pub(crate) fn integer(&self, name: &str) -> Option<i64> {
        self.params.get(name).and_then(Value::as_i64)
    }

    pub(crate) fn float(&self, name: &str) -> Option<f64> {
        self.params.get(name).and_then(Value::as_f64)
    }

    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.params.get(name).and_then(Value::as_str)
    }

    pub(crate) fn flag(&self, name: &str) -> bool {
        self.params.get(name).and_then(Value::as_bool).unwrap_or(false)
    }

    pub(crate) fn json(&self, name: &str) -> Option<&Value> {
        self.params.get(name)
    }

    /// The upload a file parameter refers to.
    pub(crate) fn upload(&self, reference: &str) -> Option<&Upload> {
        self.uploads.get(reference.strip_prefix("attach://")?)
    }
}
