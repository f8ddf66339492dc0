use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};

use super::frames::FrameMeter;
use super::receiving::{SMALL, Share};

/// The stream below a WebSocket: refuses a message by the length it declares, before the socket makes
/// room for it, and knows whether the socket can hold bytes that it has not handed out.
#[derive(Debug)]
pub(super) struct Metered<S> {
    /// `None` once the stream was taken over by another socket.
    inner: Option<Inner<S>>,
}

#[derive(Debug)]
struct Inner<S> {
    stream: S,
    meter: FrameMeter,
    limit: usize,
    share: Share,
    read: u64,
}

/// Why a message is not read. Found in the [`io::Error`] of a read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Refused {
    /// It is above the limit of its connection.
    #[error("the message is too large")]
    TooLarge,
    /// All connections together receive too much at present.
    #[error("too much is being received at present")]
    Overloaded,
}

impl<S> Metered<S> {
    pub(super) fn new(stream: S, limit: usize, share: Share) -> Self {
        let meter = FrameMeter::default();
        Self { inner: Some(Inner { stream, meter, limit, share, read: 0 }) }
    }

    /// Takes the stream out, for another socket over it.
    pub(super) fn take(&mut self) -> Self {
        Self { inner: self.inner.take() }
    }

    /// The most bytes of a message from now on.
    pub(super) fn set_limit(&mut self, limit: usize) {
        if let Some(inner) = &mut self.inner {
            inner.limit = limit;
        }
    }

    /// Whether a socket that has handed out so many messages, control frames included, holds nothing
    /// of what was read.
    pub(super) fn is_handed_out(&self, messages: u64) -> bool {
        self.inner.as_ref().is_some_and(|inner| {
            inner.meter.is_between_messages() && inner.meter.messages() == messages
        })
    }

    /// Frames begun so far, control frames included.
    pub(super) fn frames(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.meter.frames())
    }

    /// Bytes read so far.
    pub(super) fn bytes(&self) -> u64 {
        self.inner.as_ref().map_or(0, |inner| inner.read)
    }
}

impl<S: AsyncRead + Unpin> Metered<S> {
    /// Reads and forgets until the peer ends: closing with unread bytes would reset the connection
    /// and take back what was said last.
    pub(super) async fn drain(&mut self) {
        let Some(inner) = &mut self.inner else { return };
        let mut sink = [0; 4096];
        while matches!(inner.stream.read(&mut sink).await, Ok(some) if some > 0) {}
    }
}

impl<S> Inner<S> {
    fn follow(&mut self, bytes: &[u8]) -> Result<(), Refused> {
        self.read += bytes.len() as u64;
        self.meter.follow(bytes, self.limit as u64).map_err(|_| Refused::TooLarge)?;
        let message = usize::try_from(self.meter.message()).unwrap_or(usize::MAX);
        if message <= SMALL {
            self.share.give_back();
        } else if !self.share.grow_to(message) {
            return Err(Refused::Overloaded);
        }
        Ok(())
    }
}

fn detached() -> io::Error {
    io::ErrorKind::NotConnected.into()
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let inner = self.inner.as_mut().ok_or_else(detached)?;
        let before = buffer.filled().len();
        let polled = Pin::new(&mut inner.stream).poll_read(context, buffer);
        if let Err(refused) = inner.follow(&buffer.filled()[before..]) {
            buffer.set_filled(before);
            return Poll::Ready(Err(io::Error::other(refused)));
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let inner = self.inner.as_mut().ok_or_else(detached)?;
        Pin::new(&mut inner.stream).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = self.inner.as_mut().ok_or_else(detached)?;
        Pin::new(&mut inner.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        let inner = self.inner.as_mut().ok_or_else(detached)?;
        Pin::new(&mut inner.stream).poll_shutdown(context)
    }
}
