use std::io::Read;
use std::path::Path;

use super::{FetchedSecret, MAX_SECRET_BYTES, SecretError, text_of};

pub(super) fn read(path: &Path) -> Result<FetchedSecret, SecretError> {
    let shown = path.display();
    let failed = |error: std::io::Error| SecretError(format!("{shown} cannot be read: {error}"));
    let metadata = std::fs::metadata(path).map_err(failed)?;
    // Opening a pipe would wait for somebody to write into it.
    if !metadata.is_file() {
        return Err(SecretError(format!("{shown} is not a file")));
    }
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).map_err(failed)?;
    file.take(MAX_SECRET_BYTES + 1).read_to_end(&mut bytes).map_err(failed)?;
    let secret = text_of(bytes, &shown.to_string())?;
    Ok(FetchedSecret { secret, warning: warning(path, &metadata) })
}

#[cfg(unix)]
fn warning(path: &Path, metadata: &std::fs::Metadata) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o777;
    (mode & 0o077 != 0).then(|| {
        let path = path.display();
        format!("others may read {path} (mode {mode:04o}): run `chmod 600 {path}`")
    })
}

#[cfg(not(unix))]
fn warning(_: &Path, _: &std::fs::Metadata) -> Option<String> {
    None
}
