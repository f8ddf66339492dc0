use std::net::{IpAddr, Ipv4Addr};

use openclaw_core::Secret;
use url::Url;

use crate::{
    AuthSettings, GatewaySettings, RateLimitSettings, SpannedValue, TableReader, TlsSettings,
};

pub(crate) fn read_gateway(reader: &mut TableReader<'_>) -> GatewaySettings {
    let bind_address = reader
        .string("bind_address", "The address to listen on; a loopback address means 127.0.0.1 and ::1. Other addresses need a token, a password or an API key.")
        .parse(|text| read_bind_address(&text))
        .default("127.0.0.1");
    let port = reader
        .integer("port", "The port to listen on; 0 lets the system choose.", 0..=u16::MAX)
        .default(18_789);
    let max_connections = reader
        .integer::<usize>(
            "max_connections",
            "Open connections at a time; more are answered 503.",
            1..=1_000_000,
        )
        .default(1_000);
    let max_backlog = reader
        .integer::<u64>(
            "max_backlog",
            "Inputs waiting in all sessions together; more are answered \"busy\".",
            1..=100_000_000,
        )
        .default(100_000);
    let allowed_origins = reader
        .strings_of("allowed_origins", "Origins of browsers that may connect besides the gateway's own, such as https://chat.example.org.", read_origin)
        .default(SpannedValue::Array(Vec::new()));
    let allowed_hosts = reader
        .strings_of("allowed_hosts", "Host names that requests may name besides the bind address and localhost, without port.", read_host)
        .default(SpannedValue::Array(Vec::new()));
    let trusted_proxies = reader
        .strings_of("trusted_proxies", "Addresses and ranges of proxies before the gateway, such as 10.0.0.0/8; only their X-Forwarded-For is believed.", |text| text.parse())
        .default(SpannedValue::Array(Vec::new()));
    let tls = reader.table("tls", "TLS on the port.", read_tls);
    let auth = reader.table("auth", "Authentication.", |reader| AuthSettings {
        token: reader.secret("token", "The owner's gateway token; without it one is made in the state folder, which does not count for listening beyond loopback."),
        password_hash: read_password_hash(reader),
    });
    let rate_limit =
        reader.table("rate_limit", "Requests per credential.", |reader| RateLimitSettings {
            requests_per_second: reader
                .number(
                    "requests_per_second",
                    "Reading calls per second and credential; changing calls half as many, runs a tenth; 0 is off.",
                    0.0..=1_000_000.0,
                )
                .default(200_i64),
            burst: reader
                .integer("burst", "Reading calls that may come at once; changing calls half as many, runs a tenth.", 1..=1_000_000)
                .default(400),
        });
    let openai_http = reader.table("http", "HTTP interfaces.", |reader| {
        reader.table("openai", "The OpenAI-compatible interface below /v1.", |reader| {
            reader.boolean("enabled", "Whether it is served.").default(true)
        })
    });
    GatewaySettings {
        bind_address,
        port,
        max_connections,
        max_backlog,
        allowed_origins,
        allowed_hosts,
        trusted_proxies,
        tls,
        auth,
        rate_limit,
        openai_http,
    }
}

fn read_tls(reader: &mut TableReader<'_>) -> TlsSettings {
    let context = reader.context().clone();
    let absolute = move |text: String| Ok(context.absolute(&text));
    let enabled = reader
        .boolean("enabled", "Whether the port speaks TLS. Without files it makes a certificate of its own, which clients know by its fingerprint.")
        .default(false);
    let certificate = reader
        .string("certificate", "The file of the certificate chain, in PEM.")
        .parse(absolute.clone())
        .optional();
    let key = reader
        .string("key", "The file of the certificate's private key, in PEM.")
        .parse(absolute)
        .optional();
    match (enabled, certificate, key) {
        (true, Some(certificate), Some(key)) => TlsSettings::Files { certificate, key },
        (true, None, None) => TlsSettings::SelfSigned,
        (false, None, None) => TlsSettings::Off,
        (true, Some(_), None) => {
            reader.issue("key", "is missing: the certificate needs its private key");
            TlsSettings::Off
        }
        (true, None, Some(_)) => {
            reader.issue("certificate", "is missing: the private key needs its certificate");
            TlsSettings::Off
        }
        (false, ..) => {
            reader.issue("enabled", "must be true where a certificate is given");
            TlsSettings::Off
        }
    }
}

fn read_password_hash(reader: &mut TableReader<'_>) -> Option<Secret> {
    let hash = reader.secret(
        "password_hash",
        "The Argon2id hash of the owner's password; `openclaw gateway set-password` writes it.",
    )?;
    if is_argon2id(hash.expose()) {
        return Some(hash);
    }
    let allowed = "must be an Argon2id hash such as `openclaw gateway set-password` writes, beginning with \"$argon2id$v=19$\"";
    reader.issue("password_hash", allowed);
    None
}

/// Whether a text is `$argon2id$v=19$m=…,t=…,p=…$salt$hash`, with costs that this machine can bear.
fn is_argon2id(text: &str) -> bool {
    let Some(rest) = text.strip_prefix("$argon2id$v=19$") else { return false };
    let parts: Vec<&str> = rest.split('$').collect();
    let [costs, salt, hash] = parts.as_slice() else { return false };
    let cost = |name: char, range: std::ops::RangeInclusive<u32>| {
        costs.split(',').filter_map(|cost| cost.split_once('=')).any(|(key, value)| {
            key.len() == 1
                && key.starts_with(name)
                && value.parse().is_ok_and(|value| range.contains(&value))
        })
    };
    let is_base64 = |text: &str, shortest: usize| {
        text.len() >= shortest
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+/".contains(&byte))
    };
    cost('m', 8..=1 << 20)
        && cost('t', 1..=64)
        && cost('p', 1..=16)
        && is_base64(salt, 11)
        && is_base64(hash, 22)
}

/// Reads an address to listen on, as it may stand in the file or in a flag.
pub(crate) fn read_bind_address(text: &str) -> Result<IpAddr, String> {
    if text == "localhost" {
        return Ok(Ipv4Addr::LOCALHOST.into());
    }
    text.trim_start_matches('[').trim_end_matches(']').parse().map_err(|_| {
        "must be an IP address without a port, such as \"127.0.0.1\", \"0.0.0.0\" or \"::1\""
            .to_owned()
    })
}

/// Reads a port, as it may stand in the environment.
pub(crate) fn read_port(text: &str) -> Result<u16, String> {
    text.trim().parse().map_err(|_| "must be a port from 0 to 65535".to_owned())
}

fn read_origin(text: String) -> Result<String, String> {
    let allowed = "must be an origin such as \"https://chat.example.org\" or \"http://localhost:5173\", without a path";
    let url = Url::parse(&text).map_err(|_| allowed.to_owned())?;
    let origin = url.origin();
    if !origin.is_tuple() || url.path() != "/" || text.ends_with('/') {
        return Err(allowed.to_owned());
    }
    Ok(origin.ascii_serialization())
}

fn read_host(text: String) -> Result<String, String> {
    let is_host =
        text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
    let has_port = !text.starts_with('[') && text.matches(':').count() == 1;
    if is_host && !has_port {
        Ok(text.to_ascii_lowercase())
    } else {
        Err("must be a host name or address without scheme and port, such as \"chat.example.org\""
            .to_owned())
    }
}
