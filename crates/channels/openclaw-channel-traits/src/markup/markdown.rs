use std::fmt::Write as _;
use std::ops::Range;

use super::styled::{Span, Style, StyledText};

/// How much of the styling is written. Each step is less likely to be read back as something else;
/// the last one cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Fidelity {
    /// Only the text, with every special character as a number.
    Text,
    /// Code blocks and quotes.
    Blocks,
    /// Links and code too.
    Links,
    /// Everything.
    Full,
}

/// Writes a part of a styled text as Markdown that shows this part.
///
/// `keep_lines` writes line breaks so that every reader keeps them; `links` are left out where the
/// text holds their address already.
pub(crate) fn write_markdown(
    styled: &StyledText,
    part: Range<usize>,
    fidelity: Fidelity,
    keep_lines: bool,
    links: bool,
) -> String {
    if fidelity == Fidelity::Text {
        return numeric(&styled.text[part]);
    }
    let spans = clipped(styled, &part, fidelity, links);
    let mut pieces: Vec<String> = Vec::new();
    let mut position = part.start;
    let mut inline = Vec::new();
    let writer = Writer { text: &styled.text, keep_lines };
    let blocks = spans.iter().filter(|span| !span.style.is_inline());
    for block in blocks {
        inline.extend(
            spans.iter().filter(|span| {
                span.style.is_inline() && within(span, &(position..block.range.start))
            }),
        );
        pieces.push(writer.lines(position..block.range.start, &inline));
        inline.clear();
        match &block.style {
            Style::Pre(language) => {
                pieces.push(fenced(&styled.text[block.range.clone()], language.as_deref()));
            }
            _ => {
                inline.extend(
                    spans
                        .iter()
                        .filter(|span| span.style.is_inline() && within(span, &block.range)),
                );
                let lines = writer.lines(block.range.clone(), &inline);
                inline.clear();
                pieces.push(quoted(&lines));
            }
        }
        position = block.range.end;
    }
    inline.extend(
        spans.iter().filter(|span| span.style.is_inline() && within(span, &(position..part.end))),
    );
    pieces.push(writer.lines(position..part.end, &inline));
    pieces.retain(|piece| !piece.is_empty());
    pieces.join("\n\n")
}

fn within(span: &Span, range: &Range<usize>) -> bool {
    range.start <= span.range.start && span.range.end <= range.end
}

/// The spans of a part, without white space at their ends: emphasis does not begin or end with it.
fn clipped(styled: &StyledText, part: &Range<usize>, fidelity: Fidelity, links: bool) -> Vec<Span> {
    let kept = |style: &Style| match style {
        Style::Pre(_) | Style::Quote => true,
        Style::Link(_) => links && fidelity >= Fidelity::Links,
        Style::Code => fidelity >= Fidelity::Links,
        Style::Bold | Style::Italic | Style::Strike => fidelity >= Fidelity::Full,
    };
    let overlapping = styled.spans.iter().filter(|span| {
        kept(&span.style) && span.range.start < part.end && part.start < span.range.end
    });
    overlapping
        .filter_map(|span| {
            let mut range = span.range.start.max(part.start)..span.range.end.min(part.end);
            if !matches!(span.style, Style::Pre(_) | Style::Code) {
                let text = &styled.text[range.clone()];
                let begin = text.len() - text.trim_start().len();
                range = range.start + begin..range.start + begin + text.trim().len();
            }
            (!range.is_empty()).then(|| Span { range, style: span.style.clone() })
        })
        .collect()
}

fn longest_run(text: &str, of: char) -> usize {
    let mut longest = 0;
    let mut run = 0;
    for c in text.chars() {
        run = if c == of { run + 1 } else { 0 };
        longest = longest.max(run);
    }
    longest
}

fn fenced(code: &str, language: Option<&str>) -> String {
    let fence = "`".repeat(3.max(longest_run(code, '`') + 1));
    format!("{fence}{}\n{code}\n{fence}", language.unwrap_or_default())
}

fn quoted(lines: &str) -> String {
    let lines: Vec<String> = lines
        .split('\n')
        .map(|line| if line.is_empty() { ">".to_owned() } else { format!("> {line}") })
        .collect();
    lines.join("\n")
}

fn numeric(text: &str) -> String {
    let mut markdown = String::with_capacity(text.len() * 2);
    for c in text.chars() {
        if c.is_ascii_alphanumeric() || !c.is_ascii() {
            markdown.push(c);
        } else {
            reference(c, &mut markdown);
        }
    }
    markdown
}

fn reference(c: char, markdown: &mut String) {
    // Writing to a string cannot fail.
    write!(markdown, "&#{};", u32::from(c)).expect("a string takes text");
}

struct Writer<'a> {
    text: &'a str,
    keep_lines: bool,
}

impl Writer<'_> {
    /// Writes text outside of code blocks; blank lines begin paragraphs.
    fn lines(&self, range: Range<usize>, spans: &[&Span]) -> String {
        let text = &self.text[range.clone()];
        let begin = range.start + text.len() - text.trim_start_matches('\n').len();
        let end = range.start + text.trim_end().len();
        if begin >= end {
            return String::new();
        }
        let mut out = Inline { markdown: String::new(), line_start: true, digits: false };
        let mut open: Vec<&Span> = Vec::new();
        let mut position = begin;
        for span in spans {
            while let Some(inner) = open.pop_if(|open| open.range.end <= span.range.start) {
                self.text(position..inner.range.end, end, &mut out);
                position = inner.range.end;
                self.delimit(inner, false, &mut out);
            }
            self.text(position..span.range.start, end, &mut out);
            position = span.range.start;
            if span.style == Style::Code {
                out.code(&self.text[span.range.clone()]);
                position = span.range.end;
            } else {
                self.delimit(span, true, &mut out);
                open.push(span);
            }
        }
        while let Some(inner) = open.pop() {
            self.text(position..inner.range.end, end, &mut out);
            position = inner.range.end;
            self.delimit(inner, false, &mut out);
        }
        self.text(position..end, end, &mut out);
        out.markdown
    }

    fn delimit(&self, span: &Span, begins: bool, out: &mut Inline) {
        out.line_start = false;
        out.digits = false;
        match &span.style {
            Style::Bold => out.markdown.push_str("**"),
            Style::Italic => {
                let before = self.text[..span.range.start].chars().next_back();
                let after = self.text[span.range.end..].chars().next();
                // Within a word only the asterisk is emphasis; beside bold the underscore is clearer.
                let in_word = [before, after].into_iter().flatten().any(char::is_alphanumeric);
                out.markdown.push(if in_word { '*' } else { '_' });
            }
            Style::Strike => out.markdown.push_str("~~"),
            Style::Link(_) if begins => out.markdown.push('['),
            Style::Link(address) => {
                out.markdown.push_str("](<");
                for c in address.chars() {
                    match c {
                        '<' | '>' | '\\' | '&' => reference(c, &mut out.markdown),
                        c => out.markdown.push(c),
                    }
                }
                out.markdown.push_str(">)");
            }
            Style::Code | Style::Pre(_) | Style::Quote => {}
        }
    }

    fn text(&self, range: Range<usize>, end: usize, out: &mut Inline) {
        if range.start >= range.end {
            return;
        }
        for (at, c) in self.text[range.clone()].char_indices() {
            let next = self.text[range.start + at + c.len_utf8()..end].chars().next();
            match c {
                '\n' => {
                    let blank = next == Some('\n') || out.markdown.ends_with('\n');
                    if self.keep_lines && !blank && next.is_some() {
                        out.markdown.push('\\');
                    }
                    out.markdown.push('\n');
                    out.line_start = true;
                    out.digits = false;
                }
                ' ' if out.line_start || next == Some('\n') => {
                    reference(c, &mut out.markdown);
                    out.line_start = false;
                }
                c => out.character(c),
            }
        }
    }
}

struct Inline {
    markdown: String,
    line_start: bool,
    /// All of the line so far are digits.
    digits: bool,
}

impl Inline {
    fn character(&mut self, c: char) {
        let begins_block = match c {
            '#' | '+' | '-' | '=' | ':' => self.line_start,
            '.' | ')' => self.digits,
            _ => false,
        };
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '&' | '~' | '|' => {
                self.markdown.push('\\');
                self.markdown.push(c);
            }
            c if begins_block => {
                self.markdown.push('\\');
                self.markdown.push(c);
            }
            c if c.is_ascii_control() => reference(c, &mut self.markdown),
            c => self.markdown.push(c),
        }
        self.digits = c.is_ascii_digit() && (self.line_start || self.digits);
        self.line_start = false;
    }

    fn code(&mut self, code: &str) {
        let ticks = "`".repeat(longest_run(code, '`') + 1);
        let spaced = code.starts_with(' ') && code.ends_with(' ') && !code.trim().is_empty();
        let pad = if spaced || code.starts_with('`') || code.ends_with('`') { " " } else { "" };
        self.markdown.push_str(&format!("{ticks}{pad}{code}{pad}{ticks}"));
        self.line_start = false;
        self.digits = false;
    }
}
