use std::cmp::Reverse;
use std::ops::Range;

use pulldown_cmark::{CodeBlockKind, CowStr, Event, Options, Parser, Tag, TagEnd};

use super::styled::{Block, BlockKind, Span, Style, StyledText};
use super::table::{self, Cell, Table};
use crate::MarkupDialect;

/// Deeper lists are indented no further.
const MAX_INDENT: usize = 16;

/// Parses Markdown into what a dialect shows of it.
pub(crate) fn parse(markdown: &str, dialect: MarkupDialect) -> StyledText {
    let options =
        Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH | Options::ENABLE_TASKLISTS;
    let parser = Parser::new_ext(markdown, options);
    let has_definitions = parser.reference_definitions().iter().next().is_some();
    let mut builder =
        Builder { links_as_text: dialect == MarkupDialect::Plain, ..Builder::default() };
    for (event, source) in parser.into_offset_iter() {
        match event {
            Event::Start(Tag::Emphasis) | Event::End(TagEnd::Emphasis)
                if is_product(markdown, &source) =>
            {
                builder.event(Event::Text(CowStr::Borrowed("*")), source);
            }
            event => builder.event(event, source),
        }
    }
    builder.finish(has_definitions)
}

/// What separates what was written from what will be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Separator {
    #[default]
    None,
    Line,
    Blank,
}

#[derive(Debug)]
struct Open {
    /// `None` where the style stands already further out.
    style: Option<Style>,
    /// Set at the first text in it.
    start: Option<usize>,
    sequence: usize,
}

#[derive(Debug, Default)]
struct Outside {
    out: String,
    spans: Vec<(usize, Span)>,
    open: Vec<Open>,
    separator: Separator,
    at_item_start: bool,
}

#[derive(Debug, Default)]
struct Builder {
    out: String,
    spans: Vec<(usize, Span)>,
    open: Vec<Open>,
    sequence: usize,
    separator: Separator,
    /// The next number of each list that is open, outermost first.
    lists: Vec<Option<u64>>,
    /// Right behind a bullet.
    at_item_start: bool,
    in_code_block: bool,
    depth: usize,
    block: Option<(Range<usize>, BlockKind)>,
    block_start: Option<usize>,
    blocks: Vec<Block>,
    table: Option<Table>,
    /// What was being written when a cell of a table began.
    outside: Option<Outside>,
    links_as_text: bool,
}

impl Builder {
    fn event(&mut self, event: Event<'_>, source: Range<usize>) {
        match event {
            Event::Start(tag) => {
                if self.depth == 0 {
                    self.block = Some((source, block_kind(&tag)));
                    self.block_start = None;
                }
                self.depth += 1;
                self.start(tag);
            }
            Event::End(end) => {
                self.end(end);
                self.depth = self.depth.saturating_sub(1);
                if self.depth == 0 {
                    self.end_block();
                }
            }
            Event::Rule => {
                if self.depth == 0 {
                    self.block = Some((source, BlockKind::Other));
                    self.block_start = None;
                }
                self.write("———");
                self.separate();
                if self.depth == 0 {
                    self.end_block();
                }
            }
            Event::Text(text) => self.write(&text),
            Event::Code(code) | Event::InlineMath(code) | Event::DisplayMath(code) => {
                self.code(&code);
            }
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::SoftBreak | Event::HardBreak => self.line_break(),
            Event::TaskListMarker(done) => self.task_marker(done),
            Event::FootnoteReference(name) => self.write(&format!("[^{name}]")),
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { .. } => {
                self.separate();
                self.open(Style::Bold);
            }
            Tag::BlockQuote(_) => {
                self.separate();
                self.open(Style::Quote);
            }
            Tag::CodeBlock(kind) => {
                self.separate();
                self.suspend(is_not_pre);
                self.open(Style::Pre(language(&kind)));
                self.in_code_block = true;
            }
            Tag::List(first) => {
                if !self.at_item_start {
                    self.separate();
                }
                self.lists.push(first);
            }
            Tag::Item => self.item(),
            Tag::Emphasis => self.open(Style::Italic),
            Tag::Strong => self.open(Style::Bold),
            Tag::Strikethrough => self.open(Style::Strike),
            Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. } => {
                self.open(Style::Link(dest_url.into_string()));
            }
            Tag::Table(alignments) => {
                self.separate();
                self.table = Some(Table::new(alignments));
            }
            Tag::TableHead | Tag::TableRow => {
                if let Some(table) = &mut self.table {
                    table.begin_row();
                }
            }
            Tag::TableCell => {
                let outside = Outside {
                    out: std::mem::take(&mut self.out),
                    spans: std::mem::take(&mut self.spans),
                    open: std::mem::take(&mut self.open),
                    separator: std::mem::take(&mut self.separator),
                    at_item_start: std::mem::take(&mut self.at_item_start),
                };
                self.outside = Some(outside);
            }
            Tag::Paragraph
            | Tag::HtmlBlock
            | Tag::FootnoteDefinition(_)
            | Tag::DefinitionList
            | Tag::DefinitionListTitle
            | Tag::DefinitionListDefinition
            | Tag::Superscript
            | Tag::Subscript
            | Tag::MetadataBlock(_) => {}
        }
    }

    fn end(&mut self, end: TagEnd) {
        match end {
            TagEnd::Paragraph => self.separate(),
            TagEnd::Heading(_) | TagEnd::BlockQuote(_) => {
                self.close();
                self.separate();
            }
            TagEnd::CodeBlock => {
                self.in_code_block = false;
                self.trim_line_end();
                self.close();
                self.separate();
            }
            TagEnd::HtmlBlock => {
                self.trim_line_end();
                self.separate();
            }
            TagEnd::List(_) => {
                self.lists.pop();
                self.at_item_start = false;
                self.separate();
            }
            TagEnd::Item => {
                self.at_item_start = false;
                self.separator = self.separator.max(Separator::Line);
            }
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Strikethrough => self.close(),
            TagEnd::Link | TagEnd::Image => self.end_link(),
            TagEnd::Table => {
                if let Some(table) = self.table.take() {
                    self.write_table(&table);
                }
                self.separate();
            }
            TagEnd::TableCell => {
                let outside = self.outside.take().unwrap_or_default();
                let text = std::mem::replace(&mut self.out, outside.out);
                let spans = std::mem::replace(&mut self.spans, outside.spans);
                self.open = outside.open;
                self.separator = outside.separator;
                self.at_item_start = outside.at_item_start;
                if let Some(table) = &mut self.table {
                    let text = text.replace('\n', " ");
                    table.push(Cell { text, spans: ordered(spans) });
                }
            }
            TagEnd::TableHead
            | TagEnd::TableRow
            | TagEnd::FootnoteDefinition
            | TagEnd::DefinitionList
            | TagEnd::DefinitionListTitle
            | TagEnd::DefinitionListDefinition
            | TagEnd::Superscript
            | TagEnd::Subscript
            | TagEnd::MetadataBlock(_) => {}
        }
    }

    /// A block ended: what follows stands apart, in a list on the next line.
    fn separate(&mut self) {
        let separator = if self.lists.is_empty() { Separator::Blank } else { Separator::Line };
        self.separator = self.separator.max(separator);
    }

    /// Writes what separates, and gives their start to all that begins here.
    fn flush(&mut self) {
        let separator = std::mem::take(&mut self.separator);
        // Behind a bullet its text follows, whatever kind of block that is.
        if separator != Separator::None && !self.out.is_empty() && !self.at_item_start {
            self.out.push_str(if separator == Separator::Blank { "\n\n" } else { "\n" });
            self.indent(self.lists.len());
        }
        self.mark_starts();
    }

    fn mark_starts(&mut self) {
        let here = self.out.len();
        if self.outside.is_none() {
            self.block_start.get_or_insert(here);
        }
        let excluded = match self.open.last().and_then(|open| open.style.as_ref()) {
            Some(Style::Code) => is_emphasis,
            Some(Style::Pre(_)) => is_not_pre,
            _ => |_: &Style| false,
        };
        for open in self.open.iter_mut().rev() {
            // Those further out were given theirs with or before the ones in them.
            if open.start.is_some() {
                break;
            }
            if !open.style.as_ref().is_some_and(excluded) {
                open.start = Some(here);
            }
        }
    }

    fn indent(&mut self, levels: usize) {
        if !self.in_code_block {
            self.out.extend(std::iter::repeat_n("  ", levels.min(MAX_INDENT)));
        }
    }

    fn write(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        self.flush();
        self.at_item_start = false;
        // Services refuse or cut at NUL.
        self.out.extend(text.chars().map(|c| if c == '\0' { '\u{fffd}' } else { c }));
    }

    fn line_break(&mut self) {
        if self.outside.is_some() {
            return self.write(" ");
        }
        self.flush();
        self.at_item_start = false;
        self.out.push('\n');
        self.indent(self.lists.len());
    }

    fn html(&mut self, html: &str) {
        let name = html.trim().trim_start_matches('<').trim_end_matches(['>', '/', ' ']);
        if html.trim_start().starts_with('<') && name.eq_ignore_ascii_case("br") {
            self.line_break();
        } else {
            self.write(html);
        }
    }

    fn item(&mut self) {
        if !self.at_item_start {
            self.separator = self.separator.max(Separator::Line);
            let separator = std::mem::take(&mut self.separator);
            if !self.out.is_empty() {
                self.out.push_str(if separator == Separator::Blank { "\n\n" } else { "\n" });
            }
            self.mark_starts();
            self.indent(self.lists.len().saturating_sub(1));
        }
        self.at_item_start = false;
        match self.lists.last_mut() {
            Some(Some(number)) => {
                let bullet = format!("{number}. ");
                *number = number.saturating_add(1);
                self.write(&bullet);
            }
            Some(None) | None => self.write("• "),
        }
        self.at_item_start = true;
    }

    fn task_marker(&mut self, done: bool) {
        if self.out.ends_with("• ") {
            self.out.truncate(self.out.len() - "• ".len());
        }
        self.at_item_start = false;
        self.write(if done { "☑ " } else { "☐ " });
        self.at_item_start = true;
    }

    fn code(&mut self, code: &str) {
        let in_link = self.open.iter().any(|open| matches!(open.style, Some(Style::Link(_))));
        if in_link {
            return self.write(code);
        }
        self.suspend(is_emphasis);
        self.open(Style::Code);
        self.write(code);
        self.close();
    }

    fn open(&mut self, style: Style) {
        let is_open = self
            .open
            .iter()
            .any(|open| open.style.as_ref().is_some_and(|open| open.is_same_kind(&style)));
        let style = (!is_open).then_some(style);
        self.open.push(Open { style, start: None, sequence: self.sequence });
        self.sequence += 1;
    }

    fn close(&mut self) {
        let Some(Open { style: Some(style), start: Some(start), sequence }) = self.open.pop()
        else {
            return;
        };
        if !self.out[start..].trim().is_empty() || matches!(style, Style::Pre(_) | Style::Code) {
            self.span(style, start, sequence);
        }
    }

    fn span(&mut self, style: Style, start: usize, sequence: usize) {
        let range = start..self.out.len();
        if !range.is_empty() {
            self.spans.push((sequence, Span { range, style }));
        }
    }

    /// Ends these styles here; they begin anew at the next text that is not code.
    fn suspend(&mut self, suspends: fn(&Style) -> bool) {
        let here = self.out.len();
        let mut suspended = Vec::new();
        for open in &mut self.open {
            if let Some(style) = open.style.as_ref().filter(|style| suspends(style))
                && let Some(start) = open.start.take()
                && !self.out[start..here].trim().is_empty()
            {
                suspended.push((style.clone(), start, open.sequence));
            }
        }
        for (style, start, sequence) in suspended {
            self.span(style, start, sequence);
        }
    }

    fn end_link(&mut self) {
        let Some(Open { style: Some(Style::Link(address)), start, sequence }) = self.open.pop()
        else {
            return;
        };
        let start = match start {
            Some(start) if !self.out[start..].trim().is_empty() => start,
            // Without a text the address is the text.
            _ => {
                let start = start.unwrap_or_else(|| {
                    self.flush();
                    self.out.len()
                });
                self.write(&address);
                start
            }
        };
        let shown = &self.out[start..];
        let says_itself = shown == address || address.strip_prefix("mailto:") == Some(shown);
        let usable = is_link_target(&address);
        if (self.links_as_text || !usable) && !says_itself && !address.is_empty() {
            self.write(&format!(" ({address})"));
        }
        if usable {
            self.span(Style::Link(address), start, sequence);
        }
    }

    fn trim_line_end(&mut self) {
        let floor = self
            .block_start
            .unwrap_or(0)
            .max(self.open.last().and_then(|open| open.start).unwrap_or(0));
        if self.out.len() > floor && self.out.ends_with('\n') {
            self.out.pop();
        }
    }

    fn write_table(&mut self, table: &Table) {
        match table::layout(table) {
            table::Layout::Code(text) => {
                self.suspend(is_not_pre);
                self.open(Style::Pre(None));
                self.in_code_block = true;
                self.write(&text);
                self.in_code_block = false;
                self.close();
            }
            table::Layout::Lines(cell) => {
                if cell.text.is_empty() {
                    return;
                }
                self.flush();
                let start = self.out.len();
                self.write(&cell.text);
                for span in cell.spans {
                    let range = span.range.start + start..span.range.end + start;
                    let kept = !self.open.iter().any(|open| {
                        open.style.as_ref().is_some_and(|style| style.is_same_kind(&span.style))
                    });
                    if kept {
                        self.spans.push((self.sequence, Span { range, style: span.style }));
                        self.sequence += 1;
                    }
                }
            }
        }
    }

    fn end_block(&mut self) {
        let Some((source, kind)) = self.block.take() else { return };
        let text = self.block_start.take().map(|start| start..self.out.len());
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            self.blocks.push(Block { source, text, kind });
        }
    }

    fn finish(self, has_definitions: bool) -> StyledText {
        let spans = ordered(self.spans);
        StyledText { text: self.out, spans, blocks: self.blocks, has_definitions }
    }
}

/// Whether an asterisk between digits is meant, as in `2*3*4`: as emphasis it would not be shown, and
/// the text would say something else.
fn is_product(markdown: &str, source: &Range<usize>) -> bool {
    let bytes = markdown.as_bytes();
    let is_digit = |at: usize| bytes.get(at).is_some_and(u8::is_ascii_digit);
    bytes[source.start] == b'*'
        && source.start > 0
        && is_digit(source.start - 1)
        && is_digit(source.end)
}

/// What code cannot stand in.
fn is_emphasis(style: &Style) -> bool {
    matches!(style, Style::Bold | Style::Italic | Style::Strike)
}

/// What a code block cannot stand in.
fn is_not_pre(style: &Style) -> bool {
    !matches!(style, Style::Pre(_))
}

fn ordered(mut spans: Vec<(usize, Span)>) -> Vec<Span> {
    spans.sort_by_key(|(sequence, span)| (span.range.start, Reverse(span.range.end), *sequence));
    spans.into_iter().map(|(_, span)| span).collect()
}

fn block_kind(tag: &Tag<'_>) -> BlockKind {
    match tag {
        Tag::CodeBlock(CodeBlockKind::Fenced(_)) => BlockKind::Fence,
        Tag::List(_) => BlockKind::List,
        _ => BlockKind::Other,
    }
}

/// The first word behind the fence, where it is a plain word.
fn language(kind: &CodeBlockKind<'_>) -> Option<String> {
    let CodeBlockKind::Fenced(info) = kind else { return None };
    let word = first_word(info);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "+-#._".contains(c);
    (!word.is_empty() && word.len() <= 32 && word.chars().all(is_plain)).then(|| word.to_owned())
}

fn first_word<'a>(info: &'a CowStr<'_>) -> &'a str {
    info.split([' ', '\t', ',', '{']).next().unwrap_or_default()
}

/// Whether a service makes a link of it.
fn is_link_target(address: &str) -> bool {
    let Some((scheme, rest)) = address.split_once(':') else { return false };
    let known = ["http", "https", "tg", "mailto", "tel"];
    known.iter().any(|known| scheme.eq_ignore_ascii_case(known))
        && !rest.is_empty()
        && !address.contains(|c: char| c.is_whitespace() || c.is_control())
}
