use std::net::IpAddr;

use http::HeaderMap;
use openclaw_config::AddressRange;

const X_FORWARDED_FOR: &str = "x-forwarded-for";
const FORWARDED: &str = "forwarded";
/// Where a request comes from: the peer, or, where that is a proxy that the owner trusts, the last
/// address before it that is none. What anybody else says of itself is not looked at.
pub(super) fn origin_address(
    peer: IpAddr,
    headers: &HeaderMap,
    trusted: &[AddressRange],
) -> IpAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|range| range.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut hops = forwarded_for(headers);
    // The nearest hop stands last: what stands before it was said by whom it names.
    while let Some(hop) = hops.pop() {
        match hop {
            Some(address) if is_trusted(address) => {}
            Some(address) => return address,
            None => break,
        }
    }
    peer
}

/// The hops, nearest last; `None` for one that is no address, and where two headers tell different
/// stories: the proxy sets one of them, and hands the other on as the client said it.
fn forwarded_for(headers: &HeaderMap) -> Vec<Option<IpAddr>> {
    let values = |name: &str| {
        headers
            .get_all(name)
            .iter()
            .flat_map(|value| value.to_str().unwrap_or("?").split(','))
            .map(|part| part.trim().to_owned())
            .collect::<Vec<String>>()
    };
    let named: Vec<_> = values(X_FORWARDED_FOR).iter().map(|hop| address(hop)).collect();
    let of = |element: &String| {
        element.split(';').find_map(|pair| {
            let (name, value) = pair.trim().split_once('=')?;
            name.eq_ignore_ascii_case("for").then(|| address(value.trim_matches('"')))?
        })
    };
    let standard: Vec<_> = values(FORWARDED).iter().map(of).collect();
    match (named.last(), standard.last()) {
        (Some(one), Some(other)) if one != other => vec![None],
        (Some(_), _) => named,
        (None, _) => standard,
    }
}

/// An address as hops are written: perhaps with a port, IPv6 perhaps in brackets.
fn address(text: &str) -> Option<IpAddr> {
    let bare = match text.strip_prefix('[') {
        Some(rest) => rest.split_once(']')?.0,
        None if text.matches(':').count() == 1 => text.split_once(':')?.0,
        None => text,
    };
    bare.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::origin_address;
    use http::{HeaderMap, HeaderName, HeaderValue};
    use openclaw_config::AddressRange;
    use std::net::IpAddr;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in lines {
            map.append(HeaderName::from_static(name), HeaderValue::from_str(value).expect("valid"));
        }
        map
    }

    fn from(peer: &str, lines: &[(&'static str, &str)]) -> String {
        let trusted: Vec<AddressRange> =
            ["10.0.0.0/8", "127.0.0.1"].map(|range| range.parse().expect("valid")).into();
        let peer: IpAddr = peer.parse().expect("valid");
        origin_address(peer, &headers(lines), &trusted).to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        let said = [("x-forwarded-for", "192.0.2.7")];
        assert_eq!(from("203.0.113.1", &said), "203.0.113.1");
        assert_eq!(from("10.1.2.3", &said), "192.0.2.7");
        assert_eq!(from("10.1.2.3", &[]), "10.1.2.3");
    }

    #[test]
    fn what_a_client_says_of_itself_is_not_believed() {
        for (said, expected) in [
            ("127.0.0.1, 192.0.2.7", "192.0.2.7"),
            ("198.51.100.1, 192.0.2.7, 10.9.9.9", "192.0.2.7"),
            ("192.0.2.7:4711", "192.0.2.7"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("192.0.2.7, unknown", "10.1.2.3"),
            ("", "10.1.2.3"),
            ("10.0.0.1", "10.1.2.3"),
        ] {
            assert_eq!(from("10.1.2.3", &[("x-forwarded-for", said)]), expected, "{said}");
        }
        let two = [("x-forwarded-for", "1.1.1.1"), ("x-forwarded-for", "192.0.2.7")];
        assert_eq!(from("10.1.2.3", &two), "192.0.2.7");
        let standard = [("forwarded", "for=1.1.1.1, for=\"[2001:db8::1]:80\";proto=https")];
        assert_eq!(from("10.1.2.3", &standard), "2001:db8::1");
        let agreeing = [("x-forwarded-for", "1.1.1.1, 192.0.2.7"), ("forwarded", "for=192.0.2.7")];
        assert_eq!(from("10.1.2.3", &agreeing), "192.0.2.7");
        for differing in ["for=192.0.2.8", "for=192.0.2.7, for=192.0.2.8", "proto=https"] {
            let both = [("x-forwarded-for", "192.0.2.7"), ("forwarded", differing)];
            assert_eq!(from("10.1.2.3", &both), "10.1.2.3", "{differing}");
        }
    }
}
