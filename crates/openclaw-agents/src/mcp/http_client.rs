use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use http::header::LOCATION;
use openclaw_media::{AddressRules, Lookup, SystemLookup};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::redirect::{Attempt, Policy};
use reqwest::{Client, ClientBuilder};
use rmcp::transport::auth::{
    OAuthHttpClient, OAuthHttpClientError, OAuthHttpClientFuture, OAuthHttpRedirectPolicy,
    OAuthHttpRequest,
};
use url::Url;

use super::McpError;

const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const REQUEST_LIMIT: Duration = Duration::from_secs(30);
const MOST_REDIRECTS: usize = 3;

/// The largest document of an authorization server.
const LARGEST_DOCUMENT: usize = 1024 * 1024;

fn builder() -> ClientBuilder {
    Client::builder()
        .no_proxy()
        .referer(false)
        .connect_timeout(CONNECT_LIMIT)
        .pool_max_idle_per_host(2)
        .user_agent(concat!("openclaw/", env!("CARGO_PKG_VERSION")))
}

/// A client for servers that the configuration names. A redirect is followed where it leads to the
/// same origin: credentials and headers go nowhere else.
pub(super) fn for_servers() -> Result<Client, McpError> {
    let within = |attempt: Attempt<'_>| {
        let same =
            attempt.previous().first().is_some_and(|url| url.origin() == attempt.url().origin());
        if !same {
            return attempt.error("it redirects to another host, which is not followed");
        }
        if attempt.previous().len() > MOST_REDIRECTS {
            return attempt.error("it redirects too often");
        }
        attempt.follow()
    };
    builder().redirect(Policy::custom(within)).build().map_err(McpError::Client)
}

/// A client for the URLs that a server names for the sign-in: on the server's own host, or at a
/// public address.
#[derive(Debug)]
pub(super) struct SignInClient {
    client: Client,
    own_host: String,
    rules: Arc<AddressRules>,
}

impl SignInClient {
    pub(super) fn new(server: &Url) -> Result<Self, McpError> {
        let own_host = server.host_str().unwrap_or_default().to_ascii_lowercase();
        let rules = Arc::new(AddressRules::public_only());
        let resolver =
            Resolver { own_host: own_host.clone(), rules: rules.clone(), lookup: SystemLookup };
        let client = builder()
            .dns_resolver(resolver)
            .redirect(Policy::none())
            .timeout(REQUEST_LIMIT)
            .build()
            .map_err(McpError::Client)?;
        Ok(Self { client, own_host, rules })
    }

    fn check(&self, url: &Url) -> Result<(), OAuthHttpClientError> {
        let host = url.host().ok_or("the URL names no host")?;
        if url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.own_host)) {
            return Ok(());
        }
        self.rules
            .check_host(&host)
            .map_err(|reason| format!("{host} is not asked: {reason}").into())
    }

    async fn send(
        &self,
        request: OAuthHttpRequest,
    ) -> Result<http::Response<Vec<u8>>, OAuthHttpClientError> {
        let may_follow = request.redirect_policy == OAuthHttpRedirectPolicy::Follow
            && request.request.method() == http::Method::GET;
        let (parts, body) = request.request.into_parts();
        let mut url = Url::parse(&parts.uri.to_string())?;
        for _ in 0..=MOST_REDIRECTS {
            self.check(&url)?;
            let call = self.client.request(parts.method.clone(), url.clone());
            let call = call.headers(parts.headers.clone()).body(body.clone());
            let mut response = call.send().await.map_err(reqwest::Error::without_url)?;
            let location = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let next = location.and_then(|location| url.join(location).ok());
            if let (true, true, Some(next)) = (may_follow, response.status().is_redirection(), next)
            {
                if next.origin() != url.origin() {
                    return Err("it redirects to another host, which is not followed".into());
                }
                url = next;
                continue;
            }
            let mut answer = http::Response::new(Vec::new());
            *answer.status_mut() = response.status();
            *answer.headers_mut() = response.headers().clone();
            while let Some(chunk) = response.chunk().await.map_err(reqwest::Error::without_url)? {
                if answer.body().len() + chunk.len() > LARGEST_DOCUMENT {
                    return Err("its answer is longer than 1 MiB".into());
                }
                answer.body_mut().extend_from_slice(&chunk);
            }
            return Ok(answer);
        }
        Err("it redirects too often".into())
    }
}

impl OAuthHttpClient for SignInClient {
    fn execute(&self, request: OAuthHttpRequest) -> OAuthHttpClientFuture<'_> {
        Box::pin(self.send(request))
    }
}

/// Gives the client only addresses that it may connect to.
#[derive(Debug)]
struct Resolver {
    own_host: String,
    rules: Arc<AddressRules>,
    lookup: SystemLookup,
}

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let is_own = name.as_str().eq_ignore_ascii_case(&self.own_host);
        let found = self.lookup.lookup(name.as_str().to_owned());
        let rules = self.rules.clone();
        Box::pin(async move {
            let may_be_reached = |address: &IpAddr| is_own || rules.check(*address).is_ok();
            let allowed: Vec<SocketAddr> = found
                .await?
                .into_iter()
                .filter(may_be_reached)
                // The client puts the URL's port in place of 0.
                .map(|address| SocketAddr::new(address, 0))
                .collect();
            if allowed.is_empty() {
                return Err(io::Error::other("the name has no address that may be reached").into());
            }
            let addresses: Addrs = Box::new(allowed.into_iter());
            Ok(addresses)
        })
    }
}
