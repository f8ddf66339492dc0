use std::time::Duration;

use async_trait::async_trait;
use futures_util::{SinkExt as _, StreamExt as _};
use http::HeaderValue;
use openclaw_core::Secret;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest as _;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use crate::tls::{self, Trust};
use crate::{ClientError, Transport};

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const SEND_LIMIT: Duration = Duration::from_secs(30);
const MAX_MESSAGE: usize = 32 << 20;

/// Where a gateway is and what opens it.
#[derive(Debug, Clone)]
pub struct Endpoint {
    /// `host:port`.
    pub address: String,
    /// The gateway token, an API key or an access token; `None` connects without a credential.
    pub token: Option<Secret>,
    /// Whom it believes to be the gateway.
    pub trust: Trust,
}

/// What a WebSocket runs over.
trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}

impl<S: AsyncRead + AsyncWrite + Unpin + Send> Stream for S {}

/// Connects to a gateway's `/ws`.
///
/// # Errors
/// [`ClientError::Unreachable`] when nothing listens or answers, [`ClientError::Refused`] with the status
/// when the upgrade is refused.
pub async fn connect_websocket(endpoint: &Endpoint) -> Result<Box<dyn Transport>, ClientError> {
    let address = endpoint.address.clone();
    let unreachable = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Unreachable {
        address: address.clone(),
        source,
    };
    let connecting = async {
        let stream = TcpStream::connect(&endpoint.address)
            .await
            .map_err(|error| unreachable(error.into()))?;
        stream.set_nodelay(true).map_err(|error| unreachable(error.into()))?;
        let scheme = if endpoint.trust == Trust::Plain { "ws" } else { "wss" };
        let mut request = format!("{scheme}://{}/ws", endpoint.address)
            .into_client_request()
            .map_err(|error| unreachable(error.into()))?;
        let stream: Box<dyn Stream> = match &endpoint.trust {
            Trust::Plain => Box::new(stream),
            trust => {
                let host = request.uri().host().unwrap_or_default();
                match tls::over(stream, host, trust).await {
                    Ok(stream) => Box::new(stream),
                    Err(source) if tls::is_about_certificate(source.as_ref()) => {
                        return Err(ClientError::NotTrusted { address: address.clone(), source });
                    }
                    Err(source) => return Err(unreachable(source)),
                }
            }
        };
        if let Some(token) = &endpoint.token {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", token.expose()))
                .map_err(|error| unreachable(error.into()))?;
            value.set_sensitive(true);
            request.headers_mut().insert(http::header::AUTHORIZATION, value);
        }
        let config = WebSocketConfig::default()
            .read_buffer_size(16 << 10)
            .max_message_size(Some(MAX_MESSAGE))
            .max_frame_size(Some(MAX_MESSAGE));
        match client_async_with_config(request, stream, Some(config)).await {
            Ok((stream, _)) => Ok(stream),
            Err(tungstenite::Error::Http(response)) => Err(ClientError::Refused {
                address: endpoint.address.clone(),
                status: response.status().as_u16(),
            }),
            Err(error) => Err(unreachable(error.into())),
        }
    };
    match timeout(CONNECT_LIMIT, connecting).await {
        Ok(stream) => Ok(Box::new(WebSocketTransport(stream?))),
        Err(elapsed) => Err(unreachable(elapsed.into())),
    }
}

struct WebSocketTransport(WebSocketStream<Box<dyn Stream>>);

#[async_trait]
impl Transport for WebSocketTransport {
    async fn send(&mut self, text: String) -> Result<(), ClientError> {
        match timeout(SEND_LIMIT, self.0.send(Message::text(text))).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(ClientError::Lost),
            Err(_) => Err(ClientError::TimedOut { seconds: SEND_LIMIT.as_secs() }),
        }
    }

    async fn receive(&mut self) -> Result<Option<String>, ClientError> {
        loop {
            match self.0.next().await {
                Some(Ok(Message::Text(text))) => return Ok(Some(text.as_str().to_owned())),
                Some(Ok(Message::Close(_))) | None => return Ok(None),
                // Pings are answered by the library with the next read.
                Some(Ok(_)) => {}
                Some(Err(_)) => return Err(ClientError::Lost),
            }
        }
    }

    async fn close(&mut self) {
        let closing = timeout(Duration::from_secs(1), self.0.close(None)).await;
        if !matches!(closing, Ok(Ok(()))) {
            tracing::debug!("the gateway did not take leave in time");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Endpoint, connect_websocket};
    use crate::{ClientError, Trust};
    use openclaw_errors::OpenClawError;
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    /// What a client that wants TLS is told when the peer says this and closes.
    async fn told(reply: &[u8]) -> ClientError {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("binds");
        let address = listener.local_addr().expect("bound").to_string();
        let trust = Trust::Pinned("ab".repeat(32).parse().expect("valid"));
        let endpoint = Endpoint { address, token: None, trust };
        let peer = async {
            let (mut stream, _) = listener.accept().await.expect("accepts");
            let mut hello = [0; 16];
            stream.read_exact(&mut hello).await.expect("it says hello");
            stream.write_all(reply).await.expect("writes");
            stream.shutdown().await.expect("closes");
        };
        let (connected, ()) = tokio::join!(connect_websocket(&endpoint), peer);
        connected.err().expect("this is no gateway")
    }

    #[tokio::test]
    async fn a_peer_without_tls_is_not_called_untrusted() {
        let error = told(b"HTTP/1.1 503 Service Unavailable\r\n\r\n").await;
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
        let hint = OpenClawError::from(error).hint().map(str::to_owned);
        assert!(hint.is_some_and(|hint| hint.contains("http://")));
        let error = told(b"").await;
        assert!(matches!(error, ClientError::Unreachable { .. }), "{error:?}");
        let hint = OpenClawError::from(error).hint().map(str::to_owned);
        assert!(hint.is_some_and(|hint| hint.contains("gateway run")));
    }
}
