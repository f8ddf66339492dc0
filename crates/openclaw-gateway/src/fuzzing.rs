//! Ways into parsers that nobody else calls, for the fuzz targets.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use http::{HeaderMap, Uri};

/// Follows the bytes of a WebSocket; they may end anywhere.
pub fn frames(pieces: &[Vec<u8>]) {
    crate::server::fuzzing::frames(pieces);
}

/// Reads what may be an API key or an access token.
pub fn credential(text: &str) {
    crate::auth::fuzzing::credential(text);
}

/// Judges the head of a request.
pub fn request_head(target: &Uri, headers: &HeaderMap) {
    let local = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 18_789);
    crate::server::fuzzing::request_head(target, headers, local);
}
