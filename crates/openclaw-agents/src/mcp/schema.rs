use jsonschema::{PatternOptions, Validator};
use serde_json::{Map, Value};

/// The largest schema of one tool, in bytes.
const LARGEST: usize = 64 * 1024;

/// The most values that a schema may hold once its references are written out.
const MOST_VALUES: usize = 4_000;

/// How deep a schema may nest once its references are written out.
const DEEPEST: usize = 24;

/// Keywords that name schemas or say what reads them; a model needs none of them.
const UNSAID: [&str; 7] =
    ["$schema", "$id", "$anchor", "$comment", "$defs", "definitions", "$vocabulary"];

/// Whether a schema of a server can be used.
pub(super) fn check(schema: &Map<String, Value>) -> Result<(), String> {
    let size = serde_json::to_string(schema).map_or(usize::MAX, |text| text.len());
    if size > LARGEST {
        return Err(format!("its schema has {size} bytes, at most {LARGEST} are taken"));
    }
    if schema.get("type").is_some_and(|kind| kind != "object") {
        return Err("its arguments are no object".to_owned());
    }
    validator(schema).map(drop)
}

/// What checks arguments. References lead nowhere but into the schema itself, and patterns cannot
/// run away.
pub(super) fn validator(schema: &Map<String, Value>) -> Result<Validator, String> {
    jsonschema::options()
        .with_pattern_options(PatternOptions::regex())
        .build(&Value::Object(schema.clone()))
        .map_err(|error| {
            let text: String = error.to_string().chars().take(200).collect();
            format!("its schema cannot be read: {text}")
        })
}

/// What is wrong with arguments, for the model.
pub(super) fn problems(schema: &Map<String, Value>, arguments: &Value) -> Result<(), String> {
    const MOST: usize = 5;
    let validator = validator(schema)?;
    let problems: Vec<String> = validator
        .iter_errors(arguments)
        .take(MOST)
        .map(|error| {
            let place = error.instance_path().to_string();
            let text: String = error.to_string().chars().take(300).collect();
            if place.is_empty() { text } else { format!("{place}: {text}") }
        })
        .collect();
    if problems.is_empty() { Ok(()) } else { Err(problems.join("; ")) }
}

/// The schema as models take it: an object with `properties`, references written out, and nothing
/// that is only for programs. What would never end is left open.
pub(super) fn for_models(schema: &Map<String, Value>) -> Map<String, Value> {
    let root = Value::Object(schema.clone());
    let mut left = MOST_VALUES;
    let written = write_out(&root, &root, DEEPEST, &mut left);
    let mut object = match written {
        Value::Object(object) => object,
        _ => Map::new(),
    };
    object.insert("type".to_owned(), Value::from("object"));
    object.entry("properties").or_insert_with(|| Value::Object(Map::new()));
    object
}

fn write_out(value: &Value, root: &Value, depth: usize, left: &mut usize) -> Value {
    if depth == 0 || *left == 0 {
        return Value::Object(Map::new());
    }
    *left -= 1;
    match value {
        Value::Object(object) => {
            if let Some(Value::String(reference)) = object.get("$ref") {
                let target = reference.strip_prefix('#').and_then(|path| root.pointer(path));
                return match target {
                    Some(target) => write_out(target, root, depth - 1, left),
                    None => Value::Object(Map::new()),
                };
            }
            let kept = object.iter().filter(|(key, _)| !UNSAID.contains(&key.as_str()));
            kept.map(|(key, inner)| {
                // Below `properties` a key is the name of an argument, whatever it is.
                let inner = match (key.as_str(), inner) {
                    ("properties", Value::Object(properties)) => Value::Object(
                        properties
                            .iter()
                            .map(|(name, schema)| {
                                (name.clone(), write_out(schema, root, depth - 1, left))
                            })
                            .collect(),
                    ),
                    (_, inner) => write_out(inner, root, depth - 1, left),
                };
                (key.clone(), inner)
            })
            .collect()
        }
        Value::Array(items) => {
            items.iter().map(|item| write_out(item, root, depth - 1, left)).collect()
        }
        plain => plain.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::{check, for_models, problems};
    use serde_json::{Map, Value, json};

    fn object(value: Value) -> Map<String, Value> {
        value.as_object().cloned().unwrap_or_default()
    }

    #[test]
    fn references_are_written_out() {
        let schema = object(json!({
            "$schema": "https://json-schema.org/draft/2020-12/schema",
            "$defs": {"place": {"type": "object", "properties": {"$id": {"type": "string"}}}},
            "properties": {"from": {"$ref": "#/$defs/place"}, "to": {"$ref": "https://evil"}}
        }));
        let expected = json!({
            "properties": {
                "from": {"type": "object", "properties": {"$id": {"type": "string"}}}, "to": {}
            },
            "type": "object"
        });
        assert_eq!(Value::Object(for_models(&schema)), expected);
    }

    #[test]
    fn a_schema_that_holds_itself_ends() {
        let schema = object(json!({
            "$defs": {"node": {"type": "object", "properties": {
                "left": {"$ref": "#/$defs/node"}, "right": {"$ref": "#/$defs/node"}}}},
            "properties": {"tree": {"$ref": "#/$defs/node"}}
        }));
        let text = Value::Object(for_models(&schema)).to_string();
        assert!(text.len() < 200_000, "{}", text.len());
        assert!(!text.contains("$ref"));
    }

    #[test]
    fn what_cannot_be_checked_is_not_taken() {
        let huge = json!({"description": "x".repeat(70_000)});
        let remote = json!({"properties": {"a": {"$ref": "https://example.org/schema"}}});
        let runaway = json!({"properties": {"a": {"pattern": "(?=a)b\\1"}}});
        for (schema, says) in [
            (huge, "at most 65536 are taken"),
            (remote, "its schema cannot be read"),
            (runaway, "its schema cannot be read"),
            (json!({"type": "array"}), "its arguments are no object"),
        ] {
            let problem = check(&object(schema)).expect_err(says);
            assert!(problem.contains(says), "{problem}");
        }
    }

    #[test]
    fn arguments_are_checked() {
        let schema = object(json!({
            "type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}
        }));
        assert_eq!(problems(&schema, &json!({"n": 1})), Ok(()));
        let wrong = problems(&schema, &json!({"n": "x"})).expect_err("no integer");
        assert!(wrong.contains("/n: "), "{wrong}");
        let missing = problems(&schema, &json!({})).expect_err("missing");
        assert!(missing.contains("\"n\" is a required property"), "{missing}");
    }
}
