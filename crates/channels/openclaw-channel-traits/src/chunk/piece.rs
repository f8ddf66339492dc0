use std::borrow::Cow;
use std::ops::Range;

use super::{TextLimit, shows};
use crate::MarkupDialect;
use crate::markup::{Block, BlockKind, Fidelity, StyledText, write_markdown};

/// A text that fits as it is; a code block that was left open is closed.
pub(super) fn whole(markdown: &str, styled: &StyledText) -> String {
    let open = styled
        .blocks
        .last()
        .and_then(|block| missing_fence(&markdown[block.source.clone()], block));
    match open {
        Some(fence) => format!("{}\n{fence}", markdown.trim_end()),
        None => markdown.trim_end_matches(['\n', '\r']).to_owned(),
    }
}

/// A part of a text as Markdown of its own: as it was written where blocks are whole, else written
/// anew. What would not be read back as the same text is written with less styling.
pub(super) fn write(
    markdown: &str,
    styled: &StyledText,
    part: Range<usize>,
    limit: TextLimit,
) -> String {
    let expected = &styled.text[part.clone()];
    let first = std::iter::once((Source::Kept, Fidelity::Full)).filter(|_| !styled.has_definitions);
    let anew = [Fidelity::Full, Fidelity::Links, Fidelity::Blocks];
    let tries = first.chain(anew.into_iter().map(|fidelity| (Source::Anew, fidelity)));
    for (source, fidelity) in tries {
        let written = compose(markdown, styled, &part, source, fidelity, limit.dialect);
        if shows(&written, expected, limit) {
            return written;
        }
    }
    write_markdown(styled, part, Fidelity::Text, true, false)
}

/// Where blocks that are whole come from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Source {
    Kept,
    Anew,
}

fn compose(
    markdown: &str,
    styled: &StyledText,
    part: &Range<usize>,
    source: Source,
    fidelity: Fidelity,
    dialect: MarkupDialect,
) -> String {
    let links = dialect != MarkupDialect::Plain;
    let first = styled.blocks.partition_point(|block| block.text.end <= part.start);
    let blocks = styled.blocks[first..].iter().take_while(|block| block.text.start < part.end);
    let mut pieces: Vec<Cow<'_, str>> = Vec::new();
    let mut kept: Option<Range<usize>> = None;
    let keep = |range: &mut Option<Range<usize>>, pieces: &mut Vec<Cow<'_, str>>| {
        if let Some(range) = range.take() {
            pieces.push(Cow::Owned(markdown[range].trim_end().to_owned()));
        }
    };
    for block in blocks {
        let range = block.text.start.max(part.start)..block.text.end.min(part.end);
        // White space at a block's end may have been taken off.
        let is_whole = styled.text[block.text.start..range.start].trim().is_empty()
            && styled.text[range.end..block.text.end].trim().is_empty();
        let text = &markdown[block.source.clone()];
        if source == Source::Kept && is_whole && missing_fence(text, block).is_none() {
            let begin =
                kept.map_or_else(|| line_start(markdown, block.source.start), |kept| kept.start);
            kept = Some(begin..block.source.end);
        } else {
            keep(&mut kept, &mut pieces);
            let keep_lines = block.kind == BlockKind::List;
            let written = write_markdown(styled, range, fidelity, keep_lines, links);
            pieces.push(Cow::Owned(written));
        }
    }
    keep(&mut kept, &mut pieces);
    pieces.retain(|piece| !piece.is_empty());
    pieces.join("\n\n")
}

/// Where the line begins, when only white space stands before: it belongs to an indented block.
fn line_start(markdown: &str, position: usize) -> usize {
    let begin = markdown[..position].rfind('\n').map_or(0, |at| at + 1);
    if markdown[begin..position].trim().is_empty() { begin } else { position }
}

/// The fence that a code block lacks at its end.
fn missing_fence(source: &str, block: &Block) -> Option<String> {
    if block.kind != BlockKind::Fence {
        return None;
    }
    let mut lines = source.trim_end().lines();
    let opening = lines.next().unwrap_or_default().trim();
    let mark = opening.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = opening.chars().take_while(|c| *c == mark).count();
    let is_closed = lines.next_back().is_some_and(|line| {
        let line = line.trim();
        line.chars().count() >= length && line.chars().all(|c| c == mark)
    });
    (!is_closed).then(|| mark.to_string().repeat(length))
}
