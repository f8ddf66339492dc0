use std::io;
use std::path::{Path, PathBuf};

use async_trait::async_trait;
use openclaw_core::Secret;
use rmcp::transport::auth::{AuthError, CredentialStore, StoredCredentials};
use serde::{Deserialize, Serialize};
use tokio::task::spawn_blocking;

use super::McpError;

/// What is kept of the sign-in at one server: `<state>/mcp/<server>.json`, for the owner alone.
#[derive(Debug, Clone)]
pub struct CredentialFile {
    path: PathBuf,
}

/// The file.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    /// The secret of the client that was registered, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credentials: Option<StoredCredentials>,
}

impl CredentialFile {
    /// Of this server, in this state folder.
    pub fn new(state_dir: &Path, server: &str) -> Self {
        Self { path: state_dir.join("mcp").join(format!("{server}.json")) }
    }

    /// Whether there has been a sign-in.
    pub fn exists(&self) -> bool {
        self.path.exists()
    }

    /// Forgets the sign-in; whether there was one.
    ///
    /// # Errors
    /// [`McpError::Credentials`].
    pub fn remove(&self) -> Result<bool, McpError> {
        match std::fs::remove_file(&self.path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
            Err(error) => Err(self.failed(error)),
        }
    }

    pub(super) async fn client_secret(&self) -> Result<Option<Secret>, McpError> {
        let kept = self.read().await.map_err(|error| self.failed(error))?;
        Ok(kept.client_secret.map(Secret::new))
    }

    pub(super) async fn set_client_secret(&self, secret: Option<Secret>) -> Result<(), McpError> {
        let mut kept = self.read().await.map_err(|error| self.failed(error))?;
        kept.client_secret = secret.map(|secret| secret.expose().to_owned());
        self.write(kept).await.map_err(|error| self.failed(error))
    }

    fn failed(&self, source: io::Error) -> McpError {
        McpError::Credentials { path: self.path.display().to_string(), source }
    }

    async fn read(&self) -> io::Result<Kept> {
        match tokio::fs::read(&self.path).await {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Kept::default()),
            Err(error) => Err(error),
        }
    }

    async fn write(&self, kept: Kept) -> io::Result<()> {
        let path = self.path.clone();
        let written = spawn_blocking(move || write_private(&path, &serde_json::to_vec(&kept)?));
        written.await.map_err(io::Error::other)?
    }
}

/// Whole or not at all, readable by the owner alone.
fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    use std::io::Write as _;
    let folder = path.parent().unwrap_or(Path::new("."));
    let draft = path.with_extension(format!("{}.tmp", std::process::id()));
    let (mut options, mut folders) = (std::fs::OpenOptions::new(), std::fs::DirBuilder::new());
    options.write(true).create(true).truncate(true);
    folders.recursive(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
        options.mode(0o600);
        folders.mode(0o700);
    }
    folders.create(folder)?;
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, path)
}

#[async_trait]
impl CredentialStore for CredentialFile {
    async fn load(&self) -> Result<Option<StoredCredentials>, AuthError> {
        Ok(self.read().await.map_err(failed)?.credentials)
    }

    async fn save(&self, credentials: StoredCredentials) -> Result<(), AuthError> {
        let mut kept = self.read().await.map_err(failed)?;
        kept.credentials = Some(credentials);
        self.write(kept).await.map_err(failed)
    }

    async fn clear(&self) -> Result<(), AuthError> {
        self.write(Kept::default()).await.map_err(failed)
    }
}

fn failed(error: io::Error) -> AuthError {
    AuthError::CredentialStoreError(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::CredentialFile;
    use openclaw_core::Secret;
    use rmcp::transport::auth::{CredentialStore as _, StoredCredentials};

    #[tokio::test]
    async fn what_is_kept_is_for_the_owner_alone() {
        let state = tempfile::tempdir().expect("a folder");
        let file = CredentialFile::new(state.path(), "srv");
        assert!(!file.exists());
        let credentials = StoredCredentials::new("client".to_owned(), None, Vec::new(), None);
        file.save(credentials).await.expect("saved");
        file.set_client_secret(Some(Secret::new("s3cret"))).await.expect("saved");
        assert_eq!(file.client_secret().await.expect("read"), Some(Secret::new("s3cret")));
        let loaded = file.load().await.expect("read").expect("there");
        assert_eq!(loaded.client_id, "client");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = |path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
            assert_eq!(mode(state.path().join("mcp/srv.json")), 0o600);
            assert_eq!(mode(state.path().join("mcp")), 0o700);
        }
        assert!(file.remove().expect("removed"));
        assert!(!file.remove().expect("was gone"));
    }
}
