use std::ops::Range;

use unicode_segmentation::GraphemeCursor;

use super::TextLimit;
use crate::markup::{Style, StyledText};

/// Where a text may be cut, the best first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Boundary {
    Block,
    Paragraph,
    Line,
    Sentence,
    Word,
}

const BOUNDARIES: [Boundary; 5] =
    [Boundary::Block, Boundary::Paragraph, Boundary::Line, Boundary::Sentence, Boundary::Word];

/// Cuts the text into parts within the limit, without the white space at the cuts; each shows
/// something.
pub(super) fn cut(styled: &StyledText, limit: TextLimit) -> Vec<Range<usize>> {
    let cutter = Cutter::new(styled, limit);
    let mut parts = Vec::new();
    let mut start = cutter.skip_space(0);
    while start < styled.text.len() {
        let end = cutter.next_cut(start);
        let part = start..cutter.trim_end(start, end);
        // Services refuse a message that shows nothing.
        if !styled.text[part.clone()].trim().is_empty() {
            parts.push(part);
        }
        start = cutter.skip_space(end);
    }
    parts
}

struct Cutter<'a> {
    text: &'a str,
    limit: TextLimit,
    block_starts: Vec<usize>,
    code_blocks: Vec<Range<usize>>,
    /// Not to be cut, in order, none in another.
    entities: Vec<Range<usize>>,
}

impl<'a> Cutter<'a> {
    fn new(styled: &'a StyledText, limit: TextLimit) -> Self {
        let mut code_blocks = Vec::new();
        let mut entities: Vec<Range<usize>> = Vec::new();
        for span in &styled.spans {
            let is_in_last = entities.last().is_some_and(|last| span.range.end <= last.end);
            match span.style {
                Style::Pre(_) => code_blocks.push(span.range.clone()),
                _ if span.style.is_inline()
                    && !is_in_last
                    && limit.fits(&styled.text[span.range.clone()]) =>
                {
                    entities.push(span.range.clone());
                }
                _ => {}
            }
        }
        let block_starts = styled.blocks.iter().map(|block| block.text.start).collect();
        Self { text: &styled.text, limit, block_starts, code_blocks, entities }
    }

    /// Where the part that begins at `start` ends: behind `start`, within the limit.
    fn next_cut(&self, start: usize) -> usize {
        let window = self.window(start);
        if window == self.text.len() {
            return window;
        }
        let mut last = [None; BOUNDARIES.len()];
        let mut position = window;
        while position > start {
            if self.text.is_char_boundary(position)
                && let Some(boundary) = self.boundary_at(position)
                && !self.is_in_entity(position)
            {
                let best = &mut last[boundary as usize];
                best.get_or_insert(position);
                if boundary == Boundary::Block {
                    break;
                }
            }
            position -= 1;
        }
        let half = start + (window - start) / 2;
        for boundary in BOUNDARIES {
            // What is better is also good enough.
            let found = last[..=boundary as usize].iter().flatten().max();
            if let Some(found) = found
                && (*found >= half || self.next_fits(*found, window, boundary))
            {
                return *found;
            }
        }
        self.hard_cut(start, window)
    }

    /// The furthest character that is within the limit; at least one is.
    fn window(&self, start: usize) -> usize {
        let mut length = 0;
        for (at, character) in self.text[start..].char_indices() {
            length += self.limit.unit.width(character);
            if length > self.limit.max() {
                return start + at;
            }
        }
        self.text.len()
    }

    /// Whether what begins at `from` and is not cut by such a boundary fits into one message.
    fn next_fits(&self, from: usize, window: usize, boundary: Boundary) -> bool {
        let reach = self.window(from);
        if reach == self.text.len() {
            return true;
        }
        (window + 1..=reach).any(|position| {
            self.text.is_char_boundary(position)
                && self.boundary_at(position).is_some_and(|found| found <= boundary)
        })
    }

    fn boundary_at(&self, position: usize) -> Option<Boundary> {
        if self.block_starts.binary_search(&position).is_ok() {
            return Some(Boundary::Block);
        }
        let before = &self.text[..position];
        let previous = before.chars().next_back()?;
        let next = self.text[position..].chars().next();
        if previous == '\n' {
            // A run of empty lines ends where the next line begins.
            return match next {
                Some('\n') | None => None,
                Some(_) if before.ends_with("\n\n") => Some(Boundary::Paragraph),
                Some(_) => Some(Boundary::Line),
            };
        }
        if matches!(previous, '。' | '！' | '？') {
            return Some(Boundary::Sentence);
        }
        if !is_breaking_space(previous) || next.is_none_or(char::is_whitespace) {
            return None;
        }
        let sentence = before
            .trim_end_matches(is_breaking_space)
            .trim_end_matches(['"', '\'', ')', ']', '”', '’', '»', '*', '_']);
        let ends = sentence.ends_with(['.', '!', '?', '…', ':']);
        let is_sentence = ends && !self.is_in_code_block(position);
        Some(if is_sentence { Boundary::Sentence } else { Boundary::Word })
    }

    /// Between two characters as people see them.
    fn hard_cut(&self, start: usize, window: usize) -> usize {
        if let Some(entity) = self.entity_around(window)
            && entity.start > start
        {
            return entity.start;
        }
        let part = &self.text[start..];
        let mut cursor = GraphemeCursor::new(window - start, part.len(), true);
        match cursor.is_boundary(part, 0) {
            Ok(true) => window,
            _ => match cursor.prev_boundary(part, 0) {
                Ok(Some(at)) if at > 0 => start + at,
                // One such character is longer than a message.
                _ => window,
            },
        }
    }

    fn is_in_entity(&self, position: usize) -> bool {
        self.entity_around(position).is_some()
    }

    fn entity_around(&self, position: usize) -> Option<&Range<usize>> {
        around(&self.entities, position)
    }

    fn is_in_code_block(&self, position: usize) -> bool {
        around(&self.code_blocks, position).is_some()
    }

    fn trim_end(&self, start: usize, end: usize) -> usize {
        let part = &self.text[start..end];
        if self.is_in_code_block(end) {
            return start + part.strip_suffix('\n').unwrap_or(part).len();
        }
        let floor = self
            .code_blocks
            .iter()
            .rev()
            .find(|block| block.end <= end)
            .map_or(start, |block| block.end.max(start));
        floor.max(start + part.trim_end().len())
    }

    fn skip_space(&self, position: usize) -> usize {
        if self.is_in_code_block(position) {
            return position;
        }
        let rest = &self.text[position..];
        let begin = position + rest.len() - rest.trim_start().len();
        // A code block's first line may be indented.
        let next = self.code_blocks.partition_point(|block| block.start < position);
        self.code_blocks.get(next).map_or(begin, |block| begin.min(block.start))
    }
}

/// The range that a position stands inside of, not at its ends.
fn around(ranges: &[Range<usize>], position: usize) -> Option<&Range<usize>> {
    let index = ranges.partition_point(|range| range.start < position);
    ranges[..index].last().filter(|range| position < range.end)
}

fn is_breaking_space(character: char) -> bool {
    character.is_whitespace() && !matches!(character, '\u{a0}' | '\u{202f}' | '\u{2007}')
}
