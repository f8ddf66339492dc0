use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

/// Owner only.
pub(crate) const PRIVATE_FILE: u32 = 0o600;

/// Replaces a file as a whole: whoever reads it sees the old or the new bytes, also after a crash.
pub(crate) fn write_atomically(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("/"));
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let temporary = folder.join(format!(".{name}.{}.tmp", std::process::id()));
    let written =
        write_new(&temporary, bytes, mode).and_then(|()| std::fs::rename(&temporary, path));
    if let Err(error) = written {
        // What is left behind is replaced by the next try.
        if let Err(left) = std::fs::remove_file(&temporary) {
            tracing::debug!(file = %temporary.display(), error = %left, "a temporary file stays");
        }
        return Err(error);
    }
    sync_folder(folder)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    drop(mode);
    let mut file = match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            std::fs::remove_file(path)?;
            options.open(path)?
        }
        opened => opened?,
    };
    file.write_all(bytes)?;
    // The umask cuts what `mode` asked for.
    #[cfg(unix)]
    file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode))?;
    file.sync_all()
}

/// Appends one line, with its line break, to a file of the owner's.
pub(crate) fn append_line(path: &Path, line: &str) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, PRIVATE_FILE);
    let mut file = options.open(path)?;
    file.write_all(format!("{line}\n").as_bytes())?;
    file.sync_all()
}

/// Makes a folder that only the owner can enter, with those above it.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// The mode of an existing file.
#[cfg(unix)]
pub(crate) fn mode_of(path: &Path) -> Option<u32> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(path).ok().map(|metadata| metadata.permissions().mode() & 0o777)
}

/// The mode of an existing file.
#[cfg(not(unix))]
pub(crate) fn mode_of(_: &Path) -> Option<u32> {
    None
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Holds other editors off while it lives. On Unix it locks the folder itself, so that no file is
/// left behind.
pub(crate) struct FolderLock(#[expect(dead_code, reason = "dropping it unlocks")] Option<File>);

impl FolderLock {
    /// `None` when another holds it.
    #[cfg(unix)]
    pub(crate) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let file = File::open(folder)?;
        match file.try_lock() {
            Ok(()) => Ok(Some(Self(Some(file)))),
            Err(std::fs::TryLockError::WouldBlock) => Ok(None),
            Err(std::fs::TryLockError::Error(error)) => Err(error),
        }
    }

    /// Folders cannot be locked here; the content hash alone guards.
    #[cfg(not(unix))]
    pub(crate) fn take(_: &Path) -> io::Result<Option<Self>> {
        Ok(Some(Self(None)))
    }
}
