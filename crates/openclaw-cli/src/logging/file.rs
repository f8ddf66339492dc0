use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use tracing_subscriber::fmt::MakeWriter;

/// A log file that never grows beyond its bound: a full one is put aside as `<name>.1`, older ones
/// move up, the oldest goes. Clones write the same file.
#[derive(Debug, Clone)]
pub(super) struct LogFile(Arc<Mutex<Inner>>);

#[derive(Debug)]
struct Inner {
    path: PathBuf,
    file: File,
    size: u64,
    most_bytes: u64,
    most_files: u32,
}

impl LogFile {
    /// Opens the file and its folder, for nobody else to read.
    pub(super) fn open(path: &Path, most_bytes: u64, most_files: u32) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
        }
        let file = open(path)?;
        let size = file.metadata()?.len();
        let path = path.to_owned();
        Ok(Self(Arc::new(Mutex::new(Inner { path, file, size, most_bytes, most_files }))))
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().create(true).append(true).mode(0o600).open(path)
}

impl Inner {
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        if self.size > 0
            && self.size + line.len() as u64 > self.most_bytes
            && self.rotate().is_err()
        {
            // A line in a file that is too long is better than none; it is tried again when as much
            // was written once more. The log cannot tell of its own failure.
            self.size = 0;
        }
        self.file.write_all(line)?;
        self.size += line.len() as u64;
        Ok(())
    }

    fn rotate(&mut self) -> io::Result<()> {
        let aside = |number: u32| {
            let mut name = self.path.as_os_str().to_owned();
            name.push(format!(".{number}"));
            PathBuf::from(name)
        };
        for number in (1..self.most_files).rev() {
            rename(&aside(number), &aside(number + 1))?;
        }
        if self.most_files == 0 {
            absent_is_done(fs::remove_file(&self.path))?;
        } else {
            rename(&self.path, &aside(1))?;
        }
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn rename(from: &Path, to: &Path) -> io::Result<()> {
    absent_is_done(fs::rename(from, to))
}

fn absent_is_done(done: io::Result<()>) -> io::Result<()> {
    match done {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        other => other,
    }
}

/// Writes one line.
#[derive(Debug)]
pub(super) struct LineWriter(Arc<Mutex<Inner>>);

impl Write for LineWriter {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        // The formatter hands over whole lines, so none is cut by a rotation.
        self.0.lock().expect("no panic while the log is held").write(line)?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl<'a> MakeWriter<'a> for LogFile {
    type Writer = LineWriter;

    fn make_writer(&'a self) -> LineWriter {
        LineWriter(self.0.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::LogFile;
    use std::fs;
    use std::io::Write as _;
    use std::os::unix::fs::PermissionsExt as _;
    use tracing_subscriber::fmt::MakeWriter as _;

    #[test]
    fn a_full_file_is_put_aside_and_the_oldest_goes() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("logs/x.log");
        let log = LogFile::open(&path, 10, 2).expect("opened");
        for line in ["one two\n", "three\n", "four\n", "five six\n"] {
            log.make_writer().write_all(line.as_bytes()).expect("written");
        }
        let read = |name: &str| fs::read_to_string(folder.path().join("logs").join(name)).ok();
        assert_eq!(read("x.log").as_deref(), Some("five six\n"));
        assert_eq!(read("x.log.1").as_deref(), Some("four\n"));
        assert_eq!(read("x.log.2").as_deref(), Some("three\n"));
        assert_eq!(read("x.log.3"), None);
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn no_line_is_lost_when_a_full_file_cannot_be_put_aside() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        // Nothing can take the place of a folder that holds something.
        let in_the_way = folder.path().join("x.log.1");
        fs::create_dir_all(in_the_way.join("more")).expect("made");
        let log = LogFile::open(&path, 10, 1).expect("opened");
        let mut all = String::new();
        for line in ["one two\n", "three\n", "four\n", "five six\n"] {
            log.make_writer().write_all(line.as_bytes()).expect("written");
            all.push_str(line);
        }
        assert_eq!(fs::read_to_string(&path).expect("there"), all);
        fs::remove_dir_all(&in_the_way).expect("removed");
        for line in ["seven\n", "eight\n"] {
            log.make_writer().write_all(line.as_bytes()).expect("written");
        }
        assert!(in_the_way.is_file(), "it is tried again");
        assert!(fs::read_to_string(&path).expect("there").ends_with("eight\n"));
    }

    #[test]
    fn a_file_that_somebody_removed_is_made_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        let log = LogFile::open(&path, 10, 0).expect("opened");
        log.make_writer().write_all(b"one two\n").expect("written");
        fs::remove_file(&path).expect("removed");
        log.make_writer().write_all(b"three\n").expect("written");
        assert_eq!(fs::read_to_string(&path).expect("there"), "three\n");
    }
}
