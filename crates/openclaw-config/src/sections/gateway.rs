use std::net::{IpAddr, Ipv4Addr};

use url::Url;

use crate::{AuthSettings, GatewaySettings, RateLimitSettings, SpannedValue, TableReader};

pub(crate) fn read_gateway(reader: &mut TableReader<'_>) -> GatewaySettings {
    let bind_address = reader
        .string("bind_address", "The address to listen on; a loopback address means 127.0.0.1 and ::1. Other addresses need gateway.auth.token.")
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
    let auth = reader.table("auth", "Authentication.", |reader| AuthSettings {
        token: reader.secret("token", "The owner's gateway token; without it one is made in the state folder, which does not count for listening beyond loopback."),
    });
    let rate_limit =
        reader.table("rate_limit", "Requests per credential.", |reader| RateLimitSettings {
            requests_per_second: reader
                .number(
                    "requests_per_second",
                    "Requests per second and credential; 0 is off.",
                    0.0..=1_000_000.0,
                )
                .inert()
                .default(200_i64),
            burst: reader
                .integer("burst", "Requests that may come at once.", 1..=1_000_000)
                .inert()
                .default(400),
        });
    let openai_http = reader.table("http", "HTTP interfaces.", |reader| {
        reader.table("openai", "The OpenAI-compatible interface below /v1.", |reader| {
            reader.boolean("enabled", "Whether it is served.").inert().default(true)
        })
    });
    GatewaySettings {
        bind_address,
        port,
        max_connections,
        max_backlog,
        allowed_origins,
        allowed_hosts,
        auth,
        rate_limit,
        openai_http,
    }
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
