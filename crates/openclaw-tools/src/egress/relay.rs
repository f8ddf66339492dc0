//! Requests to hosts with a credential: the command asks in plain HTTP, the proxy speaks HTTPS to the
//! host and adds what the command must not know.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderName, HeaderValue, Method};
use openclaw_config::EgressCredential;
use openclaw_media::{Credential, Fetcher, RelayRequest, Relayed};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::head::Asked;

/// The longest body of such a request.
const LONGEST_BODY: usize = 16 * 1024 * 1024;

/// How long a body, or the head of an answer, may take.
const TIME_LIMIT: Duration = Duration::from_secs(120);

/// Headers of an answer that are between the proxy and the host.
const HOP_HEADERS: [&str; 6] =
    ["connection", "keep-alive", "transfer-encoding", "content-length", "upgrade", "trailer"];

/// The credential for what is asked, where there is one.
pub(super) fn credential<'a>(
    asked: &Asked,
    credentials: &'a [EgressCredential],
) -> Option<&'a EgressCredential> {
    credentials.iter().find(|one| {
        let (host, port) = split(&one.host);
        host.eq_ignore_ascii_case(&asked.host) && port.unwrap_or(80) == asked.port
    })
}

/// Relays one request. What comes back is why it cannot be, for the asker.
pub(super) async fn relay(
    fetcher: &Fetcher,
    client: &mut TcpStream,
    (head, rest): (&[u8], Vec<u8>),
    bound: &EgressCredential,
) -> io::Result<Result<(), String>> {
    let request = match tokio::time::timeout(TIME_LIMIT, read(client, head, rest, bound)).await {
        Ok(request) => request?,
        Err(_) => return Ok(Err("the request took too long".to_owned())),
    };
    let request = match request {
        Ok(request) => request,
        Err(reason) => return Ok(Err(reason.to_owned())),
    };
    match tokio::time::timeout(TIME_LIMIT, fetcher.relay(request)).await {
        Ok(Ok(answer)) => pass_on(client, answer, bound).await.map(Ok),
        Ok(Err(error)) => Ok(Err(error.to_string())),
        Err(_) => Ok(Err("the host did not answer in time".to_owned())),
    }
}

async fn read(
    client: &mut TcpStream,
    head: &[u8],
    mut body: Vec<u8>,
    bound: &EgressCredential,
) -> io::Result<Result<RelayRequest, &'static str>> {
    let Some((method, path, headers)) = parts(head) else {
        return Ok(Err("the request cannot be read"));
    };
    let length = headers.iter().find(|(name, _)| *name == http::header::CONTENT_LENGTH);
    let length = match length {
        None if headers.iter().any(|(name, _)| *name == http::header::TRANSFER_ENCODING) => {
            return Ok(Err("a body needs a Content-Length here"));
        }
        None => 0,
        Some((_, value)) => match value.to_str().ok().and_then(|text| text.parse().ok()) {
            Some(length) if length <= LONGEST_BODY => length,
            Some(_) | None => return Ok(Err("the body is longer than 16 MiB")),
        },
    };
    while body.len() < length {
        if client.read_buf(&mut body).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    body.truncate(length);
    let Ok(name) = HeaderName::from_bytes(bound.header.as_bytes()) else {
        return Ok(Err("the credential's header is none"));
    };
    let own = [http::header::HOST, http::header::CONTENT_LENGTH, http::header::CONNECTION];
    let (host, port) = split(&bound.host);
    let credential = Credential::header(host, name, bound.secret.clone());
    // TLS has no names for addresses of this machine.
    let is_own = host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let scheme = if is_own { "http" } else { "https" };
    let port = port.map(|port| format!(":{port}")).unwrap_or_default();
    Ok(Ok(RelayRequest {
        method,
        url: format!("{scheme}://{host}{port}{path}"),
        headers: headers.into_iter().filter(|(name, _)| !own.contains(name)).collect(),
        body: Bytes::from(body),
        credential,
    }))
}

/// Headers in their order.
type Headers = Vec<(HeaderName, HeaderValue)>;

/// Method, path and headers of a head that was rewritten for the peer.
fn parts(head: &[u8]) -> Option<(Method, String, Headers)> {
    let text = std::str::from_utf8(head).ok()?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next()?.split(' ');
    let method = first.next()?.parse().ok()?;
    let path = first.next()?.to_owned();
    let headers = lines.filter(|line| !line.is_empty()).map(|line| {
        let (name, value) = line.split_once(':')?;
        let name = HeaderName::from_bytes(name.trim().as_bytes()).ok()?;
        Some((name, HeaderValue::from_str(value.trim()).ok()?))
    });
    Some((method, path, headers.collect::<Option<Headers>>()?))
}

async fn pass_on(
    client: &mut TcpStream,
    mut answer: Relayed,
    bound: &EgressCredential,
) -> io::Result<()> {
    let mut head = format!("HTTP/1.1 {} Relayed\r\nConnection: close\r\n", answer.status());
    for (name, value) in answer.headers() {
        let is_hop = HOP_HEADERS.contains(&name.as_str());
        // A host that says back what it was sent does not tell the command.
        let says_secret = contains(value.as_bytes(), bound.secret.expose().as_bytes());
        if let (false, false, Ok(text)) = (is_hop, says_secret, value.to_str()) {
            head.push_str(&format!("{name}: {text}\r\n"));
        }
    }
    head.push_str("\r\n");
    client.write_all(head.as_bytes()).await?;
    let mut masked = Masked::new(bound.secret.expose().as_bytes());
    while let Some(chunk) = answer.chunk().await.map_err(io::Error::other)? {
        client.write_all(&masked.push(&chunk)).await?;
    }
    client.write_all(&masked.rest()).await?;
    client.shutdown().await
}

fn split(host: &str) -> (&str, Option<u16>) {
    match host.rsplit_once(':') {
        Some((name, port)) if !name.contains(':') => (name, port.parse().ok()),
        _ => (host, None),
    }
}

fn contains(text: &[u8], word: &[u8]) -> bool {
    !word.is_empty() && text.windows(word.len()).any(|window| window == word)
}

/// A stream of bytes in which one text is replaced by as many stars.
struct Masked<'a> {
    word: &'a [u8],
    held: Vec<u8>,
}

impl<'a> Masked<'a> {
    fn new(word: &'a [u8]) -> Self {
        Self { word, held: Vec::new() }
    }

    /// What can be given out: all but an end that may be the beginning of the text.
    fn push(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(bytes);
        self.mask();
        let keep = (1..self.word.len().min(self.held.len() + 1))
            .rev()
            .find(|length| self.held.ends_with(&self.word[..*length]))
            .unwrap_or_default();
        let rest = self.held.split_off(self.held.len() - keep);
        std::mem::replace(&mut self.held, rest)
    }

    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.held)
    }

    fn mask(&mut self) {
        let length = self.word.len();
        if length == 0 {
            return;
        }
        let mut at = 0;
        while at + length <= self.held.len() {
            if self.held[at..at + length] == *self.word {
                self.held[at..at + length].fill(b'*');
                at += length;
            } else {
                at += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::Masked;

    proptest! {
        #[test]
        fn a_secret_is_masked_wherever_the_stream_is_cut(
            parts in prop::collection::vec("[ab]{0,5}", 0..12), word in "[ab]{1,4}",
        ) {
            let whole = parts.concat();
            let mut masked = Masked::new(word.as_bytes());
            let mut out: Vec<u8> = Vec::new();
            for part in &parts {
                out.extend(masked.push(part.as_bytes()));
            }
            out.extend(masked.rest());
            let out = String::from_utf8(out).expect("text");
            prop_assert_eq!(&out, &whole.replace(&word, &"*".repeat(word.len())));
        }
    }
}
