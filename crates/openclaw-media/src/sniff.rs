use infer::MatcherType;

/// How many bytes from the start [`sniff`] looks at.
pub const SNIFF_BYTES: usize = 8 * 1024;

/// The MIME type by content; `application/octet-stream` where nothing is recognised.
///
/// `head` is the start of the file, [`SNIFF_BYTES`] or all of it.
pub fn sniff(head: &[u8]) -> &'static str {
    let head = &head[..head.len().min(SNIFF_BYTES)];
    let known = infer::get(head);
    if is_text(head) {
        if is_svg(head) {
            return "image/svg+xml";
        }
        // Short signatures such as "BM" also begin ordinary sentences.
        return match known {
            Some(kind)
                if matches!(
                    kind.matcher_type(),
                    MatcherType::Text | MatcherType::Doc | MatcherType::Book
                ) || kind.mime_type() == "application/pdf" =>
            {
                kind.mime_type()
            }
            _ => "text/plain",
        };
    }
    match known {
        Some(kind) => kind.mime_type(),
        None if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) => "text/plain",
        None => "application/octet-stream",
    }
}

/// Whether this is the start of UTF-8 text: not empty, no control characters but white space and
/// escape, and only the last character may be cut.
pub fn is_text(head: &[u8]) -> bool {
    let valid = match std::str::from_utf8(head) {
        Ok(text) => text,
        Err(error) if error.error_len().is_none() && head.len() - error.valid_up_to() < 4 => {
            std::str::from_utf8(&head[..error.valid_up_to()]).unwrap_or_default()
        }
        Err(_) => return false,
    };
    !valid.is_empty()
        && valid.bytes().all(|byte| byte >= 0x20 || matches!(byte, b'\t'..=b'\r' | 0x08 | 0x1B))
}

fn is_svg(head: &[u8]) -> bool {
    let text = String::from_utf8_lossy(head);
    let text = text.trim_start_matches('\u{FEFF}').trim_start();
    let is_markup = text.starts_with("<svg")
        || text.starts_with("<?xml")
        || text.starts_with("<!--")
        || text.starts_with("<!DOCTYPE svg");
    is_markup && text.contains("<svg") && !text.contains("<html")
}

#[cfg(test)]
mod tests {
    use super::{is_text, sniff};

    #[test]
    fn content_decides_and_names_do_not_exist() {
        let elf = [&b"\x7FELF\x02\x01\x01"[..], &[0; 60]].concat();
        let zip = b"PK\x03\x04\x14\0\0\0\x08\0";
        for (bytes, expected) in [
            (&b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"[..], "image/png"),
            (b"\xFF\xD8\xFF\xE0\0\x10JFIF", "image/jpeg"),
            (b"%PDF-1.7\nhello", "application/pdf"),
            (zip, "application/zip"),
            (b"OggS\0\x02\0\0\0\0\0\0\0\0OpusHead", "audio/ogg"),
            (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom", "video/mp4"),
            ("BMW gr\u{fc}\u{df}t".as_bytes(), "text/plain"),
            (b"<?xml version=\"1.0\"?><svg xmlns=\"\"/>", "image/svg+xml"),
            (b"<!DOCTYPE html><html><svg/></html>", "text/html"),
            (b"\xFF\xFEh\0i\0", "text/plain"),
            (&elf, "application/x-executable"),
            (b"\0\x01\x02\x03", "application/octet-stream"),
            (b"", "application/octet-stream"),
        ] {
            assert_eq!(sniff(bytes), expected, "{:?}", String::from_utf8_lossy(bytes));
        }
    }

    #[test]
    fn text_may_be_cut_inside_a_character_but_not_hold_nul() {
        let cut = &"\u{e4}\u{20ac}".as_bytes()[..4];
        assert!(is_text(cut));
        assert!(is_text(b"a\tb\r\n\x1b[1m"));
        assert!(!is_text(b"a\0b"));
        assert!(!is_text(b"\x80abc"));
        assert!(!is_text(b""));
    }
}
