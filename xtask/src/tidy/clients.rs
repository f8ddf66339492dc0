//! Every URL that came from a message, page, tool, webhook or cron job is fetched by one guarded
//! client, `openclaw_media::fetch`. Other HTTP clients speak only to hosts of the configuration, and
//! stand only where that is so.

use anyhow::Result;

use super::sizes::sources;

/// What makes an HTTP client.
const MARKS: [&str; 6] =
    ["reqwest::", "use reqwest", "hyper_util::client", "hyper::client", "ureq::", "isahc::"];

/// Where clients may be made: by the beginning of the path, with whom they speak to.
const ALLOWED: [(&str, &str); 5] = [
    ("crates/openclaw-media/", "the guarded client itself"),
    ("crates/openclaw-agents/src/model/", "the configured model providers"),
    ("crates/openclaw-agents/src/mcp/", "the configured MCP servers"),
    ("crates/openclaw-agents/src/memory/", "the configured embedding provider"),
    ("crates/channels/", "the configured service of the channel"),
];

pub(super) fn check() -> Result<Vec<String>> {
    let mut findings = Vec::new();
    for (path, text) in sources()? {
        let is_product = path.starts_with("crates/")
            && path.contains("/src/")
            && !path.starts_with("crates/openclaw-testkit/");
        if !is_product || ALLOWED.iter().any(|(beginning, _)| path.starts_with(beginning)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if MARKS.iter().any(|mark| code.contains(mark)) {
                findings.push(format!(
                    "{path}:{}: makes an HTTP client; URLs from outside go through openclaw_media::fetch",
                    number + 1
                ));
            }
        }
    }
    Ok(findings)
}
