/// The most bytes of one attachment that comes with a call of the gateway's protocol.
pub const MAX_ATTACHMENT: u64 = 5 * 1024 * 1024;

/// The most bytes of all attachments of one such call together.
pub const MAX_ATTACHMENTS_PER_CALL: u64 = 15 * 1024 * 1024;

/// What an attachment is to people.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum MediaKind {
    /// A picture.
    Image,
    /// Sound.
    Audio,
    /// Moving pictures.
    Video,
    /// Everything else.
    Document,
}

impl MediaKind {
    /// The kind of a MIME type.
    pub fn of(mime_type: &str) -> Self {
        match mime_type.split('/').next() {
            Some("image") => Self::Image,
            Some("audio") => Self::Audio,
            Some("video") => Self::Video,
            _ => Self::Document,
        }
    }

    /// The most bytes that are taken from or sent to a chat where its channel sets no limit.
    pub fn max_bytes(self) -> u64 {
        const MIB: u64 = 1024 * 1024;
        match self {
            Self::Image => 10 * MIB,
            Self::Audio | Self::Video => 16 * MIB,
            Self::Document => 100 * MIB,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::MediaKind;

    #[test]
    fn kinds_follow_the_type() {
        for (mime, kind) in [
            ("image/png", MediaKind::Image),
            ("audio/ogg", MediaKind::Audio),
            ("video/mp4", MediaKind::Video),
            ("application/pdf", MediaKind::Document),
            ("", MediaKind::Document),
        ] {
            assert_eq!(MediaKind::of(mime), kind, "{mime}");
        }
        assert!(MediaKind::Image.max_bytes() < MediaKind::Document.max_bytes());
    }
}
