use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, EXPECT};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Limited};
use hyper::body::Incoming;
use openclaw_errors::{ErrorKind, OpenClawError};
use tokio::time::timeout;

use super::receiving::{SMALL, Share};
use super::serve::Shared;

/// How long what is refused is still read: closing at once would take the refusal back.
const DISCARD: Duration = Duration::from_secs(1);

/// Reads a body of at most `limit` bytes within `time`.
///
/// # Errors
/// `PayloadTooLarge`, `Overloaded` when all connections together receive too much, `Timeout`,
/// `InvalidRequest` when it breaks off.
pub(super) async fn read(
    shared: &Shared,
    request: Request<Incoming>,
    limit: usize,
    time: Duration,
) -> Result<Bytes, OpenClawError> {
    let declared = declared(request.headers());
    // Who asks before sending is told before sending.
    let asks_first = request.headers().contains_key(EXPECT);
    let mut body = request.into_body();
    let mut share = Share::none(shared.receiving.clone());
    let refusal = if declared.is_some_and(|bytes| bytes > limit) {
        Some(too_large(limit))
    } else {
        let expected = declared.unwrap_or(limit);
        let fits = expected <= SMALL || share.grow_to(expected);
        (!fits).then(overloaded)
    };
    if let Some(refusal) = refusal {
        if !asks_first {
            discard(&mut body).await;
        }
        return Err(refusal);
    }
    match timeout(time, Limited::new(&mut body, limit).collect()).await {
        Ok(Ok(read)) => Ok(read.to_bytes()),
        Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
            discard(&mut body).await;
            Err(too_large(limit))
        }
        Ok(Err(error)) => {
            Err(OpenClawError::new(ErrorKind::InvalidRequest, "the body could not be read")
                .with_source(error))
        }
        Err(_) => Err(OpenClawError::new(
            ErrorKind::Timeout,
            format!("the body took longer than {}s", time.as_secs()),
        )),
    }
}

/// Reads the body of a caller that has signed in.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_signed_in(
    shared: &Shared,
    request: Request<Incoming>,
) -> Result<Bytes, OpenClawError> {
    read(shared, request, shared.limits.bytes, shared.limits.body).await
}

/// Reads a body that may be smaller than others.
///
/// # Errors
/// As [`read`].
pub(crate) async fn read_of(
    shared: &Shared,
    request: Request<Incoming>,
    limit: usize,
) -> Result<Bytes, OpenClawError> {
    read(shared, request, limit.min(shared.limits.bytes), shared.limits.body).await
}

fn declared(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

async fn discard(body: &mut Incoming) {
    let rest = async { while let Some(Ok(_)) = body.frame().await {} };
    let ended = timeout(DISCARD, rest).await;
    tracing::trace!(ended = ended.is_ok(), "read on after a body was refused");
}

fn too_large(limit: usize) -> OpenClawError {
    OpenClawError::new(ErrorKind::PayloadTooLarge, format!("the body is above {limit} bytes"))
}

/// What is answered while all connections together receive too much.
pub(super) fn overloaded() -> OpenClawError {
    OpenClawError::new(ErrorKind::Overloaded, "too much is being received at present")
        .with_retry_after(Duration::from_secs(1))
}
