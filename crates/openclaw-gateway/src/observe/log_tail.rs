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
    // A cursor stands behind the end of a line; where none ends there, it was of another file.
    let reset = match cursor {
        Some(cursor) => cursor > size || !begins_line(&mut file, cursor).await?,
        None => false,
    };
    let known = cursor.filter(|_| !reset).unwrap_or(0);
    let begin = known.max(size.saturating_sub(most_bytes));
    let mut truncated = begin > known;
    let is_cut = truncated && !begins_line(&mut file, begin).await?;
    file.seek(SeekFrom::Start(begin)).await.map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(size - begin).read_to_end(&mut bytes).await.map_err(unreadable)?;
    // A line that is being written is left to the next piece.
    let Some(end) = bytes.iter().rposition(|byte| *byte == b'\n') else {
        return Ok(LogTail { cursor: known, size, lines: Vec::new(), truncated, reset });
    };
    let whole = end + 1;
    let text = String::from_utf8_lossy(&bytes[..whole]);
    let mut lines: Vec<String> =
        text.lines().skip(usize::from(is_cut)).map(str::to_owned).collect();
    if lines.len() > most_lines {
        lines.drain(..lines.len() - most_lines);
        truncated = true;
    }
    Ok(LogTail { cursor: begin + whole as u64, size, lines, truncated, reset })
}

/// Whether a line may begin here: at the beginning, or behind the end of another.
async fn begins_line(file: &mut File, at: u64) -> Result<bool, OpenClawError> {
    let Some(before) = at.checked_sub(1) else { return Ok(true) };
    file.seek(SeekFrom::Start(before)).await.map_err(unreadable)?;
    Ok(file.read_u8().await.map_err(unreadable)? == b'\n')
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

    #[tokio::test]
    async fn lines_are_whole_wherever_a_piece_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("x.log");
        fs::write(&path, "one\ntwo\n").expect("written");
        // It begins exactly with a line, which is not left out.
        let exact = tail(&path, None, 10, 4).await.expect("read");
        assert_eq!((exact.lines, exact.truncated), (vec!["two".to_owned()], true));
        let half = tail(&path, None, 10, 5).await.expect("read");
        assert_eq!(half.lines, ["two"]);
        // A line longer than a piece is not cut in two.
        fs::write(&path, "one\nand a long line that").expect("written");
        let part = tail(&path, Some(4), 10, 6).await.expect("read");
        assert_eq!((part.cursor, part.lines.len(), part.truncated), (4, 0, true));
        fs::write(&path, "one\nand a long line that ends\n").expect("written");
        let whole = tail(&path, Some(part.cursor), 10, 100).await.expect("read");
        assert_eq!(whole.lines, ["and a long line that ends"]);
        // Another file that has grown beyond the cursor already.
        fs::write(&path, "a first line of another file\nand a second one of it\n")
            .expect("written");
        let other = tail(&path, Some(whole.cursor), 10, 100).await.expect("read");
        assert!(other.reset);
        assert_eq!(other.lines.len(), 2);
    }
}
