use std::net::{IpAddr, SocketAddr};

use http::{HeaderMap, Method, Uri};
use openclaw_config::{Environment, LoadRequest, NoChannels, validate_text};

use super::cors::is_forged;
use super::forwarded::origin_address;
use super::frames::FrameMeter;
use super::guard::Guard;

pub(crate) fn frames(pieces: &[Vec<u8>]) {
    let mut meter = FrameMeter::default();
    for piece in pieces {
        if meter.follow(piece, 1 << 16).is_err() {
            return;
        }
        assert!(meter.message() <= 1 << 16);
    }
}

pub(crate) fn request_head(target: &Uri, headers: &HeaderMap, local: SocketAddr) {
    let environment = Environment::new([], "/nowhere", "/nowhere");
    let text = "[gateway]\ntrusted_proxies = [\"127.0.0.1\"]\n";
    let Ok(loaded) = validate_text(&LoadRequest::new(&environment, &NoChannels), text) else {
        return;
    };
    let settings = &loaded.config.gateway;
    let guard = Guard { settings, local };
    drop(guard.check(target, headers));
    let peer: IpAddr = local.ip();
    origin_address(peer, headers, &settings.trusted_proxies);
    is_forged(&Method::POST, headers);
}
