use std::io::ErrorKind as IoErrorKind;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use openclaw_config::GatewaySettings;
use openclaw_errors::{ErrorKind, OpenClawError};
use tokio::net::TcpListener;

use super::holder::holder_of;

/// How often a port is chosen anew that is free on 127.0.0.1 but not on ::1.
const TRIES: usize = 16;

/// Listens where the configuration says; a loopback address means 127.0.0.1 and, where IPv6 exists,
/// ::1 too.
///
/// # Errors
/// `Config` for an address beyond loopback without a credential of the owner's, `Unavailable` for one that
/// cannot be had, with who holds it.
pub(super) async fn bind(
    settings: &GatewaySettings,
    has_owners_credential: bool,
) -> Result<Vec<TcpListener>, OpenClawError> {
    let address = settings.bind_address;
    if !address.is_loopback() {
        if !has_owners_credential {
            return Err(unprotected(address));
        }
        return Ok(vec![listen(SocketAddr::new(address, settings.port)).await?]);
    }
    let mut tries = if settings.port == 0 { TRIES } else { 1 };
    loop {
        tries -= 1;
        match both_loopbacks(settings.port).await {
            Err(_) if tries > 0 => {}
            outcome => return outcome,
        }
    }
}

async fn both_loopbacks(port: u16) -> Result<Vec<TcpListener>, OpenClawError> {
    let first = listen(SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)).await?;
    let chosen = first.local_addr().map(|at| at.port()).unwrap_or(port);
    let v6 = SocketAddr::new(IpAddr::V6(Ipv6Addr::LOCALHOST), chosen);
    match TcpListener::bind(v6).await {
        Ok(second) => Ok(vec![first, second]),
        Err(error) if error.kind() == IoErrorKind::AddrInUse => Err(taken(v6, error)),
        Err(error) => {
            tracing::debug!(%error, "not listening on ::1, which this machine does not have");
            Ok(vec![first])
        }
    }
}

async fn listen(at: SocketAddr) -> Result<TcpListener, OpenClawError> {
    TcpListener::bind(at).await.map_err(|error| taken(at, error))
}

fn unprotected(address: IpAddr) -> OpenClawError {
    let message = format!(
        "gateway.bind_address: {address} can be reached from other machines, and no credential is set"
    );
    OpenClawError::new(ErrorKind::Config, message).with_field("gateway.bind_address").with_hint(
        "set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN, or make a key with `openclaw keys create`; the generated token does not count",
    )
}

fn taken(at: SocketAddr, error: std::io::Error) -> OpenClawError {
    if error.kind() != IoErrorKind::AddrInUse {
        let message = format!("cannot listen on {at}");
        return OpenClawError::new(ErrorKind::Unavailable, message).with_source(error);
    }
    let port = at.port();
    let holder = holder_of(port).unwrap_or_else(|| "another process".to_owned());
    let other = port.wrapping_add(1).max(1024);
    OpenClawError::new(ErrorKind::Unavailable, format!("port {port} is taken by {holder}"))
        .with_hint(format!("stop it, or choose another port with --port {other}"))
}

#[cfg(test)]
mod tests {
    use super::bind;
    use openclaw_config::{AuthSettings, GatewaySettings, RateLimitSettings};
    use openclaw_errors::ErrorKind;

    fn settings(bind_address: &str, port: u16) -> GatewaySettings {
        GatewaySettings {
            bind_address: bind_address.parse().expect("valid"),
            port,
            max_connections: 1,
            max_backlog: 1,
            allowed_origins: Vec::new(),
            allowed_hosts: Vec::new(),
            trusted_proxies: Vec::new(),
            tls: openclaw_config::TlsSettings::Off,
            auth: AuthSettings::default(),
            rate_limit: RateLimitSettings { requests_per_second: 0.0, burst: 1 },
            openai_http: true,
        }
    }

    #[tokio::test]
    async fn a_taken_port_names_its_holder() {
        let first = bind(&settings("127.0.0.1", 0), false).await.expect("binds");
        let port = first[0].local_addr().expect("bound").port();
        for listener in &first {
            assert_eq!(listener.local_addr().expect("bound").port(), port);
        }
        let error = bind(&settings("127.0.0.1", port), false).await.expect_err("taken");
        assert!(error.message().starts_with(&format!("port {port} is taken by ")), "{error}");
        if cfg!(target_os = "linux") {
            assert!(error.message().contains(&std::process::id().to_string()), "{error}");
        }
        assert!(error.hint().is_some_and(|hint| hint.contains("--port")));
    }

    #[tokio::test]
    async fn beyond_loopback_only_with_the_owners_credential() {
        let error = bind(&settings("0.0.0.0", 0), false).await.expect_err("unprotected");
        assert_eq!(error.kind(), ErrorKind::Config);
        let listeners = bind(&settings("0.0.0.0", 0), true).await.expect("binds");
        assert_eq!(listeners.len(), 1);
    }
}
