use super::level::Level;
use crate::{ExecAsk, SpannedValue, TableReader};

const EXEC_ASK: [(&str, ExecAsk); 3] =
    [("off", ExecAsk::Off), ("on_miss", ExecAsk::OnMiss), ("always", ExecAsk::Always)];

/// `[tools]`, of the gateway or of one agent; `None` is not set.
pub(crate) struct ToolFields {
    pub(crate) allow: Option<Vec<String>>,
    pub(crate) deny: Option<Vec<String>>,
    pub(crate) exec_ask: Option<ExecAsk>,
}

pub(super) fn read_tools(reader: &mut TableReader<'_>, level: Level) -> ToolFields {
    let allow = reader.strings_of(
        "allow",
        "Tools that may be called: names, globs, group:<name>.",
        read_pattern,
    );
    let allow = level.of(allow, ["*"]);
    let deny = reader.strings_of(
        "deny",
        "Tools that may not be called: names, globs, group:<name>. It wins over allow.",
        read_pattern,
    );
    let deny = level.of(deny, SpannedValue::Array(Vec::new()));
    let exec_ask = reader.table("exec", "Commands.", |reader| {
        let ask = reader
            .choice("ask", "When a command asks for approval. off: what policy and sandbox allow runs unasked; on_miss: leaving the sandbox, or network or paths granted to it, asks; always: every command asks.", &EXEC_ASK)
            .inert();
        level.of(ask, "on_miss")
    });
    ToolFields { allow, deny, exec_ask }
}

fn read_pattern(text: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:*?[]!{},".contains(&byte);
    if text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err("must be a tool's name, a glob such as \"memory_*\", or \"group:<name>\"".to_owned())
    }
}
