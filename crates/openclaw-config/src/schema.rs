use serde_json::{Map, Value};

use crate::channel_table::ChannelParser;
use crate::reader::describe;
use crate::sections::read_root;

/// The JSON Schema of the whole file, draft 2020-12, with descriptions and defaults.
pub fn schema(channels: &dyn ChannelParser) -> Value {
    let mut schema = Map::new();
    let dialect = "https://json-schema.org/draft/2020-12/schema";
    schema.insert("$schema".to_owned(), Value::from(dialect));
    schema.insert("title".to_owned(), Value::from("openclaw.toml"));
    if let Value::Object(root) = describe(|reader| read_root(reader, channels)) {
        schema.extend(root);
    }
    Value::Object(schema)
}
