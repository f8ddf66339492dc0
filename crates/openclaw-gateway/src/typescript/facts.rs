use std::net::IpAddr;

use http::HeaderMap;
use http::header::{HOST, ORIGIN, USER_AGENT};
use openclaw_config::AddressRange;

/// Headers by which proxies tell whose request they hand on.
const FORWARDING: [&str; 7] = [
    "forwarded",
    "x-real-ip",
    "via",
    "cf-connecting-ip",
    "true-client-ip",
    "x-client-ip",
    "tailscale-user-login",
];

/// What the request that opened a connection tells of its client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Facts {
    /// Where it comes from.
    pub(crate) address: IpAddr,
    /// Whether the client is on this machine, with nothing in between: by its address, the host it
    /// asked for, and the absence of any trace of a proxy. A trusted proxy is one, traces or not.
    pub(crate) is_local: bool,
    /// Whether it is a page, by its origin.
    pub(crate) has_origin: bool,
    /// Whether its program is known to be a browser.
    pub(crate) is_browser: bool,
}

impl Facts {
    /// What the head of a request tells.
    pub(crate) fn of(address: IpAddr, headers: &HeaderMap, proxies: &[AddressRange]) -> Self {
        let is_proxy = proxies.iter().any(|range| range.contains(address));
        let is_forwarded = headers.keys().any(|name| {
            FORWARDING.contains(&name.as_str()) || name.as_str().starts_with("x-forwarded")
        });
        let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
        let agent = headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        Self {
            address,
            is_local: address.is_loopback() && is_local_name(host) && !is_forwarded && !is_proxy,
            has_origin: headers.contains_key(ORIGIN),
            is_browser: agent.is_some_and(|agent| agent.starts_with("Mozilla/")),
        }
    }
}

fn is_local_name(host: &str) -> bool {
    let name = if host.starts_with('[') {
        host.find(']').map_or(host, |end| &host[1..end])
    } else {
        host.rsplit_once(':').map_or(host, |(name, _)| name)
    };
    name.eq_ignore_ascii_case("localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::Facts;
    use http::{HeaderMap, HeaderName, HeaderValue};

    fn is_local(address: &str, headers: &[(&'static str, &'static str)]) -> bool {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            map.append(HeaderName::from_static(name), HeaderValue::from_static(value));
        }
        Facts::of(address.parse().expect("valid"), &map, &[]).is_local
    }

    #[test]
    fn a_trusted_proxy_is_not_local_even_if_it_leaves_no_trace() {
        let map: HeaderMap =
            [(http::header::HOST, HeaderValue::from_static("localhost"))].into_iter().collect();
        let proxies = ["127.0.0.1".parse().expect("valid")];
        let is_local =
            |address: &str| Facts::of(address.parse().expect("valid"), &map, &proxies).is_local;
        assert!(!is_local("127.0.0.1"));
        assert!(is_local("::1"));
    }

    #[test]
    fn only_what_comes_straight_from_this_machine_is_local() {
        for (address, host, expected) in [
            ("127.0.0.1", "localhost:18789", true),
            ("127.0.0.1", "LOCALHOST", true),
            ("127.0.0.1", "127.0.0.1:1", true),
            ("::1", "[::1]:18789", true),
            ("127.0.0.1", "gateway.example.org", false),
            ("127.0.0.1", "127.evil.example", false),
            ("127.0.0.1", "localhost.evil.example", false),
            ("127.0.0.1", "", false),
            ("192.0.2.1", "localhost", false),
        ] {
            assert_eq!(is_local(address, &[("host", host)]), expected, "{address} {host}");
        }
        for name in ["x-forwarded-for", "x-forwarded-proto", "forwarded", "x-real-ip", "via"] {
            assert!(!is_local("127.0.0.1", &[("host", "localhost"), (name, "")]), "{name}");
        }
    }
}
