//! A PostgreSQL server of one test, of the programs that are installed.
//!
//! It listens on a free port of the loopback address and on a socket, keeps its files in a temporary
//! folder, and ends with its owner. The server refuses to run as root: there it runs as the user
//! `postgres`, whom the system's package makes.

use std::io;
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use tempfile::TempDir;

const PASSWORD: &str = "canary-of-the-test-server";
const START_TRIES: u32 = 600;
const START_PAUSE: Duration = Duration::from_millis(50);

/// A server that runs until this is dropped.
#[derive(Debug)]
pub struct PostgresServer {
    /// Unmounted before the folder goes.
    disk: Option<SmallDisk>,
    folder: TempDir,
    programs: PathBuf,
    user: Option<(u32, u32)>,
    port: u16,
    server: Option<Child>,
    places: AtomicU32,
}

impl PostgresServer {
    /// Makes a cluster and starts it; it does not wait for the disk.
    ///
    /// # Errors
    /// When PostgreSQL is not installed, or does not start; the message holds the server's log.
    pub fn start() -> io::Result<Self> {
        Self::start_on(None)
    }

    /// Starts one whose files are on a disk of so many mebibytes, in memory. Only root can.
    ///
    /// # Errors
    /// As [`Self::start`], and when the disk cannot be mounted.
    pub fn start_on_small_disk(mebibytes: u32) -> io::Result<Self> {
        Self::start_on(Some(mebibytes))
    }

    fn start_on(mebibytes: Option<u32>) -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("openclaw-postgres-").tempdir()?;
        let user = unprivileged_user(folder.path())?;
        let disk = match mebibytes {
            None => None,
            Some(mebibytes) => Some(SmallDisk::mount(folder.path().join("disk"), mebibytes)?),
        };
        if let Some((uid, gid)) = user {
            chown(folder.path(), Some(uid), Some(gid))?;
        }
        std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700))?;
        let mut server = Self {
            programs: programs()?,
            disk,
            folder,
            user,
            port: free_port()?,
            server: None,
            places: AtomicU32::new(0),
        };
        server.make_cluster()?;
        server.start_again()?;
        Ok(server)
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The address of the database of this name, with its password.
    pub fn url(&self, database: &str) -> String {
        format!("postgres://postgres:{PASSWORD}@127.0.0.1:{}/{database}", self.port)
    }

    /// The password in [`Self::url`], which must be found nowhere.
    pub fn password(&self) -> &'static str {
        PASSWORD
    }

    /// Makes a place without tables and returns its address: a schema, which is sooner made than a
    /// database.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn empty(&self) -> io::Result<String> {
        let number = self.places.fetch_add(1, Ordering::Relaxed);
        self.sql(&self.url("postgres"), &format!("CREATE SCHEMA test_{number}"))?;
        Ok(format!("{}?options=-csearch_path%3Dtest_{number}", self.url("postgres")))
    }

    /// Runs statements at an address and returns their rows as text.
    ///
    /// # Errors
    /// What `psql` says.
    pub fn sql(&self, url: &str, sql: &str) -> io::Result<String> {
        let mut psql = Command::new(self.programs.join("psql"));
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", sql]);
        psql.arg(url);
        let output = psql.output()?;
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    /// Ends the server at once, as a crash does.
    ///
    /// # Errors
    /// When it cannot be told to, or does not end.
    pub fn crash(&mut self) -> io::Result<()> {
        let Some(mut server) = self.server.take() else { return Ok(()) };
        let told = Command::new("kill").args(["-QUIT", &server.id().to_string()]).status()?;
        if !told.success() {
            server.kill()?;
        }
        server.wait()?;
        Ok(())
    }

    /// Starts the server where it does not run, on the same port and files.
    ///
    /// # Errors
    /// When it does not start.
    pub fn start_again(&mut self) -> io::Result<()> {
        if self.server.is_some() {
            return Ok(());
        }
        let log = std::fs::File::create(self.folder.path().join("log"))?;
        let mut command = self.command("postgres");
        command.arg("-D").arg(self.data()).args([
            "-p",
            &self.port.to_string(),
            "-c",
            "listen_addresses=127.0.0.1",
            "-c",
            "fsync=off",
            "-c",
            "max_connections=300",
            "-c",
            "shared_buffers=16MB",
            "-c",
            "autovacuum=off",
        ]);
        command.arg("-k").arg(self.folder.path());
        command.stdout(log.try_clone()?).stderr(log);
        self.server = Some(command.spawn()?);
        self.wait_until_ready()
    }

    fn data(&self) -> PathBuf {
        match &self.disk {
            Some(disk) => disk.0.join("data"),
            None => self.folder.path().join("data"),
        }
    }

    /// The folder of its disk, to fill it up.
    pub fn disk(&self) -> Option<&Path> {
        self.disk.as_ref().map(|disk| disk.0.as_path())
    }

    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(self.programs.join(program));
        command.current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("LC_ALL", "C.UTF-8").stdin(Stdio::null());
        if let Some((uid, gid)) = self.user {
            command.uid(uid).gid(gid);
        }
        command
    }

    fn make_cluster(&self) -> io::Result<()> {
        if let (Some(disk), Some((uid, gid))) = (&self.disk, self.user) {
            chown(&disk.0, Some(uid), Some(gid))?;
        }
        let secret = self.folder.path().join("password");
        std::fs::write(&secret, PASSWORD)?;
        if let Some((uid, gid)) = self.user {
            chown(&secret, Some(uid), Some(gid))?;
        }
        let mut command = self.command("initdb");
        command.args(["-U", "postgres", "-E", "UTF8", "--no-sync", "-A", "scram-sha-256"]);
        command.arg(format!("--pwfile={}", secret.display())).arg("-D").arg(self.data());
        let output = command.output()?;
        if output.status.success() {
            Ok(())
        } else {
            Err(io::Error::other(String::from_utf8_lossy(&output.stderr).into_owned()))
        }
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        for _ in 0..START_TRIES {
            if self.sql(&self.url("postgres"), "SELECT 1").is_ok() {
                return Ok(());
            }
            if let Some(server) = &mut self.server
                && server.try_wait()?.is_some()
            {
                break;
            }
            std::thread::sleep(START_PAUSE);
        }
        let log = std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default();
        Err(io::Error::other(format!("the test's PostgreSQL does not start:\n{log}")))
    }
}

impl Drop for PostgresServer {
    fn drop(&mut self) {
        if let Err(error) = self.crash() {
            tracing::warn!(%error, "the test's PostgreSQL did not end");
        }
    }
}

/// A real file system of a few mebibytes.
#[derive(Debug)]
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf, mebibytes: u32) -> io::Result<Self> {
        std::fs::create_dir(&at)?;
        let size = format!("size={mebibytes}m");
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at);
        if mount.status()?.success() {
            Ok(Self(at))
        } else {
            Err(io::Error::other("a tmpfs can be mounted only as root"))
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let ended = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if !ended.is_ok_and(|status| status.success()) {
            tracing::warn!(disk = %self.0.display(), "the test's disk is left mounted");
        }
    }
}

/// Whom the server runs as, where the test runs as root.
fn unprivileged_user(own: &Path) -> io::Result<Option<(u32, u32)>> {
    if std::fs::metadata(own)?.uid() != 0 {
        return Ok(None);
    }
    let users = std::fs::read_to_string("/etc/passwd")?;
    let ids = users.lines().find_map(|line| {
        let mut fields = line.strip_prefix("postgres:")?.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    ids.map(Some).ok_or_else(|| {
        io::Error::other("PostgreSQL does not run as root, and there is no user `postgres`")
    })
}

/// The folder of the newest release that is installed.
fn programs() -> io::Result<PathBuf> {
    let mut found: Vec<(u32, PathBuf)> = Vec::new();
    if let Ok(releases) = std::fs::read_dir("/usr/lib/postgresql") {
        for release in releases.flatten() {
            let programs = release.path().join("bin");
            let number = release.file_name().to_string_lossy().parse().unwrap_or_default();
            if programs.join("initdb").exists() {
                found.push((number, programs));
            }
        }
    }
    for folder in ["/usr/local/pgsql/bin", "/usr/local/bin", "/usr/bin", "/opt/homebrew/bin"] {
        if Path::new(folder).join("initdb").exists() {
            found.push((0, PathBuf::from(folder)));
        }
    }
    found.into_iter().max().map(|(_, programs)| programs).ok_or_else(|| {
        io::Error::other(
            "PostgreSQL's server is not installed (Debian: apt-get install postgresql)",
        )
    })
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?.port())
}
