use serde::de::DeserializeOwned;
use serde_json::{Map, Number, Value};

/// Reads a model's arguments: other names of arguments are understood, and what models get slightly
/// wrong is put right where there is only one meaning (the object as a string, a number or truth
/// value as a string, `null` for an optional argument).
///
/// The error names the argument and says what is taken.
pub(super) fn parse<T: DeserializeOwned>(
    arguments: Value,
    aliases: &[(&str, &str)],
    schema: &Value,
) -> Result<T, String> {
    let mut map = object(arguments).ok_or_else(|| expected(schema, "an object is needed"))?;
    for (alias, name) in aliases {
        rename(&mut map, alias, name)?;
    }
    map.retain(|name, value| !value.is_null() || is_required(schema, name));
    for (name, value) in &mut map {
        coerce(value, &schema["properties"][name.as_str()]["type"]);
    }
    serde_path_to_error::deserialize(Value::Object(map)).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner().to_string();
        let message = if path == "." { inner } else { format!("{path}: {inner}") };
        expected(schema, &message)
    })
}

fn object(arguments: Value) -> Option<Map<String, Value>> {
    match arguments {
        Value::Object(map) => Some(map),
        Value::Null => Some(Map::new()),
        Value::String(text) if text.trim().is_empty() => Some(Map::new()),
        Value::String(text) => match serde_json::from_str(&text) {
            Ok(Value::Object(map)) => Some(map),
            _ => None,
        },
        Value::Bool(_) | Value::Number(_) | Value::Array(_) => None,
    }
}

fn rename(map: &mut Map<String, Value>, alias: &str, name: &str) -> Result<(), String> {
    let Some(value) = map.shift_remove(alias) else { return Ok(()) };
    match map.get(name) {
        None | Some(Value::Null) => {
            map.insert(name.to_owned(), value);
            Ok(())
        }
        Some(same) if *same == value => Ok(()),
        Some(_) => Err(format!("{name} and {alias} mean the same and differ; give only {name}")),
    }
}

fn is_required(schema: &Value, name: &str) -> bool {
    schema["required"].as_array().is_some_and(|names| names.iter().any(|other| other == name))
}

fn coerce(value: &mut Value, wanted: &Value) {
    let put_right = match (wanted.as_str(), &*value) {
        (Some("integer"), Value::String(text)) => {
            text.trim().parse::<i64>().ok().map(|number| Value::Number(number.into()))
        }
        (Some("integer"), Value::Number(number)) => whole(number),
        (Some("number"), Value::String(text)) => {
            text.trim().parse::<f64>().ok().and_then(Number::from_f64).map(Value::Number)
        }
        (Some("boolean"), Value::String(text)) => match text.trim() {
            "true" => Some(Value::Bool(true)),
            "false" => Some(Value::Bool(false)),
            _ => None,
        },
        _ => None,
    };
    if let Some(put_right) = put_right {
        *value = put_right;
    }
}

/// `10.0` as `10`.
fn whole(number: &Number) -> Option<Value> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let float = number.as_f64().filter(|_| number.is_f64())?;
    #[expect(clippy::cast_possible_truncation, reason = "whole and in the exact range")]
    (float.fract() == 0.0 && float.abs() < EXACT).then(|| Value::Number((float as i64).into()))
}

/// Adds which arguments there are.
fn expected(schema: &Value, message: &str) -> String {
    let names: Vec<String> = schema["properties"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, _)| if is_required(schema, name) { name.clone() } else { format!("{name}?") })
        .collect();
    format!("{message}; it takes {{{}}}", names.join(", "))
}

#[cfg(test)]
mod tests {
    use super::parse;
    use serde::Deserialize;
    use serde_json::{Value, json};

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Args {
        path: String,
        limit: Option<u32>,
        all: Option<bool>,
    }

    fn parsed(arguments: Value) -> Result<Args, String> {
        let schema = json!({"required": ["path"], "properties": {
            "path": {"type": "string"}, "limit": {"type": "integer"}, "all": {"type": "boolean"}}});
        parse(arguments, &[("file_path", "path")], &schema)
    }

    #[test]
    fn slips_with_one_meaning_are_put_right() {
        let expected = Args { path: "a".to_owned(), limit: Some(3), all: Some(true) };
        for arguments in [
            json!({"path": "a", "limit": 3, "all": true}),
            json!({"file_path": "a", "limit": "3", "all": "true"}),
            json!({"file_path": "a", "path": "a", "limit": 3.0, "all": true}),
            json!("{\"path\":\"a\",\"limit\":3,\"all\":true}"),
        ] {
            assert_eq!(parsed(arguments.clone()).as_ref(), Ok(&expected), "{arguments}");
        }
        let bare = Args { path: "12".to_owned(), limit: None, all: None };
        assert_eq!(parsed(json!({"path": "12", "limit": null})), Ok(bare));
    }

    #[test]
    fn what_is_wrong_names_the_argument_and_what_is_taken() {
        let takes = "; it takes {path, limit?, all?}";
        for (arguments, expected) in [
            (json!({}), format!("missing field `path`{takes}")),
            (json!({"path": null}), format!("path: invalid type: null, expected a string{takes}")),
            (
                json!({"path": "a", "limit": -1}),
                format!("limit: invalid value: integer `-1`, expected u32{takes}"),
            ),
            (
                json!({"path": "a", "limit": "many"}),
                format!("limit: invalid type: string \"many\", expected u32{takes}"),
            ),
            (
                json!({"path": "a", "deep": 1}),
                format!(
                    "deep: unknown field `deep`, expected one of `path`, `limit`, `all`{takes}"
                ),
            ),
            (json!([1]), format!("an object is needed{takes}")),
            (
                json!({"path": "a", "file_path": "b"}),
                "path and file_path mean the same and differ; give only path".to_owned(),
            ),
        ] {
            assert_eq!(parsed(arguments.clone()), Err(expected), "{arguments}");
        }
    }
}
