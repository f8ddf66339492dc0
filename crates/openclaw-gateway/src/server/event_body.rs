use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderValue, Response};
use http_body_util::Either;
use hyper::body::{Body, Frame};
use tokio::sync::mpsc;

use super::replies::Reply;

/// Pieces that wait for a slow reader; beyond them the writer waits.
const WAITING: usize = 8;

/// A body that is written while it is sent.
#[derive(Debug)]
pub(crate) struct EventBody(mpsc::Receiver<Bytes>);

impl Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        self.0.poll_recv(context).map(|piece| piece.map(|piece| Ok(Frame::data(piece))))
    }
}

/// Writes such a body; the body ends with it.
#[derive(Debug)]
pub(crate) struct EventSender(mpsc::Sender<Bytes>);

impl EventSender {
    /// Sends a piece, waiting for a slow reader; `false` when there is none any more. How long a
    /// reader may take is the connection's matter.
    pub(crate) async fn send(&self, piece: String) -> bool {
        self.0.send(Bytes::from(piece)).await.is_ok()
    }

    /// Waits until the reader is gone. Cancel-safe.
    pub(crate) async fn gone(&self) {
        self.0.closed().await;
    }
}

/// A reply of server-sent events, and what writes them.
pub(crate) fn event_stream() -> (EventSender, Reply) {
    let (sender, receiver) = mpsc::channel(WAITING);
    let mut reply = Response::new(Either::Right(EventBody(receiver)));
    reply
        .headers_mut()
        .insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream; charset=utf-8"));
    (EventSender(sender), reply)
}
