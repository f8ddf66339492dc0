use std::io::SeekFrom;
use std::path::Path;

use openclaw_errors::OpenClawError;
use tokio::fs::File;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

/// A piece of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct LogTail {
    /// Where the next piece begins.
    pub(crate) cursor: u64,
    /// The size of the file.
    pub(crate) size: u64,
    pub(crate) lines: Vec<String>,
    /// Lines before these were left out.
    pub(crate) truncated: bool,
    /// The file is another one than the cursor was of.
    pub(crate) reset: bool,
}

/// Reads the lines after the cursor, or the last ones.
///
/// # Errors
/// When the file cannot be read; one that is not there is empty.
pub(crate) async fn tail(
    path: &Path,
    cursor: Option<u64>,
    most_lines: usize,
    most_bytes: u64,
) -> Result<LogTail, OpenClawError> {
    let mut file = match File::open(path).await {
        Ok(file) => file,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(LogTail::default()),
        Err(error) => return Err(unreadable(error)),
    };
    let size = file.metadata().await.map_err(unreadable)?.len();
    let reset = cursor.is_some_and(|cursor| cursor > size);
    let begin = match cursor.filter(|_| !reset) {
        Some(cursor) => cursor.max(size.saturating_sub(most_bytes)),
        None => size.saturating_sub(most_bytes),
    };
    let mut truncated = begin > cursor.filter(|_| !reset).unwrap_or(0);
    file.seek(SeekFrom::Start(begin)).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(size - begin).read_to_end(&mut bytes).await.map_err(unreadable)?;
    // A line that is being written is left to the next piece.
    let whole = bytes.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let is_cut = truncated && begin > 0;
    let mut lines: Vec<String> =
        text.lines().skip(usize::from(is_cut)).map(str::to_owned).collect();
    if lines.len() > most_lines {
        lines.drain(..lines.len() - most_lines);
        truncated = true;
    }
    Ok(LogTail { cursor: begin + whole as u64, size, lines, truncated, reset })
}

fn unreadable(error: std::io::Error) -> OpenClawError {
    OpenClawError::unavailable("the log cannot be read").with_source(error)
}

#[cfg(test)]
mod tests {
    use super::tail;
    use std::fs;

    #[tokio::test]
    async fn pieces_follow_each_other_and_a_new_file_is_noticed() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        assert_eq!(tail(&path, None, 10, 1_000).await.expect("empty").lines.len(), 0);
        fs::write(&path, "one\ntwo\nthr").expect("written");
        let first = tail(&path, None, 10, 1_000).await.expect("read");
        assert_eq!(first.lines, ["one", "two"]);
        fs::write(&path, "one\ntwo\nthree\nfour\n").expect("written");
        let second = tail(&path, Some(first.cursor), 10, 1_000).await.expect("read");
        assert_eq!((second.lines, second.truncated), (vec!["three".into(), "four".into()], false));
        let last = tail(&path, None, 1, 1_000).await.expect("read");
        assert_eq!((last.lines, last.truncated), (vec!["four".to_owned()], true));
        fs::write(&path, "new\n").expect("written");
        let other = tail(&path, Some(second.cursor), 10, 1_000).await.expect("read");
        assert_eq!((other.lines, other.reset), (vec!["new".to_owned()], true));
        let cut = tail(&path, None, 10, 2).await.expect("read");
        assert_eq!((cut.lines.len(), cut.truncated), (0, true));
    }
}
