//! The head of a request to the proxy.

/// What a client of the proxy asks for.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Asked {
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) way: Way,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Way {
    /// A tunnel.
    Tunnel,
    /// One plain request, with the head that the peer is to get.
    Plain { head: Vec<u8> },
}

/// Headers that are between the client and the proxy.
const HOP_HEADERS: [&str; 4] =
    ["proxy-connection", "proxy-authorization", "connection", "keep-alive"];

/// Reads the head, whose last line is empty.
pub(super) fn parse(head: &[u8]) -> Result<Asked, &'static str> {
    let text = std::str::from_utf8(head).map_err(|_| "the request is not text")?;
    let mut lines = text.split("\r\n");
    let mut first = lines.next().unwrap_or_default().split(' ');
    let (Some(method), Some(target), Some(version), None) =
        (first.next(), first.next(), first.next(), first.next())
    else {
        return Err("the request line cannot be read");
    };
    if !version.starts_with("HTTP/1.") {
        return Err("only HTTP/1 is spoken here");
    }
    if method.eq_ignore_ascii_case("CONNECT") {
        let (host, port) = split(target, None).ok_or("the target is not host:port")?;
        return Ok(Asked { host, port, way: Way::Tunnel });
    }
    let rest = target.strip_prefix("http://").ok_or("the target is not an http:// URL")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let (host, port) = split(authority, Some(80)).ok_or("the target names no host")?;
    let slash = if path.starts_with('/') { "" } else { "/" };
    let mut out =
        format!("{method} {slash}{path} HTTP/1.1\r\nHost: {authority}\r\nConnection: close\r\n");
    for line in lines.filter(|line| !line.is_empty()) {
        let (name, _) = line.split_once(':').ok_or("a header cannot be read")?;
        let is_hop = HOP_HEADERS.iter().any(|hop| name.eq_ignore_ascii_case(hop));
        // The peer is told the host that was checked, whatever the client says.
        if !is_hop && !name.eq_ignore_ascii_case("host") {
            out.push_str(line);
            out.push_str("\r\n");
        }
    }
    out.push_str("\r\n");
    Ok(Asked { host, port, way: Way::Plain { head: out.into_bytes() } })
}

fn split(authority: &str, default: Option<u16>) -> Option<(String, u16)> {
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port))
            if !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            (host, port.parse().ok()?)
        }
        _ => (authority, default?),
    };
    let inner = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    // What the list of hosts is asked for must be what is connected to: nothing in it may end a
    // host for another reader, such as `/` in a URL.
    let is_plain = match inner {
        Some(inner) => inner.bytes().all(|byte| byte.is_ascii_hexdigit() || b":.".contains(&byte)),
        None => host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-".contains(&byte)),
    };
    let host = inner.unwrap_or(host);
    (is_plain && !host.is_empty()).then(|| (host.to_owned(), port))
}

#[cfg(test)]
mod tests {
    use super::{Asked, Way, parse};

    #[test]
    fn tunnels_and_plain_requests_are_told_apart() {
        let asked = parse(b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: x\r\n\r\n");
        let tunnel = Asked { host: "pypi.org".to_owned(), port: 443, way: Way::Tunnel };
        assert_eq!(asked, Ok(tunnel));
        let asked = parse(
            b"GET http://a.example:8080?q=1 HTTP/1.1\r\nHost: evil.example\r\nProxy-Authorization: x\r\nAccept: */*\r\n\r\n",
        );
        let head = "GET /?q=1 HTTP/1.1\r\nHost: a.example:8080\r\nConnection: close\r\nAccept: */*\r\n\r\n";
        let way = Way::Plain { head: head.as_bytes().to_vec() };
        assert_eq!(asked, Ok(Asked { host: "a.example".to_owned(), port: 8080, way }));
    }

    #[test]
    fn addresses_stand_in_brackets() {
        let asked = parse(b"CONNECT [2001:db8::1]:443 HTTP/1.1\r\n\r\n");
        let tunnel = Asked { host: "2001:db8::1".to_owned(), port: 443, way: Way::Tunnel };
        assert_eq!(asked, Ok(tunnel));
    }

    #[test]
    fn what_cannot_be_read_is_refused() {
        for head in [
            "GET / HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org HTTP/1.1\r\n\r\n",
            "CONNECT pypi.org:443 HTTP/2\r\n\r\n",
            "GET http://user@host/ HTTP/1.1\r\n\r\n",
            "GET http:///x HTTP/1.1\r\n\r\n",
            "GET http://a/ b HTTP/1.1\r\n\r\n",
            "GET http://a/ HTTP/1.1\r\nno colon\r\n\r\n",
            "GET https://a/ HTTP/1.1\r\n\r\n",
            "CONNECT evil.com/x.github.com:443 HTTP/1.1\r\n\r\n",
            "CONNECT evil.com?x.github.com:443 HTTP/1.1\r\n\r\n",
            "CONNECT evil.com#x.github.com:443 HTTP/1.1\r\n\r\n",
            "CONNECT evil.com\\x.github.com:443 HTTP/1.1\r\n\r\n",
            "CONNECT evil.com%2fx.github.com:443 HTTP/1.1\r\n\r\n",
            "CONNECT a@b:443 HTTP/1.1\r\n\r\n",
            "CONNECT ::1:443 HTTP/1.1\r\n\r\n",
            "CONNECT [::1/]:443 HTTP/1.1\r\n\r\n",
            "GET http://evil.com\\x.github.com/ HTTP/1.1\r\n\r\n",
        ] {
            assert!(parse(head.as_bytes()).is_err(), "{head:?}");
        }
    }
}
