//! Long texts cut into messages.

mod cut;
mod piece;
#[cfg(test)]
mod tests;

use crate::markup::{self, StyledText};
use crate::{ChannelDescriptor, LengthUnit, MarkupDialect};

/// How long one message may be, as the service counts it: without markup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TextLimit {
    /// The longest text; below 4 it is 4, room for one character in every unit.
    pub max: usize,
    /// What it counts.
    pub unit: LengthUnit,
    /// What the service shows of a text.
    pub dialect: MarkupDialect,
}

impl TextLimit {
    /// The limit of a channel's messages; `configured` can only lower it.
    pub fn of(descriptor: &ChannelDescriptor, configured: Option<usize>) -> Self {
        let max = configured.unwrap_or(usize::MAX).min(descriptor.text_limit);
        Self { max, unit: descriptor.length_unit, dialect: descriptor.markup }
    }

    /// The same for captions of files.
    pub fn of_caption(descriptor: &ChannelDescriptor, configured: Option<usize>) -> Self {
        let max = configured.unwrap_or(usize::MAX).min(descriptor.caption_limit);
        Self { max, ..Self::of(descriptor, configured) }
    }

    fn max(&self) -> usize {
        self.max.max(4)
    }

    fn fits(&self, text: &str) -> bool {
        // A byte is at least as much as any other unit.
        text.len() <= self.max() || self.unit.measure(text) <= self.max()
    }
}

/// Cuts Markdown into messages, each of them Markdown that stands for itself.
///
/// Texts are cut between blocks, else between paragraphs, lines, sentences, words, else between
/// characters as people see them. Links, emphasis and code that fit into one message are not cut;
/// code blocks are closed and opened again with their language. What is shown is the same, but for
/// white space at the cuts. A text that shows nothing gives no message.
pub fn chunk(markdown: &str, limit: TextLimit) -> Vec<String> {
    let styled = markup::parse(markdown, limit.dialect);
    if styled.text.trim().is_empty() {
        return Vec::new();
    }
    if limit.fits(&styled.text) {
        return vec![piece::whole(markdown, &styled)];
    }
    let cuts = cut::cut(&styled, limit);
    cuts.into_iter().map(|part| piece::write(markdown, &styled, part, limit)).collect()
}

/// Whether two texts are the same but for white space.
fn is_same_text(a: &str, b: &str) -> bool {
    let visible =
        |text: &'_ str| -> Vec<char> { text.chars().filter(|c| !c.is_whitespace()).collect() };
    visible(a) == visible(b)
}

fn shows(markdown: &str, expected: &str, limit: TextLimit) -> bool {
    let StyledText { text, .. } = markup::parse(markdown, limit.dialect);
    limit.fits(&text) && is_same_text(&text, expected)
}
