use std::time::Duration;

use async_trait::async_trait;
use openclaw_media::{FetchRequest, Fetched, Fetcher, MediaError, sniff};
use schemars::JsonSchema;
use serde::Deserialize;
use url::Url;

use super::readable::readable;
use crate::{Stop, Tool, ToolContext, ToolError, ToolOutput, quoted, run_blocking};

/// The largest page.
const MOST_BYTES: u64 = 4 * 1024 * 1024;
const TIME_LIMIT: Duration = Duration::from_secs(30);

/// How long turning a page into text may take.
const READ_LIMIT: Duration = Duration::from_secs(10);

const USUAL_CHARS: usize = 20_000;
const MOST_CHARS: usize = 60_000;

/// `web_fetch`: reads a page.
#[derive(Debug)]
pub struct WebFetchTool {
    fetcher: Fetcher,
}

/// Arguments of `web_fetch`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WebFetchArgs {
    url: String,
    /// Default 20000
    max_chars: Option<usize>,
    /// Start at this character
    offset: Option<usize>,
}

impl WebFetchTool {
    /// `fetcher` decides which addresses may be reached.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }
}

#[async_trait]
impl Tool for WebFetchTool {
    type Args = WebFetchArgs;

    const NAME: &'static str = "web_fetch";
    const DESCRIPTION: &'static str = "Read a public web page or text file as Markdown.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("maxChars", "max_chars")];

    async fn call(
        &self,
        context: &ToolContext,
        args: WebFetchArgs,
    ) -> Result<ToolOutput, ToolError> {
        let request = FetchRequest::new(args.url, MOST_BYTES).time_limit(TIME_LIMIT).accept(
            "text/html,application/xhtml+xml,text/*;q=0.9,application/json;q=0.9,*/*;q=0.1",
        );
        let fetched = tokio::select! {
            biased;
            () = context.cancel.cancelled() => return Err(ToolError::Cancelled),
            fetched = self.fetcher.get(&request) => fetched.map_err(told)?,
        };
        let most = args.max_chars.unwrap_or(USUAL_CHARS).clamp(1, MOST_CHARS);
        let offset = args.offset.unwrap_or_default();
        run_blocking(context, READ_LIMIT, move |stop| {
            Ok(ToolOutput::text(page(&fetched, offset, most, stop)?))
        })
        .await
    }
}

/// The address in an error may be one that a stranger redirected to; only its host is in it.
fn told(error: MediaError) -> ToolError {
    let source = std::error::Error::source(&error).map(|source| format!(": {source}"));
    ToolError::RespondToModel(format!("{error}{}", source.unwrap_or_default()))
}

fn host_of(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

fn page(fetched: &Fetched, offset: usize, most: usize, stop: &Stop) -> Result<String, ToolError> {
    let declared = fetched.declared_type.as_deref().unwrap_or_default();
    let kind = declared.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let is_textual = kind.is_empty()
        || kind.starts_with("text/")
        || kind.ends_with("json")
        || kind.ends_with("xml")
        || kind == "application/javascript";
    let sniffed = sniff(&fetched.body);
    if !is_textual || fetched.body.iter().take(4096).any(|byte| *byte == 0) {
        let size = fetched.body.len();
        return Err(ToolError::RespondToModel(format!(
            "what {} gave is no text: {sniffed}, {size} bytes",
            host_of(&fetched.url)
        )));
    }
    let body = decode(&fetched.body, declared);
    let looks_like_html =
        body.trim_start().get(..200).unwrap_or(&body).to_ascii_lowercase().contains("<html");
    let (title, text) = if kind.contains("html") || (kind.is_empty() && looks_like_html) {
        let page = readable(&body, &fetched.url, stop)?;
        (page.title, page.text)
    } else {
        (String::new(), body)
    };
    let total = text.chars().count();
    let part: String = text.chars().skip(offset).take(most).collect();
    let shown = part.chars().count();
    let mut note = format!("{total} characters");
    if shown < total {
        let end = offset.saturating_add(shown);
        note = format!("{note}, here {offset} to {end}");
    }
    let title: String = title.chars().take(200).collect();
    // Where redirects ended is the stranger's choice, so it stands among the stranger's words.
    let url: String = fetched.url.as_str().chars().take(300).collect();
    let head = if title.is_empty() { url } else { format!("{url}\n{title}") };
    let whole = format!("{head}\n\n{part}");
    Ok(format!("{note}\n{}", quoted("the web", &whole)))
}

/// UTF-8, unless the page says that it has one byte for each character.
fn decode(body: &[u8], declared: &str) -> String {
    let declared = declared.to_ascii_lowercase();
    let is_latin = ["iso-8859-1", "latin1", "windows-1252", "us-ascii"]
        .iter()
        .any(|name| declared.contains(name));
    match std::str::from_utf8(body) {
        Ok(text) => text.to_owned(),
        Err(_) if is_latin => body.iter().map(|byte| char::from(*byte)).collect(),
        Err(_) => String::from_utf8_lossy(body).into_owned(),
    }
}
