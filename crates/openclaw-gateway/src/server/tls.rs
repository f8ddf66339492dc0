use std::io::{ErrorKind as IoErrorKind, Write as _};
use std::net::IpAddr;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use openclaw_config::{GatewaySettings, TlsSettings};
use openclaw_errors::{ErrorKind, OpenClawError};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use sha2::{Digest as _, Sha256};
use tokio_rustls::TlsAcceptor;

use super::serve::Shared;

/// What the port shows to clients that speak TLS.
#[derive(Clone)]
pub(super) struct Tls {
    pub(super) acceptor: TlsAcceptor,
    shown: Arc<Shown>,
}

/// The certificate that is shown from the next handshake on.
#[derive(Debug)]
struct Shown(RwLock<Arc<CertifiedKey>>);

impl Shown {
    fn current(&self) -> Arc<CertifiedKey> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl ResolvesServerCert for Shown {
    fn resolve(&self, _: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.current())
    }
}

impl Tls {
    /// `sha256:` and the digest of its certificate.
    pub(super) fn fingerprint(&self) -> String {
        self.shown.current().cert.first().map(fingerprint).unwrap_or_default()
    }

    /// Reads the owner's files again. Whether they hold another certificate, which is shown from
    /// now on; the one that vouches for itself stays, since clients know it by its fingerprint.
    ///
    /// # Errors
    /// As [`load`]; the certificate that was shown stays.
    pub(super) fn renew(&self, settings: &GatewaySettings) -> Result<bool, OpenClawError> {
        let TlsSettings::Files { certificate, key } = &settings.tls else { return Ok(false) };
        let fresh = read(certificate, key)?;
        let is_another = fresh.cert != self.shown.current().cert;
        *self.shown.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(fresh);
        Ok(is_another)
    }
}

impl std::fmt::Debug for Tls {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Tls").field("fingerprint", &self.fingerprint()).finish_non_exhaustive()
    }
}

/// Reads the certificate of the configuration, or makes one that vouches for itself.
///
/// # Errors
/// `Config` for files that cannot be read or do not belong together.
pub(super) fn load(settings: &GatewaySettings, state: &Path) -> Result<Option<Tls>, OpenClawError> {
    let (certificate, key) = match &settings.tls {
        TlsSettings::Off => return Ok(None),
        TlsSettings::Files { certificate, key } => (certificate.clone(), key.clone()),
        TlsSettings::SelfSigned => self_signed(state, settings.bind_address)?,
    };
    let shown = Arc::new(Shown(RwLock::new(Arc::new(read(&certificate, &key)?))));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| OpenClawError::internal(format!("cannot speak TLS: {error}")))?
        .with_no_client_auth()
        .with_cert_resolver(shown.clone());
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(Some(Tls { acceptor: TlsAcceptor::from(Arc::new(config)), shown }))
}

fn read(certificate: &Path, key: &Path) -> Result<CertifiedKey, OpenClawError> {
    let chain = CertificateDer::pem_file_iter(certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| unreadable("certificate", certificate, error))?;
    if chain.is_empty() {
        return Err(unreadable("certificate", certificate, "it holds none"));
    }
    let private =
        PrivateKeyDer::from_pem_file(key).map_err(|error| unreadable("key", key, error))?;
    CertifiedKey::from_der(chain, private, &rustls::crypto::ring::default_provider())
        .map_err(|error| unreadable("key", key, error))
}

/// Shows the owner's certificate as it is renewed on disk: its files are read again with the
/// configuration.
pub(super) async fn follow_files(shared: Arc<Shared>) {
    let Some(tls) = &shared.tls else { return };
    let mut config = shared.state.config.watch();
    loop {
        tokio::select! {
            biased;
            () = shared.closing.cancelled() => return,
            changed = config.changed() => if changed.is_err() { return },
        }
        let current = config.borrow_and_update().clone();
        match tls.renew(&current.gateway) {
            Ok(false) => {}
            Ok(true) => {
                let fingerprint = tls.fingerprint();
                tracing::info!(fingerprint, "another certificate is shown from now on");
                shared.state.server.shows(fingerprint);
                tell_fingerprint(Some(tls), &current.state_dir);
            }
            Err(error) => {
                tracing::error!(error = error.report(), "the certificate of before stays");
            }
        }
    }
}

/// Leaves the fingerprint of what is served for clients on the same machine: the certificate's file
/// may be renewed while this gateway still shows the one of before.
pub(super) fn tell_fingerprint(tls: Option<&Tls>, state: &Path) {
    let path = fingerprint_path(state);
    let told = match tls {
        Some(tls) => {
            private_folder(&state.join("tls")).and_then(|()| write(&path, &tls.fingerprint()))
        }
        None => match std::fs::remove_file(&path) {
            Err(error) if error.kind() != IoErrorKind::NotFound => Err(unwritable(&path, error)),
            _ => Ok(()),
        },
    };
    if let Err(error) = told {
        tracing::warn!(
            error = error.report(),
            "clients on this machine take the certificate's file for what is served"
        );
    }
}

fn fingerprint_path(state: &Path) -> PathBuf {
    state.join("tls").join("fingerprint")
}

/// The fingerprint of the certificate that a gateway with these settings shows, for clients on the
/// same machine: as the gateway has left it, else that of the certificate's file. `None` where it
/// speaks plain text or has not made its certificate yet.
pub fn certificate_fingerprint(settings: &GatewaySettings, state: &Path) -> Option<String> {
    let path = match &settings.tls {
        TlsSettings::Off => return None,
        TlsSettings::Files { certificate, .. } => certificate.clone(),
        TlsSettings::SelfSigned => certificate_path(state),
    };
    let told = std::fs::read_to_string(fingerprint_path(state)).ok();
    if let Some(told) = told.map(|told| told.trim().to_owned()).filter(|told| !told.is_empty()) {
        return Some(told);
    }
    CertificateDer::from_pem_file(path).ok().map(|certificate| fingerprint(&certificate))
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    format!("sha256:{}", hex::encode(Sha256::digest(certificate)))
}

fn certificate_path(state: &Path) -> PathBuf {
    state.join("tls").join("certificate.pem")
}

/// The files of the certificate that vouches for itself; made on the first start, kept ever after:
/// clients know it by its fingerprint.
fn self_signed(state: &Path, address: IpAddr) -> Result<(PathBuf, PathBuf), OpenClawError> {
    let (certificate, key) = (certificate_path(state), state.join("tls").join("key.pem"));
    if certificate.exists() && key.exists() {
        return Ok((certificate, key));
    }
    let mut names: Vec<String> = ["localhost", "127.0.0.1", "::1"].map(str::to_owned).into();
    if !address.is_loopback() && !address.is_unspecified() {
        names.push(address.to_string());
    }
    let made = rcgen::generate_simple_self_signed(names)
        .map_err(|error| OpenClawError::internal("cannot make a certificate").with_source(error))?;
    private_folder(&state.join("tls"))?;
    write(&key, &made.signing_key.serialize_pem())?;
    write(&certificate, &made.cert.pem())?;
    Ok((certificate, key))
}

fn private_folder(path: &Path) -> Result<(), OpenClawError> {
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(path)
        .map_err(|error| unwritable(path, error))
}

fn write(path: &Path, text: &str) -> Result<(), OpenClawError> {
    let mut file = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| unwritable(path, error))?;
    file.write_all(text.as_bytes())
        .and_then(|()| file.sync_all())
        .map_err(|error| unwritable(path, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> OpenClawError {
    let kind = match error.kind() {
        IoErrorKind::StorageFull => ErrorKind::Overloaded,
        _ => ErrorKind::Unavailable,
    };
    OpenClawError::new(kind, format!("cannot write {}", path.display())).with_source(error)
}

fn unreadable(what: &str, path: &Path, error: impl std::fmt::Display) -> OpenClawError {
    let message = format!("gateway.tls: the {what} {} cannot be used: {error}", path.display());
    OpenClawError::new(ErrorKind::Config, message)
        .with_field("gateway.tls")
        .with_hint("give PEM files that belong together, or neither for a certificate of its own")
}
