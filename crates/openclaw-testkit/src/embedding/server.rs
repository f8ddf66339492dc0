use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// The running fake; dropping it ends it.
///
/// A text's vector has a number for each concept, which counts the concept's words in it, and a small
/// one at the end, so that it has a direction.
#[derive(Debug)]
pub struct EmbeddingServer {
    address: SocketAddr,
    shared: Arc<Shared>,
    cancel: CancellationToken,
    _tasks: TaskTracker,
}

#[derive(Debug)]
struct Shared {
    key: String,
    concepts: Vec<Vec<String>>,
    state: Mutex<Served>,
}

#[derive(Debug, Default)]
struct Served {
    texts: Vec<String>,
    requests: usize,
    failures: Vec<(StatusCode, usize)>,
    delay: Duration,
    violations: Vec<String>,
}

type Answer = (StatusCode, Json<Value>);

impl EmbeddingServer {
    /// Starts one that takes this key and knows these concepts, each by its words.
    pub async fn start(key: &str, concepts: &[&[&str]]) -> Self {
        let owned = |words: &&[&str]| words.iter().map(|word| (*word).to_owned()).collect();
        let shared = Arc::new(Shared {
            key: key.to_owned(),
            concepts: concepts.iter().map(owned).collect(),
            state: Mutex::default(),
        });
        let router = Router::new()
            .route("/v1/embeddings", post(openai))
            .route("/api/embed", post(ollama))
            .route("/v1beta/models/{call}", post(gemini))
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

    /// The root of Gemini's and Ollama's API; OpenAI's has `/v1` after it.
    pub fn root(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Answers the next requests, so many, with this status.
    pub fn fail(&self, status: u16, times: usize) {
        let status = StatusCode::from_u16(status).expect("a status");
        self.shared.state().failures.push((status, times));
    }

    /// Answers as usual again.
    pub fn mend(&self) {
        self.shared.state().failures.clear();
    }

    /// Takes so long for each request.
    pub fn slow_down(&self, delay: Duration) {
        self.shared.state().delay = delay;
    }

    /// The texts that got vectors.
    pub fn texts(&self) -> Vec<String> {
        self.shared.state().texts.clone()
    }

    /// How many requests came.
    pub fn requests(&self) -> usize {
        self.shared.state().requests
    }

    /// What was wrong with requests.
    pub fn violations(&self) -> Vec<String> {
        self.shared.state().violations.clone()
    }
}

impl Drop for EmbeddingServer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Shared {
    fn state(&self) -> std::sync::MutexGuard<'_, Served> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn vector(&self, text: &str) -> Vec<f64> {
        let lowered = text.to_lowercase();
        let count = |words: &Vec<String>| {
            words.iter().map(|word| lowered.matches(word.as_str()).count()).sum::<usize>() as f64
        };
        self.concepts.iter().map(count).chain([0.05]).collect()
    }

    /// The vectors, unless a failure is due.
    async fn vectors(
        &self,
        key: Option<&str>,
        texts: Vec<String>,
    ) -> Result<Vec<Vec<f64>>, Answer> {
        let delay = {
            let mut state = self.state();
            state.requests += 1;
            if key != Some(self.key.as_str()) {
                state.violations.push(format!("the key is {key:?}"));
                return Err(refusal(StatusCode::UNAUTHORIZED, "the key is wrong"));
            }
            if texts.is_empty() || texts.iter().any(String::is_empty) {
                state.violations.push(format!("empty texts: {texts:?}"));
                return Err(refusal(StatusCode::BAD_REQUEST, "a text is empty"));
            }
            if let Some((status, left)) = state.failures.first_mut() {
                let status = *status;
                *left -= 1;
                if *left == 0 {
                    state.failures.remove(0);
                }
                return Err(refusal(status, "not now"));
            }
            state.delay
        };
        tokio::time::sleep(delay).await;
        let vectors = texts.iter().map(|text| self.vector(text)).collect();
        self.state().texts.extend(texts);
        Ok(vectors)
    }
}

fn refusal(status: StatusCode, message: &str) -> Answer {
    (status, Json(json!({"error": {"message": message, "code": status.as_u16()}})))
}

fn strings(value: &Value) -> Vec<String> {
    let texts = value.as_array().map(Vec::as_slice).unwrap_or_default();
    texts.iter().map(|text| text.as_str().unwrap_or_default().to_owned()).collect()
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    headers.get("authorization")?.to_str().ok()?.strip_prefix("Bearer ")
}

/// <https://platform.openai.com/docs/api-reference/embeddings/create>
async fn openai(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    let vectors = match shared.vectors(bearer(&headers), strings(&body["input"])).await {
        Ok(vectors) => vectors,
        Err(refused) => return refused,
    };
    let data: Vec<Value> = (0..)
        .zip(vectors)
        .map(|(index, vector): (usize, _)| {
            json!({"object": "embedding", "index": index, "embedding": vector})
        })
        .collect();
    let usage = json!({"prompt_tokens": 1, "total_tokens": 1});
    let answer = json!({"object": "list", "data": data, "model": body["model"], "usage": usage});
    (StatusCode::OK, Json(answer))
}

/// <https://docs.ollama.com/api/embed>
async fn ollama(
    State(shared): State<Arc<Shared>>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    match shared.vectors(bearer(&headers), strings(&body["input"])).await {
        Ok(vectors) => {
            (StatusCode::OK, Json(json!({"model": body["model"], "embeddings": vectors})))
        }
        Err(refused) => refused,
    }
}

/// <https://ai.google.dev/api/embeddings#method:-models.batchembedcontents>
async fn gemini(
    State(shared): State<Arc<Shared>>,
    Path(call): Path<String>,
    headers: HeaderMap,
    Json(body): Json<Value>,
) -> Answer {
    if !call.ends_with(":batchEmbedContents") {
        shared.state().violations.push(format!("no such method: {call}"));
        return refusal(StatusCode::NOT_FOUND, "no such method");
    }
    let requests = body["requests"].as_array().cloned().unwrap_or_default();
    let text = |request: &Value| {
        request["content"]["parts"][0]["text"].as_str().unwrap_or_default().to_owned()
    };
    let key = headers.get("x-goog-api-key").and_then(|key| key.to_str().ok());
    match shared.vectors(key, requests.iter().map(text).collect()).await {
        Ok(vectors) => {
            let values: Vec<Value> =
                vectors.into_iter().map(|vector| json!({"values": vector})).collect();
            (StatusCode::OK, Json(json!({"embeddings": values})))
        }
        Err(refused) => refused,
    }
}
