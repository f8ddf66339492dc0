//! What a model writes: rendered and cut for services.
#![no_main]

use libfuzzer_sys::fuzz_target;
use openclaw_channel_traits::chunk::{TextLimit, chunk};
use openclaw_channel_traits::markup::render;
use openclaw_channel_traits::{LengthUnit, MarkupDialect};

fuzz_target!(|given: (u8, u16, &str)| {
    let (kind, max, text) = given;
    let dialect = [MarkupDialect::Markdown, MarkupDialect::TelegramHtml, MarkupDialect::Plain]
        [usize::from(kind) % 3];
    let unit = [LengthUnit::Utf16, LengthUnit::Chars, LengthUnit::Bytes][usize::from(kind / 3) % 3];
    drop(render(text, dialect));
    let limit = TextLimit { max: usize::from(max).max(4), unit, dialect };
    for piece in chunk(text, limit) {
        assert!(!piece.trim().is_empty());
    }
});
