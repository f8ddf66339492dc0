use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use openclaw_config::EgressCredential;
use openclaw_media::Fetcher;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::HostList;
use super::head::{Way, parse};
use super::relay::{credential, relay};

/// Connections of one command at a time; more wait to be accepted.
const MOST_CONNECTIONS: usize = 64;

const LONGEST_HEAD: usize = 16 * 1024;

const HEAD_LIMIT: Duration = Duration::from_secs(10);

/// Serves one command's port for as long as it is polled.
pub type Serve = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Serves the proxy's port of sandboxes.
#[derive(Debug)]
pub struct Egress {
    fetcher: Fetcher,
}

impl Egress {
    /// `fetcher` decides which addresses may be connected to.
    pub fn new(fetcher: Fetcher) -> Self {
        Self { fetcher }
    }

    /// Serves one command's port for as long as the future is polled.
    ///
    /// # Errors
    /// When the socket cannot be used.
    pub fn serve(
        self: &Arc<Self>,
        listener: std::net::TcpListener,
        hosts: &[String],
        credentials: &[EgressCredential],
    ) -> io::Result<Serve> {
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let (own, hosts) = (self.clone(), HostList::new(hosts));
        let credentials = credentials.to_vec();
        Ok(Box::pin(async move {
            let mut connections = FuturesUnordered::new();
            loop {
                tokio::select! {
                    accepted = listener.accept(), if connections.len() < MOST_CONNECTIONS => {
                        match accepted {
                            Ok((stream, _)) => connections.push(own.connection(stream, &hosts, &credentials)),
                            Err(error) => {
                                tracing::warn!(%error, "the egress proxy cannot accept");
                                tokio::time::sleep(Duration::from_millis(100)).await;
                            }
                        }
                    }
                    Some(ended) = connections.next() => {
                        if let Err(error) = ended {
                            tracing::debug!(%error, "a connection through the egress proxy ended");
                        }
                    }
                }
            }
        }))
    }

    async fn connection(
        &self,
        mut client: TcpStream,
        hosts: &HostList,
        credentials: &[EgressCredential],
    ) -> io::Result<()> {
        let (head, rest) = match tokio::time::timeout(HEAD_LIMIT, read_head(&mut client)).await {
            Ok(read) => read?,
            Err(_) => return refuse(&mut client, 408, "the request took too long").await,
        };
        let asked = match parse(&head) {
            Ok(asked) => asked,
            Err(reason) => return refuse(&mut client, 400, reason).await,
        };
        if let (Way::Plain { head }, Some(bound)) = (&asked.way, credential(&asked, credentials)) {
            return match relay(&self.fetcher, &mut client, (head, rest), bound).await? {
                Ok(()) => Ok(()),
                Err(reason) => refuse(&mut client, 502, &reason).await,
            };
        }
        if !hosts.allows(&asked.host, asked.port) {
            tracing::info!(
                host = asked.host,
                port = asked.port,
                "a command asked for a host it was not granted"
            );
            let reason =
                format!("{}:{} is not in agents.sandbox.allow_hosts", asked.host, asked.port);
            return refuse(&mut client, 403, &reason).await;
        }
        let mut peer = match self.fetcher.connect(&asked.host, asked.port).await {
            Ok(peer) => peer,
            Err(error) => return refuse(&mut client, 502, &error.to_string()).await,
        };
        match &asked.way {
            Way::Tunnel => client.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await?,
            Way::Plain { head } => peer.write_all(head).await?,
        }
        peer.write_all(&rest).await?;
        tokio::io::copy_bidirectional(&mut client, &mut peer).await.map(drop)
    }
}

/// The head with its empty line, and what came after it.
async fn read_head(client: &mut TcpStream) -> io::Result<(Vec<u8>, Vec<u8>)> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            let rest = bytes.split_off(end + 4);
            return Ok((bytes, rest));
        }
        if bytes.len() > LONGEST_HEAD {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the request's head is too long",
            ));
        }
        if client.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
}

async fn refuse(client: &mut TcpStream, status: u16, reason: &str) -> io::Result<()> {
    let body = format!("openclaw: {reason}\n");
    let answer = format!(
        "HTTP/1.1 {status} Refused\r\nContent-Type: text/plain\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    client.write_all(answer.as_bytes()).await?;
    client.shutdown().await
}
