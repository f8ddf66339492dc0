use saphyr_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// How deeply values may nest.
const DEEPEST: usize = 12;

/// Splits a file into its YAML front matter and the text after it.
pub(super) fn split(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n"))?;
    let mut at = 0;
    for line in rest.split_inclusive('\n') {
        if line.trim_end() == "---" {
            return Some((&rest[..at], &rest[at + line.len()..]));
        }
        at += line.len();
    }
    None
}

/// Front matter as JSON. Aliases are refused, so that a short text stays a small value.
pub(super) fn parse(yaml: &str) -> Result<Map<String, Value>, String> {
    let mut events = Parser::new_from_str(yaml);
    loop {
        match next(&mut events)? {
            Event::StreamStart | Event::DocumentStart(_) | Event::Nothing => {}
            Event::MappingStart(..) => return mapping(&mut events, DEEPEST),
            Event::StreamEnd | Event::DocumentEnd => return Ok(Map::new()),
            _ => return Err("the front matter is no mapping".to_owned()),
        }
    }
}

type Events<'t> = Parser<'t, saphyr_parser::StrInput<'t>>;

fn next<'t>(events: &mut Events<'t>) -> Result<Event<'t>, String> {
    match events.next() {
        Some(Ok((event, _))) => Ok(event),
        Some(Err(error)) => Err(error.to_string()),
        None => Err("the front matter ends too soon".to_owned()),
    }
}

fn mapping(events: &mut Events<'_>, depth: usize) -> Result<Map<String, Value>, String> {
    let mut map = Map::new();
    loop {
        let key = match next(events)? {
            Event::MappingEnd => return Ok(map),
            Event::Scalar(text, ..) => text.into_owned(),
            _ => return Err("a key of the front matter is no text".to_owned()),
        };
        let event = next(events)?;
        map.insert(key, value(event, events, depth)?);
    }
}

fn value(event: Event<'_>, events: &mut Events<'_>, depth: usize) -> Result<Value, String> {
    if depth == 0 {
        return Err("the front matter nests too deeply".to_owned());
    }
    match event {
        Event::Scalar(text, style, ..) => Ok(scalar(&text, style)),
        Event::MappingStart(..) => mapping(events, depth - 1).map(Value::Object),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(events)? {
                    Event::SequenceEnd => return Ok(Value::Array(items)),
                    event => items.push(value(event, events, depth - 1)?),
                }
            }
        }
        Event::Alias(_) => Err("aliases are not taken".to_owned()),
        _ => Err("the front matter is not understood".to_owned()),
    }
}

fn scalar(text: &str, style: ScalarStyle) -> Value {
    if style != ScalarStyle::Plain {
        return Value::from(text);
    }
    match text {
        "true" | "True" | "yes" => Value::Bool(true),
        "false" | "False" | "no" => Value::Bool(false),
        "" | "null" | "~" => Value::Null,
        other => Value::from(other),
    }
}

#[cfg(test)]
mod tests {
    use super::{parse, split};
    use proptest::prelude::*;
    use serde_json::{Value, json};

    #[test]
    fn the_usual_forms_are_read() {
        let text = "---\nname: weather\ndescription: >\n  Says what the weather\n  will be.\nmetadata: {\"openclaw\":{\"os\":[\"linux\"],\"requires\":{\"bins\":[\"curl\"]}}}\nuser-invocable: false\n---\n# Weather\n";
        let (yaml, body) = split(text).expect("front matter");
        assert_eq!(body, "# Weather\n");
        let expected = json!({
            "name": "weather",
            "description": "Says what the weather will be.\n",
            "metadata": {"openclaw": {"os": ["linux"], "requires": {"bins": ["curl"]}}},
            "user-invocable": false,
        });
        assert_eq!(parse(yaml).map(Value::Object), Ok(expected));
        assert_eq!(split("# no front matter\n"), None);
        assert!(parse("a: &x [1]\nb: *x\n").is_err(), "aliases");
        assert!(parse("a: [").is_err());
        assert!(parse(&format!("a: {}", "[".repeat(100))).is_err());
    }

    proptest! {
        #[test]
        fn nothing_breaks_it(text in "\\PC{0,200}|[a-z:\\[\\]{}&*\n -]{0,200}") {
            let read = parse(&text).is_ok();
            prop_assert!(split(&text).is_none_or(|(yaml, _)| yaml.len() < text.len()), "{}", read);
        }
    }
}
