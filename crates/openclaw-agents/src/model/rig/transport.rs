#![expect(clippy::result_large_err, reason = "the error is rig's")]

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use futures_util::StreamExt;
use http::header::{CONTENT_TYPE, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use rig_core::http_client::{
    BoxedStream, Error, HttpClientExt, LazyBody, MultipartForm, Result, StreamingResponse,
};

use super::http::ModelHttp;
use super::idle::{Body, TransportError};
use super::merging::Merging;
use super::rewrite;

/// The longest reply, in bytes.
pub(super) const LONGEST_REPLY: usize = 32 * 1024 * 1024;

/// The longest document that is read whole: an error, or a reply of a server that does not stream.
const LONGEST_DOCUMENT: usize = 4 * 1024 * 1024;

/// How rig's requests travel.
#[derive(Debug, Clone)]
pub(super) struct Transport {
    http: ModelHttp,
    idle: Duration,
    /// Whether a whole chat completion may come where a stream was asked for.
    takes_documents: bool,
    /// Whether the provider is told which program asks.
    attributed: bool,
    /// Whether pieces of text that come together are passed on as one.
    merges: bool,
}

/// Who asks, as OpenRouter shows it in its rankings and logs.
const ATTRIBUTION: [(HeaderName, &str); 2] = [
    (HeaderName::from_static("http-referer"), "https://openclaw.ai"),
    (HeaderName::from_static("x-title"), "OpenClaw"),
];

impl Transport {
    pub(super) fn new(http: ModelHttp, idle: Duration) -> Self {
        Self { http, idle, takes_documents: false, attributed: false, merges: false }
    }

    /// For OpenRouter.
    pub(super) fn attributed(self) -> Self {
        Self { attributed: true, ..self }
    }

    /// For the chat wire, some of whose servers do not stream.
    pub(super) fn taking_documents(self) -> Self {
        Self { takes_documents: true, ..self }
    }

    /// For the chat wire, whose pieces of text are alike.
    pub(super) fn merging(self) -> Self {
        Self { merges: true, ..self }
    }

    /// Sends, and waits for the headers at most as long as for any chunk.
    async fn exchange<T: Into<Bytes>>(&self, request: Request<T>) -> Result<reqwest::Response> {
        let (parts, body) = request.into_parts();
        let (url, key) = rewrite::key_out_of_url(&parts.uri.to_string());
        let client = self.http.client().map_err(|error| instance(error.into()))?;
        let mut outgoing =
            client.request(parts.method, url).headers(parts.headers).body(body.into());
        if self.attributed {
            for (name, value) in ATTRIBUTION {
                outgoing = outgoing.header(name, value);
            }
        }
        if let Some(key) = key {
            outgoing = outgoing.header(HeaderName::from_static("x-goog-api-key"), sensitive(&key)?);
        }
        match tokio::time::timeout(self.idle, outgoing.send()).await {
            Ok(Ok(response)) => Ok(response),
            Ok(Err(error)) => Err(instance(TransportError::http(error))),
            Err(_) => Err(instance(TransportError::Idle(self.idle))),
        }
    }

    fn body(&self, response: reqwest::Response, limit: usize) -> Body {
        Body::new(response.bytes_stream().boxed(), self.idle, limit, self.http.tasks.clone())
    }

    async fn document(&self, response: reqwest::Response) -> Result<Bytes> {
        let mut body = self.body(response, LONGEST_DOCUMENT);
        let mut document = Vec::new();
        while let Some(chunk) = body.next().await {
            document.extend_from_slice(&chunk?);
        }
        Ok(document.into())
    }

    async fn stream(&self, request: Request<Bytes>) -> Result<StreamingResponse> {
        let response = self.exchange(request).await?;
        let (status, headers) = (response.status(), response.headers().clone());
        let content_type =
            headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let is_document =
            content_type.starts_with("application/json") || content_type.starts_with("text/html");
        if status != StatusCode::OK || is_document {
            let document = self.document(response).await?;
            if status != StatusCode::OK {
                let body = String::from_utf8_lossy(&document).into_owned();
                return Err(Error::non_success_with_details(status, headers, body));
            }
            let events = if self.takes_documents {
                rewrite::document_to_events(&document)
            } else {
                Err(String::from_utf8_lossy(&document).into_owned())
            };
            let events = events.map_err(|body| {
                let content_type = content_type.to_owned();
                instance(TransportError::NotEvents { content_type, body })
            })?;
            let events: BoxedStream =
                Box::pin(futures_util::stream::iter([Ok(Bytes::from(events))]));
            return event_stream(events);
        }
        // Some servers call their events plain text, or nothing at all.
        let body = self.body(response, LONGEST_REPLY);
        event_stream(if self.merges { Box::pin(Merging::new(body)) } else { Box::pin(body) })
    }
}

fn event_stream(body: BoxedStream) -> Result<StreamingResponse> {
    Ok(Response::builder()
        .status(StatusCode::OK)
        .header(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"))
        .body(body)?)
}

fn instance(error: TransportError) -> Error {
    Error::instance(error)
}

fn sensitive(value: &str) -> Result<HeaderValue> {
    let mut value = HeaderValue::from_str(value)?;
    value.set_sensitive(true);
    Ok(value)
}

impl HttpClientExt for Transport {
    fn send<T, U>(
        &self,
        request: Request<T>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        T: Into<Bytes> + Send,
        U: From<Bytes> + Send + 'static,
    {
        let this = self.clone();
        let (parts, body) = request.into_parts();
        let request = Request::from_parts(parts, body.into());
        async move {
            let response = this.exchange(request).await?;
            let (status, headers) = (response.status(), response.headers().clone());
            let document = this.document(response).await?;
            let body: LazyBody<U> = Box::pin(async move { Ok(U::from(document)) });
            let mut answer = Response::new(body);
            *answer.status_mut() = status;
            *answer.headers_mut() = headers;
            Ok(answer)
        }
    }

    fn send_multipart<U>(
        &self,
        _: Request<MultipartForm>,
    ) -> impl Future<Output = Result<Response<LazyBody<U>>>> + Send + 'static
    where
        U: From<Bytes> + Send + 'static,
    {
        // No completion is sent as a form.
        std::future::ready(Err(Error::Instance("multipart requests are not sent to models".into())))
    }

    async fn send_streaming<T>(&self, request: Request<T>) -> Result<StreamingResponse>
    where
        T: Into<Bytes> + Send,
    {
        let (parts, body) = request.into_parts();
        self.stream(Request::from_parts(parts, body.into())).await
    }
}
