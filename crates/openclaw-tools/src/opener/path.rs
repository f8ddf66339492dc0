use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};

use super::OpenError;

const MAX_PATH: usize = 4096;

/// Where the workspace stands inside the sandbox.
const SANDBOX_ROOT: &str = "/workspace";

/// One step of a path below the workspace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Step {
    Into(OsString),
    Up,
}

/// The absolute names under which a workspace is known.
#[derive(Debug, Clone)]
pub(super) struct Names(Vec<PathBuf>);

impl Names {
    /// `root` as configured; its canonical form and `/workspace` are understood too.
    pub(super) fn new(root: &Path) -> Self {
        let mut names = vec![root.to_owned()];
        names.extend(std::fs::canonicalize(root).ok());
        names.push(PathBuf::from(SANDBOX_ROOT));
        Self(names)
    }

    /// The steps below the workspace that a path from a model means.
    pub(super) fn steps(&self, text: &str) -> Result<Vec<Step>, OpenError> {
        let invalid = |reason| OpenError::Invalid { path: text.chars().take(80).collect(), reason };
        if text.len() > MAX_PATH {
            return Err(invalid("it is longer than 4096 bytes"));
        }
        if text.contains('\0') {
            return Err(invalid("it holds a NUL"));
        }
        if text == "~" || text.starts_with("~/") {
            return Err(OpenError::Outside { path: text.to_owned() });
        }
        self.below(Path::new(text)).ok_or_else(|| OpenError::Outside { path: text.to_owned() })
    }

    /// The steps below the workspace; `None` for an absolute path elsewhere.
    pub(super) fn below(&self, path: &Path) -> Option<Vec<Step>> {
        let relative = if path.is_absolute() {
            self.0.iter().find_map(|name| path.strip_prefix(name).ok())?
        } else {
            path
        };
        let mut steps = Vec::new();
        for component in relative.components() {
            match component {
                Component::CurDir => {}
                Component::ParentDir => steps.push(Step::Up),
                Component::Normal(name) => steps.push(Step::Into(name.to_owned())),
                Component::RootDir | Component::Prefix(_) => return None,
            }
        }
        Some(steps)
    }
}

/// Whether the text can only mean a folder.
pub(super) fn names_folder(text: &str) -> bool {
    text.ends_with('/') || text.ends_with("/.") || text.is_empty()
}

#[cfg(test)]
mod tests {
    use super::{Names, Step};
    use std::path::Path;

    #[test]
    fn accepted_spellings_mean_the_same() {
        let names = Names::new(Path::new("/srv/claw"));
        let expected = vec![Step::Into("a".into()), Step::Into("b".into())];
        for text in ["a/b", "./a//b/", "/workspace/a/b", "/srv/claw/a/./b"] {
            assert_eq!(names.steps(text).expect(text), expected, "{text}");
        }
        for text in ["", ".", "/workspace", "/workspace/", "/srv/claw"] {
            assert_eq!(names.steps(text).expect(text), vec![], "{text}");
        }
    }

    #[test]
    fn other_absolute_paths_are_outside() {
        let names = Names::new(Path::new("/srv/claw"));
        for text in
            ["/", "/etc/passwd", "/srv", "/srv/clawed", "/workspaces/a", "~", "~/a", "//etc"]
        {
            assert!(names.steps(text).is_err(), "{text}");
        }
        assert!(names.steps("a\0b").is_err());
        assert!(names.steps(&"a".repeat(5000)).is_err());
    }
}
