use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use openclaw_core::MediaRef;
use openclaw_media::MediaStore;
use openclaw_tools::{ToolError, ToolOutput, quoted};
use rmcp::model::{CallToolResult, ContentBlock, ResourceContents};

use super::foreign::clean;

/// The most files of one result.
const MOST_FILES: usize = 16;

/// The largest file of a result, in bytes.
const LARGEST_FILE: usize = 10 * 1024 * 1024;

/// The longest text of a result, in bytes; a turn shows a model less.
const LONGEST_TEXT: usize = 1024 * 1024;

/// What a result is to the model: texts in their order, files in the media store.
///
/// # Errors
/// [`ToolError::RespondToModel`] where the server says that the call failed.
pub(super) async fn output(
    server: &str,
    result: CallToolResult,
    media: &MediaStore,
) -> Result<ToolOutput, ToolError> {
    let mut gathered = Gathered { media, text: String::new(), files: Vec::new() };
    for block in result.content {
        gathered.take(block).await;
    }
    if gathered.text.is_empty()
        && gathered.files.is_empty()
        && let Some(structured) = &result.structured_content
    {
        gathered.push(&structured.to_string());
    }
    let Gathered { text, files, .. } = gathered;
    let text = match text.is_empty() {
        true if files.is_empty() => "[no content]".to_owned(),
        true => String::new(),
        false => quoted(&format!("the MCP server {server}"), &clean(&text)),
    };
    if result.is_error == Some(true) {
        return Err(ToolError::RespondToModel(text));
    }
    Ok(ToolOutput { text, media: files })
}

struct Gathered<'a> {
    media: &'a MediaStore,
    text: String,
    files: Vec<MediaRef>,
}

impl Gathered<'_> {
    async fn take(&mut self, block: ContentBlock) {
        match block {
            ContentBlock::Text(text) => self.push(&text.text),
            ContentBlock::Image(image) => self.file(&image.data, &image.mime_type, None).await,
            ContentBlock::Audio(audio) => self.file(&audio.data, &audio.mime_type, None).await,
            ContentBlock::Resource(embedded) => match embedded.resource {
                ResourceContents::TextResourceContents { uri, text, .. } => {
                    self.push(&format!("[resource {uri}]\n{text}"));
                }
                ResourceContents::BlobResourceContents { uri, mime_type, blob, .. } => {
                    let mime_type = mime_type.as_deref().unwrap_or("application/octet-stream");
                    self.file(&blob, mime_type, Some(&uri)).await;
                }
                _ => self.push("[a resource of a kind that is not known]"),
            },
            ContentBlock::ResourceLink(link) => {
                self.push(&format!("[resource {} is at {}]", link.name, link.uri));
            }
            _ => self.push("[content of a kind that is not known]"),
        }
    }

    fn push(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        let room = LONGEST_TEXT.saturating_sub(self.text.len());
        match text.char_indices().find(|(at, char)| at + char.len_utf8() > room) {
            Some((at, _)) => self.text.push_str(&text[..at]),
            None => self.text.push_str(text),
        }
    }

    async fn file(&mut self, data: &str, mime_type: &str, uri: Option<&str>) {
        if self.files.len() >= MOST_FILES {
            return self.push(&format!("[a file of type {mime_type}, left out: too many]"));
        }
        if data.len() / 4 * 3 > LARGEST_FILE {
            return self.push(&format!("[a file of type {mime_type}, left out: above 10 MiB]"));
        }
        let Ok(bytes) = STANDARD.decode(data) else {
            return self.push(&format!("[a file of type {mime_type} that cannot be read]"));
        };
        let name = uri.and_then(|uri| uri.rsplit('/').next()).filter(|name| !name.is_empty());
        match self.media.put_bytes(&bytes, name).await {
            Ok(file) => {
                self.push(&format!("[file of type {mime_type}: {}]", file.media_id));
                self.files.push(file);
            }
            Err(error) => {
                tracing::warn!(%error, "a file of an MCP server could not be stored");
                self.push(&format!("[a file of type {mime_type} that could not be stored]"));
            }
        }
    }
}
