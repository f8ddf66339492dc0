use crate::hub::Heard;

/// What a reader who cannot take text back was given of a run's answer.
///
/// Text that a new try repeats is not given twice. Where a try differs from what was given, or text
/// was dropped for a slow reader, what is right follows after a blank line.
#[derive(Debug, Default)]
pub(super) struct RunText {
    /// What was given, from where it last had to begin anew.
    given: String,
    /// The answer as far as it is known.
    known: String,
    /// The next index that fits.
    next: u64,
    /// Something is missing: only the end tells what.
    has_gap: bool,
}

impl RunText {
    /// What is new for the reader.
    pub(super) fn hear(&mut self, heard: &Heard) -> Option<String> {
        let Heard::Delta { text, index, reset } = heard else { return None };
        if *reset {
            self.known.clear();
            self.has_gap = false;
        } else if *index != self.next {
            self.has_gap = true;
        }
        self.next = index + 1;
        self.known.push_str(text);
        if self.has_gap { None } else { self.give(false) }
    }

    /// What is new once the whole answer is known.
    pub(super) fn end(&mut self, whole: &str) -> Option<String> {
        whole.clone_into(&mut self.known);
        self.give(true)
    }

    fn give(&mut self, is_whole: bool) -> Option<String> {
        if let Some(more) = self.known.strip_prefix(self.given.as_str()) {
            let more = (!more.is_empty()).then(|| more.to_owned())?;
            self.given.push_str(&more);
            return Some(more);
        }
        // A new try may still come to what was given.
        if self.known.is_empty() || (!is_whole && self.given.starts_with(self.known.as_str())) {
            return None;
        }
        self.given.clone_from(&self.known);
        Some(format!("\n\n{}", self.known))
    }
}

#[cfg(test)]
mod tests {
    use super::RunText;
    use crate::hub::Heard;

    fn delta(text: &str, index: u64, reset: bool) -> Heard {
        Heard::Delta { text: text.to_owned(), index, reset }
    }

    #[test]
    fn a_try_that_says_the_same_is_not_heard_twice() {
        let mut text = RunText::default();
        assert_eq!(text.hear(&delta("Hello ", 0, false)).as_deref(), Some("Hello "));
        assert_eq!(text.hear(&delta("Hel", 1, true)), None);
        assert_eq!(text.hear(&delta("lo world", 2, false)).as_deref(), Some("world"));
        assert_eq!(text.end("Hello world"), None);
    }

    #[test]
    fn a_try_that_says_otherwise_follows_after_a_blank_line() {
        let mut text = RunText::default();
        assert_eq!(text.hear(&delta("Yes", 0, false)).as_deref(), Some("Yes"));
        assert_eq!(text.hear(&delta("No", 1, true)).as_deref(), Some("\n\nNo"));
        assert_eq!(text.end("No!").as_deref(), Some("!"));
    }

    #[test]
    fn what_was_dropped_comes_at_the_end() {
        let mut text = RunText::default();
        assert_eq!(text.hear(&delta("a", 0, false)).as_deref(), Some("a"));
        assert_eq!(text.hear(&delta("c", 2, false)), None);
        assert_eq!(text.hear(&delta("d", 3, false)), None);
        assert_eq!(text.end("abcd").as_deref(), Some("bcd"));
    }
}
