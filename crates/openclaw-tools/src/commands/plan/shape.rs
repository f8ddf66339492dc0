use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{CommandPlan, FileDigest};

/// What an "always" allows: the whole command, word for word, where it reaches no further than when it
/// was approved, and with the same files of the workspace. Never a program by its name: a wrapper
/// would let everything through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shape {
    /// The program by its path and every argument; for a shell the whole text.
    pub argv: Vec<String>,
    /// Whether a shell reads the command.
    pub shell: bool,
    /// The folder.
    pub cwd: String,
    /// Variables.
    pub env: Vec<(String, String)>,
    /// The files of the workspace that it names. Those of the system change with its updates.
    pub files: Vec<FileDigest>,
    /// Whether it runs in the sandbox.
    pub sandboxed: bool,
    /// Hosts it may reach.
    pub hosts: Vec<String>,
    /// Paths it may see.
    pub paths: Vec<String>,
    /// The image it runs in, where that is a container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
}

impl CommandPlan {
    /// What an "always" for this plan allows.
    pub fn shape(&self) -> Shape {
        Shape {
            argv: self.argv.clone(),
            shell: self.shell,
            cwd: self.cwd.clone(),
            env: self.env.clone(),
            files: self.files.iter().filter(|file| file.in_workspace).cloned().collect(),
            sandboxed: self.sandboxed,
            hosts: self.hosts.clone(),
            paths: self.paths.clone(),
            image: self.image.clone(),
        }
    }
}

impl Shape {
    /// SHA-256 of all of it.
    pub fn key(&self) -> String {
        let json = serde_json::to_vec(self).expect("a shape is texts and lists of them");
        hex::encode(Sha256::digest(json))
    }
}
