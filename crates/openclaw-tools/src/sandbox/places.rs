//! What a room shows, as it really stands on this machine; the same for every engine.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Room, SandboxError, WORKSPACE};

/// The most paths that can be granted to one room.
const MOST_PATHS: usize = 31;

/// The port of the egress proxy inside.
pub(crate) const PROXY_PORT: u16 = 3128;

/// A path of the host and where it stands inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Shown {
    pub(crate) source: PathBuf,
    pub(crate) target: PathBuf,
    pub(crate) writable: bool,
}

/// What must not be seen, as it really stands. What cannot be found out cannot be kept out.
pub(crate) fn hidden(room: &Room) -> Result<Vec<PathBuf>, SandboxError> {
    let mut found = Vec::new();
    for path in &room.hidden {
        match fs::canonicalize(path) {
            Ok(path) => found.push(path),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => {
                return Err(SandboxError::Refused(format!(
                    "{}, which commands must not see, cannot be looked at: {error}",
                    path.display()
                )));
            }
        }
    }
    Ok(found)
}

/// The workspace as it really stands, made where it is missing. Of what must not be seen only the
/// state folder's own workspaces are given.
pub(crate) fn workspace_of(room: &Room, hidden: &[PathBuf]) -> Result<PathBuf, SandboxError> {
    let refused = |error: std::io::Error| {
        SandboxError::Refused(format!(
            "the workspace {} cannot be used: {error}",
            room.workspace.display()
        ))
    };
    fs::create_dir_all(&room.workspace).map_err(refused)?;
    let workspace = fs::canonicalize(&room.workspace).map_err(refused)?;
    let is_own = |rest: &Path| rest.starts_with("workspace") || rest.starts_with("workspaces");
    let is_hidden = |path: &PathBuf| {
        workspace
            .strip_prefix(path)
            .is_ok_and(|rest| !is_own(rest) || rest == Path::new("workspaces"))
    };
    if hidden.iter().any(is_hidden) || workspace == Path::new("/") {
        return Err(SandboxError::Refused(format!(
            "the workspace {} holds what commands must not see; set agents.workspace to another folder",
            workspace.display()
        )));
    }
    Ok(workspace)
}

/// The granted paths. One above what must not be seen is shown with that covered; one in
/// what must not be seen, or in what commands may write and could replace, is refused.
pub(crate) fn granted(
    room: &Room,
    workspace: &Path,
    hidden: &[PathBuf],
) -> Result<Vec<Shown>, SandboxError> {
    if room.paths.len() > MOST_PATHS {
        return Err(SandboxError::Refused(format!("at most {MOST_PATHS} paths can be granted")));
    }
    let real = |path: &Path| {
        fs::canonicalize(path).map_err(|error| {
            SandboxError::Refused(format!(
                "the granted path {} cannot be used: {error}",
                path.display()
            ))
        })
    };
    let mut writable = vec![workspace.to_owned(), PathBuf::from(WORKSPACE)];
    for granted in room.paths.iter().filter(|granted| granted.writable) {
        writable.extend([real(&granted.path)?, granted.path.clone()]);
    }
    let binds = room.paths.iter().map(|granted| {
        let source = real(&granted.path)?;
        let is_below = |folder: &PathBuf| {
            [source.as_path(), granted.path.as_path()]
                .into_iter()
                .any(|path| path != folder && path.starts_with(folder))
        };
        if let Some(folder) = writable.iter().find(|folder| is_below(folder)) {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted by itself: it is below {}, which commands may write",
                granted.path.display(),
                folder.display()
            )));
        }
        if hidden.iter().any(|path| source.starts_with(path)) {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted: commands must not see it",
                source.display()
            )));
        }
        let forbidden = ["/", "/proc", "/sys", "/dev", "/etc", "/run", "/var/run"];
        if forbidden.iter().any(|path| source == Path::new(path))
            || source.starts_with("/proc")
            || source.starts_with("/sys")
        {
            return Err(SandboxError::Refused(format!(
                "the path {} cannot be granted",
                source.display()
            )));
        }
        Ok(Shown { target: granted.path.clone(), source, writable: granted.writable })
    });
    binds.collect()
}

/// The variables by which programs find the egress proxy.
pub(crate) fn proxy_environment() -> impl Iterator<Item = (String, String)> {
    let proxy = format!("http://127.0.0.1:{}", PROXY_PORT);
    ["http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"]
        .into_iter()
        .map(move |name| (name.to_owned(), proxy.clone()))
        .chain(
            ["no_proxy", "NO_PROXY"]
                .map(|name| (name.to_owned(), "localhost,127.0.0.1,::1".to_owned())),
        )
}
