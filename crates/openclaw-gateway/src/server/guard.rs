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

/// Checks query, `Host` and `Origin`.
pub(super) fn check(
    settings: &GatewaySettings,
    uri: &Uri,
    headers: &HeaderMap,
) -> Result<(), Refusal> {
    if uri.query().is_some_and(names_a_secret) {
        return Err(Refusal {
            status: StatusCode::BAD_REQUEST,
            message: "credentials do not belong into a query; send them in the Authorization header",
        });
    }
    let host = headers
        .get(HOST)
        .and_then(|value| value.to_str().ok())
        .or_else(|| uri.authority().map(|authority| authority.as_str()));
    if !host.is_some_and(|host| is_known_host(settings, host)) {
        return Err(Refusal {
            status: StatusCode::MISDIRECTED_REQUEST,
            message: "this host name is not served; add it to gateway.allowed_hosts",
        });
    }
    match headers.get(ORIGIN) {
        None => Ok(()),
        Some(origin) if origin.to_str().is_ok_and(|origin| is_known_origin(settings, origin)) => {
            Ok(())
        }
        Some(_) => Err(Refusal {
            status: StatusCode::FORBIDDEN,
            message: "this origin is not allowed; add it to gateway.allowed_origins",
        }),
    }
}

fn names_a_secret(query: &str) -> bool {
    query.split(['&', ';']).any(|pair| {
        let name = pair.split('=').next().unwrap_or_default();
        let decoded = percent_decoded(name);
        SECRET_NAMES.iter().any(|secret| decoded.eq_ignore_ascii_case(secret))
    })
}

fn percent_decoded(text: &str) -> String {
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

fn is_known_host(settings: &GatewaySettings, host: &str) -> bool {
    let name = without_port(host);
    name.eq_ignore_ascii_case("localhost")
        || name == "127.0.0.1"
        || name == "[::1]"
        || bare(name) == settings.bind_address.to_string()
        || settings
            .allowed_hosts
            .iter()
            .any(|allowed| allowed.eq_ignore_ascii_case(name) || allowed.eq_ignore_ascii_case(host))
}

fn is_known_origin(settings: &GatewaySettings, origin: &str) -> bool {
    if settings
        .allowed_origins
        .iter()
        .any(|allowed| allowed.trim_end_matches('/').eq_ignore_ascii_case(origin))
    {
        return true;
    }
    let Some((scheme, authority)) = origin.split_once("://") else { return false };
    // A page of another port of this machine is another site.
    let port = authority
        .rsplit_once(':')
        .filter(|(host, _)| !host.is_empty() && !host.ends_with(':'))
        .and_then(|(_, port)| port.parse().ok());
    matches!(scheme, "http" | "https")
        && port == Some(settings.port)
        && is_known_host(settings, authority)
}

fn without_port(host: &str) -> &str {
    if host.starts_with('[') {
        return host.find(']').map_or(host, |end| &host[..=end]);
    }
    host.rsplit_once(':').map_or(host, |(name, _)| name)
}

fn bare(name: &str) -> &str {
    name.trim_start_matches('[').trim_end_matches(']')
}
