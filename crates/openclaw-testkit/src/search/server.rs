use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Json;
use axum::Router;
use axum::extract::{Query, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// One thing that searches find.
#[derive(Debug, Clone)]
pub struct SearchHit {
    /// The title.
    pub title: String,
    /// The address.
    pub url: String,
    /// A piece of the page.
    pub snippet: String,
}

/// The running fake; dropping it ends it.
#[derive(Debug)]
pub struct SearchServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    cancel: CancellationToken,
    _tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    key: String,
    hits: Vec<SearchHit>,
    queries: Mutex<Vec<String>>,
    violations: Mutex<Vec<String>>,
}

type Answer = (StatusCode, Json<Value>);

impl SearchServer {
    /// Starts one that takes this key and finds these things.
    pub async fn start(key: &str, hits: Vec<SearchHit>) -> Self {
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            hits,
            queries: Mutex::default(),
            violations: Mutex::default(),
        });
        let router = Router::new()
            .route("/res/v1/web/search", get(brave))
            .route("/search", get(searxng))
            .route("/search", post(tavily))
            .with_state(shared.clone());
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        let stop = cancel.clone().cancelled_owned();
        tasks.spawn(async move {
            axum::serve(listener, router).with_graceful_shutdown(stop).await.expect("it serves");
        });
        Self { address, shared, cancel, _tasks: tasks }
    }

    /// What `base_url` is set to, for each of the services.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What was searched for.
    pub fn queries(&self) -> Vec<String> {
        lock(&self.shared.queries).clone()
    }

    /// What was wrong with requests.
    pub fn violations(&self) -> Vec<String> {
        lock(&self.shared.violations).clone()
    }
}

impl Drop for SearchServer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    fn refuse(&self, status: StatusCode, what: impl Into<String>) -> Answer {
        let what = what.into();
        lock(&self.violations).push(what.clone());
        (status, Json(json!({"error": what})))
    }

    fn find(&self, query: &str, count: usize) -> Vec<&SearchHit> {
        lock(&self.queries).push(query.to_owned());
        self.hits.iter().take(count).collect()
    }
}

fn header<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// <https://api-dashboard.search.brave.com/app/documentation/web-search/get-started>
async fn brave(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Answer {
    if header(&headers, "x-subscription-token") != Some(&shared.key) {
        return shared
            .refuse(StatusCode::UNPROCESSABLE_ENTITY, "brave: the subscription token is wrong");
    }
    if header(&headers, "authorization").is_some() {
        return shared.refuse(StatusCode::BAD_REQUEST, "brave: it takes no Authorization");
    }
    if let Some(unknown) = query.keys().find(|key| {
        !["q", "count", "offset", "country", "search_lang", "freshness"].contains(&key.as_str())
    }) {
        return shared.refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            format!("brave: unknown parameter {unknown}"),
        );
    }
    let text = query.get("q").map(String::as_str).unwrap_or_default();
    if text.is_empty() || text.chars().count() > 400 {
        return shared
            .refuse(StatusCode::UNPROCESSABLE_ENTITY, "brave: q must have 1 to 400 characters");
    }
    let count = query.get("count").map_or(Some(20), |count| count.parse().ok());
    let Some(count) = count.filter(|count| (1..=20).contains(count)) else {
        return shared
            .refuse(StatusCode::UNPROCESSABLE_ENTITY, "brave: count must be from 1 to 20");
    };
    let results: Vec<Value> = shared
        .find(text, count)
        .into_iter()
        .map(|hit| json!({"title": hit.title, "url": hit.url, "description": hit.snippet, "type": "search_result"}))
        .collect();
    let answer = json!({"type": "search", "query": {"original": text}, "web": {"type": "search", "results": results}});
    (StatusCode::OK, Json(answer))
}

/// <https://docs.tavily.com/documentation/api-reference/endpoint/search>
async fn tavily(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let expected = format!("Bearer {}", shared.key);
    if header(&headers, "authorization") != Some(&expected) {
        return shared.refuse(StatusCode::UNAUTHORIZED, "tavily: the key is wrong");
    }
    let Some(fields) = body.as_object() else {
        return shared.refuse(StatusCode::BAD_REQUEST, "tavily: the body must be an object");
    };
    let known = ["query", "max_results", "search_depth", "topic", "time_range", "include_answer"];
    if let Some(unknown) = fields.keys().find(|key| !known.contains(&key.as_str())) {
        return shared.refuse(StatusCode::BAD_REQUEST, format!("tavily: unknown field {unknown}"));
    }
    let count = fields.get("max_results").map_or(Some(5), Value::as_u64);
    let (Some(query), Some(count @ 0..=20)) = (fields.get("query").and_then(Value::as_str), count)
    else {
        return shared.refuse(StatusCode::BAD_REQUEST, "tavily: query or max_results is wrong");
    };
    let results: Vec<Value> = shared
        .find(query, count as usize)
        .into_iter()
        .map(|hit| json!({"title": hit.title, "url": hit.url, "content": hit.snippet, "score": 0.9, "raw_content": null}))
        .collect();
    let answer = json!({"query": query, "answer": null, "images": [], "results": results, "response_time": 0.1});
    (StatusCode::OK, Json(answer))
}

/// <https://docs.searxng.org/dev/search_api.html>
async fn searxng(
    State(shared): State<Arc<Shared>>,
    Query(query): Query<HashMap<String, String>>,
) -> Answer {
    if query.get("format").map(String::as_str) != Some("json") {
        return shared.refuse(StatusCode::FORBIDDEN, "searxng: only the format json is served");
    }
    let Some(text) = query.get("q").filter(|text| !text.is_empty()) else {
        return shared.refuse(StatusCode::BAD_REQUEST, "searxng: q is missing");
    };
    let results: Vec<Value> = shared
        .find(text, usize::MAX)
        .into_iter()
        .map(|hit| json!({"title": hit.title, "url": hit.url, "content": hit.snippet, "engine": "fake", "score": 1.0}))
        .collect();
    let answer = json!({"query": text, "number_of_results": results.len(), "results": results, "answers": []});
    (StatusCode::OK, Json(answer))
}
