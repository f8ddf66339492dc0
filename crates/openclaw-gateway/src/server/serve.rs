use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use openclaw_core::Secret;
use openclaw_errors::OpenClawError;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::Instrument as _;

use super::bind::bind;
use super::channel_news;
use super::credentials;
use super::headers::SECURITY;
use super::impatient::Impatient;
use super::limits::ServerLimits;
use super::receiving::Receiving;
use super::routes::handle;
use super::tls::{self, Tls};
use crate::GatewayState;
use crate::auth::{AuthError, Authenticator, CallClass, Principal, RateLimiter};
use crate::observe::{carry, watch_delays};
use crate::rpc::Caller;
use crate::typescript::tell_periodically;

const HEAD_BYTES: usize = 64 << 10;
const HEAD_COUNT: usize = 64;
/// The pause after a connection could not be accepted: out of file handles, mostly.
const ACCEPT_PAUSE: Duration = Duration::from_millis(200);
/// Connections that are being told that there are too many; further ones are only closed.
const TURNED_AWAY: usize = 64;

/// What a server needs besides the gateway.
#[derive(Debug)]
pub struct ServerOptions {
    /// The gateway token.
    pub token: Secret,
}

/// What connections share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(super) state: Arc<GatewayState>,
    pub(super) authenticator: Arc<Authenticator>,
    pub(super) limiter: Arc<RateLimiter>,
    pub(super) http: crate::http::HttpState,
    pub(super) receiving: Arc<Receiving>,
    pub(super) limits: ServerLimits,
    /// What opens the gateway where the configuration names no token; `None` where it named one at
    /// the start, so that nothing else was chosen.
    pub(super) token_without_config: Option<Secret>,
    /// `None` where the port speaks plain text.
    pub(super) tls: Option<Tls>,
    pub(super) tasks: TaskTracker,
    /// No new connections and requests.
    pub(super) refusing: CancellationToken,
    /// Connections end.
    pub(super) closing: CancellationToken,
}

impl Shared {
    /// The gateway.
    pub(crate) fn state(&self) -> &Arc<GatewayState> {
        &self.state
    }

    /// What the interfaces besides JSON-RPC keep.
    pub(crate) fn http(&self) -> &crate::http::HttpState {
        &self.http
    }

    /// A signed-in caller as methods see it.
    pub(crate) fn caller(&self, peer: &Peer, principal: Principal) -> Caller {
        Caller::new(peer.address, None, self.authenticator.clone(), Some(principal))
    }

    /// As [`Self::caller`], whose calls count together with others of its credential.
    pub(crate) fn counted_caller(&self, peer: &Peer, principal: Principal) -> Caller {
        self.caller(peer, principal).limited_by(self.limiter.clone())
    }

    /// Whether no new requests are taken.
    pub(crate) fn is_refusing(&self) -> bool {
        self.refusing.is_cancelled()
    }

    /// Waits until connections end. Cancel-safe.
    pub(crate) async fn closing(&self) {
        self.closing.cancelled().await;
    }

    /// Runs a task that ends before the server does, as part of the request that asks for it.
    pub(crate) fn spawn<F>(&self, task: F) -> tokio::task::JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send,
    {
        self.tasks.spawn(carry(task.in_current_span()))
    }

    /// Who the request's credential says it is; nobody without one.
    pub(crate) fn principal<B>(
        &self,
        peer: &Peer,
        request: &Request<B>,
    ) -> Result<Option<Principal>, AuthError> {
        super::rpc::principal(self, peer.address, request)
    }

    /// Takes one call of a credential's share; otherwise says when the next may come.
    pub(crate) fn take_turn(
        &self,
        peer: &Peer,
        principal: &Principal,
        class: CallClass,
    ) -> Result<(), Duration> {
        let settings = self.state.config.current().gateway.rate_limit;
        let now = self.state.clock.now();
        self.limiter.take(&principal.name, peer.address, class, settings, now)
    }
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
    /// `Config` for an address beyond loopback without a credential of the owner's, `Unavailable` for a taken port, with
    /// who holds it.
    pub async fn bind(
        state: Arc<GatewayState>,
        options: ServerOptions,
    ) -> Result<Self, OpenClawError> {
        Self::bind_with(state, options, ServerLimits::default()).await
    }

    /// [`Self::bind`] with other limits.
    ///
    /// # Errors
    /// As [`Self::bind`].
    pub async fn bind_with(
        state: Arc<GatewayState>,
        options: ServerOptions,
        limits: ServerLimits,
    ) -> Result<Self, OpenClawError> {
        state.credentials.load().await?;
        let settings = state.config.current().gateway.clone();
        let tls = tls::load(&settings, &state.config.current().state_dir)?;
        let listeners = bind(&settings, has_owners_credential(&state)).await?;
        let scheme = if tls.is_some() { "https" } else { "http" };
        let addresses = listeners
            .iter()
            .filter_map(|listener| listener.local_addr().ok())
            .map(|at| format!("{scheme}://{at}"))
            .collect();
        state.server.listening(addresses, tls.as_ref().map(Tls::fingerprint));
        tls::tell_fingerprint(tls.as_ref(), &state.config.current().state_dir);
        let has_configured_token = settings.auth.token.is_some();
        let shared = Arc::new(Shared {
            token_without_config: (!has_configured_token).then(|| options.token.clone()),
            authenticator: Arc::new(Authenticator::new(
                &options.token,
                state.credentials.clone(),
                state.clock.clone(),
            )),
            limiter: Arc::default(),
            http: crate::http::HttpState::default(),
            receiving: Arc::new(Receiving::new(limits.bytes_together)),
            limits,
            tls,
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

    /// The first address, whose port the system may have chosen.
    pub fn address(&self) -> Option<SocketAddr> {
        self.listeners.first()?.local_addr().ok()
    }

    /// Serves from now on.
    pub fn start(self) -> Serving {
        let limit = self.shared.state.config.current().gateway.max_connections;
        let places = Arc::new(Semaphore::new(limit));
        let turned_away = Arc::new(Semaphore::new(TURNED_AWAY));
        for listener in self.listeners {
            let (places, turned_away) = (places.clone(), turned_away.clone());
            self.shared.tasks.spawn(accept(listener, places, turned_away, self.shared.clone()));
        }
        self.shared.tasks.spawn(ping_all(self.shared.clone()));
        self.shared.tasks.spawn(credentials::follow_config(self.shared.clone()));
        self.shared.tasks.spawn(credentials::end_connections(self.shared.clone()));
        self.shared.tasks.spawn(credentials::keep_up(self.shared.clone()));
        self.shared.tasks.spawn(tls::follow_files(self.shared.clone()));
        self.shared.tasks.spawn(channel_news::tell(self.shared.clone()));
        let metrics = self.shared.state.metrics.clone();
        self.shared.tasks.spawn(watch_delays(metrics, self.shared.closing.clone()));
        let (state, closing) = (self.shared.state.clone(), self.shared.closing.clone());
        self.shared.tasks.spawn(tell_periodically(state, closing));
        Serving { shared: self.shared }
    }
}

/// Whether the owner has set what opens the gateway; a generated token is none.
fn has_owners_credential(state: &GatewayState) -> bool {
    let auth = &state.config.current().gateway.auth;
    auth.token.is_some() || auth.password_hash.is_some() || state.credentials.has_live_key()
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

async fn accept(
    listener: TcpListener,
    places: Arc<Semaphore>,
    turned_away: Arc<Semaphore>,
    shared: Arc<Shared>,
) {
    loop {
        let accepted = tokio::select! {
            biased;
            () = shared.refusing.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        if let Ok(place) = places.clone().try_acquire_owned() {
            shared.tasks.spawn(serve(stream, peer, place, shared.clone()));
        } else if shared.tls.is_none()
            // A peer that expects TLS could not read it.
            && let Ok(turn) = turned_away.clone().try_acquire_owned()
        {
            shared.tasks.spawn(turn_away(stream, turn));
        }
    }
}

/// Says that there are too many connections. The request is not read: its peer may be slow.
async fn turn_away(mut stream: TcpStream, _turn: OwnedSemaphorePermit) {
    let text = "too many connections\n";
    let security: String =
        SECURITY.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    let reply = format!(
        "HTTP/1.1 503 Service Unavailable\r\ncontent-type: text/plain; charset=utf-8\r\n\
         content-length: {}\r\nretry-after: 1\r\nconnection: close\r\n{security}\r\n{text}",
        text.len()
    );
    let said = async {
        stream.write_all(reply.as_bytes()).await?;
        stream.shutdown().await?;
        // Closing with unread bytes would reset the connection and take the reply back.
        let mut sink = [0; 1024];
        while stream.read(&mut sink).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    let said = tokio::time::timeout(Duration::from_secs(1), said).await;
    tracing::debug!(said = said.is_ok(), "a connection beyond max_connections was turned away");
}

/// The other side of a connection, and its place.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    /// Where its requests come from: its own address, or what a trusted proxy says.
    pub(crate) address: IpAddr,
    /// This side of the connection.
    pub(super) local: SocketAddr,
    /// Held as long as any request or socket of it lives.
    pub(super) _place: Arc<Place>,
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
    let prepared = stream.set_nodelay(true).and_then(|()| stream.local_addr());
    let local = match prepared {
        Ok(local) => local,
        Err(error) => {
            tracing::debug!(%error, "a connection was gone before it was served");
            return;
        }
    };
    shared.state.server.opened();
    let place = Arc::new(Place { _permit: permit, state: shared.state.clone() });
    let peer = Peer { address: peer.ip().to_canonical(), local, _place: place };
    let Some(tls) = &shared.tls else { return speak(stream, peer, shared).await };
    let limit = shared.limits.head;
    match tokio::time::timeout(limit, tls.acceptor.accept(stream)).await {
        Ok(Ok(stream)) => speak(stream, peer, shared.clone()).await,
        Ok(Err(error)) => tracing::debug!(%error, "a peer does not speak TLS with this gateway"),
        Err(_) => tracing::debug!("a TLS handshake took too long"),
    }
}

/// Speaks HTTP until the connection ends or is upgraded.
async fn speak<S: AsyncRead + AsyncWrite + Send + Unpin + 'static>(
    stream: S,
    peer: Peer,
    shared: Arc<Shared>,
) {
    let (for_requests, closing, limits) = (shared.clone(), shared.closing.clone(), shared.limits);
    let service = hyper::service::service_fn(move |request| {
        handle(for_requests.clone(), peer.clone(), request)
    });
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // The first bounds what is buffered, the second what is taken of it.
        .max_buf_size(HEAD_BYTES)
        .max_header_size(HEAD_BYTES)
        .max_headers(HEAD_COUNT);
    let stream = TokioIo::new(Impatient::new(stream, limits.stalled_write));
    let connection = builder.serve_connection(stream, service).with_upgrades();
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
            () = tokio::time::sleep(shared.limits.ping_every) => {}
        }
        shared.state.hub.clients().iter().for_each(|client| client.ping());
    }
}
