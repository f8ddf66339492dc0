use pulldown_cmark::Alignment;
use unicode_width::UnicodeWidthStr;

use super::styled::{Span, Style};

/// The widest table that is shown aligned; telephones show no more in one line.
const MAX_WIDTH: usize = 48;

/// A table that was parsed; the first row is its head.
#[derive(Debug)]
pub(super) struct Table {
    alignments: Vec<Alignment>,
    rows: Vec<Vec<Cell>>,
}

/// Styled text of one cell, or of what became of the table.
#[derive(Debug, Default)]
pub(super) struct Cell {
    pub(super) text: String,
    pub(super) spans: Vec<Span>,
}

/// How a table is shown.
#[derive(Debug)]
pub(super) enum Layout {
    /// Aligned, in a code block.
    Code(String),
    /// A list, one item per row: links and long cells are kept.
    Lines(Cell),
}

impl Table {
    pub(super) fn new(alignments: Vec<Alignment>) -> Self {
        Self { alignments, rows: Vec::new() }
    }

    pub(super) fn begin_row(&mut self) {
        self.rows.push(Vec::with_capacity(self.alignments.len()));
    }

    pub(super) fn push(&mut self, cell: Cell) {
        if let Some(row) = self.rows.last_mut() {
            row.push(cell);
        }
    }
}

pub(super) fn layout(table: &Table) -> Layout {
    let columns = table.alignments.len();
    let width_of = |column: usize| {
        let cells = table.rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.text.width()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width_of).collect();
    let total = widths.iter().sum::<usize>() + 3 * columns.saturating_sub(1);
    let has_link = table
        .rows
        .iter()
        .flatten()
        .flat_map(|cell| &cell.spans)
        .any(|span| matches!(span.style, Style::Link(_)));
    if has_link || total > MAX_WIDTH || table.rows.len() < 2 {
        Layout::Lines(lines(table))
    } else {
        Layout::Code(aligned(table, &widths))
    }
}

fn aligned(table: &Table, widths: &[usize]) -> String {
    let mut text = String::new();
    for (index, row) in table.rows.iter().enumerate() {
        let mut line = String::new();
        for (column, width) in widths.iter().enumerate() {
            if column > 0 {
                line.push_str(" | ");
            }
            let cell = row.get(column).map_or("", |cell| cell.text.as_str());
            let missing = width - cell.width().min(*width);
            let before = match table.alignments[column] {
                Alignment::Right => missing,
                Alignment::Center => missing / 2,
                Alignment::Left | Alignment::None => 0,
            };
            line.extend(std::iter::repeat_n(' ', before));
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', missing - before));
        }
        if index > 0 {
            text.push('\n');
        }
        text.push_str(line.trim_end());
        if index == 0 {
            text.push('\n');
            let rules: Vec<String> = widths.iter().map(|width| "-".repeat(*width)).collect();
            text.push_str(&rules.join("-+-"));
        }
    }
    text
}

fn lines(table: &Table) -> Cell {
    let mut lines = Cell::default();
    let Some((head, rows)) = table.rows.split_first() else { return lines };
    if rows.is_empty() {
        for cell in head {
            lines.line(if lines.text.is_empty() { "• " } else { "  " });
            lines.append(cell);
        }
    }
    for row in rows {
        let mut bullet = "• ";
        for (column, cell) in row.iter().enumerate().filter(|(_, cell)| !cell.text.is_empty()) {
            lines.line(bullet);
            bullet = "  ";
            let name =
                head.get(column).map(|cell| cell.text.trim()).filter(|name| !name.is_empty());
            if let Some(name) = name {
                let start = lines.text.len();
                lines.text.push_str(name);
                lines.spans.push(Span { range: start..lines.text.len(), style: Style::Bold });
                lines.text.push_str(": ");
            }
            lines.append(cell);
        }
    }
    lines
}

impl Cell {
    fn line(&mut self, begin: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(begin);
    }

    fn append(&mut self, cell: &Cell) {
        let start = self.text.len();
        self.text.push_str(&cell.text);
        self.spans.extend(cell.spans.iter().map(|span| Span {
            range: span.range.start + start..span.range.end + start,
            style: span.style.clone(),
        }));
    }
}
