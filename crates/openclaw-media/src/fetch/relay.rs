use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use reqwest::Response;

use super::fetcher::{failed, parse};
use super::{Credential, Fetcher};
use crate::MediaError;

/// A request that somebody else wrote, to be made in their place with a credential they do not know.
#[derive(Debug, Clone)]
pub struct RelayRequest {
    /// The method.
    pub method: Method,
    /// Where to. Must be on the credential's host, else the credential stays here.
    pub url: String,
    /// Their headers, without those that are between them and us.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// Their body.
    pub body: Bytes,
    /// What is added; it replaces a header of the same name.
    pub credential: Credential,
}

/// The answer to a relayed request, redirects included: those are for the asker to follow.
#[derive(Debug)]
pub struct Relayed {
    response: Response,
}

impl Fetcher {
    /// Makes a request in somebody else's place, under the same rules as a fetch, and follows nothing.
    ///
    /// # Errors
    /// [`MediaError::Refused`] when the host may not be reached, [`MediaError::Fetch`] when it does not
    /// answer.
    pub async fn relay(&self, request: RelayRequest) -> Result<Relayed, MediaError> {
        let RelayRequest { method, url, headers, body, credential } = request;
        let url = parse(&url)?;
        self.check(&url)?;
        let mut all: HeaderMap = headers.into_iter().collect();
        if let Some((name, value)) = credential.for_url(&url, &url.origin()) {
            all.insert(name, value);
        }
        let call = self.client.request(method, url.clone()).headers(all).body(body);
        let response = call.send().await.map_err(|error| failed(&url, error))?;
        self.check_peer(&url, &response)?;
        Ok(Relayed { response })
    }
}

impl Relayed {
    /// The status.
    pub fn status(&self) -> u16 {
        self.response.status().as_u16()
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        self.response.headers()
    }

    /// The next part of the body; `None` at its end.
    ///
    /// # Errors
    /// [`MediaError::Fetch`] when it is cut.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, MediaError> {
        let url = self.response.url().clone();
        self.response.chunk().await.map_err(|error| failed(&url, error))
    }
}
