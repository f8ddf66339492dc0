use crate::dotted_key::join;
use crate::{Environment, Issue, Place, SpannedTable, SpannedValue};

/// Expands `${VAR}`, `${VAR:-default}` and `$${` in every string of a table.
pub(crate) fn expand_table(
    table: &mut SpannedTable,
    environment: &Environment,
    issues: &mut Vec<Issue>,
) {
    let path = table.path.clone();
    for (name, entry) in &mut table.entries {
        let place = entry.value.place.clone();
        expand_value(&mut entry.value.value, &join(&path, name), place, environment, issues);
    }
}

fn expand_value(
    value: &mut SpannedValue,
    path: &str,
    place: Option<Place>,
    environment: &Environment,
    issues: &mut Vec<Issue>,
) {
    match value {
        SpannedValue::String(text) if text.contains('$') => match expand(text, environment) {
            Ok(expanded) => *text = expanded,
            Err(fault) => {
                let (message, hint) = fault.describe();
                let issue = Issue::new(place, path, message);
                issues.push(match hint {
                    Some(hint) => issue.with_hint(hint),
                    None => issue,
                });
            }
        },
        SpannedValue::Array(items) => {
            for (index, item) in items.iter_mut().enumerate() {
                let place = item.place.clone();
                let path = format!("{path}[{index}]");
                expand_value(&mut item.value, &path, place, environment, issues);
            }
        }
        SpannedValue::Table(table) => expand_table(table, environment, issues),
        SpannedValue::String(_)
        | SpannedValue::Integer(_)
        | SpannedValue::Float(_)
        | SpannedValue::Boolean(_) => {}
    }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum ExpandFault {
    NotSet(String),
    NotClosed,
    InvalidName,
}

impl ExpandFault {
    pub(super) fn describe(&self) -> (String, Option<String>) {
        match self {
            Self::NotSet(name) => (
                format!("environment variable {name} is not set or empty"),
                Some(format!("set it, or give a default: ${{{name}:-default}}")),
            ),
            Self::NotClosed => {
                ("\"${\" without \"}\"".to_owned(), Some("write $${ for a plain ${".to_owned()))
            }
            Self::InvalidName => (
                "after \"${\" comes a variable's name, then \"}\" or \":-default}\"".to_owned(),
                Some("write $${ for a plain ${".to_owned()),
            ),
        }
    }
}

/// Expands one string. A default reaches to the next `}`.
pub(super) fn expand(text: &str, environment: &Environment) -> Result<String, ExpandFault> {
    let mut expanded = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        if rest[..at].ends_with('$') {
            expanded.push_str(&rest[..at - 1]);
            expanded.push_str("${");
            rest = &rest[at + 2..];
            continue;
        }
        expanded.push_str(&rest[..at]);
        let (inner, after) = rest[at + 2..].split_once('}').ok_or(ExpandFault::NotClosed)?;
        let (name, default) = match inner.split_once(":-") {
            Some((name, default)) => (name, Some(default)),
            None => (inner, None),
        };
        let is_name = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if !is_name {
            return Err(ExpandFault::InvalidName);
        }
        match environment.var(name).or(default) {
            Some(value) => expanded.push_str(value),
            None => return Err(ExpandFault::NotSet(name.to_owned())),
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    use super::{ExpandFault, expand};
    use crate::Environment;
    use proptest::prelude::*;

    fn environment() -> Environment {
        let variables = [("A", "one"), ("EMPTY", ""), ("TRICKY", "${A}")];
        Environment::new(variables.map(|(k, v)| (k.to_owned(), v.to_owned())), "/home/u", "/")
    }

    #[test]
    fn variables_defaults_and_escapes() {
        let expand = |text| expand(text, &environment());
        assert_eq!(expand("x ${A}/${A} y"), Ok("x one/one y".to_owned()));
        assert_eq!(expand("${NONE:-two}${EMPTY:-}"), Ok("two".to_owned()));
        assert_eq!(expand("$${A} $A $ {A}"), Ok("${A} $A $ {A}".to_owned()));
        assert_eq!(expand("${TRICKY}"), Ok("${A}".to_owned()));
        assert_eq!(expand("${NONE}"), Err(ExpandFault::NotSet("NONE".to_owned())));
        assert_eq!(expand("${EMPTY}"), Err(ExpandFault::NotSet("EMPTY".to_owned())));
        assert_eq!(expand("${A"), Err(ExpandFault::NotClosed));
        assert_eq!(expand("${}"), Err(ExpandFault::InvalidName));
        assert_eq!(expand("${1A}"), Err(ExpandFault::InvalidName));
    }

    proptest! {
        #[test]
        fn escaping_every_opening_gives_the_text_back(text in "[a${}:-]{0,30}") {
            prop_assume!(!text.contains("$${"));
            let escaped = text.replace("${", "$${");
            prop_assert_eq!(expand(&escaped, &environment()), Ok(text));
        }
    }
}
