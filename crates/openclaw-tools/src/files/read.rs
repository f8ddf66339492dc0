use std::fs::File;
use std::io::{BufRead, BufReader, Read};

use async_trait::async_trait;
use openclaw_media::{MediaKind, MediaStore, SNIFF_BYTES, is_text, sniff};
use schemars::JsonSchema;
use serde::Deserialize;

use super::{FILE_TIME_LIMIT, MAX_TEXT};
use crate::{OpenedFile, Stop, Tool, ToolContext, ToolError, ToolOutput, Workspace, run_blocking};

const MAX_LINES: u64 = 2_000;

/// The images that models look at.
const SHOWN_IMAGES: [&str; 4] = ["image/png", "image/jpeg", "image/gif", "image/webp"];

/// `read`: a text file, or an image.
#[derive(Debug)]
pub struct ReadTool {
    media: MediaStore,
}

/// Arguments of `read`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReadArgs {
    /// Relative to the workspace
    path: String,
    /// First line, from 1
    offset: Option<u64>,
    /// Lines, at most 2000
    limit: Option<u64>,
}

enum Content {
    Text(String),
    Image { bytes: Vec<u8>, mime_type: &'static str },
}

impl ReadTool {
    /// A tool that keeps images it shows in this store.
    pub fn new(media: MediaStore) -> Self {
        Self { media }
    }
}

#[async_trait]
impl Tool for ReadTool {
    type Args = ReadArgs;

    const NAME: &'static str = "read";
    const DESCRIPTION: &'static str = "Read a text file, or look at an image, in the workspace.";
    const ALIASES: &'static [(&'static str, &'static str)] = &[("file_path", "path")];

    async fn call(&self, context: &ToolContext, args: ReadArgs) -> Result<ToolOutput, ToolError> {
        let ReadArgs { path, offset, limit } = args;
        let root = context.workspace.clone();
        let asked = path.clone();
        let content = run_blocking(context, FILE_TIME_LIMIT, move |stop| {
            let opened = Workspace::open(&root)?.read(&asked)?;
            let lines = Lines {
                first: offset.unwrap_or(1).max(1),
                count: limit.unwrap_or(MAX_LINES).clamp(1, MAX_LINES),
            };
            content_of(opened, &asked, lines, stop)
        })
        .await?;
        match content {
            Content::Text(text) => Ok(ToolOutput::text(text)),
            Content::Image { bytes, mime_type } => {
                let stored = self.media.put_bytes(&bytes, Some(&path)).await;
                let image = stored.map_err(|error| {
                    tracing::warn!(%error, "an image that was read cannot be stored");
                    ToolError::RespondToModel(format!(
                        "{path} is an image that cannot be shown: {error}"
                    ))
                })?;
                let text = format!("[image {mime_type}, {} bytes]", bytes.len());
                Ok(ToolOutput { text, media: vec![image] })
            }
        }
    }
}

#[derive(Debug, Clone, Copy)]
struct Lines {
    first: u64,
    count: u64,
}

fn content_of(
    opened: OpenedFile,
    path: &str,
    lines: Lines,
    stop: &Stop,
) -> Result<Content, ToolError> {
    let OpenedFile { mut file, size } = opened;
    let failed = |error| ToolError::RespondToModel(format!("cannot read {path}: {error}"));
    let mut head = Vec::with_capacity(SNIFF_BYTES);
    Read::by_ref(&mut file).take(SNIFF_BYTES as u64).read_to_end(&mut head).map_err(failed)?;
    if head.is_empty() {
        return Ok(Content::Text(format!("[{path} is empty]")));
    }
    let mime_type = sniff(&head);
    if SHOWN_IMAGES.contains(&mime_type) {
        return image(file, head, size, mime_type, path);
    }
    if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
        let message = format!("{path} is UTF-16 text; convert it to UTF-8 first");
        return Err(ToolError::RespondToModel(message));
    }
    // Text in an old 8-bit encoding is still worth showing.
    let is_legacy_text = mime_type == "application/octet-stream" && !head.contains(&0);
    if !is_text(&head) && !is_legacy_text {
        let message = format!(
            "{path} is a binary file ({mime_type}, {size} bytes); read shows text and images only"
        );
        return Err(ToolError::RespondToModel(message));
    }
    let mut reader = BufReader::new(head.chain(file));
    text(&mut reader, path, lines, stop).map(Content::Text)
}

fn image(
    file: File,
    mut bytes: Vec<u8>,
    size: u64,
    mime_type: &'static str,
    path: &str,
) -> Result<Content, ToolError> {
    let limit = MediaKind::Image.max_bytes();
    let too_large = |size: u64| {
        ToolError::RespondToModel(format!(
            "{path} is an image of {size} bytes, above the limit of {limit}; make it smaller first"
        ))
    };
    if size > limit {
        return Err(too_large(size));
    }
    file.take(limit - bytes.len() as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| ToolError::RespondToModel(format!("cannot read {path}: {error}")))?;
    if bytes.len() as u64 > limit {
        return Err(too_large(bytes.len() as u64));
    }
    Ok(Content::Image { bytes, mime_type })
}

/// Why reading ended.
enum End {
    /// The file did.
    File,
    /// As many lines as may be shown were.
    Lines,
    /// As many bytes as may be shown were, in the middle of a line.
    Bytes,
}

fn text(
    reader: &mut impl BufRead,
    path: &str,
    lines: Lines,
    stop: &Stop,
) -> Result<String, ToolError> {
    let failed = |error| ToolError::RespondToModel(format!("cannot read {path}: {error}"));
    let mut line = 1;
    let mut is_at_line_start = true;
    let mut shown: Vec<u8> = Vec::new();
    let end = loop {
        stop.check()?;
        let buffer = reader.fill_buf().map_err(failed)?;
        if buffer.is_empty() {
            break End::File;
        }
        if line >= lines.first + lines.count {
            break End::Lines;
        }
        let newline = buffer.iter().position(|byte| *byte == b'\n');
        let taken = newline.map_or(buffer.len(), |at| at + 1);
        if line >= lines.first {
            let room = MAX_TEXT - shown.len();
            shown.extend_from_slice(&buffer[..taken.min(room)]);
            if taken > room {
                break End::Bytes;
            }
        }
        reader.consume(taken);
        is_at_line_start = newline.is_some();
        line += u64::from(is_at_line_start);
    };
    if shown.is_empty() && lines.first > 1 {
        let count = line - u64::from(is_at_line_start);
        let message = format!("{path} has only {count} lines; give a smaller offset");
        return Err(ToolError::RespondToModel(message));
    }
    let note = match end {
        End::File => None,
        End::Lines => Some((line - 1, line, "")),
        // The line that was cut is left for the next call, unless it is the only one.
        End::Bytes => match shown.iter().rposition(|byte| *byte == b'\n') {
            Some(at) => {
                shown.truncate(at + 1);
                Some((line - 1, line, ""))
            }
            None => Some((line, line + 1, "; the line is longer than 64 KiB and was cut")),
        },
    };
    let mut text = String::from_utf8_lossy(&shown).into_owned();
    if let Some((last, next, remark)) = note {
        if !text.ends_with('\n') {
            text.push('\n');
        }
        let first = lines.first;
        text.push_str(&format!("[lines {first}-{last}{remark}; there is more: offset={next}]"));
    }
    Ok(text)
}
