use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::http::{HttpRequest, LAST_CHUNK, head, push_chunk, read_request};
use super::render::{self, Frame};
use super::state::State;
use super::{Api, Ending, RecordedRequest, Reply, Script, api, conversation, invariants};

/// The running server; dropping it ends it.
#[derive(Debug)]
pub struct ModelServer {
    address: SocketAddr,
    state: Arc<State>,
    cancel: CancellationToken,
    tasks: TaskTracker,
}

impl ModelServer {
    /// Starts one that echoes, on a free port.
    pub async fn start() -> Self {
        Self::with(Script::new()).await
    }

    /// Starts one with a script, on a free port.
    pub async fn with(script: Script) -> Self {
        Self::on_port(script, 0).await.expect("a port of the loopback interface is free")
    }

    /// Starts one on this port.
    ///
    /// # Errors
    /// When the port is taken.
    pub async fn on_port(script: Script, port: u16) -> io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", port)).await?;
        let address = listener.local_addr()?;
        let state = Arc::new(State::new(script));
        let (cancel, tasks) = (CancellationToken::new(), TaskTracker::new());
        tasks.spawn(accept(listener, state.clone(), cancel.clone(), tasks.clone()));
        Ok(Self { address, state, cancel, tasks })
    }

    /// Its root, `http://127.0.0.1:<port>`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What a provider's `base_url` is set to, for every wire: the root with `/v1`.
    pub fn base_url(&self) -> String {
        format!("{}/v1", self.url())
    }

    /// Queues a reply to the next request that is not answered from the queue yet.
    pub fn push(&self, reply: Reply) {
        self.state.change(|state| state.script.push(reply));
    }

    /// Replaces the script.
    pub fn script(&self, script: Script) {
        self.state.change(|state| state.script = script);
    }

    /// The requests so far.
    pub fn requests(&self) -> Vec<RecordedRequest> {
        self.state.read(|state| state.requests.clone())
    }

    /// The last request.
    ///
    /// # Panics
    /// When there was none.
    pub fn last_request(&self) -> RecordedRequest {
        self.state.read(|state| state.requests.last().cloned()).expect("there was a request")
    }

    /// Waits until there were `count` requests, and gives them.
    ///
    /// # Panics
    /// When they have not come within the limit.
    pub async fn wait_for_requests(&self, count: usize, limit: Duration) -> Vec<RecordedRequest> {
        let came = self.state.until(|state| state.requests.len() >= count);
        if tokio::time::timeout(limit, came).await.is_err() {
            panic!("{} of {count} requests came within {limit:?}", self.requests().len());
        }
        self.requests()
    }

    /// What was wrong with the requests so far.
    pub fn violations(&self) -> Vec<String> {
        self.state.read(|state| {
            state.requests.iter().flat_map(|request| request.violations.clone()).collect()
        })
    }

    /// Replies that have begun and not ended.
    pub fn open_streams(&self) -> usize {
        self.state.read(|state| state.open)
    }

    /// Connections accepted so far.
    pub fn connections(&self) -> usize {
        self.state.read(|state| state.connections)
    }

    /// Replies that ended because the client closed the connection.
    pub fn abandoned(&self) -> usize {
        self.state.read(|state| state.abandoned)
    }

    /// Waits until no reply is open; `false` when one still is after the limit.
    pub async fn wait_closed(&self, limit: Duration) -> bool {
        tokio::time::timeout(limit, self.state.until(|state| state.open == 0)).await.is_ok()
    }

    /// The raw requests as JSON lines `{"api", "body"}`, for a validator outside.
    pub fn journal(&self) -> String {
        self.state.read(|state| {
            state
                .requests
                .iter()
                .map(|request| format!("{}\n", json!({"api": request.api, "body": request.body})))
                .collect()
        })
    }

    /// Ends it and waits for its connections.
    pub async fn stop(&self) {
        self.cancel.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }
}

impl Drop for ModelServer {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    state: Arc<State>,
    cancel: CancellationToken,
    tasks: TaskTracker,
) {
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = cancel.cancelled() => return,
        };
        if let Ok((stream, _)) = accepted {
            state.change(|state| state.connections += 1);
            let (state, cancel) = (state.clone(), cancel.clone());
            tasks.spawn(async move {
                tokio::select! {
                    // A connection that breaks is what half of the tests are about.
                    _ = Connection::serve(stream, state) => {}
                    () = cancel.cancelled() => {}
                }
            });
        }
    }
}

/// Whether the connection can take another request.
enum Next {
    Request,
    Close,
}

struct Connection {
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    state: Arc<State>,
}

impl Connection {
    async fn serve(stream: TcpStream, state: Arc<State>) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let (reader, writer) = stream.into_split();
        let mut connection = Self { reader: BufReader::new(reader), writer, state };
        while let Some(request) = read_request(&mut connection.reader).await? {
            match connection.answer(request).await? {
                Next::Request => {}
                Next::Close => break,
            }
        }
        Ok(())
    }

    async fn answer(&mut self, http: HttpRequest) -> io::Result<Next> {
        let api = Api::of_path(&http.path);
        let Some(api) = api.filter(|_| http.method == "POST") else {
            return self.answer_other(&http).await;
        };
        let body: Value = match serde_json::from_slice(&http.body) {
            Ok(body) => body,
            Err(error) => {
                let reply = Reply::error(400, "invalid_request_error", &error.to_string());
                return self.whole(&reply, Vec::new()).await;
            }
        };
        let messages = conversation::of(api, &body);
        let violations = invariants::check(api, &http.headers, &body, &messages);
        let (model, stream) = match api::gemini(&http.path) {
            Some((model, operation)) => (model.to_owned(), operation != "generateContent"),
            None => (
                body["model"].as_str().unwrap_or_default().to_owned(),
                body["stream"].as_bool().unwrap_or(false),
            ),
        };
        let (request, reply) = self.state.change(|state| {
            let request = RecordedRequest {
                index: state.requests.len(),
                api,
                model,
                stream,
                messages,
                body,
                body_bytes: http.body.len(),
                headers: http.headers,
                at: Instant::now(),
                violations,
            };
            let reply = if request.violations.is_empty() {
                state.script.answer(&request)
            } else {
                Reply::error(400, "invalid_request_error", &request.violations.join("; "))
            };
            state.requests.push(request.clone());
            state.open += 1;
            (request, reply)
        });
        let open = OpenReply(self.state.clone());
        let next = self.reply(&request, &reply).await;
        drop(open);
        next
    }

    async fn answer_other(&mut self, http: &HttpRequest) -> io::Result<Next> {
        let models = http.method == "GET" && http.path.trim_end_matches('/') == "/v1/models";
        let reply = if models {
            let entry = |id: &str| {
                json!({"id": id, "object": "model", "type": "model", "owned_by": "testkit",
                    "created": 1_700_000_000, "display_name": id,
                    "created_at": "2023-11-14T22:13:20Z"})
            };
            let list = json!({"object": "list", "data": [entry("test-model"), entry("other-model")],
                "has_more": false, "first_id": "test-model", "last_id": "other-model"});
            Reply::body(200, "application/json", list.to_string())
        } else {
            Reply::error(404, "not_found_error", "no such path")
        };
        self.whole(&reply, reply.body.clone().unwrap_or_default()).await
    }

    async fn reply(&mut self, request: &RecordedRequest, reply: &Reply) -> io::Result<Next> {
        if !reply.before_headers.is_zero() && !self.pause(reply.before_headers).await? {
            return Ok(Next::Close);
        }
        if reply.ending == Ending::ResetBeforeHeaders {
            return self.reset();
        }
        if let Some(body) = &reply.body {
            return self.whole(reply, body.clone()).await;
        }
        if !request.is_stream() && reply.ending == Ending::Complete {
            let body = render::document(request, reply).to_string().into_bytes();
            let reply = reply.clone().header("content-type", "application/json");
            return self.whole(&reply, body).await;
        }
        self.stream(request, reply).await
    }

    async fn whole(&mut self, reply: &Reply, body: Vec<u8>) -> io::Result<Next> {
        let mut out = head(reply.status, &reply.headers, Some(body.len()));
        out.extend_from_slice(&body);
        self.writer.write_all(&out).await?;
        Ok(Next::Request)
    }

    async fn stream(&mut self, request: &RecordedRequest, reply: &Reply) -> io::Result<Next> {
        let mut headers = reply.headers.clone();
        if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type")) {
            let kind = match request.api {
                Api::Ollama => "application/x-ndjson",
                Api::Chat | Api::Messages | Api::Responses | Api::Gemini => "text/event-stream",
            };
            headers.push(("content-type".to_owned(), kind.to_owned()));
        }
        let mut out = head(reply.status, &headers, None);
        for frame in render::stream(request, reply) {
            match frame {
                Frame::Bytes(bytes) => push_chunk(&mut out, &bytes),
                Frame::Pause(pause) => {
                    self.writer.write_all(&std::mem::take(&mut out)).await?;
                    if !self.pause(pause).await? {
                        return Ok(Next::Close);
                    }
                }
            }
        }
        match reply.ending {
            Ending::Complete | Ending::Cut => {
                out.extend_from_slice(LAST_CHUNK);
                self.writer.write_all(&out).await?;
                Ok(Next::Request)
            }
            Ending::HalfEvent => {
                self.writer.write_all(&out).await?;
                Ok(Next::Close)
            }
            Ending::Hang => {
                self.writer.write_all(&out).await?;
                self.pause(Duration::MAX).await?;
                Ok(Next::Close)
            }
            Ending::Reset | Ending::ResetBeforeHeaders => {
                self.writer.write_all(&out).await?;
                // What was written before must not be thrown away by the reset.
                self.pause(Duration::from_millis(50)).await?;
                self.reset()
            }
        }
    }

    /// Waits; `false` when the client closed the connection meanwhile.
    async fn pause(&mut self, pause: Duration) -> io::Result<bool> {
        let closed = tokio::select! {
            () = tokio::time::sleep(pause) => false,
            read = self.reader.fill_buf() => !matches!(read, Ok(bytes) if !bytes.is_empty()),
        };
        if closed {
            self.state.change(|state| state.abandoned += 1);
        }
        Ok(!closed)
    }

    fn reset(&self) -> io::Result<Next> {
        self.writer.as_ref().set_zero_linger()?;
        Ok(Next::Close)
    }
}

/// Counts a reply as open until it is dropped, also when its connection is given up.
struct OpenReply(Arc<State>);

impl Drop for OpenReply {
    fn drop(&mut self) {
        self.0.change(|state| state.open -= 1);
    }
}
