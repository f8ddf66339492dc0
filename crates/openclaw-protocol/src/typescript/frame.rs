use std::borrow::Cow;

use openclaw_errors::ErrorKind;
use serde::de::Visitor;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use serde_json::value::RawValue;

use super::WireError;
use crate::ErrorObject;
use crate::envelope::{Params, is_too_deep};

/// The most bytes of an id: it is sent back with every answer.
const LONGEST_ID: usize = 256;

/// A `req` frame, borrowed from its text.
#[derive(Debug)]
pub struct Request<'a> {
    /// Names the request in its answers, of which there may be two.
    pub id: Cow<'a, str>,
    /// The method.
    pub method: Cow<'a, str>,
    params: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Raw<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    params: Option<&'a RawValue>,
}

/// Whether a text is an object with `"type":"req"`: then it is meant for this framing. What is no
/// JSON is not.
pub fn is_request(text: &str) -> bool {
    #[derive(Deserialize)]
    struct Kind<'a> {
        #[serde(borrow, rename = "type")]
        kind: Cow<'a, str>,
    }
    // Most frames of the other framing are told apart without being read twice.
    text.contains("\"type\"")
        && !is_too_deep(text)
        && text.trim_start().starts_with('{')
        && serde_json::from_str::<Kind<'_>>(text).is_ok_and(|frame| frame.kind == "req")
}

impl<'a> Request<'a> {
    /// Parses a text that [`is_request`].
    ///
    /// # Errors
    /// What is wrong with it, in words.
    pub fn parse(text: &'a str) -> Result<Self, String> {
        let raw: Raw<'a> = serde_json::from_str(text).map_err(|error| {
            let text = error.to_string();
            text.rfind(" at line ").map_or(text.clone(), |cut| text[..cut].to_owned())
        })?;
        if raw.id.is_empty() || raw.id.len() > LONGEST_ID {
            return Err(format!("id must have 1 to {LONGEST_ID} bytes"));
        }
        if raw.method.is_empty() {
            return Err("method must not be empty".to_owned());
        }
        Ok(Self { id: raw.id, method: raw.method, params: raw.params })
    }

    /// Reads the params as those of a method, for a client of a version. Version 3 is closed; later ones
    /// have fields that are not known here, which are passed over.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with the reason.
    pub fn params_of<P: serde::de::DeserializeOwned>(&self, version: u32) -> Result<P, WireError> {
        let first = self.params();
        let json = self.params.map(RawValue::get);
        let (Err(_), Some(json), true) = (&first, json, version >= LENIENT_VERSION) else {
            return first;
        };
        let Some(known) = fields_of::<P>() else { return first };
        let Ok(Value::Object(mut map)) = serde_json::from_str::<Value>(json) else { return first };
        map.retain(|name, _| known.contains(&name.as_str()));
        serde_json::from_value(Value::Object(map)).or(first)
    }

    /// Reads the params as those of a method.
    ///
    /// # Errors
    /// `INVALID_REQUEST` with the reason.
    pub fn params<P: serde::de::DeserializeOwned>(&self) -> Result<P, WireError> {
        let method = self.method.chars().take(80).collect::<String>();
        let read = match self.params.map(RawValue::get) {
            None => Params::Absent.read(),
            Some(json) => match json.as_bytes().first() {
                Some(b'{') => Params::Object(json).read(),
                Some(b'n') => Params::Absent.read(),
                _ => Err(ErrorObject::new(ErrorKind::InvalidParams, "must be an object")),
            },
        };
        read.map_err(|error| {
            WireError::invalid(format!("invalid {method} params: {}", error.message))
        })
    }
}

/// From this version on fields that are not known are passed over.
const LENIENT_VERSION: u32 = 4;

/// The fields that a type is read from; `None` where it is no struct.
fn fields_of<P: serde::de::DeserializeOwned>() -> Option<&'static [&'static str]> {
    let mut fields = None;
    match P::deserialize(FieldsOf(&mut fields)) {
        Ok(_) | Err(_) => fields,
    }
}

/// Tells what a type asks for, and gives nothing.
struct FieldsOf<'a>(&'a mut Option<&'static [&'static str]>);

impl<'de> serde::Deserializer<'de> for FieldsOf<'_> {
    type Error = serde::de::value::Error;

    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, Self::Error> {
        Err(serde::de::Error::custom("nothing is here"))
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Self::Error> {
        *self.0 = Some(fields);
        self.deserialize_any(visitor)
    }

    serde::forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map enum identifier ignored_any
    }
}

/// A `res` frame for a request that worked.
///
/// # Errors
/// When the payload does not serialise.
pub fn success<P: Serialize>(id: &str, payload: &P) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    struct Answer<'a, P> {
        r#type: &'static str,
        id: &'a str,
        ok: bool,
        payload: &'a P,
    }
    serde_json::to_string(&Answer { r#type: "res", id, ok: true, payload })
}

/// A `res` frame for a request that failed.
pub fn failure(id: &str, error: &WireError) -> String {
    #[derive(Serialize)]
    struct Answer<'a> {
        r#type: &'static str,
        id: &'a str,
        ok: bool,
        error: &'a WireError,
    }
    serde_json::to_string(&Answer { r#type: "res", id, ok: false, error })
        .expect("an error is texts and numbers")
}

/// An `event` frame.
///
/// # Errors
/// When the payload does not serialise.
pub fn event<P: Serialize>(
    event: &str,
    payload: &P,
    seq: Option<u64>,
    state_version: Option<super::connect::StateVersion>,
) -> Result<String, serde_json::Error> {
    #[derive(Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Event<'a, P> {
        r#type: &'static str,
        event: &'a str,
        payload: &'a P,
        #[serde(skip_serializing_if = "Option::is_none")]
        seq: Option<u64>,
        #[serde(skip_serializing_if = "Option::is_none")]
        state_version: Option<super::connect::StateVersion>,
    }
    serde_json::to_string(&Event { r#type: "event", event, payload, seq, state_version })
}

#[cfg(test)]
mod tests {
    use super::{Request, event, failure, is_request, success};
    use crate::typescript::WireError;
    use crate::typescript::params::AgentWaitParams;
    use proptest::prelude::*;
    use serde_json::json;

    #[test]
    fn framings_are_told_apart_by_the_type_of_the_object() {
        for (text, expected) in [
            (r#"{"type":"req","id":"1","method":"health"}"#, true),
            (r#" {"id":"1","params":{"type":"x"},"type":"req","method":"health"}"#, true),
            (r#"{"type":"req"}"#, true),
            (r#"{"type":"\u0072eq","id":"1"}"#, true),
            (r#"{"type":"res","id":"req"}"#, false),
            (r#"{"jsonrpc":"2.0","id":1,"method":"x","params":{"type":"req"}}"#, false),
            (r#"[{"type":"req","id":"1","method":"health"}]"#, false),
            (r#"{"type":"req","id":"#, false),
            ("", false),
            ("null", false),
        ] {
            assert_eq!(is_request(text), expected, "{text}");
        }
        let deep = format!(r#"{{"type":"req","params":{}{}}}"#, "[".repeat(200), "]".repeat(200));
        assert!(!is_request(&deep));
    }

    #[test]
    fn a_request_is_read_or_told_what_is_wrong() {
        let request = Request::parse(r#"{"type":"req","id":"a","method":"x","params":{"n":1}}"#)
            .expect("good");
        assert_eq!((&*request.id, &*request.method), ("a", "x"));
        let params: serde_json::Value = request.params().expect("an object");
        assert_eq!(params, json!({"n": 1}));
        for (text, expected) in [
            (r#"{"type":"req","method":"x"}"#, "missing field `id`"),
            (r#"{"type":"req","id":"","method":"x"}"#, "id must have 1 to 256 bytes"),
            (r#"{"type":"req","id":"1","method":""}"#, "method must not be empty"),
            (
                r#"{"type":"req","id":1,"method":"x"}"#,
                "invalid type: integer `1`, expected a string",
            ),
        ] {
            assert_eq!(Request::parse(text).err().as_deref(), Some(expected), "{text}");
        }
        let list = Request::parse(r#"{"type":"req","id":"a","method":"x","params":[1]}"#);
        let refused = list.expect("a frame").params::<serde_json::Value>().expect_err("a list");
        assert_eq!(refused.message, "invalid x params: must be an object");
    }

    #[test]
    fn any_number_of_unknown_fields_is_passed_over_from_version_4_on() {
        let mut params = json!({"runId": "r", "timeoutMs": 1});
        for number in 0..100 {
            params[format!("x{number}")] = json!({"deep": [number]});
        }
        let text = json!({"type": "req", "id": "a", "method": "agent.wait", "params": params});
        let text = text.to_string();
        let request = Request::parse(&text).expect("a frame");
        let read: AgentWaitParams = request.params_of(4).expect("passed over");
        assert_eq!((read.run_id.as_str(), read.timeout_ms), ("r", Some(1)));
        assert!(request.params_of::<AgentWaitParams>(3).is_err());
        let bad = r#"{"type":"req","id":"a","method":"agent.wait","params":{"runId":1,"x":2}}"#;
        let bad = Request::parse(bad).expect("a frame");
        assert!(bad.params_of::<AgentWaitParams>(4).is_err());
    }

    #[test]
    fn answers_and_events() {
        let answer = success("a", &json!({"status": "ok"})).expect("serialises");
        insta::assert_snapshot!(answer, @r#"{"type":"res","id":"a","ok":true,"payload":{"status":"ok"}}"#);
        let refused = failure("a", &WireError::invalid("no"));
        insta::assert_snapshot!(refused, @r#"{"type":"res","id":"a","ok":false,"error":{"code":"INVALID_REQUEST","message":"no"}}"#);
        let tick = event("tick", &json!({"ts": 1}), Some(7), None).expect("serialises");
        insta::assert_snapshot!(tick, @r#"{"type":"event","event":"tick","payload":{"ts":1},"seq":7}"#);
    }

    proptest! {
        #[test]
        fn no_text_is_too_much(text in "\\PC{0,200}") {
            if is_request(&text) {
                let read = Request::parse(&text);
                prop_assert!(read.is_ok() || read.is_err_and(|error| !error.is_empty()));
            }
        }

        #[test]
        fn ids_come_back_as_they_were(id in "\\PC{1,60}", method in "[a-z.]{1,20}") {
            let text = json!({"type": "req", "id": id, "method": method}).to_string();
            prop_assert!(is_request(&text));
            let request = Request::parse(&text).map_err(TestCaseError::fail)?;
            let answer = success(&request.id, &json!(1)).expect("serialises");
            let answer: serde_json::Value = serde_json::from_str(&answer).expect("parses");
            prop_assert_eq!(answer["id"].as_str(), Some(&*id));
        }
    }
}
