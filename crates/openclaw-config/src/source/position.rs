use std::sync::Arc;

use crate::Place;

/// Finds lines and columns of byte offsets in one file.
pub(crate) struct Positions<'a> {
    file: Arc<str>,
    text: &'a str,
    line_starts: Vec<usize>,
}

impl<'a> Positions<'a> {
    pub(crate) fn new(file: Arc<str>, text: &'a str) -> Self {
        let newlines = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
        let line_starts = std::iter::once(0).chain(newlines.map(|(at, _)| at + 1)).collect();
        Self { file, text, line_starts }
    }

    pub(crate) fn place(&self, offset: usize) -> Place {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        let line = self.line_starts.partition_point(|start| *start <= offset);
        let column = self.text[self.line_starts[line - 1]..offset].chars().count();
        Place {
            file: Arc::clone(&self.file),
            line: u32::try_from(line).unwrap_or(u32::MAX),
            column: u32::try_from(column + 1).unwrap_or(u32::MAX),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Positions;

    #[test]
    fn columns_count_characters_from_one() {
        let text = "a = 1\nä = \"ö\"\n";
        let positions = Positions::new("f".into(), text);
        let at = |offset| positions.place(offset).to_string();
        assert_eq!(at(0), "f:1:1");
        assert_eq!(at(4), "f:1:5");
        assert_eq!(at(6), "f:2:1");
        assert_eq!(at(text.find('"').expect("quote")), "f:2:5");
        assert_eq!(at(10_000), "f:3:1");
    }
}
