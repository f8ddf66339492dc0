use std::net::{IpAddr, SocketAddr};

use http::header::{HOST, ORIGIN};
use http::{HeaderMap, StatusCode, Uri};
use openclaw_config::GatewaySettings;

/// Names that credentials go by; in a query they end in logs and referrers.
const SECRET_NAMES: [&str; 5] = ["token", "key", "password", "access_token", "api_key"];

/// Why a request is refused before anything of it is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: StatusCode,
    pub(super) message: &'static str,
}

/// What requests are checked against.
#[derive(Debug, Clone, Copy)]
pub(super) struct Guard<'a> {
    pub(super) settings: &'a GatewaySettings,
    /// This side of the connection.
    pub(super) local: SocketAddr,
}

impl Guard<'_> {
    /// Checks query, `Host` and `Origin`.
    pub(super) fn check(self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refusal> {
        if uri.query().is_some_and(names_a_secret) {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                message: "credentials do not belong into a query; send them in the Authorization header",
            });
        }
        let mut hosts = headers.get_all(HOST).iter();
        let host = hosts.next().and_then(|value| value.to_str().ok());
        if hosts.next().is_some() {
            return Err(Refusal {
                status: StatusCode::BAD_REQUEST,
                message: "a request names one host",
            });
        }
        let authority = uri.authority().map(|authority| authority.as_str());
        let mut named = host.into_iter().chain(authority).peekable();
        if named.peek().is_none() || !named.all(|host| self.is_known_host(host)) {
            return Err(Refusal {
                status: StatusCode::MISDIRECTED_REQUEST,
                message: "this host name is not served; add it to gateway.allowed_hosts",
            });
        }
        let is_known = headers
            .get_all(ORIGIN)
            .iter()
            .all(|origin| origin.to_str().is_ok_and(|origin| self.is_known_origin(origin)));
        if is_known {
            return Ok(());
        }
        Err(Refusal {
            status: StatusCode::FORBIDDEN,
            message: "this origin is not allowed; add it to gateway.allowed_origins",
        })
    }

    fn is_known_host(self, host: &str) -> bool {
        let name = without_port(host);
        if name.eq_ignore_ascii_case("localhost") {
            return true;
        }
        let is_own = bare(name).parse::<IpAddr>().is_ok_and(|address| {
            // The address that the connection came to is no name that somebody could have pointed
            // here.
            address.is_loopback()
                || address == self.settings.bind_address
                || address == self.local.ip().to_canonical()
        });
        let mut allowed = self.settings.allowed_hosts.iter();
        is_own || allowed.any(|it| it.eq_ignore_ascii_case(name) || it.eq_ignore_ascii_case(host))
    }

    fn is_known_origin(self, origin: &str) -> bool {
        let mut allowed = self.settings.allowed_origins.iter();
        if allowed.any(|it| it.trim_end_matches('/').eq_ignore_ascii_case(origin)) {
            return true;
        }
        let Some((scheme, authority)) = origin.split_once("://") else { return false };
        let default = match scheme {
            "http" => 80,
            "https" => 443,
            _ => return false,
        };
        let port = match authority[without_port(authority).len()..].strip_prefix(':') {
            Some(port) => port.parse().ok(),
            None => Some(default),
        };
        // A page of another port of this machine is another site.
        port == Some(self.local.port()) && self.is_known_host(authority)
    }
}

fn names_a_secret(query: &str) -> bool {
    query.split(['&', ';']).any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let decoded = percent_decoded(name);
        SECRET_NAMES.iter().any(|secret| decoded.eq_ignore_ascii_case(secret))
    })
}

/// The text with its escapes undone.
pub(crate) fn percent_decoded(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let escape = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match escape.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                decoded.push(byte);
                at += 3;
            }
            None => {
                decoded.push(bytes[at]);
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

fn without_port(host: &str) -> &str {
    if host.starts_with('[') {
        return host.find(']').map_or(host, |end| &host[..=end]);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn bare(name: &str) -> &str {
    name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::Guard;
    use http::{HeaderMap, HeaderName, HeaderValue, Uri};
    use openclaw_config::{AuthSettings, GatewaySettings, RateLimitSettings};

    fn settings(bind: &str) -> GatewaySettings {
        GatewaySettings {
            bind_address: bind.parse().expect("valid"),
            port: 18_789,
            max_connections: 1,
            max_backlog: 1,
            allowed_origins: vec!["https://chat.example.org".to_owned()],
            allowed_hosts: vec!["gateway.example.org".to_owned()],
            trusted_proxies: Vec::new(),
            tls: openclaw_config::TlsSettings::Off,
            auth: AuthSettings::default(),
            rate_limit: RateLimitSettings { requests_per_second: 0.0, burst: 1 },
            openai_http: true,
        }
    }

    fn status(bind: &str, local: &str, uri: &str, headers: &[(&'static str, &str)]) -> u16 {
        let settings = settings(bind);
        let guard = Guard { settings: &settings, local: local.parse().expect("valid") };
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("valid"));
        }
        let checked = guard.check(&uri.parse::<Uri>().expect("valid"), &map);
        checked.err().map_or(200, |refusal| refusal.status.as_u16())
    }

    #[test]
    fn hosts() {
        let local = "127.0.0.1:18789";
        for (host, expected) in [
            ("localhost", 200),
            ("LocalHost:18789", 200),
            ("127.0.0.1:18789", 200),
            ("[::1]:18789", 200),
            ("gateway.example.org", 200),
            ("Gateway.Example.org:443", 200),
            ("evil.example", 421),
            ("127.0.0.1.evil.example", 421),
            ("localhost.evil.example:18789", 421),
            ("localhost@evil.example", 421),
            ("192.168.1.5", 421),
            ("", 421),
        ] {
            assert_eq!(status("127.0.0.1", local, "/rpc", &[("host", host)]), expected, "{host}");
        }
        assert_eq!(status("127.0.0.1", local, "/rpc", &[]), 421);
        let two = [("host", "localhost"), ("host", "evil.example")];
        assert_eq!(status("127.0.0.1", local, "/rpc", &two), 400);
        let absolute = "http://evil.example/rpc";
        assert_eq!(status("127.0.0.1", local, absolute, &[("host", "localhost")]), 421);
        let lan = [("host", "192.168.1.5:18789")];
        assert_eq!(status("0.0.0.0", "192.168.1.5:18789", "/rpc", &lan), 200);
        assert_eq!(status("0.0.0.0", "192.168.1.6:18789", "/rpc", &lan), 421);
    }

    #[test]
    fn origins() {
        for (origin, expected) in [
            ("http://localhost:18789", 200),
            ("http://127.0.0.1:18789", 200),
            ("http://[::1]:18789", 200),
            ("https://chat.example.org", 200),
            ("https://CHAT.example.org", 200),
            ("http://localhost:3000", 403),
            ("http://localhost", 403),
            ("https://evil.example", 403),
            ("https://chat.example.org.evil.example", 403),
            ("http://evil.example:18789", 403),
            ("null", 403),
            ("", 403),
            ("ws://localhost:18789", 403),
            ("file://", 403),
        ] {
            let headers = [("host", "localhost:18789"), ("origin", origin)];
            let found = status("127.0.0.1", "127.0.0.1:18789", "/ws", &headers);
            assert_eq!(found, expected, "{origin}");
        }
        let two = [
            ("host", "localhost"),
            ("origin", "http://localhost:18789"),
            ("origin", "https://evil.example"),
        ];
        assert_eq!(status("127.0.0.1", "127.0.0.1:18789", "/ws", &two), 403);
    }

    #[test]
    fn credentials_in_queries() {
        for (uri, expected) in [
            ("/rpc?token=x", 400),
            ("/rpc?a=1&API_KEY=x", 400),
            ("/rpc?%74oken=x", 400),
            ("/ws?access_token", 400),
            ("/health?password=", 400),
            ("/health?key=1", 400),
            ("/health?tokens=1&monkey=2", 200),
            ("/health?a=token", 200),
            ("/health?", 200),
        ] {
            let headers = [("host", "localhost")];
            assert_eq!(status("127.0.0.1", "127.0.0.1:1", uri, &headers), expected, "{uri}");
        }
    }
}
