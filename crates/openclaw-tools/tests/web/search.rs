use openclaw_config::{SearchProvider, SearchSettings};
use openclaw_core::Secret;
use openclaw_testkit::search::{SearchHit, SearchServer};
use openclaw_tools::ToolRegistry;
use openclaw_tools::web::WebSearchTool;
use serde_json::json;

use crate::support::{Page, call, provide_tls};

const KEY: &str = "search-canary-key";

fn hits() -> Vec<SearchHit> {
    let hit = |number: u32| SearchHit {
        title: format!("Title <strong>{number}</strong>"),
        url: format!("https://example.com/{number}"),
        snippet: format!("Snippet &amp; more of {number}"),
    };
    (1..=8).map(hit).collect()
}

fn registry(provider: SearchProvider, base_url: String, key: Option<&str>) -> ToolRegistry {
    provide_tls();
    let settings =
        SearchSettings { provider, base_url, api_key: key.map(Secret::new), max_results: 3 };
    let tool = WebSearchTool::new(settings).expect("TLS is set up");
    ToolRegistry::builder().with(tool).build()
}

#[tokio::test]
async fn each_service_is_asked_as_it_wants_to_be() {
    for (provider, key) in [
        (SearchProvider::Brave, Some(KEY)),
        (SearchProvider::Tavily, Some(KEY)),
        (SearchProvider::Searxng, None),
    ] {
        let server = SearchServer::start(KEY, hits()).await;
        let registry = registry(provider, server.base_url(), key);
        let query = "what is \"rust\" & more?";
        let text = call(&registry, "web_search", json!({"query": query, "count": 2})).await;
        let text = text.unwrap_or_else(|error| panic!("{provider:?}: {error}"));
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[1..lines.len() - 1],
            [
                "1. Title 1",
                "https://example.com/1",
                "Snippet & more of 1",
                "",
                "2. Title 2",
                "https://example.com/2",
                "Snippet & more of 2"
            ],
            "{provider:?}"
        );
        assert_eq!(server.queries(), [query], "{provider:?}");
        assert!(server.violations().is_empty(), "{provider:?}: {:?}", server.violations());
        let text = call(&registry, "web_search", json!({"query": "again"})).await.expect("found");
        assert_eq!(text.lines().filter(|line| line.starts_with("https://")).count(), 3);
    }
}

#[tokio::test]
async fn what_goes_wrong_is_told_without_the_key() {
    let server = SearchServer::start("another key", hits()).await;
    for (provider, key) in [
        (SearchProvider::Brave, Some(KEY)),
        (SearchProvider::Tavily, Some(KEY)),
        (SearchProvider::Brave, None),
        (SearchProvider::Tavily, None),
    ] {
        let registry = registry(provider, server.base_url(), key);
        let error =
            call(&registry, "web_search", json!({"query": "x"})).await.expect_err("refused");
        assert!(!error.to_string().contains(KEY), "{error}");
    }
    let registry = registry(SearchProvider::Searxng, server.base_url(), None);
    for query in ["", "  ", &"x".repeat(401)] {
        assert!(call(&registry, "web_search", json!({"query": query})).await.is_err(), "{query}");
    }
}

#[tokio::test]
async fn s36_the_key_does_not_follow_a_redirect() {
    let elsewhere = Page::serve("application/json", "{}").await;
    let location = format!("http://{}/", elsewhere.address);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let address = listener.local_addr().expect("bound");
    let redirecting = async {
        use tokio::io::{AsyncReadExt, AsyncWriteExt};
        let (mut stream, _) = listener.accept().await.expect("asked");
        let mut some = [0; 4096];
        let read = stream.read(&mut some).await.expect("read");
        assert!(String::from_utf8_lossy(&some[..read]).contains(KEY));
        let answer =
            format!("HTTP/1.1 302 Found\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
        stream.write_all(answer.as_bytes()).await.expect("written");
    };
    let registry = registry(SearchProvider::Brave, format!("http://{address}"), Some(KEY));
    let (outcome, ()) =
        tokio::join!(call(&registry, "web_search", json!({"query": "x"})), redirecting);
    assert!(outcome.is_err(), "{outcome:?}");
    assert!(elsewhere.asked.lock().expect("free").is_empty());
}
