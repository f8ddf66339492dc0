//! A Docker engine for tests: podman's service of the Docker API over `runc`, with an image of this
//! machine's own programs.
//!
//! Images are kept in one folder for all tests of a user, as making one takes longer than a test; each
//! test has a service of its own. Between podman and `runc` stands a shim that takes out what a
//! container in a container may not set: raised resource limits and the out-of-memory score.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

/// The image with `bash` and the programs that the sandbox's tests use.
pub const IMAGE: &str = "localhost/openclaw-test:2";

const START_TRIES: u32 = 300;
const START_PAUSE: Duration = Duration::from_millis(50);

/// What the image holds, with the libraries these need.
const PROGRAMS: [&str; 34] = [
    "bash", "cat", "chmod", "chroot", "cp", "cut", "dash", "dmesg", "echo", "env", "find", "grep",
    "head", "id", "kill", "ln", "ls", "mkdir", "mknod", "mount", "mv", "nsenter", "rm", "seq",
    "setsid", "sleep", "sort", "tail", "touch", "tr", "true", "unshare", "wc", "yes",
];

const SHIM: &str = r#"#!/usr/bin/env python3
import json, os, shutil, sys
arguments = sys.argv[1:]
for place, word in enumerate(arguments):
    if word in ("--bundle", "-b"):
        path, inner = os.path.join(arguments[place + 1], "config.json"), "process"
    elif word in ("--process", "-p"):
        path, inner = arguments[place + 1], None
    else:
        continue
    with open(path) as file:
        whole = json.load(file)
    process = whole[inner] if inner else whole
    process.pop("rlimits", None)
    process.pop("oomScoreAdj", None)
    with open(path, "w") as file:
        json.dump(whole, file)
os.execv(shutil.which("runc", path="/usr/sbin:/usr/bin:/sbin:/bin"), ["runc"] + arguments)
"#;

/// A service that runs until this is dropped.
#[derive(Debug)]
pub struct DockerEngine {
    folder: TempDir,
    shared: PathBuf,
    service: Option<Child>,
}

impl DockerEngine {
    /// Starts a service, and makes the image where it is not there yet.
    ///
    /// # Errors
    /// When `podman` or `runc` is not installed or does not work here; the message says what to install.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("openclaw-docker-").tempdir()?;
        let user =
            fs::metadata(folder.path()).map(|found| std::os::unix::fs::MetadataExt::uid(&found))?;
        let shared = std::env::temp_dir().join(format!("openclaw-test-docker-{user}"));
        fs::create_dir_all(&shared)?;
        let mut engine = Self { folder, shared, service: None };
        engine.configure()?;
        engine.make_image()?;
        engine.service = Some(engine.serve()?);
        Ok(engine)
    }

    /// The socket of the Docker API.
    pub fn socket(&self) -> PathBuf {
        self.folder.path().join("docker.sock")
    }

    /// What podman's own command line says, such as for `ps -a`.
    ///
    /// # Errors
    /// What it says when it fails.
    pub fn podman(&self, arguments: &[&str]) -> io::Result<String> {
        let output = self.command(arguments).output().map_err(not_there)?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned());
        }
        Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
    }

    fn configure(&self) -> io::Result<()> {
        let shim = self.shared.join("shim");
        if !fs::read_to_string(&shim).is_ok_and(|text| text == SHIM) {
            // A file that another test runs cannot be written.
            let own = self.folder.path().join("shim");
            fs::write(&own, SHIM)?;
            fs::set_permissions(&own, fs::Permissions::from_mode(0o755))?;
            fs::copy(&own, self.shared.join(format!("shim-{}", std::process::id())))?;
            fs::rename(self.shared.join(format!("shim-{}", std::process::id())), &shim)?;
        }
        let engine = format!(
            "[engine]\ncgroup_manager = \"cgroupfs\"\nevents_logger = \"file\"\nruntime = \"shim\"\n\
             [engine.runtimes]\nshim = [\"{}\"]\n",
            shim.display()
        );
        fs::write(self.folder.path().join("containers.conf"), engine)?;
        let storage = format!(
            "[storage]\ndriver = \"overlay\"\nrunroot = \"{0}/run\"\ngraphroot = \"{0}/graph\"\n",
            self.shared.display()
        );
        fs::write(self.folder.path().join("storage.conf"), storage)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new("podman");
        command
            .args(arguments)
            .env("CONTAINERS_CONF", self.folder.path().join("containers.conf"))
            .env("CONTAINERS_STORAGE_CONF", self.folder.path().join("storage.conf"));
        command
    }

    fn make_image(&self) -> io::Result<()> {
        let lock = File::create(self.shared.join("lock"))?;
        lock.lock()?;
        if self.podman(&["image", "exists", IMAGE]).is_ok() {
            return Ok(());
        }
        let root = self.folder.path().join("root");
        for folder in ["bin", "usr/bin", "etc", "tmp", "root", "workspace", "home"] {
            fs::create_dir_all(root.join(folder))?;
        }
        for program in PROGRAMS {
            let Some(path) = which(program) else { continue };
            copy_in(&root, &path, &Path::new("/usr/bin").join(program))?;
            copy_in(&root, &path, &Path::new("/bin").join(program))?;
            for library in libraries(&path)? {
                copy_in(&root, &library, &library)?;
            }
        }
        // What the tests' own programs need.
        let own = std::env::current_exe()?;
        for library in libraries(&own)? {
            copy_in(&root, &library, &library)?;
        }
        std::os::unix::fs::symlink("dash", root.join("bin/sh"))?;
        let archive = self.folder.path().join("root.tar");
        let packed =
            Command::new("tar").arg("-C").arg(&root).arg("-cf").arg(&archive).arg(".").status()?;
        if !packed.success() {
            return Err(io::Error::other("the image's files could not be packed"));
        }
        self.podman(&["import", &archive.display().to_string(), IMAGE])?;
        fs::remove_dir_all(&root)?;
        fs::remove_file(&archive)
    }

    fn serve(&self) -> io::Result<Child> {
        let log = File::create(self.folder.path().join("log"))?;
        let address = format!("unix://{}", self.socket().display());
        let mut service = self
            .command(&["system", "service", "--time=0", &address])
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .map_err(not_there)?;
        for _ in 0..START_TRIES {
            if std::os::unix::net::UnixStream::connect(self.socket()).is_ok() {
                return Ok(service);
            }
            if service.try_wait()?.is_some() {
                break;
            }
            std::thread::sleep(START_PAUSE);
        }
        service.kill()?;
        service.wait()?;
        let said = fs::read_to_string(self.folder.path().join("log"))?;
        Err(io::Error::other(format!("podman does not serve the Docker API: {said}")))
    }
}

impl Drop for DockerEngine {
    fn drop(&mut self) {
        if let Some(mut service) = self.service.take() {
            let ended = service.kill().and_then(|()| service.wait());
            if let Err(error) = ended {
                tracing::warn!(%error, "podman's service could not be ended");
            }
        }
    }
}

fn not_there(error: io::Error) -> io::Error {
    io::Error::new(
        error.kind(),
        format!("podman cannot be run: {error}; the tests need Debian's podman, runc and python3"),
    )
}

fn which(program: &str) -> Option<PathBuf> {
    let folders = ["/usr/bin", "/bin", "/usr/sbin", "/sbin"];
    let found =
        folders.iter().map(|folder| Path::new(folder).join(program)).find(|path| path.exists())?;
    // A link would lead to what is not in the image.
    fs::canonicalize(found).ok()
}

/// The libraries of a program, by what the loader says.
fn libraries(program: &Path) -> io::Result<Vec<PathBuf>> {
    let output = Command::new("ldd").arg(program).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let words = text.split_whitespace().filter(|word| word.starts_with('/'));
    Ok(words.map(PathBuf::from).collect())
}

fn copy_in(root: &Path, from: &Path, to: &Path) -> io::Result<()> {
    let target = root.join(to.strip_prefix("/").unwrap_or(to));
    if target.exists() {
        return Ok(());
    }
    if let Some(parent) = target.parent() {
        fs::create_dir_all(parent)?;
    }
    fs::copy(from, target).map(drop)
}
