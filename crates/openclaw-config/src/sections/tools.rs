use std::collections::BTreeMap;

use openclaw_core::Secret;

use super::level::Level;
use super::models::read_base_url;
use crate::{ExecAsk, SearchProvider, SpannedValue, TableReader, ToolRules};

pub(super) const EXEC_ASK: [(&str, ExecAsk); 3] =
    [("off", ExecAsk::Off), ("on_miss", ExecAsk::OnMiss), ("always", ExecAsk::Always)];

/// `[tools]`, of the gateway or of one agent; `None` is not set.
pub(crate) struct ToolFields {
    pub(crate) allow: Option<Vec<String>>,
    pub(crate) deny: Option<Vec<String>>,
    pub(crate) exec_ask: Option<ExecAsk>,
    pub(crate) by_channel: BTreeMap<String, ToolRules>,
    pub(crate) by_sender: BTreeMap<String, ToolRules>,
    pub(crate) search: Option<SearchFields>,
}

/// `[tools.web.search]`.
pub(crate) struct SearchFields {
    pub(crate) provider: Option<SearchProvider>,
    pub(crate) base_url: Option<String>,
    pub(crate) api_key: Option<Secret>,
    pub(crate) max_results: u32,
}

const SEARCH_PROVIDERS: [(&str, SearchProvider); 3] = [
    ("brave", SearchProvider::Brave),
    ("tavily", SearchProvider::Tavily),
    ("searxng", SearchProvider::Searxng),
];

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
            .choice("ask", "When a command asks for approval. off: what policy and sandbox allow runs unasked; on_miss: leaving the sandbox, or network or paths granted to it, asks; always: every command asks.", &EXEC_ASK);
        level.of(ask, "on_miss")
    });
    let by_channel = reader.map(
        "by_channel",
        "What may be called in sessions of a kind of channel; it can only take away.",
        |_, reader| read_rules(reader),
    );
    let by_sender = reader.map(
        "by_sender",
        "What may be called for a person, as <channel>:<user id>; \"*\" is everyone who is not named. It can only take away.",
        |_, reader| read_rules(reader),
    );
    let search = match level {
        Level::Entry => None,
        Level::Defaults => Some(reader.table("web", "The web.", |reader| {
            reader.table(
                "search",
                "Searching the web. Without a provider there is no web_search.",
                read_search,
            )
        })),
    };
    ToolFields {
        allow,
        deny,
        exec_ask,
        by_channel: by_channel.into_iter().collect(),
        by_sender: by_sender.into_iter().collect(),
        search,
    }
}

fn read_rules(reader: &mut TableReader<'_>) -> ToolRules {
    let allow = reader.strings_of("allow", "Tools that may be called.", read_pattern);
    let allow = allow.default(["*"]);
    let deny = reader.strings_of("deny", "Tools that may not be called.", read_pattern);
    ToolRules { allow, deny: deny.default(SpannedValue::Array(Vec::new())) }
}

fn read_search(reader: &mut TableReader<'_>) -> SearchFields {
    let provider = reader.choice("provider", "The service.", &SEARCH_PROVIDERS).optional();
    let base_url = reader
        .string("base_url", "The root of its API; known for brave and tavily.")
        .parse(|text| read_base_url(text).map(|(url, _)| url))
        .optional();
    let api_key = reader.secret("api_key", "The key.");
    let max_results = reader.integer("max_results", "Results of one search.", 1..=10).default(5);
    SearchFields { provider, base_url, api_key, max_results }
}

pub(super) fn read_pattern(text: String) -> Result<String, String> {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.:*?[]!{},".contains(&byte);
    if text.bytes().all(allowed) {
        Ok(text)
    } else {
        Err("must be a tool's name, a glob such as \"memory_*\", or \"group:<name>\"".to_owned())
    }
}
