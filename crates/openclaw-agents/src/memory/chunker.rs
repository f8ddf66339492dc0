//! Cuts texts into pieces that are searched by themselves.

/// How large pieces are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct ChunkSize {
    /// The most characters of a piece.
    pub(super) most: usize,
    /// How many characters of the end of a piece the next begins with.
    pub(super) overlap: usize,
}

/// Characters of a token, about.
const TOKEN: usize = 4;

impl ChunkSize {
    /// Of tokens.
    pub(super) fn of_tokens(tokens: u32, overlap: u32) -> Self {
        Self { most: tokens as usize * TOKEN, overlap: overlap as usize * TOKEN }
    }
}

/// A piece of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Piece {
    /// Its first line, from 1.
    pub(super) start_line: u32,
    /// Its last line.
    pub(super) end_line: u32,
    /// The lines.
    pub(super) text: String,
}

/// A line, or a part of one that is too long.
#[derive(Debug, Clone)]
struct Line<'t> {
    number: u32,
    text: &'t str,
    length: usize,
}

/// Cuts a text at the ends of lines. A heading begins a piece where the one before is not small; such
/// pieces do not overlap, all others do.
pub(super) fn pieces(text: &str, size: ChunkSize) -> Vec<Piece> {
    let mut pieces = Vec::new();
    let mut lines: Vec<Line<'_>> = Vec::new();
    let mut length = 0;
    let mut fenced = false;
    for line in split_lines(text, size.most) {
        let is_fence = line.text.trim_start().starts_with("```");
        let is_heading = !fenced && is_heading(line.text);
        fenced ^= is_fence;
        if is_heading && length >= size.most / 4 {
            finish(&mut pieces, &lines);
            (lines, length) = (Vec::new(), 0);
        } else if length + line.length + 1 > size.most && !lines.is_empty() {
            finish(&mut pieces, &lines);
            lines = repeated(&lines, size.overlap.min(size.most.saturating_sub(line.length + 1)));
            length = lines.iter().map(|line| line.length + 1).sum();
        }
        length += line.length + 1;
        lines.push(line);
    }
    finish(&mut pieces, &lines);
    pieces
}

fn is_heading(line: &str) -> bool {
    let marks = line.bytes().take_while(|byte| *byte == b'#').count();
    (1..=6).contains(&marks) && line[marks..].starts_with(' ')
}

fn split_lines(text: &str, most: usize) -> impl Iterator<Item = Line<'_>> {
    (1..).zip(text.lines()).flat_map(move |(number, line)| {
        parts(line, most.saturating_sub(1).max(1)).into_iter().map(move |text| Line {
            number,
            text,
            length: text.chars().count(),
        })
    })
}

/// Parts of a line of at most so many characters, cut after a space where there is one.
fn parts(line: &str, most: usize) -> Vec<&str> {
    let mut parts = Vec::new();
    let mut rest = line;
    while let Some((end, _)) = rest.char_indices().nth(most) {
        let cut = rest[..end].rfind(' ').map_or(end, |space| space + 1);
        let (part, after) = rest.split_at(cut);
        parts.push(part);
        rest = after;
    }
    if !rest.is_empty() || parts.is_empty() {
        parts.push(rest);
    }
    parts
}

/// The last lines, of at most so many characters.
fn repeated<'t>(lines: &[Line<'t>], most: usize) -> Vec<Line<'t>> {
    let mut length = 0;
    let fits = lines.iter().rev().take_while(|line| {
        length += line.length + 1;
        length <= most
    });
    let mut repeated: Vec<Line<'t>> = fits.cloned().collect();
    // All of a piece again would never come to an end.
    repeated.truncate(lines.len().saturating_sub(1));
    repeated.reverse();
    repeated
}

fn finish(pieces: &mut Vec<Piece>, lines: &[Line<'_>]) {
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else { return };
    if lines.iter().all(|line| line.text.trim().is_empty()) {
        return;
    }
    let mut text = String::new();
    let mut number = first.number;
    for line in lines {
        if line.number != number {
            text.push('\n');
            number = line.number;
        }
        text.push_str(line.text);
    }
    pieces.push(Piece { start_line: first.number, end_line: last.number, text });
}

#[cfg(test)]
mod tests {
    use super::{ChunkSize, Piece, pieces};
    use proptest::prelude::*;

    const SMALL: ChunkSize = ChunkSize { most: 40, overlap: 15 };

    fn shown(text: &str, size: ChunkSize) -> Vec<String> {
        pieces(text, size)
            .into_iter()
            .map(|Piece { start_line, end_line, text }| format!("{start_line}-{end_line} {text:?}"))
            .collect()
    }

    #[test]
    fn lines_are_kept_together_and_repeated() {
        let text = "first line here\nsecond one\nthird line\nfourth\nfifth line of all";
        insta::assert_snapshot!(shown(text, SMALL).join("\n"), @r#"
        1-3 "first line here\nsecond one\nthird line"
        3-5 "third line\nfourth\nfifth line of all"
        "#);
    }

    #[test]
    fn a_heading_begins_a_piece() {
        let text = "# One\nsome text\n# Two\nother\n```\n# no heading\n```\n";
        insta::assert_snapshot!(shown(text, SMALL).join("\n"), @r##"
        1-2 "# One\nsome text"
        3-7 "# Two\nother\n```\n# no heading\n```"
        "##);
        assert_eq!(shown("\n \n", SMALL), Vec::<String>::new());
        assert_eq!(pieces("# One\n# Two\n", ChunkSize { most: 400, overlap: 80 }).len(), 1);
    }

    #[test]
    fn a_long_line_is_cut_at_spaces() {
        let text = "one two three four five six seven eight nine ten eleven twelve";
        let pieces = pieces(text, ChunkSize { most: 30, overlap: 0 });
        let joined: String = pieces.iter().map(|piece| piece.text.as_str()).collect();
        assert_eq!(joined, text);
        assert!(pieces.iter().all(|piece| piece.text.len() <= 30), "{pieces:?}");
        assert!(pieces.iter().all(|piece| (piece.start_line, piece.end_line) == (1, 1)));
    }

    proptest! {
        #[test]
        fn every_word_is_in_a_piece_of_the_lines_it_names(
            lines in prop::collection::vec("[a-z#é ]{0,30}", 0..30), most in 8..60_usize,
        ) {
            let text = lines.join("\n");
            let size = ChunkSize { most, overlap: most / 4 };
            let found = pieces(&text, size);
            for piece in &found {
                prop_assert!(piece.text.chars().count() <= most, "{:?}", piece);
                prop_assert!(piece.start_line >= 1 && piece.start_line <= piece.end_line);
                prop_assert!(piece.end_line as usize <= lines.len());
            }
            for (number, line) in (1..).zip(&lines) {
                let whole: String = line.split_whitespace().collect();
                let within = found.iter().filter(|piece| {
                    (piece.start_line..=piece.end_line).contains(&number)
                });
                let within: String =
                    within.flat_map(|piece| piece.text.split_whitespace()).collect();
                let is_there = whole.chars().all(|char| within.contains(char));
                prop_assert!(is_there, "line {} of {:?}", number, found);
            }
            // Pieces go forward.
            prop_assert!(found.windows(2).all(|pair| pair[0].end_line <= pair[1].end_line));
        }
    }
}
