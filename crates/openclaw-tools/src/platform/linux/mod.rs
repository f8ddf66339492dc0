//! What only Linux has: `openat2` below a folder, and the sandbox of namespaces.

mod folder;
pub(crate) mod sandbox;

pub(crate) use folder::Folder;
