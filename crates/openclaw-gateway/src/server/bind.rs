use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use openclaw_config::GatewaySettings;
use openclaw_errors::{ErrorKind, OpenClawError};
use tokio::net::TcpListener;

/// Listens where the configuration says; a loopback address means 127.0.0.1 and, where IPv6 exists, ::1.
pub(super) async fn bind(settings: &GatewaySettings) -> Result<Vec<TcpListener>, OpenClawError> {
    let address = settings.bind_address;
    if !address.is_loopback() && settings.auth.token.is_none() {
        return Err(OpenClawError::new(ErrorKind::Config, format!("gateway.bind_address: {address} can be reached from other machines, and no token is set"))
            .with_hint("set gateway.auth.token or OPENCLAW_GATEWAY_TOKEN; the generated token does not count"));
    }
    let first = if address.is_loopback() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address };
    let listener = TcpListener::bind((first, settings.port))
        .await
        .map_err(|error| taken(first, settings.port, error))?;
    let port = listener.local_addr().map_err(|error| taken(first, settings.port, error))?.port();
    let mut listeners = vec![listener];
    if address.is_loopback() {
        match TcpListener::bind((IpAddr::V6(Ipv6Addr::LOCALHOST), port)).await {
            Ok(listener) => listeners.push(listener),
            Err(error) if error.kind() == std::io::ErrorKind::AddrInUse => {
                return Err(taken(IpAddr::V6(Ipv6Addr::LOCALHOST), port, error));
            }
            Err(error) => {
                tracing::debug!(%error, "not listening on ::1, which this machine does not have")
            }
        }
    }
    Ok(listeners)
}

fn taken(address: IpAddr, port: u16, error: std::io::Error) -> OpenClawError {
    let at = SocketAddr::new(address, port);
    if error.kind() != std::io::ErrorKind::AddrInUse {
        return OpenClawError::new(ErrorKind::Unavailable, format!("cannot listen on {at}"))
            .with_source(error);
    }
    let holder = holder_of(port).unwrap_or_else(|| "another process".to_owned());
    OpenClawError::new(ErrorKind::Unavailable, format!("port {port} is taken by {holder}"))
        .with_hint(format!(
            "stop it, or choose another port with --port {}",
            port.wrapping_add(1).max(1024)
        ))
}

/// The process that listens on a port, as Linux tells it.
fn holder_of(port: u16) -> Option<String> {
    let inodes: Vec<String> = ["/proc/net/tcp", "/proc/net/tcp6"]
        .iter()
        .filter_map(|table| std::fs::read_to_string(table).ok())
        .flat_map(|table| listening_inodes(&table, port))
        .collect();
    for process in std::fs::read_dir("/proc").ok()?.flatten() {
        let folder = process.path();
        let Ok(files) = std::fs::read_dir(folder.join("fd")) else { continue };
        let holds = files.flatten().any(|file| {
            std::fs::read_link(file.path()).is_ok_and(|target| {
                inodes
                    .iter()
                    .any(|inode| target.as_os_str() == format!("socket:[{inode}]").as_str())
            })
        });
        if holds {
            let name = std::fs::read_to_string(folder.join("comm")).unwrap_or_default();
            return Some(format!(
                "{} (process {})",
                name.trim(),
                process.file_name().to_string_lossy()
            ));
        }
    }
    None
}

fn listening_inodes(table: &str, port: u16) -> Vec<String> {
    let wanted = format!(":{port:04X}");
    table
        .lines()
        .skip(1)
        .map(|line| line.split_whitespace().collect::<Vec<_>>())
        .filter(|fields| fields.len() > 9 && fields[1].ends_with(&wanted) && fields[3] == "0A")
        .map(|fields| fields[9].to_owned())
        .collect()
}
