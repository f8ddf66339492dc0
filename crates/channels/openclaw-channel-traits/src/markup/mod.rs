//! Markdown as models write it, turned into what services take.
//!
//! Text is parsed once into a styled text: what people will see, with ranges that carry styles.
//! Every dialect, the length of a text and the places where it may be cut come from it.
//! Raw HTML is text. Time and memory grow with the length of the text alone.

mod markdown;
mod parse;
mod styled;
mod table;
mod telegram_html;
#[cfg(test)]
pub(crate) mod tests;

use std::borrow::Cow;

pub(crate) use markdown::{Fidelity, write_markdown};
pub(crate) use parse::parse;
pub(crate) use styled::{Block, BlockKind, Style, StyledText};

use crate::{LengthUnit, MarkupDialect};

/// The text in the dialect of a service.
pub fn render(markdown: &str, dialect: MarkupDialect) -> Cow<'_, str> {
    match dialect {
        MarkupDialect::Markdown => Cow::Borrowed(markdown),
        MarkupDialect::TelegramHtml => Cow::Owned(to_telegram_html(markdown)),
        MarkupDialect::Plain => Cow::Owned(to_plain(markdown)),
    }
}

/// The text in Telegram's HTML: well-formed, with the tags `b i s a code pre blockquote` alone.
pub fn to_telegram_html(markdown: &str) -> String {
    telegram_html::write(&parse(markdown, MarkupDialect::TelegramHtml))
}

/// The text without markup; links keep their address in parentheses.
pub fn to_plain(markdown: &str) -> String {
    parse(markdown, MarkupDialect::Plain).text
}

/// How long the text is as the service counts it: as it is shown, without markup.
pub fn visible_length(markdown: &str, dialect: MarkupDialect, unit: LengthUnit) -> usize {
    unit.measure(&parse(markdown, dialect).text)
}
