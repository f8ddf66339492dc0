//! A command is read once, to a plan; the plan is what is shown, approved and run.

mod files;
mod literal;
mod shape;
mod words;

use std::fs;
use std::path::{Path, PathBuf};

use openclaw_config::SandboxEngine;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

pub use files::FileDigest;
pub use shape::Shape;

use self::words::{Split, split};
use super::CommandRules;
use crate::sandbox::WORKSPACE;
use crate::{ToolError, Workspace};

/// The longest command, in bytes: what Linux takes as one argument.
const LONGEST: usize = 128 * 1024 - 1;

/// Where programs are looked for, inside the sandbox and outside.
const PATHS: [&str; 6] =
    ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"];

/// Exactly what will run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommandPlan {
    /// The program, by its path, and its arguments. For a text that needs a shell
    /// `["bash", "-c", text]`.
    pub argv: Vec<String>,
    /// Whether a shell reads the command.
    pub shell: bool,
    /// The folder it starts in, as it is called where the command runs.
    pub cwd: String,
    /// Variables besides those that every command has; none come from the gateway's environment.
    pub env: Vec<(String, String)>,
    /// The files it names, as they were when the plan was made.
    pub files: Vec<FileDigest>,
    /// Whether it runs in the sandbox.
    pub sandboxed: bool,
    /// Hosts it may reach in the sandbox.
    pub hosts: Vec<String>,
    /// Paths of the host that the sandbox shows, with ` (rw)` where they may be written.
    pub paths: Vec<String>,
    /// The image it runs in, where that is a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl CommandPlan {
    /// Reads a command. Blocks, as it looks for the program.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] when the command or its folder cannot be used.
    pub fn read(
        command: &str,
        workdir: Option<&str>,
        workspace: &Path,
        rules: &CommandRules,
    ) -> Result<Self, ToolError> {
        let refuse = |text: String| Err(ToolError::RespondToModel(text));
        if command.trim().is_empty() {
            return refuse("the command is empty".to_owned());
        }
        if command.len() > LONGEST || command.contains('\0') {
            return refuse("the command is longer than 128 KiB or holds a NUL; write a script file and run that".to_owned());
        }
        let cwd = folder(workdir, workspace, rules.sandboxed)?;
        let image = (rules.sandboxed && rules.engine == SandboxEngine::Docker)
            .then(|| rules.docker.image.clone());
        let words = match split(command) {
            // What programs an image has, this machine does not know.
            Split::Words(words) if image.is_some() => Some(words),
            Split::Words(words) => resolve(&words[0], &cwd, workspace).map(|program| {
                let mut argv = words;
                argv[0] = program;
                argv
            }),
            Split::NeedsShell => None,
        };
        let (argv, shell) = match words {
            Some(argv) => (argv, false),
            None => (vec!["bash".to_owned(), "-c".to_owned(), command.to_owned()], true),
        };
        let paths = rules.paths.iter().map(|granted| {
            let note = if granted.writable { " (rw)" } else { "" };
            format!("{}{note}", granted.path.display())
        });
        Ok(Self {
            argv,
            shell,
            cwd,
            env: Vec::new(),
            files: Vec::new(),
            sandboxed: rules.sandboxed,
            hosts: reachable(rules),
            paths: paths.collect(),
            image,
        })
    }

    /// Notes the content of the files it names. Blocks for as long as reading them takes.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] when one cannot be read.
    pub fn with_digests(mut self, workspace: &Path) -> Result<Self, ToolError> {
        self.files = files::digests(&self, workspace)?;
        Ok(self)
    }

    /// Whether the files it names are still what they were. Blocks.
    ///
    /// # Errors
    /// [`ToolError::RespondToModel`] naming what changed.
    pub fn verify(&self, workspace: &Path) -> Result<(), ToolError> {
        let now = files::digests(self, workspace)?;
        let changed = self
            .files
            .iter()
            .find(|file| !now.contains(file))
            .or_else(|| now.iter().find(|file| !self.files.contains(file)));
        match changed {
            None => Ok(()),
            Some(file) => Err(ToolError::RespondToModel(format!(
                "not run: {} changed after the command was approved; ask again",
                file.path
            ))),
        }
    }

    /// Whether every file it names in its text is bound by a digest. What only a shell can read
    /// (variables, patterns, quoted words, another folder) may name files that are not.
    pub fn binds_its_files(&self) -> bool {
        match self.argv.as_slice() {
            [_, _, text] if self.shell => literal::is_literal(text),
            _ => true,
        }
    }

    /// SHA-256 of all of it: what an approval is for.
    pub fn digest(&self) -> String {
        let json = serde_json::to_vec(self).expect("a plan is texts and lists of them");
        hex::encode(Sha256::digest(json))
    }

    /// The command as one line, for people.
    pub fn shown(&self) -> String {
        match self.argv.as_slice() {
            [_, _, text] if self.shell => text.clone(),
            argv => argv.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" "),
        }
    }
}

/// Every host a command may reach, with a note where the proxy adds a credential.
fn reachable(rules: &CommandRules) -> Vec<String> {
    let with = rules.credentials.iter().map(|one| format!("{} (with a credential)", one.host));
    rules.hosts.iter().cloned().chain(with).collect()
}

fn quote(word: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"_-./:=@%+,".contains(&byte);
    if !word.is_empty() && word.bytes().all(is_plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The folder a command starts in, as it is called where it runs.
fn folder(workdir: Option<&str>, workspace: &Path, sandboxed: bool) -> Result<String, ToolError> {
    let root = if sandboxed { Path::new(WORKSPACE) } else { workspace };
    let Some(workdir) = workdir.map(str::trim).filter(|text| !text.is_empty()) else {
        return Ok(root.display().to_string());
    };
    let below = match Workspace::open(workspace)?.folder(workdir) {
        Ok((below, _)) => below,
        // A folder of the sandbox itself, such as /tmp; there is nothing to guard.
        Err(_)
            if sandboxed && Path::new(workdir).is_absolute() && !workdir.starts_with(WORKSPACE) =>
        {
            return Ok(workdir.to_owned());
        }
        Err(error) => return Err(error.into()),
    };
    Ok(root.join(below).display().to_string())
}

/// The program's path; `None` when only a shell can say what the word means.
fn resolve(word: &str, cwd: &str, workspace: &Path) -> Option<String> {
    if word.contains('/') {
        let path = Path::new(cwd).join(word);
        let outside = outside_path(&path, workspace);
        return is_program(&outside).then(|| path.display().to_string());
    }
    let mut places = PATHS.iter().map(|folder| Path::new(folder).join(word));
    places.find(|path| is_program(path)).map(|path| path.display().to_string())
}

/// Where a path of the sandbox stands outside.
pub(super) fn outside_path(path: &Path, workspace: &Path) -> PathBuf {
    match path.strip_prefix(WORKSPACE) {
        Ok(below) => workspace.join(below),
        Err(_) => path.to_owned(),
    }
}

fn is_program(path: &Path) -> bool {
    #[cfg(unix)]
    let may_run = |found: &fs::Metadata| {
        std::os::unix::fs::PermissionsExt::mode(&found.permissions()) & 0o111 != 0
    };
    #[cfg(not(unix))]
    let may_run = |_: &fs::Metadata| true;
    fs::metadata(path).is_ok_and(|found| found.is_file() && may_run(&found))
}
