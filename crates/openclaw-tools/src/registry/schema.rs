use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use schemars::transform::{Transform, transform_subschemas};
use serde_json::Value;

/// The JSON Schema (draft 7, nothing referenced) of a tool's arguments, without what tells a model
/// nothing: an optional argument is one that is not in `required`.
pub(super) fn parameters<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft07().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>();
    Lean.transform(&mut schema);
    schema.remove("title");
    schema.remove("description");
    schema.ensure_object().entry("properties").or_insert_with(|| Value::Object(Default::default()));
    schema.to_value()
}

struct Lean;

impl Transform for Lean {
    fn transform(&mut self, schema: &mut schemars::Schema) {
        for noise in ["format", "title", "default"] {
            // An argument may have such a name: only keywords are dropped, and those hold no object.
            if schema.get(noise).is_some_and(|value| !value.is_object()) {
                schema.remove(noise);
            }
        }
        drop_null(schema);
        transform_subschemas(self, schema);
    }
}

fn drop_null(schema: &mut schemars::Schema) {
    if let Some(Value::Array(types)) = schema.get_mut("type") {
        types.retain(|name| name != "null");
        if let [only] = types.as_slice() {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(Value::Array(values)) = schema.get_mut("enum") {
        values.retain(|value| !value.is_null());
    }
    if let Some(Value::Array(choices)) = schema.get_mut("anyOf") {
        choices.retain(|choice| choice.get("type").is_none_or(|name| name != "null"));
        if let [Value::Object(only)] = choices.as_slice() {
            let only = only.clone();
            schema.remove("anyOf");
            for (key, value) in only {
                schema.ensure_object().entry(key).or_insert(value);
            }
        }
    }
}
