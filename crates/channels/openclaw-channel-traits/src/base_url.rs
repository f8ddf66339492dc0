use std::fmt;
use std::net::IpAddr;

use url::{Host, Url};

/// The root of a service's API: `https` or `wss`, or `http` or `ws` to this machine alone.
#[derive(Clone, PartialEq, Eq)]
pub struct BaseUrl {
    url: Url,
    text: String,
}

/// A text that is no root of an API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvalidBaseUrl {
    /// Not a URL with a host.
    #[error("must be a URL such as https://api.example.org")]
    NotAUrl,
    /// Another scheme.
    #[error("must begin with https:// or wss://")]
    Scheme,
    /// Not encrypted and not to this machine.
    #[error("must begin with https:// or wss://; http:// and ws:// only reach this machine")]
    NotEncrypted,
    /// With user, password, query or fragment.
    #[error("must not carry a user, a password, a query or a fragment")]
    TooMuch,
}

impl BaseUrl {
    /// Parses and validates.
    ///
    /// # Errors
    /// When the text is no URL, or one that credentials must not be sent to.
    pub fn parse(text: &str) -> Result<Self, InvalidBaseUrl> {
        let url = Url::parse(text.trim()).map_err(|_| InvalidBaseUrl::NotAUrl)?;
        let host = url.host().ok_or(InvalidBaseUrl::NotAUrl)?;
        match url.scheme() {
            "https" | "wss" => {}
            "http" | "ws" if is_loopback(&host) => {}
            "http" | "ws" => return Err(InvalidBaseUrl::NotEncrypted),
            _ => return Err(InvalidBaseUrl::Scheme),
        }
        let plain = url.username().is_empty()
            && url.password().is_none()
            && url.query().is_none()
            && url.fragment().is_none();
        if !plain {
            return Err(InvalidBaseUrl::TooMuch);
        }
        let text = url.as_str().trim_end_matches('/').to_owned();
        Ok(Self { url, text })
    }

    /// The URL without a slash at its end.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The URL.
    pub fn url(&self) -> &Url {
        &self.url
    }
}

// A name is not resolved: whoever answers for it could say 127.0.0.1 once.
fn is_loopback(host: &Host<&str>) -> bool {
    match host {
        Host::Domain(name) => name.trim_end_matches('.').eq_ignore_ascii_case("localhost"),
        Host::Ipv4(address) => address.is_loopback(),
        Host::Ipv6(address) => IpAddr::V6(*address).to_canonical().is_loopback(),
    }
}

impl fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl fmt::Debug for BaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

#[cfg(test)]
mod tests {
    use super::{BaseUrl, InvalidBaseUrl};

    #[test]
    fn encrypted_or_this_machine() {
        for (text, expected) in [
            ("https://api.telegram.org/", "https://api.telegram.org"),
            ("https://example.org:8443/tg/", "https://example.org:8443/tg"),
            ("http://127.0.0.1:8081", "http://127.0.0.1:8081"),
            ("http://127.9.9.9/", "http://127.9.9.9"),
            ("ws://[::1]:1/x", "ws://[::1]:1/x"),
            ("http://LOCALHOST:1", "http://localhost:1"),
        ] {
            assert_eq!(BaseUrl::parse(text).map(|url| url.to_string()), Ok(expected.to_owned()));
        }
        for (text, error) in [
            ("http://127.0.0.1.evil.org", InvalidBaseUrl::NotEncrypted),
            ("http://10.0.0.1", InvalidBaseUrl::NotEncrypted),
            ("http://localhost.evil.org", InvalidBaseUrl::NotEncrypted),
            ("ftp://127.0.0.1", InvalidBaseUrl::Scheme),
            ("file:///etc/passwd", InvalidBaseUrl::NotAUrl),
            ("api.telegram.org", InvalidBaseUrl::NotAUrl),
            ("https://user:pw@example.org", InvalidBaseUrl::TooMuch),
            ("https://example.org/?token=x", InvalidBaseUrl::TooMuch),
            ("https://example.org/#x", InvalidBaseUrl::TooMuch),
        ] {
            assert_eq!(BaseUrl::parse(text), Err(error), "{text}");
        }
    }
}
