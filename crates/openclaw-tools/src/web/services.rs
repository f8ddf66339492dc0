//! What each search service is asked, and how its answers are read.

use http::HeaderName;
use openclaw_config::{SearchProvider, SearchSettings};
use openclaw_core::Secret;
use openclaw_media::{Credential, FetchRequest};
use serde::Deserialize;
use serde_json::json;
use url::Url;

/// One result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) title: String,
    pub(super) url: String,
    pub(super) snippet: String,
}

/// The largest answer.
const MOST_BYTES: u64 = 2 * 1024 * 1024;

pub(super) fn request(
    settings: &SearchSettings,
    query: &str,
    count: u32,
) -> Result<FetchRequest, String> {
    let path = match settings.provider {
        SearchProvider::Brave => "/res/v1/web/search",
        SearchProvider::Tavily | SearchProvider::Searxng => "/search",
    };
    let mut url = Url::parse(&format!("{}{path}", settings.base_url.trim_end_matches('/')))
        .map_err(|error| format!("tools.web.search.base_url: {error}"))?;
    let host = url.host_str().unwrap_or_default().to_owned();
    let key = settings.api_key.as_ref();
    let missing = || "tools.web.search.api_key is not set".to_owned();
    let request = match settings.provider {
        SearchProvider::Brave => {
            let key = key.ok_or_else(missing)?;
            url.query_pairs_mut().append_pair("q", query).append_pair("count", &count.to_string());
            let header = HeaderName::from_static("x-subscription-token");
            let credential = Credential::header(host, header, Secret::new(key.expose()));
            FetchRequest::new(url, MOST_BYTES).credential(credential)
        }
        SearchProvider::Tavily => {
            let key = key.ok_or_else(missing)?;
            let body = json!({"query": query, "max_results": count, "search_depth": "basic"});
            FetchRequest::new(url, MOST_BYTES)
                .post_json(&body)
                .credential(Credential::bearer(host, key))
        }
        SearchProvider::Searxng => {
            url.query_pairs_mut().append_pair("q", query).append_pair("format", "json");
            let request = FetchRequest::new(url, MOST_BYTES);
            match key {
                Some(key) => request.credential(Credential::bearer(host, key)),
                None => request,
            }
        }
    };
    Ok(request.accept("application/json"))
}

pub(super) fn read(
    provider: SearchProvider,
    body: &[u8],
    count: u32,
) -> Result<Vec<Found>, serde_json::Error> {
    let results = match provider {
        SearchProvider::Brave => serde_json::from_slice::<BraveAnswer>(body)?
            .web
            .map(|web| web.results)
            .unwrap_or_default(),
        SearchProvider::Tavily | SearchProvider::Searxng => {
            serde_json::from_slice::<ListAnswer>(body)?.results
        }
    };
    let found = results.into_iter().take(count as usize).map(|one| Found {
        title: one.title.unwrap_or_default(),
        url: one.url,
        snippet: one.snippet.unwrap_or_default(),
    });
    Ok(found.collect())
}

#[derive(Debug, Deserialize)]
struct BraveAnswer {
    web: Option<ListAnswer>,
}

#[derive(Debug, Deserialize)]
struct ListAnswer {
    #[serde(default)]
    results: Vec<OneResult>,
}

#[derive(Debug, Deserialize)]
struct OneResult {
    title: Option<String>,
    url: String,
    #[serde(alias = "description", alias = "content")]
    snippet: Option<String>,
}
