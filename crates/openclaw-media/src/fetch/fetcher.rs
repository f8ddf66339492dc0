use std::error::Error;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::header::{ACCEPT, CONTENT_TYPE, LOCATION};
use openclaw_core::MediaRef;
use reqwest::{Client, Response, redirect};
use tokio::net::TcpStream;
use url::{Host, Url};

use super::resolver::{DeniedName, GuardedResolver};
use super::{AddressRules, Credential, FetchRequest, Lookup, SystemLookup};
use crate::{MediaError, MediaStore};

const MAX_REDIRECTS: usize = 5;
const MAX_URL: usize = 8 * 1024;
const CONNECT_TIME_LIMIT: Duration = Duration::from_secs(10);
const READ_TIME_LIMIT: Duration = Duration::from_secs(20);

/// Fetches URLs that came from outside. Clones share connections.
#[derive(Debug, Clone)]
pub struct Fetcher {
    pub(super) client: Client,
    rules: Arc<AddressRules>,
    lookup: Arc<dyn Lookup>,
}

/// What a fetch brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fetched {
    /// Where the redirects ended.
    pub url: Url,
    /// The type the peer declared; what it is, [`crate::sniff`] says.
    pub declared_type: Option<String>,
    /// The bytes.
    pub body: Bytes,
}

/// Sets up a [`Fetcher`].
#[derive(Debug)]
pub struct FetcherBuilder {
    lookup: Arc<dyn Lookup>,
    rules: AddressRules,
}

impl FetcherBuilder {
    /// Resolves names in another way.
    #[must_use]
    pub fn lookup(mut self, lookup: Arc<dyn Lookup>) -> Self {
        self.lookup = lookup;
        self
    }

    /// Applies other rules than [`AddressRules::public_only`].
    #[must_use]
    pub fn rules(mut self, rules: AddressRules) -> Self {
        self.rules = rules;
        self
    }

    /// Builds the client. The process's TLS provider must have been installed.
    ///
    /// # Errors
    /// [`MediaError::Client`] when TLS cannot be set up.
    pub fn build(self) -> Result<Fetcher, MediaError> {
        let rules = Arc::new(self.rules);
        let resolver = GuardedResolver { lookup: self.lookup.clone(), rules: rules.clone() };
        let client = Client::builder()
            .dns_resolver(resolver)
            .redirect(redirect::Policy::none())
            .no_proxy()
            .referer(false)
            .connect_timeout(CONNECT_TIME_LIMIT)
            .read_timeout(READ_TIME_LIMIT)
            .pool_max_idle_per_host(1)
            .pool_idle_timeout(Duration::from_secs(30))
            .user_agent(concat!("openclaw/", env!("CARGO_PKG_VERSION")))
            .build()
            .map_err(MediaError::Client)?;
        Ok(Fetcher { client, rules, lookup: self.lookup })
    }
}

impl Fetcher {
    /// A fetcher with the system's resolver that reaches public addresses only.
    pub fn builder() -> FetcherBuilder {
        FetcherBuilder { lookup: Arc::new(SystemLookup), rules: AddressRules::public_only() }
    }

    /// Fetches into memory.
    ///
    /// # Errors
    /// Any [`MediaError`] but `NotFound` and `Io`.
    pub async fn get(&self, request: &FetchRequest) -> Result<Fetched, MediaError> {
        within(request, async {
            let (url, mut response) = self.follow(request).await?;
            let declared_type = declared_type(&response);
            let mut body = BytesMut::new();
            while let Some(chunk) = next_chunk(&url, &mut response).await? {
                let size = (body.len() + chunk.len()) as u64;
                if size > request.limit {
                    return Err(MediaError::TooLarge { size, limit: request.limit });
                }
                body.extend_from_slice(&chunk);
            }
            Ok(Fetched { url, declared_type, body: body.freeze() })
        })
        .await
    }

    /// Fetches into the store without holding the whole in memory.
    ///
    /// # Errors
    /// Any [`MediaError`] but `NotFound`; then nothing is stored.
    pub async fn get_to_store(
        &self,
        request: &FetchRequest,
        store: &MediaStore,
    ) -> Result<MediaRef, MediaError> {
        within(request, async {
            let (url, mut response) = self.follow(request).await?;
            let mut intake = store.begin(request.limit).await?;
            while let Some(chunk) = next_chunk(&url, &mut response).await? {
                intake.write(&chunk).await?;
            }
            let segment = url.path_segments().and_then(|mut segments| segments.next_back());
            intake.finish(request.file_name.as_deref().or(segment)).await
        })
        .await
    }

    /// Connects to a host that a proxied client asked for, under the same rules as a fetch: every
    /// address is checked, and only a checked one is connected to.
    ///
    /// # Errors
    /// [`MediaError::Refused`] when the host or all its addresses are denied, [`MediaError::Fetch`]
    /// and [`MediaError::TimedOut`] when it does not answer.
    pub async fn connect(&self, host: &str, port: u16) -> Result<TcpStream, MediaError> {
        // Every spelling of an address is read as in a URL, but nothing in it ends the host.
        let own = Host::parse(&bracketed(host)).map_err(|_| MediaError::Refused {
            url: "the host".to_owned(),
            reason: "it is neither a name nor an address",
        })?;
        let url = parse(&format!("http://{own}:{port}/"))?;
        self.check(&url)?;
        let work = async {
            let addresses = match url.host() {
                Some(Host::Ipv4(v4)) => vec![IpAddr::V4(v4)],
                Some(Host::Ipv6(v6)) => vec![IpAddr::V6(v6)],
                Some(Host::Domain(name)) => {
                    self.lookup.lookup(name.to_owned()).await.map_err(|error| {
                        MediaError::Fetch { url: shown(&url), source: error.into() }
                    })?
                }
                None => Vec::new(),
            };
            let mut last = refused(&url, "the name has no address");
            for address in addresses {
                if let Err(reason) = self.rules.check(address) {
                    last = refused(&url, reason);
                    continue;
                }
                match TcpStream::connect((address, port)).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => {
                        last = MediaError::Fetch { url: shown(&url), source: error.into() };
                    }
                }
            }
            Err(last)
        };
        match tokio::time::timeout(CONNECT_TIME_LIMIT, work).await {
            Ok(outcome) => outcome,
            Err(_) => Err(MediaError::TimedOut {
                url: shown(&url),
                seconds: CONNECT_TIME_LIMIT.as_secs(),
            }),
        }
    }

    async fn follow(&self, request: &FetchRequest) -> Result<(Url, Response), MediaError> {
        let mut url = parse(&request.url)?;
        let first = url.origin();
        let mut credential: Option<&Credential> = request.credential.as_ref();
        for _ in 0..=MAX_REDIRECTS {
            self.check(&url)?;
            let mut call = match &request.body {
                None => self.client.get(url.clone()),
                Some(body) => self
                    .client
                    .post(url.clone())
                    .header(CONTENT_TYPE, "application/json")
                    .body(body.clone()),
            };
            if let Some(accept) = &request.accept {
                call = call.header(ACCEPT, accept);
            }
            // Once it was left out, it stays out: a foreign host may not steer it back.
            match credential.and_then(|credential| credential.for_url(&url, &first)) {
                Some((name, value)) => call = call.header(name, value),
                None => credential = None,
            }
            let response = call.send().await.map_err(|error| failed(&url, error))?;
            self.check_peer(&url, &response)?;
            match redirect_target(&url, &response)? {
                Some(_) if !request.redirects => {
                    return Err(refused(&url, "it redirects, which is not followed here"));
                }
                Some(next) => url = next,
                None => {
                    check_answer(&url, &response, request.limit)?;
                    return Ok((url, response));
                }
            }
        }
        Err(refused(&url, "it redirects more than 5 times"))
    }

    pub(super) fn check(&self, url: &Url) -> Result<(), MediaError> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(refused(url, "only http and https are fetched"));
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(refused(url, "it carries credentials"));
        }
        let host = url.host().ok_or_else(|| refused(url, "it names no host"))?;
        self.rules.check_host(&host).map_err(|reason| refused(url, reason))
    }

    pub(super) fn check_peer(&self, url: &Url, response: &Response) -> Result<(), MediaError> {
        let peer = response
            .remote_addr()
            .ok_or_else(|| refused(url, "the address of the peer is not known"))?;
        self.rules.check(peer.ip()).map_err(|reason| refused(url, reason))
    }
}

async fn within<T>(
    request: &FetchRequest,
    exchange: impl Future<Output = Result<T, MediaError>>,
) -> Result<T, MediaError> {
    match tokio::time::timeout(request.time_limit, exchange).await {
        Ok(outcome) => outcome,
        Err(_) => Err(MediaError::TimedOut {
            url: parse(&request.url).map_or_else(|_| "the URL".to_owned(), |url| shown(&url)),
            seconds: request.time_limit.as_secs(),
        }),
    }
}

async fn next_chunk(url: &Url, response: &mut Response) -> Result<Option<Bytes>, MediaError> {
    response.chunk().await.map_err(|error| failed(url, error))
}

fn bracketed(host: &str) -> String {
    if host.contains(':') { format!("[{host}]") } else { host.to_owned() }
}

pub(super) fn parse(text: &str) -> Result<Url, MediaError> {
    let refused = |reason| MediaError::Refused { url: "the URL".to_owned(), reason };
    if text.len() > MAX_URL {
        return Err(refused("it is longer than 8 KiB"));
    }
    Url::parse(text).map_err(|_| refused("it is not a URL; it must begin with https:// or http://"))
}

fn redirect_target(url: &Url, response: &Response) -> Result<Option<Url>, MediaError> {
    if !matches!(response.status().as_u16(), 301 | 302 | 303 | 307 | 308) {
        return Ok(None);
    }
    let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
    let location = location.filter(|text| text.len() <= MAX_URL);
    let next = location.and_then(|text| url.join(text).ok());
    next.map(Some).ok_or_else(|| refused(url, "it redirects to something that is not a URL"))
}

fn check_answer(url: &Url, response: &Response, limit: u64) -> Result<(), MediaError> {
    let status = response.status();
    if !status.is_success() {
        return Err(MediaError::Status { url: shown(url), status: status.as_u16() });
    }
    match response.content_length() {
        Some(size) if size > limit => Err(MediaError::TooLarge { size, limit }),
        _ => Ok(()),
    }
}

fn declared_type(response: &Response) -> Option<String> {
    let value = response.headers().get(CONTENT_TYPE)?.to_str().ok()?;
    Some(value.chars().take(200).collect())
}

fn refused(url: &Url, reason: &'static str) -> MediaError {
    MediaError::Refused { url: shown(url), reason }
}

pub(super) fn failed(url: &Url, error: reqwest::Error) -> MediaError {
    let mut cause: Option<&(dyn Error + 'static)> = Some(&error);
    while let Some(inner) = cause {
        if let Some(denied) = inner.downcast_ref::<DeniedName>() {
            return refused(url, denied.reason);
        }
        cause = inner.source();
    }
    // The client's own text has the whole URL, which may hold a token in its query.
    MediaError::Fetch { url: shown(url), source: error.without_url().into() }
}

/// Scheme, host and port: the rest may hold a token, or words of whoever redirected here.
fn shown(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
    format!("{}://{host}{port}", url.scheme())
}
