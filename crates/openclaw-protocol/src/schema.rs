use std::collections::BTreeSet;

use schemars::generate::SchemaSettings;
use serde_json::{Map, Value};

use crate::event::{EventParams, TOPICS, TopicInfo};
use crate::registry::METHODS;
use crate::{ErrorObject, MethodInfo};

const PREFIX: &str = "#/components/schemas/";

/// The schemas of every method and topic, with the definitions they refer to.
///
/// Params follow the deserialize contract (what may be left out), results and events the serialize
/// contract (what is always there). A type that differs between both is named `<Name>Output` where
/// it is written.
pub(crate) struct Schemas {
    /// Per method: params and result.
    pub(crate) methods: Vec<(&'static MethodInfo, Value, Value)>,
    /// Per topic: data.
    pub(crate) topics: Vec<(&'static TopicInfo, Value)>,
    /// What `$ref`s point at.
    pub(crate) definitions: Map<String, Value>,
}

impl Schemas {
    pub(crate) fn generate() -> Self {
        let settings = SchemaSettings::draft2020_12().with(|settings| {
            settings.definitions_path = "/components/schemas".into();
            settings.meta_schema = None;
        });
        let mut reading = settings.clone().for_deserialize().into_generator();
        let mut writing = settings.for_serialize().into_generator();

        let mut methods: Vec<(&'static MethodInfo, Value, Value)> = METHODS
            .iter()
            .map(|method| {
                let params = (method.params)(&mut reading).to_value();
                (method, params, (method.result)(&mut writing).to_value())
            })
            .collect();
        let mut topics: Vec<(&'static TopicInfo, Value)> =
            TOPICS.iter().map(|topic| (topic, (topic.data)(&mut writing).to_value())).collect();
        writing.subschema_for::<EventParams>();
        writing.subschema_for::<ErrorObject>();

        let mut definitions = reading.take_definitions(true);
        let mut written = writing.take_definitions(true);
        let renamed = differing(&definitions, &written);
        for (_, _, result) in &mut methods {
            rename(result, &renamed);
        }
        for (_, data) in &mut topics {
            rename(data, &renamed);
        }
        for schema in written.values_mut() {
            rename(schema, &renamed);
        }
        for (name, schema) in written {
            let name = if renamed.contains(&name) { format!("{name}Output") } else { name };
            definitions.insert(name, schema);
        }
        definitions.sort_keys();
        Self { methods, topics, definitions }
    }
}

/// The names in both that differ themselves or refer to one that does.
fn differing(read: &Map<String, Value>, written: &Map<String, Value>) -> BTreeSet<String> {
    let mut names: BTreeSet<String> = written
        .iter()
        .filter(|(name, schema)| read.get(*name).is_some_and(|other| other != *schema))
        .map(|(name, _)| name.clone())
        .collect();
    loop {
        let more: Vec<String> = written
            .iter()
            .filter(|(name, _)| read.contains_key(*name) && !names.contains(*name))
            .filter(|(_, schema)| refers_to(schema, &names))
            .map(|(name, _)| name.clone())
            .collect();
        if more.is_empty() {
            return names;
        }
        names.extend(more);
    }
}

fn refers_to(schema: &Value, names: &BTreeSet<String>) -> bool {
    match schema {
        Value::String(text) => text.strip_prefix(PREFIX).is_some_and(|name| names.contains(name)),
        Value::Array(items) => items.iter().any(|item| refers_to(item, names)),
        Value::Object(fields) => fields.values().any(|value| refers_to(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => false,
    }
}

fn rename(schema: &mut Value, names: &BTreeSet<String>) {
    match schema {
        Value::String(text) => {
            if text.strip_prefix(PREFIX).is_some_and(|name| names.contains(name)) {
                text.push_str("Output");
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| rename(item, names)),
        Value::Object(fields) => fields.values_mut().for_each(|value| rename(value, names)),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}
