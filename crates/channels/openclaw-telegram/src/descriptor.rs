use std::sync::LazyLock;

use openclaw_channel_traits::{ChannelDescriptor, LengthUnit, MarkupDialect, Reconcile};
use openclaw_core::ChannelKind;

/// What the Bot API accepts as an upload.
pub(crate) const UPLOAD_LIMIT: u64 = 50 * 1024 * 1024;

/// What the Bot API hands out as a download.
pub(crate) const DOWNLOAD_LIMIT: u64 = 20 * 1024 * 1024;

/// What Telegram is and can do.
pub fn descriptor() -> &'static ChannelDescriptor {
    static DESCRIPTOR: LazyLock<ChannelDescriptor> = LazyLock::new(|| ChannelDescriptor {
        kind: kind(),
        name: "Telegram",
        markup: MarkupDialect::TelegramHtml,
        text_limit: 4096,
        caption_limit: 1024,
        length_unit: LengthUnit::Utf16,
        media_limit_bytes: UPLOAD_LIMIT,
        edits: true,
        streams_by_edit: true,
        edit_interval_ms: 1_000,
        deletes: true,
        reactions: true,
        threads: true,
        polls: true,
        typing: true,
        buttons: true,
        groups: true,
        delivers_by_commit: false,
        reconcile: Reconcile::Neither,
    });
    &DESCRIPTOR
}

pub(crate) fn kind() -> ChannelKind {
    ChannelKind::new("telegram").expect("the name has the form of a channel kind")
}
