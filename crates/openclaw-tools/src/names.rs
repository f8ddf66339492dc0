use std::borrow::Cow;

/// Other names of tools that models and older configurations use.
const OTHER_NAMES: [(&str, &str); 1] = [("exec", "bash")];

/// The name a tool is registered under: lower-case, and for a name of old the present one. Calls
/// and policies both go through it, so that a tool cannot be reached under a name that is not
/// looked at.
pub fn canonical_tool_name(name: &str) -> Cow<'_, str> {
    let lowered: Cow<'_, str> = if name.bytes().any(|byte| byte.is_ascii_uppercase()) {
        name.to_ascii_lowercase().into()
    } else {
        name.into()
    };
    match OTHER_NAMES.iter().find(|(other, _)| *other == lowered) {
        Some((_, canonical)) => (*canonical).into(),
        None => lowered,
    }
}

/// The other names of the tool with this canonical name.
pub(crate) fn other_names(canonical: &str) -> impl Iterator<Item = &'static str> {
    OTHER_NAMES.iter().filter(move |(_, name)| *name == canonical).map(|(other, _)| *other)
}
