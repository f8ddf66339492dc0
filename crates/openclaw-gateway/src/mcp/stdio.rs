use rmcp::ServiceExt as _;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::{McpServer, Offerings};

/// Serves one client over its streams, until they end or `stop`.
///
/// # Errors
/// What went wrong in the first exchange, or within.
pub async fn serve_stdio<R, W>(
    offerings: Offerings,
    input: R,
    output: W,
    stop: CancellationToken,
) -> std::io::Result<()>
where
    R: AsyncRead + Send + Unpin + 'static,
    W: AsyncWrite + Send + Unpin + 'static,
{
    let served = McpServer::new(offerings).serve_with_ct((input, output), stop).await;
    let running = match served {
        Ok(running) => running,
        // The client went away before it said anything.
        Err(rmcp::service::ServerInitializeError::ConnectionClosed(_)) => return Ok(()),
        Err(error) => return Err(std::io::Error::other(error)),
    };
    running.waiting().await.map(drop).map_err(std::io::Error::other)
}
