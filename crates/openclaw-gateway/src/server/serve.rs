use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use openclaw_core::Secret;
use openclaw_errors::OpenClawError;
use tokio::io::AsyncWriteExt as _;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bind::bind;
use super::http::handle;
use super::receiving::Receiving;
use crate::GatewayState;
use crate::auth::Authenticator;

const HEADER_LIMIT: Duration = Duration::from_secs(10);
const HEADER_BYTES: usize = 64 << 10;
const HEADER_COUNT: usize = 64;
const PING_EVERY: Duration = Duration::from_secs(30);
const FULL: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain\r\ncontent-length: 28\r\nretry-after: 1\r\nconnection: close\r\n\r\ntoo many open connections...";

/// What a server needs besides the gateway.
#[derive(Debug)]
pub struct ServerOptions {
    /// The gateway token.
    pub token: Secret,
}

/// What connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) state: Arc<GatewayState>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) receiving: Arc<Receiving>,
    pub(super) tasks: TaskTracker,
    /// No new connections and requests.
    pub(super) refusing: CancellationToken,
    /// Connections end.
    pub(super) closing: CancellationToken,
}

/// A bound port that does not serve yet.
#[derive(Debug)]
pub struct Server {
    listeners: Vec<TcpListener>,
    shared: Arc<Shared>,
}

/// A port that serves.
#[derive(Debug)]
pub struct Serving {
    shared: Arc<Shared>,
}

impl Server {
    /// Binds the port of the configuration.
    ///
    /// # Errors
    /// `Config` for an address beyond loopback without the owner's token, `Unavailable` for a taken port, with
    /// who holds it.
    pub async fn bind(
        state: Arc<GatewayState>,
        options: ServerOptions,
    ) -> Result<Self, OpenClawError> {
        let settings = state.config.current().gateway.clone();
        let listeners = bind(&settings).await?;
        let addresses = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .map(|at| format!("http://{at}"))
            .collect();
        state.server.listening(addresses);
        let shared = Arc::new(Shared {
            authenticator: Arc::new(Authenticator::new(&options.token, state.clock.clone())),
            receiving: Arc::default(),
            tasks: TaskTracker::new(),
            refusing: CancellationToken::new(),
            closing: CancellationToken::new(),
            state,
        });
        Ok(Self { listeners, shared })
    }

    /// The addresses listened on.
    pub fn addresses(&self) -> Vec<String> {
        self.shared.state.server.addresses()
    }

    /// The port, which the system may have chosen.
    pub fn port(&self) -> Option<u16> {
        self.listeners.first()?.local_addr().ok().map(|at| at.port())
    }

    /// Serves from now on.
    pub fn start(self) -> Serving {
        let limit = self.shared.state.config.current().gateway.max_connections;
        let places = Arc::new(Semaphore::new(limit));
        for listener in self.listeners {
            self.shared.tasks.spawn(accept(listener, places.clone(), self.shared.clone()));
        }
        self.shared.tasks.spawn(ping_all(self.shared.clone()));
        Serving { shared: self.shared }
    }
}

impl Serving {
    /// Takes no new connections and requests from now on; those under way go on.
    pub fn refuse_new(&self) {
        self.shared.refusing.cancel();
    }

    /// Closes all connections and waits for them, at most this long.
    pub async fn shutdown(&self, limit: Duration) {
        self.shared.refusing.cancel();
        self.shared.closing.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(limit, self.shared.tasks.wait()).await.is_err() {
            tracing::debug!(left = self.shared.tasks.len(), "connections did not close in time");
        }
    }
}

async fn accept(listener: TcpListener, places: Arc<Semaphore>, shared: Arc<Shared>) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.refusing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, peer)) => match places.clone().try_acquire_owned() {
                Ok(place) => {
                    shared.tasks.spawn(serve(stream, peer, place, shared.clone()));
                }
                Err(_) => {
                    shared.tasks.spawn(turn_away(stream));
                }
            },
            // Out of file handles, mostly: connections that end free some.
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
        }
    }
}

async fn turn_away(mut stream: TcpStream) {
    let said = tokio::time::timeout(Duration::from_secs(1), stream.write_all(FULL)).await;
    tracing::debug!(
        said = matches!(said, Ok(Ok(()))),
        "a connection beyond max_connections was turned away"
    );
}

/// One connection's place among `max_connections`; a WebSocket keeps it after its upgrade.
#[derive(Debug)]
pub(super) struct Place {
    _permit: OwnedSemaphorePermit,
    state: Arc<GatewayState>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.state.server.closed();
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    permit: OwnedSemaphorePermit,
    shared: Arc<Shared>,
) {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a connection was gone before it was served");
        return;
    }
    shared.state.server.opened();
    let place = Arc::new(Place { _permit: permit, state: shared.state.clone() });
    let address: IpAddr = peer.ip().to_canonical();
    let (for_requests, closing) = (shared.clone(), shared.closing.clone());
    let service = hyper::service::service_fn(move |request| {
        handle(for_requests.clone(), address, place.clone(), request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_LIMIT)
        .max_buf_size(HEADER_BYTES)
        .max_headers(HEADER_COUNT);
    let connection = builder.serve_connection(TokioIo::new(stream), service).with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = &mut connection => ended,
        () = closing.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::trace!(%error, "a connection ended with an error");
    }
}

/// One sweep for all sockets is cheaper than a timer in each.
async fn ping_all(shared: Arc<Shared>) {
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            () = tokio::time::sleep(PING_EVERY) => {}
        }
        shared.state.hub.clients().iter().for_each(|client| client.ping());
    }
}
