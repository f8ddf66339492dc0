//! What a command printed, within bounds.

use std::collections::VecDeque;

/// What is kept of the beginning and of the end.
const HEAD: usize = 32 * 1024;
const TAIL: usize = 32 * 1024;

/// The first and the last 32 KiB of an output.
#[derive(Debug, Default)]
pub(super) struct Captured {
    head: Vec<u8>,
    tail: VecDeque<u8>,
    total: u64,
}

impl Captured {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.total += bytes.len() as u64;
        let (first, rest) = bytes.split_at(bytes.len().min(HEAD - self.head.len()));
        self.head.extend_from_slice(first);
        let rest = &rest[rest.len().saturating_sub(TAIL)..];
        let excess = (self.tail.len() + rest.len()).saturating_sub(TAIL);
        self.tail.drain(..excess);
        self.tail.extend(rest);
    }

    /// The output as it came, without its middle where it is longer than 64 KiB, and the last line.
    pub(super) fn result(self, ended: &str) -> String {
        let tail: Vec<u8> = self.tail.into();
        let kept = (self.head.len() + tail.len()) as u64;
        let mut text = if self.total == kept {
            String::from_utf8_lossy(&[self.head, tail].concat()).into_owned()
        } else {
            // Nothing of a character that was cut in two.
            let head = whole_end(&self.head);
            let tail = whole_start(&tail);
            let left_out = self.total - (head.len() + tail.len()) as u64;
            let (head, tail) = (String::from_utf8_lossy(head), String::from_utf8_lossy(tail));
            format!("{head}\n[… {left_out} bytes left out …]\n{tail}")
        };
        if !text.is_empty() && !text.ends_with('\n') {
            text.push('\n');
        }
        text.push_str(ended);
        text
    }
}

/// Without a character that is cut at the end.
fn whole_end(bytes: &[u8]) -> &[u8] {
    let start = bytes.iter().rposition(|byte| !is_continuation(*byte));
    match start {
        Some(start) if std::str::from_utf8(&bytes[start..]).is_err() => &bytes[..start],
        _ => bytes,
    }
}

/// Without a character that is cut at the start.
fn whole_start(bytes: &[u8]) -> &[u8] {
    let cut = bytes.iter().take(3).take_while(|byte| is_continuation(**byte)).count();
    &bytes[cut..]
}

fn is_continuation(byte: u8) -> bool {
    byte & 0xC0 == 0x80
}

/// What is kept of a command in the background.
const RING: usize = 200_000;

/// The most one look takes.
const MOST_AT_ONCE: usize = 30_000;

/// The end of an output, and how far it was read.
#[derive(Debug, Default)]
pub(super) struct Ring {
    bytes: VecDeque<u8>,
    /// How many bytes are gone before the first of `bytes`.
    gone: u64,
    read: u64,
}

impl Ring {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend(bytes);
        let excess = self.bytes.len().saturating_sub(RING);
        self.bytes.drain(..excess);
        self.gone += excess as u64;
    }

    pub(super) fn has_news(&self) -> bool {
        self.gone + self.bytes.len() as u64 > self.read
    }

    /// What came since the last look; when that is much, its end.
    pub(super) fn news(&mut self) -> String {
        let end = self.gone + self.bytes.len() as u64;
        let first = self.read.max(self.gone).max(end.saturating_sub(MOST_AT_ONCE as u64));
        let left_out = first - self.read;
        let skip = usize::try_from(first - self.gone).unwrap_or(self.bytes.len());
        let bytes: Vec<u8> = self.bytes.iter().skip(skip).copied().collect();
        self.read = end;
        let bytes = if left_out > 0 { whole_start(&bytes) } else { &bytes };
        let text = String::from_utf8_lossy(bytes);
        if left_out > 0 {
            format!("[… {left_out} bytes left out …]\n{text}")
        } else {
            text.into_owned()
        }
    }
}

/// Turns a stream of bytes into text without cutting characters.
#[derive(Debug, Default)]
pub(super) struct Decoder(Vec<u8>);

impl Decoder {
    pub(super) fn push(&mut self, bytes: &[u8]) -> String {
        self.0.extend_from_slice(bytes);
        let whole = whole_end(&self.0).len();
        // What is no character at all is not waited for.
        let whole = if self.0.len() - whole > 3 { self.0.len() } else { whole };
        let text = String::from_utf8_lossy(&self.0[..whole]).into_owned();
        self.0.drain(..whole);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{Captured, Decoder, Ring};
    use proptest::prelude::*;

    fn captured(text: &str) -> String {
        let mut captured = Captured::default();
        captured.push(text.as_bytes());
        captured.result("[exit 0]")
    }

    #[test]
    fn a_result_is_the_output_and_one_line() {
        assert_eq!(captured(""), "[exit 0]");
        assert_eq!(captured("a\nb\n"), "a\nb\n[exit 0]");
        assert_eq!(captured("no newline"), "no newline\n[exit 0]");
    }

    #[test]
    fn the_middle_of_much_is_left_out() {
        let text =
            format!("{}{}{}", "a".repeat(32 * 1024), "b".repeat(1000), "c".repeat(32 * 1024));
        let expected = format!(
            "{}\n[… 1000 bytes left out …]\n{}\n[exit 0]",
            "a".repeat(32 * 1024),
            "c".repeat(32 * 1024)
        );
        assert_eq!(captured(&text), expected);
        assert_eq!(
            captured(&"x".repeat(64 * 1024)),
            format!("{}\n[exit 0]", "x".repeat(64 * 1024))
        );
    }

    #[test]
    fn characters_are_not_cut() {
        let result = captured(&"ä€".repeat(40_000));
        assert!(!result.contains('\u{FFFD}'), "{}", &result[32 * 1024 - 10..32 * 1024 + 60]);
    }

    #[test]
    fn a_ring_tells_what_is_new() {
        let mut ring = Ring::default();
        assert!(!ring.has_news());
        ring.push(b"one");
        assert_eq!(ring.news(), "one");
        assert!(!ring.has_news());
        ring.push(&b"x".repeat(300_000));
        ring.push(b"end");
        let news = ring.news();
        assert!(
            news.starts_with("[… 270003 bytes left out …]\nxx") && news.ends_with("xend"),
            "{}",
            &news[..40]
        );
        assert_eq!(ring.news(), "");
    }

    proptest! {
        #[test]
        fn any_cutting_gives_the_same(text in "[a-zä€😀\n]{0,200}", cuts in prop::collection::vec(1_usize..7, 0..100)) {
            let (mut captured, mut decoder, mut decoded) = (Captured::default(), Decoder::default(), String::new());
            let mut rest = text.as_bytes();
            for cut in cuts.into_iter().chain([usize::MAX]) {
                let (part, more) = rest.split_at(cut.min(rest.len()));
                captured.push(part);
                decoded.push_str(&decoder.push(part));
                rest = more;
            }
            let newline = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
            prop_assert_eq!(captured.result("[exit 0]"), format!("{text}{newline}[exit 0]"));
            prop_assert_eq!(decoded, text);
        }
    }
}
