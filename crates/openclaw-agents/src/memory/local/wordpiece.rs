use std::collections::HashMap;
use std::io;
use std::path::Path;

use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_combining_mark;

/// A longer word is not known to any model.
const LONGEST_WORD: usize = 100;

/// Takes texts apart into the pieces of words that a model knows.
#[derive(Debug)]
pub(super) struct WordPiece {
    pieces: HashMap<String, u32>,
    begin: u32,
    end: u32,
    unknown: u32,
    lowers_case: bool,
}

impl WordPiece {
    /// Reads `vocab.txt` of a folder: one piece a line, its number is the line's.
    pub(super) fn read(folder: &Path, lowers_case: bool) -> io::Result<Self> {
        let text = std::fs::read_to_string(folder.join("vocab.txt"))
            .map_err(|error| io::Error::new(error.kind(), format!("vocab.txt: {error}")))?;
        Self::of(&text, lowers_case)
    }

    fn of(text: &str, lowers_case: bool) -> io::Result<Self> {
        let pieces: HashMap<String, u32> =
            (0..).zip(text.lines()).map(|(number, piece)| (piece.to_owned(), number)).collect();
        let special = |piece: &str| {
            pieces.get(piece).copied().ok_or_else(|| {
                io::Error::new(io::ErrorKind::InvalidData, format!("vocab.txt lacks {piece}"))
            })
        };
        let (begin, end, unknown) = (special("[CLS]")?, special("[SEP]")?, special("[UNK]")?);
        Ok(Self { begin, end, unknown, lowers_case, pieces })
    }

    /// The pieces of a text, without those that stand around it.
    pub(super) fn pieces(&self, text: &str) -> Vec<u32> {
        let mut pieces = Vec::new();
        for word in words(&self.normal(text)) {
            self.split(&word, &mut pieces);
        }
        pieces
    }

    /// A part of a text's pieces between the two that stand around it.
    pub(super) fn framed(&self, pieces: &[u32]) -> Vec<u32> {
        std::iter::once(self.begin)
            .chain(pieces.iter().copied())
            .chain(std::iter::once(self.end))
            .collect()
    }

    fn normal(&self, text: &str) -> String {
        if !self.lowers_case {
            return text.to_owned();
        }
        let lowered = text.to_lowercase();
        lowered.nfd().filter(|char| !is_combining_mark(*char)).collect()
    }

    /// The longest known beginnings, one after another.
    fn split(&self, word: &str, pieces: &mut Vec<u32>) {
        let before = pieces.len();
        let mut start = 0;
        while start < word.len() && word.len() <= LONGEST_WORD {
            let ends = word[start..].char_indices().map(|(at, char)| start + at + char.len_utf8());
            let ends: Vec<usize> = ends.collect();
            let found = ends.into_iter().rev().find_map(|end| {
                let part = &word[start..end];
                let known = if start == 0 {
                    self.pieces.get(part)
                } else {
                    self.pieces.get(format!("##{part}").as_str())
                };
                known.map(|piece| (end, *piece))
            });
            let Some((end, piece)) = found else { break };
            pieces.push(piece);
            start = end;
        }
        if start < word.len() {
            pieces.truncate(before);
            pieces.push(self.unknown);
        }
    }
}

/// Words, and marks and ideographs by themselves.
fn words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word = String::new();
    for char in text.chars() {
        let is_space = char.is_whitespace() || char.is_control() || char == '\u{FFFD}';
        let stands_alone = is_mark(char) || is_ideograph(char);
        if (is_space || stands_alone) && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if stands_alone {
            words.push(char.to_string());
        } else if !is_space {
            word.push(char);
        }
    }
    if !word.is_empty() {
        words.push(word);
    }
    words
}

/// What the makers of the model call punctuation: all of ASCII that is no letter, digit or space, and
/// Unicode's.
fn is_mark(char: char) -> bool {
    char.is_ascii_punctuation()
        || matches!(char, '\u{A1}' | '\u{A7}' | '\u{AB}' | '\u{B6}' | '\u{B7}' | '\u{BB}' | '\u{BF}'
            | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205E}' | '\u{3001}'..='\u{3003}'
            | '\u{3008}'..='\u{3011}' | '\u{3014}'..='\u{301F}' | '\u{FF01}'..='\u{FF0F}'
            | '\u{FF1A}'..='\u{FF20}' | '\u{FF3B}'..='\u{FF40}' | '\u{FF5B}'..='\u{FF65}')
}

fn is_ideograph(char: char) -> bool {
    matches!(char, '\u{4E00}'..='\u{9FFF}' | '\u{3400}'..='\u{4DBF}' | '\u{20000}'..='\u{2A6DF}'
        | '\u{2A700}'..='\u{2CEAF}' | '\u{F900}'..='\u{FAFF}' | '\u{2F800}'..='\u{2FA1F}')
}

#[cfg(test)]
mod tests {
    use super::WordPiece;

    #[test]
    fn words_are_taken_apart_into_known_pieces() {
        let vocabulary = "[CLS]\n[SEP]\n[UNK]\nun\n##aff\n##able\n,\ncafe\n東\n##s";
        let words = WordPiece::of(vocabulary, true).expect("a vocabulary");
        assert_eq!(words.pieces("Unaffable, CAFÉS"), [3, 4, 5, 6, 7, 9]);
        assert_eq!(words.pieces("東京 unknown"), [8, 2, 2]);
        assert_eq!(words.pieces(&"un".repeat(60)), [2]);
        assert_eq!(words.framed(&[3]), [0, 3, 1]);
        assert_eq!(words.pieces(" \n"), Vec::<u32>::new());
        assert!(WordPiece::of("un", true).is_err());
    }
}
