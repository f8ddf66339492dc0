use std::collections::BTreeMap;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use openclaw_core::{Clock, SystemClock};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::bot::FakeBot;
use super::exchange;

/// The fake service. It ends when this is dropped.
#[derive(Debug)]
pub struct FakeTelegram {
    address: SocketAddr,
    service: Arc<Service>,
    cancel: CancellationToken,
}

/// What every connection shares.
#[derive(Debug)]
pub(crate) struct Service {
    bots: Mutex<BTreeMap<String, FakeBot>>,
    clock: Arc<dyn Clock>,
    pub(crate) control: bool,
}

impl Service {
    pub(crate) fn bot(&self, token: &str) -> Option<FakeBot> {
        self.bots.lock().expect("no panic while the bots are held").get(token).cloned()
    }
}

impl FakeTelegram {
    /// Starts on a free port of loopback.
    ///
    /// # Panics
    /// When loopback has no free port.
    pub async fn start() -> Self {
        Self::start_on(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), false)
            .await
            .expect("loopback has a free port")
    }

    /// Starts on this address, with or without the control API.
    ///
    /// # Errors
    /// When the address cannot be listened on.
    pub async fn start_on(address: SocketAddr, control: bool) -> io::Result<Self> {
        let listener = TcpListener::bind(address).await?;
        let address = listener.local_addr()?;
        let cancel = CancellationToken::new();
        let service =
            Arc::new(Service { bots: Mutex::default(), clock: Arc::new(SystemClock), control });
        let tasks = TaskTracker::new();
        let accept = accept(listener, Arc::clone(&service), tasks.clone(), cancel.clone());
        tasks.spawn(accept);
        Ok(Self { address, service, cancel })
    }

    /// The root of the API, without a slash at the end.
    pub fn base_url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Makes a bot with this token, such as `110201543:AAHdqTcvCH1vGWJxfSeofSAs0K5PALDsaw`.
    pub fn add_bot(&self, token: &str, username: &str) -> FakeBot {
        let bot = FakeBot::new(token, username, Arc::clone(&self.service.clock));
        self.service
            .bots
            .lock()
            .expect("no panic while the bots are held")
            .insert(token.to_owned(), bot.clone());
        bot
    }

    /// Waits until the service is ended by somebody else, which never happens by itself.
    pub async fn serve_until_cancelled(&self) {
        self.cancel.cancelled().await;
    }
}

impl Drop for FakeTelegram {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

async fn accept(
    listener: TcpListener,
    service: Arc<Service>,
    tasks: TaskTracker,
    cancel: CancellationToken,
) {
    loop {
        let stream = tokio::select! {
            () = cancel.cancelled() => return,
            accepted = listener.accept() => match accepted {
                Ok((stream, _)) => stream,
                Err(error) => {
                    tracing::warn!(%error, "the fake service cannot accept a connection");
                    continue;
                }
            },
        };
        let service = Arc::clone(&service);
        let cancel = cancel.clone();
        tasks.spawn(async move {
            let handle = service_fn(|request| exchange::handle(Arc::clone(&service), request));
            let connection = http1::Builder::new()
                .timer(TokioTimer::new())
                .serve_connection(TokioIo::new(stream), handle);
            tokio::select! {
                () = cancel.cancelled() => {}
                // A client that leaves, and a call that is to be cut, both end a connection so.
                ended = connection => if let Err(error) = ended {
                    tracing::debug!(%error, "a connection of the fake service ended");
                },
            }
        });
    }
}
