//! A folder as a capability: everything below it can be reached, nothing else.

use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

#[cfg(target_os = "linux")]
mod linux;
// Also tested on Linux, where both must behave alike.
#[cfg(any(not(target_os = "linux"), test))]
mod portable;

#[cfg(target_os = "linux")]
pub(crate) use linux::{Folder, sandbox};
#[cfg(not(target_os = "linux"))]
pub(crate) use portable::Folder;
#[cfg(not(target_os = "linux"))]
pub(crate) mod no_sandbox;
#[cfg(not(target_os = "linux"))]
pub(crate) use no_sandbox as sandbox;

/// What stands under a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    File,
    Folder,
    Link,
    Other,
}

/// One name in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: OsString,
    pub(crate) kind: EntryKind,
}

/// What is known of a name without opening it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stat {
    pub(crate) kind: EntryKind,
    /// Permission bits; 0 where the system has none.
    pub(crate) mode: u32,
    pub(crate) size: u64,
}

/// The operations both platforms offer. Paths are relative and hold no `..`; a link in them is an
/// error or is followed only below the folder. An empty path is the folder itself.
pub(crate) trait Beneath: Sized {
    /// Opens a folder that the owner chose, by any path.
    fn open_root(path: &Path) -> io::Result<Self>;
    fn folder(&self, path: &Path) -> io::Result<Self>;
    /// Opens for reading without waiting for a peer, whatever it is.
    fn file(&self, path: &Path) -> io::Result<File>;
    /// Where a link points; `None` for anything else.
    fn link_target(&self, path: &Path) -> io::Result<Option<PathBuf>>;
    fn stat(&self, name: &OsStr) -> io::Result<Stat>;
    fn entries(&self) -> io::Result<Vec<Entry>>;
    fn make_folder(&self, name: &OsStr) -> io::Result<()>;
    /// Makes a new file for writing; an existing name of any kind is an error.
    fn create(&self, name: &OsStr) -> io::Result<File>;
    fn rename(&self, from: &OsStr, to: &OsStr) -> io::Result<()>;
    fn remove(&self, name: &OsStr) -> io::Result<()>;
    fn sync(&self) -> io::Result<()>;
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
