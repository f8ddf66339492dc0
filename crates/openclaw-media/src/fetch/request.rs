use std::time::Duration;

use http::{HeaderName, HeaderValue, header};
use openclaw_core::Secret;
use url::{Origin, Url};

/// One thing to fetch.
#[derive(Debug, Clone)]
pub struct FetchRequest {
    pub(super) url: String,
    pub(super) limit: u64,
    pub(super) time_limit: Duration,
    pub(super) accept: Option<HeaderValue>,
    pub(super) credential: Option<Credential>,
    pub(super) file_name: Option<String>,
    pub(super) body: Option<String>,
    pub(super) redirects: bool,
}

impl FetchRequest {
    /// A request for at most `limit` bytes within 30 s.
    pub fn new(url: impl Into<String>, limit: u64) -> Self {
        Self {
            url: url.into(),
            limit,
            time_limit: Duration::from_secs(30),
            accept: None,
            credential: None,
            file_name: None,
            body: None,
            redirects: true,
        }
    }

    /// Limits the whole exchange, redirects and body included.
    #[must_use]
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.time_limit = limit;
        self
    }

    /// Sends an `Accept` header.
    #[must_use]
    pub fn accept(mut self, types: &'static str) -> Self {
        self.accept = Some(HeaderValue::from_static(types));
        self
    }

    /// Sends a credential to the host it is bound to.
    #[must_use]
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Posts a JSON document instead of getting; redirects are refused then.
    #[must_use]
    pub fn post_json(mut self, body: &serde_json::Value) -> Self {
        self.body = Some(body.to_string());
        self.redirects = false;
        self
    }

    /// Refuses redirects.
    #[must_use]
    pub fn no_redirects(mut self) -> Self {
        self.redirects = false;
        self
    }

    /// Names the file that is stored; else the last segment of the URL's path does.
    #[must_use]
    pub fn file_name(mut self, name: impl Into<String>) -> Self {
        self.file_name = Some(name.into());
        self
    }
}

/// A secret header for one host.
#[derive(Debug, Clone)]
pub struct Credential {
    host: String,
    header: HeaderName,
    value: Secret,
}

impl Credential {
    /// `Authorization: Bearer …` for one host.
    pub fn bearer(host: impl Into<String>, token: &Secret) -> Self {
        let value = Secret::new(format!("Bearer {}", token.expose()));
        Self::header(host, header::AUTHORIZATION, value)
    }

    /// A header for one host.
    pub fn header(host: impl Into<String>, header: HeaderName, value: Secret) -> Self {
        Self { host: host.into(), header, value }
    }

    /// The header, if `url` is where it may go: on its host, and of the origin that was asked first.
    pub(super) fn for_url(&self, url: &Url, first: &Origin) -> Option<(HeaderName, HeaderValue)> {
        let is_bound = url.host_str().is_some_and(|host| host.eq_ignore_ascii_case(&self.host));
        if !is_bound || url.origin() != *first {
            return None;
        }
        let mut value = HeaderValue::from_str(self.value.expose()).ok()?;
        value.set_sensitive(true);
        Some((self.header.clone(), value))
    }
}
