use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_util::stream::BoxStream;
use futures_util::{Stream, StreamExt};
use rig_core::http_client::Error;
use tokio::time::{Instant, Sleep};
use tokio_util::task::TaskTracker;

/// What the transport itself found wrong.
#[derive(Debug, thiserror::Error)]
pub(super) enum TransportError {
    /// Nothing came for too long.
    #[error("nothing came for {} s", .0.as_secs_f32())]
    Idle(Duration),
    /// More came than a reply can be.
    #[error("the reply is longer than {0} bytes")]
    TooLong(usize),
    /// A whole document came where a stream was asked for.
    #[error("answered with a document of type {content_type:?} instead of a stream: {body}")]
    NotEvents {
        /// Its type.
        content_type: String,
        /// What it says.
        body: String,
    },
    /// The HTTP client could not be set up.
    #[error(transparent)]
    Client(#[from] super::ModelHttpError),
    /// The HTTP exchange failed.
    #[error("{}", failure(.0))]
    Http(#[source] reqwest::Error),
}

/// The innermost cause, which says more than reqwest's own words and holds no URL.
fn failure(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    let what = match () {
        () if error.is_connect() => "cannot connect",
        () if error.is_timeout() => "timed out",
        () => "the connection broke",
    };
    format!("{what}: {cause}")
}

impl TransportError {
    pub(super) fn http(error: reqwest::Error) -> Self {
        Self::Http(error.without_url())
    }
}

/// A reply's bytes, with a limit on silence and on length.
///
/// A reply is left unread once its end marker came, which over HTTP/1.1 would cost the connection:
/// what little follows is read in the background. A reply that is dropped earlier is cancelled,
/// and its connection closes at once.
pub(super) struct Body {
    bytes: Option<BoxStream<'static, reqwest::Result<Bytes>>>,
    idle: Duration,
    timer: Pin<Box<Sleep>>,
    room: usize,
    last: Bytes,
    tasks: TaskTracker,
}

/// How long and how much is read after the end marker.
const DRAIN_FOR: Duration = Duration::from_millis(200);
const DRAIN_BYTES: usize = 64 * 1024;

/// What the last events of a reply hold, per wire; rig reads no further than these.
const END_MARKERS: [&[u8]; 6] = [
    b"[DONE]",
    b"message_delta",
    b"message_stop",
    b"response.completed",
    b"\"finishReason\"",
    b"\"done\":true",
];

impl Body {
    pub(super) fn new(
        bytes: BoxStream<'static, reqwest::Result<Bytes>>,
        idle: Duration,
        limit: usize,
        tasks: TaskTracker,
    ) -> Self {
        Self {
            bytes: Some(bytes),
            idle,
            timer: Box::pin(tokio::time::sleep(idle)),
            room: limit,
            last: Bytes::new(),
            tasks,
        }
    }
}

/// Whether a chunk ends a reply.
fn ends_well(chunk: &[u8]) -> bool {
    let tail = &chunk[chunk.len().saturating_sub(1_024)..];
    END_MARKERS.iter().any(|marker| tail.windows(marker.len()).any(|window| window == *marker))
}

impl Stream for Body {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        let Some(bytes) = &mut this.bytes else { return Poll::Ready(None) };
        match bytes.poll_next_unpin(cx) {
            Poll::Ready(Some(Ok(chunk))) => {
                this.timer.as_mut().reset(Instant::now() + this.idle);
                if chunk.len() > this.room {
                    this.bytes = None;
                    return Poll::Ready(Some(Err(Error::instance(TransportError::TooLong(
                        super::transport::LONGEST_REPLY,
                    )))));
                }
                this.room -= chunk.len();
                this.last = chunk.clone();
                Poll::Ready(Some(Ok(chunk)))
            }
            Poll::Ready(Some(Err(error))) => {
                this.bytes = None;
                Poll::Ready(Some(Err(Error::instance(TransportError::http(error)))))
            }
            Poll::Ready(None) => {
                this.bytes = None;
                Poll::Ready(None)
            }
            Poll::Pending => match this.timer.as_mut().poll(cx) {
                Poll::Ready(()) => {
                    this.bytes = None;
                    Poll::Ready(Some(Err(Error::instance(TransportError::Idle(this.idle)))))
                }
                Poll::Pending => Poll::Pending,
            },
        }
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        let Some(bytes) = self.bytes.take().filter(|_| ends_well(&self.last)) else { return };
        if tokio::runtime::Handle::try_current().is_ok() {
            self.tasks.spawn(drain(bytes));
        }
    }
}

async fn drain(mut bytes: BoxStream<'static, reqwest::Result<Bytes>>) {
    let reading = async {
        let mut room = DRAIN_BYTES;
        while let Some(Ok(chunk)) = bytes.next().await {
            match room.checked_sub(chunk.len()) {
                Some(left) => room = left,
                None => return,
            }
        }
    };
    if tokio::time::timeout(DRAIN_FOR, reading).await.is_err() {
        tracing::debug!("a model's connection stayed open after its reply and was closed");
    }
}
