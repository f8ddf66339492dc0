use std::time::Duration;

use async_trait::async_trait;
use openclaw_config::SearchSettings;
use openclaw_media::{AddressRules, Fetcher, MediaError};
use schemars::JsonSchema;
use serde::Deserialize;

use super::readable::readable;
use super::services::{Found, read, request};
use crate::{Stop, Tool, ToolContext, ToolError, ToolOutput, quoted};

const TIME_LIMIT: Duration = Duration::from_secs(20);
const LONGEST_QUERY: usize = 400;
const MOST_RESULTS: u32 = 10;

/// What is looked at of a title or a snippet, in bytes.
const LONGEST_TEXT: usize = 4 * 1024;

/// `web_search`: asks the search service that is configured.
#[derive(Debug)]
pub struct WebSearchTool {
    settings: SearchSettings,
    fetcher: Fetcher,
}

/// Arguments of `web_search`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebSearchArgs {
    query: String,
    /// 1 to 10
    count: Option<u32>,
}

impl WebSearchTool {
    /// Asks this service, which may stand on this machine, and nobody else.
    ///
    /// # Errors
    /// When TLS cannot be set up.
    pub fn new(settings: SearchSettings) -> Result<Self, MediaError> {
        let fetcher = Fetcher::builder().rules(AddressRules::configured_host()).build()?;
        Ok(Self { settings, fetcher })
    }
}

#[async_trait]
impl Tool for WebSearchTool {
    type Args = WebSearchArgs;

    const NAME: &'static str = "web_search";
    const DESCRIPTION: &'static str = "Search the web; web_fetch reads what it finds.";
    const ALIASES: &'static [(&'static str, &'static str)] =
        &[("q", "query"), ("max_results", "count")];

    async fn call(
        &self,
        context: &ToolContext,
        args: WebSearchArgs,
    ) -> Result<ToolOutput, ToolError> {
        let respond = |text: String| Err(ToolError::RespondToModel(text));
        let query = args.query.trim();
        if query.is_empty() || query.chars().count() > LONGEST_QUERY {
            return respond(format!("the query must have 1 to {LONGEST_QUERY} characters"));
        }
        let count = args.count.unwrap_or(self.settings.max_results).clamp(1, MOST_RESULTS);
        let request = match request(&self.settings, query, count) {
            Ok(request) => request.time_limit(TIME_LIMIT).no_redirects(),
            Err(problem) => return respond(problem),
        };
        let fetched = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            fetched = self.fetcher.get(&request) => fetched,
        };
        let fetched = match fetched {
            Ok(fetched) => fetched,
            Err(error) => return respond(format!("the search failed: {error}")),
        };
        match read(self.settings.provider, &fetched.body, count) {
            Ok(found) if found.is_empty() => respond(format!("nothing was found for {query:?}")),
            Ok(found) => Ok(ToolOutput::text(quoted("the web", &list(&found)))),
            Err(error) => respond(format!("the search service's answer cannot be read: {error}")),
        }
    }
}

fn list(found: &[Found]) -> String {
    let entries = found.iter().enumerate().map(|(at, one)| {
        // Services mark the words found by tags.
        let plain = |text: &str, most: usize| -> String {
            let text = &text[..text.floor_char_boundary(LONGEST_TEXT.min(text.len()))];
            let base = url::Url::parse(&one.url).ok();
            let page = base.and_then(|base| readable(text, &base, &Stop::default()).ok());
            let text = page.map_or_else(|| text.to_owned(), |page| page.text);
            text.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(most).collect()
        };
        let url: String = one.url.chars().take(500).collect();
        format!("{}. {}\n{url}\n{}", at + 1, plain(&one.title, 200), plain(&one.snippet, 500))
    });
    entries.collect::<Vec<_>>().join("\n\n")
}
