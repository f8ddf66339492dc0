//! Attachments in the workspace.

use std::fs::File;
use std::io;
use std::path::Path;

use openclaw_media::MediaStore;

use crate::transcript::UserEntry;

/// Puts the files of an entry into the workspace, those that are not there yet.
///
/// A file that cannot be placed is left out with a warning: the model learns of it when it looks.
pub(crate) async fn place_files(entry: &UserEntry, media: &MediaStore, workspace: &Path) {
    for file in &entry.files {
        let Some((folder, name)) = file.path.rsplit_once('/') else { continue };
        let (source, folder, name) =
            (media.path(&file.media_id), workspace.join(folder), name.to_owned());
        let placed = tokio::task::spawn_blocking(move || place(&source, &folder, &name)).await;
        match placed {
            Ok(Ok(())) => {}
            Ok(Err(error)) => {
                tracing::warn!(path = file.path, %error, "an attachment is not in the workspace");
            }
            Err(error) => tracing::warn!(path = file.path, %error, "placing an attachment broke"),
        }
    }
}

/// Copies rather than links: the store's file must not change when the workspace's does.
///
/// What works in the workspace may have put a link where the folder or the file goes; neither is
/// followed.
#[cfg(unix)]
fn place(source: &Path, folder: &Path, name: &str) -> io::Result<()> {
    use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, statat, unlinkat};

    std::fs::create_dir_all(folder)?;
    let directory = OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let folder = rustix::fs::open(folder, directory, Mode::empty())?;
    if statat(&folder, name, AtFlags::SYMLINK_NOFOLLOW).is_ok() {
        return Ok(());
    }
    let partial = format!(".{name}.partial");
    match unlinkat(&folder, &partial, AtFlags::empty()) {
        Ok(()) | Err(rustix::io::Errno::NOENT) => {}
        Err(error) => return Err(error.into()),
    }
    let fresh = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let target = openat(&folder, &partial, fresh, Mode::from_raw_mode(0o600))?;
    io::copy(&mut File::open(source)?, &mut File::from(target))?;
    Ok(renameat(&folder, &partial, &folder, name)?)
}

/// As above, without handles of folders: links are looked for just before.
#[cfg(not(unix))]
fn place(source: &Path, folder: &Path, name: &str) -> io::Result<()> {
    std::fs::create_dir_all(folder)?;
    if folder.symlink_metadata()?.is_symlink() {
        return Err(io::Error::other("the folder is a link"));
    }
    let target = folder.join(name);
    if target.symlink_metadata().is_ok() {
        return Ok(());
    }
    let mut file = File::options().write(true).create_new(true).open(&target)?;
    io::copy(&mut File::open(source)?, &mut file)?;
    Ok(())
}

#[cfg(all(test, unix))]
mod tests {
    use super::place;
    use std::os::unix::fs::symlink;

    #[test]
    fn links_are_not_followed_and_what_is_there_stays() {
        let folder = tempfile::tempdir().expect("a folder");
        let source = folder.path().join("source");
        std::fs::write(&source, "new").expect("written");
        let outside = folder.path().join("outside");
        std::fs::create_dir(&outside).expect("made");

        let linked = folder.path().join("linked");
        symlink(&outside, &linked).expect("linked");
        assert!(place(&source, &linked, "a.txt").is_err());
        assert_eq!(std::fs::read_dir(&outside).expect("readable").count(), 0);

        let media = folder.path().join("media");
        std::fs::create_dir(&media).expect("made");
        symlink(outside.join("stolen"), media.join(".a.txt.partial")).expect("linked");
        place(&source, &media, "a.txt").expect("placed");
        assert_eq!(std::fs::read_to_string(media.join("a.txt")).expect("readable"), "new");
        assert!(!outside.join("stolen").exists());

        std::fs::write(media.join("a.txt"), "changed by the agent").expect("written");
        place(&source, &media, "a.txt").expect("left alone");
        let kept = std::fs::read_to_string(media.join("a.txt")).expect("readable");
        assert_eq!(kept, "changed by the agent");
    }
}
