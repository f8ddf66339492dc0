use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use cap_std::ambient_authority;
use cap_std::fs::{Dir, FileType, Metadata, OpenOptions};

use super::{Beneath, Entry, EntryKind, Stat};

/// A folder held open; below it `cap-std` resolves every path step by step.
#[derive(Debug)]
pub(crate) struct Folder(Dir);

impl Beneath for Folder {
    fn open_root(path: &Path) -> io::Result<Self> {
        Dir::open_ambient_dir(path, ambient_authority()).map(Self)
    }

    fn folder(&self, path: &Path) -> io::Result<Self> {
        if path.as_os_str().is_empty() {
            return self.0.open_dir(".").map(Self);
        }
        self.0.open_dir(path).map(Self)
    }

    fn file(&self, path: &Path) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.read(true);
        #[cfg(unix)]
        cap_std::fs::OpenOptionsExt::custom_flags(
            &mut options,
            (rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY).bits().cast_signed(),
        );
        self.0.open_with(path, &options).map(cap_std::fs::File::into_std)
    }

    fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>> {
        if !self.0.symlink_metadata(path)?.file_type().is_symlink() {
            return Ok(None);
        }
        self.0.read_link_contents(path).map(Some)
    }

    fn stat(&self, name: &OsStr) -> io::Result<Stat> {
        let metadata = self.0.symlink_metadata(name)?;
        let kind = kind_of(metadata.file_type());
        Ok(Stat { kind, mode: mode_of(&metadata), size: metadata.len() })
    }

    fn entries(&self) -> io::Result<Vec<Entry>> {
        let mut entries = Vec::new();
        for entry in self.0.entries()? {
            let entry = entry?;
            entries.push(Entry { name: entry.file_name(), kind: kind_of(entry.file_type()?) });
        }
        Ok(entries)
    }

    fn make_folder(&self, name: &OsStr) -> io::Result<()> {
        self.0.create_dir(name)
    }

    fn create(&self, name: &OsStr) -> io::Result<File> {
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        self.0.open_with(name, &options).map(cap_std::fs::File::into_std)
    }

    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()> {
        self.0.rename(from, &self.0, to)
    }

    fn remove(&self, name: &OsStr) -> io::Result<()> {
        self.0.remove_file(name)
    }

    fn sync(&self) -> io::Result<()> {
        // Elsewhere a folder cannot be synced.
        #[cfg(unix)]
        self.0.open(".")?.sync_all()?;
        Ok(())
    }
}

fn kind_of(file_type: FileType) -> EntryKind {
    if file_type.is_file() {
        EntryKind::File
    } else if file_type.is_dir() {
        EntryKind::Folder
    } else if file_type.is_symlink() {
        EntryKind::Link
    } else {
        EntryKind::Other
    }
}

#[cfg(unix)]
fn mode_of(metadata: &Metadata) -> u32 {
    cap_std::fs::MetadataExt::mode(metadata) & 0o777
}

#[cfg(not(unix))]
fn mode_of(_: &Metadata) -> u32 {
    0
}
