//! What `openclaw login` keeps for later commands.

use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};

use openclaw_client::{Endpoint, Trust};
use openclaw_config::StatePaths;
use openclaw_core::{Clock as _, Secret, SystemClock, Timestamp};
use serde::{Deserialize, Serialize};

use crate::exit::{Failure, status};

/// A gateway and what opens it; the file is the owner's alone.
#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Login {
    address: String,
    tls: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    fingerprint: Option<String>,
    credential: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    expires_at: Option<Timestamp>,
}

impl Login {
    pub(crate) fn new(
        endpoint: &Endpoint,
        credential: String,
        expires_at: Option<Timestamp>,
    ) -> Self {
        let fingerprint = match &endpoint.trust {
            Trust::Pinned(fingerprint) => Some(fingerprint.to_string()),
            Trust::Plain | Trust::Authorities => None,
        };
        Self {
            address: endpoint.address.clone(),
            tls: endpoint.trust != Trust::Plain,
            fingerprint,
            credential,
            expires_at,
        }
    }

    /// The one that was kept, expired or not.
    pub(crate) fn load(paths: &StatePaths) -> Result<Option<Self>, Failure> {
        let path = paths.login();
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => {
                return Err(Failure::failed(format!("cannot read {}: {error}", path.display())));
            }
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            Failure::failed(format!("{} cannot be read: {error}", path.display()))
                .with_hint("`openclaw logout` removes it; then `openclaw login` again")
        })
    }

    /// Whether it still opens what it was kept for.
    ///
    /// # Errors
    /// `REFUSED` once it has expired: what was meant for that gateway must not go to another.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match self.expires_at.filter(|at| *at <= SystemClock.now()) {
            None => Ok(()),
            Some(at) => {
                let message = format!("the login at {} expired at {at}", self.address);
                Err(Failure::new(status::REFUSED, "unauthenticated", message)
                    .with_hint("`openclaw login` again, or `openclaw logout`"))
            }
        }
    }

    /// `host:port` of its gateway.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// Where it leads, and with what.
    pub(crate) fn endpoint(self) -> Result<Endpoint, Failure> {
        let trust = match (self.tls, self.fingerprint) {
            (false, _) => Trust::Plain,
            (true, None) => Trust::Authorities,
            (true, Some(text)) => Trust::Pinned(text.parse().map_err(Failure::failed)?),
        };
        let token = Some(Secret::new(self.credential));
        Ok(Endpoint { address: self.address, token, trust })
    }

    pub(crate) fn save(&self, paths: &StatePaths) -> Result<(), Failure> {
        let path = paths.login();
        let failed = |error: std::io::Error| {
            Failure::failed(format!("cannot write {}: {error}", path.display()))
        };
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(paths.root())
            .map_err(failed)?;
        let text = serde_json::to_string_pretty(self)
            .map_err(|error| Failure::failed(format!("cannot write the login: {error}")))?;
        let mut file = std::fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&path)
            .map_err(failed)?;
        file.write_all(text.as_bytes()).and_then(|()| file.sync_all()).map_err(failed)
    }

    /// Removes what was kept; whether there was anything.
    pub(crate) fn remove(paths: &StatePaths) -> Result<bool, Failure> {
        let path = paths.login();
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
            Err(error) => {
                Err(Failure::failed(format!("cannot remove {}: {error}", path.display())))
            }
        }
    }
}
