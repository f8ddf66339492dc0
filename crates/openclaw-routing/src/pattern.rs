//! All patterns of a table, with a filter that rules most of them out in one pass over the text.
//!
//! A regular expression that can only match where one of some words stands is not tried on a text
//! without them. Of a thousand patterns a message then meets a handful. One `RegexSet` over all of
//! them was the alternative: it leaves its fast engine on the first non-ASCII character beside a
//! `\b`, and then costs milliseconds.

use std::cell::OnceCell;
use std::collections::HashMap;

use aho_corasick::AhoCorasick;
use regex::{Regex, RegexBuilder};
use regex_syntax::hir::{Class, Hir, HirKind};

/// More alternatives than this do not filter well.
const MOST_ALTERNATIVES: usize = 32;

#[derive(Debug, Default)]
pub(crate) struct Patterns {
    regexes: Vec<Regex>,
    numbers: HashMap<String, usize>,
    filter: Option<Filter>,
}

#[derive(Debug)]
struct Filter {
    words: AhoCorasick,
    /// The patterns that each word stands for.
    patterns_of_word: Vec<Vec<usize>>,
    /// Those without such words: always possible.
    always: Possible,
}

/// The patterns that may match a text, as a set of bits.
#[derive(Debug, Clone)]
pub(crate) struct Possible(Vec<u64>);

impl Possible {
    fn none(count: usize) -> Self {
        Self(vec![0; count.div_ceil(64)])
    }

    fn all(count: usize) -> Self {
        Self(vec![u64::MAX; count.div_ceil(64)])
    }

    fn insert(&mut self, pattern: usize) {
        self.0[pattern / 64] |= 1 << (pattern % 64);
    }

    fn contains(&self, pattern: usize) -> bool {
        self.0[pattern / 64] & (1 << (pattern % 64)) != 0
    }

    /// The numbers, from the smallest on; in a set of all, some stand for no pattern.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = usize> {
        self.0.iter().enumerate().filter(|(_, bits)| **bits != 0).flat_map(|(word, bits)| {
            let bits = *bits;
            (0..64).filter(move |bit| bits & (1 << bit) != 0).map(move |bit| word * 64 + bit)
        })
    }
}

impl Patterns {
    /// Compiles a pattern and gives its number; the same text gives the same number.
    pub(crate) fn add(&mut self, pattern: &str) -> Result<usize, regex::Error> {
        if let Some(number) = self.numbers.get(pattern) {
            return Ok(*number);
        }
        let regex = RegexBuilder::new(pattern).case_insensitive(true).build()?;
        let number = self.regexes.len();
        self.regexes.push(regex);
        self.numbers.insert(pattern.to_owned(), number);
        Ok(number)
    }

    /// Builds the filter once all patterns are there.
    pub(crate) fn seal(&mut self) -> Result<(), aho_corasick::BuildError> {
        let mut always = Possible::none(self.regexes.len());
        let mut numbers: HashMap<String, usize> = HashMap::new();
        let mut words: Vec<String> = Vec::new();
        let mut patterns_of_word: Vec<Vec<usize>> = Vec::new();
        for (pattern, regex) in self.regexes.iter().enumerate() {
            let parsed = regex_syntax::parse(regex.as_str()).ok();
            let Some(needed) = parsed.as_ref().and_then(needed_words) else {
                always.insert(pattern);
                continue;
            };
            for word in needed {
                let number = *numbers.entry(word.clone()).or_insert_with(|| {
                    words.push(word);
                    patterns_of_word.push(Vec::new());
                    words.len() - 1
                });
                patterns_of_word[number].push(pattern);
            }
        }
        self.filter = if words.is_empty() {
            None
        } else {
            let words = AhoCorasick::builder().ascii_case_insensitive(true).build(&words)?;
            Some(Filter { words, patterns_of_word, always })
        };
        Ok(())
    }

    /// Whether a pattern matches; `possible` is filled when first needed and belongs to the text.
    pub(crate) fn is_match(
        &self,
        pattern: usize,
        text: &str,
        possible: &OnceCell<Possible>,
    ) -> bool {
        self.possible_in(text, possible).contains(pattern) && self.regexes[pattern].is_match(text)
    }

    /// The patterns that may match.
    pub(crate) fn possible_in<'c>(
        &self,
        text: &str,
        possible: &'c OnceCell<Possible>,
    ) -> &'c Possible {
        possible.get_or_init(|| self.possible(text))
    }

    /// Whether the filter ever rules this pattern out.
    pub(crate) fn is_filtered(&self, pattern: usize) -> bool {
        self.filter.as_ref().is_some_and(|filter| !filter.always.contains(pattern))
    }

    pub(crate) fn source(&self, pattern: usize) -> &str {
        self.regexes[pattern].as_str()
    }

    fn possible(&self, text: &str) -> Possible {
        let Some(filter) = &self.filter else { return Possible::all(self.regexes.len()) };
        // These two match `s` and `k` where case is ignored, which the filter's ASCII folding does
        // not know.
        if !text.is_ascii() && text.contains(['\u{17f}', '\u{212a}']) {
            return Possible::all(self.regexes.len());
        }
        let mut possible = filter.always.clone();
        for hit in filter.words.find_overlapping_iter(text) {
            for pattern in &filter.patterns_of_word[hit.pattern().as_usize()] {
                possible.insert(*pattern);
            }
        }
        possible
    }
}

/// Lower-case ASCII words one of which stands in every match, ignoring case; `None` when there are
/// none that help.
fn needed_words(hir: &Hir) -> Option<Vec<String>> {
    match hir.kind() {
        HirKind::Literal(_) | HirKind::Class(_) => folded(hir).map(|word| vec![word]),
        HirKind::Capture(capture) => needed_words(&capture.sub),
        HirKind::Repetition(repetition) if repetition.min > 0 => needed_words(&repetition.sub),
        HirKind::Repetition(_) | HirKind::Empty | HirKind::Look(_) => None,
        HirKind::Concat(parts) => best_of_sequence(parts),
        HirKind::Alternation(branches) => {
            let mut all = Vec::new();
            for branch in branches {
                all.extend(needed_words(branch)?);
                if all.len() > MOST_ALTERNATIVES {
                    return None;
                }
            }
            Some(all)
        }
    }
}

/// Of the parts of a sequence, the words whose shortest is longest; neighbours that each are one
/// fixed text are joined.
fn best_of_sequence(parts: &[Hir]) -> Option<Vec<String>> {
    let mut candidates: Vec<Vec<String>> = Vec::new();
    let mut run = String::new();
    for part in parts {
        if let Some(text) = folded(part) {
            run.push_str(&text);
            continue;
        }
        if !run.is_empty() {
            candidates.push(vec![std::mem::take(&mut run)]);
        }
        candidates.extend(needed_words(part));
    }
    if !run.is_empty() {
        candidates.push(vec![run]);
    }
    candidates.into_iter().max_by_key(|words| words.iter().map(String::len).min())
}

/// The one ASCII text, lower-case, that this matches when case is ignored.
fn folded(hir: &Hir) -> Option<String> {
    match hir.kind() {
        HirKind::Literal(literal) => {
            let text = std::str::from_utf8(&literal.0).ok().filter(|text| text.is_ascii())?;
            Some(text.to_ascii_lowercase())
        }
        // What an inline `(?i)` makes of a letter.
        HirKind::Class(Class::Unicode(class)) => {
            let mut letters = class.iter().flat_map(|range| range.start()..=range.end()).take(4);
            let first = fold(letters.next()?)?;
            letters.all(|letter| fold(letter) == Some(first)).then(|| first.to_string())
        }
        HirKind::Class(Class::Bytes(_))
        | HirKind::Empty
        | HirKind::Look(_)
        | HirKind::Repetition(_)
        | HirKind::Capture(_)
        | HirKind::Concat(_)
        | HirKind::Alternation(_) => None,
    }
}

fn fold(letter: char) -> Option<char> {
    match letter {
        '\u{17f}' => Some('s'),
        '\u{212a}' => Some('k'),
        _ => letter.is_ascii().then(|| letter.to_ascii_lowercase()),
    }
}

#[cfg(test)]
mod tests {
    use std::cell::OnceCell;

    use proptest::prelude::*;

    use super::{Patterns, needed_words};

    fn words(pattern: &str) -> Option<Vec<String>> {
        needed_words(&regex_syntax::parse(pattern).expect("valid"))
    }

    #[test]
    fn words_that_every_match_holds_are_found() {
        let some = |words: &[&str]| Some(words.iter().map(|word| (*word).to_owned()).collect());
        assert_eq!(words(r"\bDeploy\b.*prod"), some(&["deploy"]));
        assert_eq!(words(r"^(fix|Repair) \d+"), some(&["fix", "repair"]));
        assert_eq!(words(r"(?i)skip"), some(&["skip"]));
        assert_eq!(words(r"(?:ab)+c?"), some(&["ab"]));
        for none in [r"\d+", "a?", "^$", ".*", "größe|x?"] {
            assert_eq!(words(none), None, "{none}");
        }
    }

    proptest! {
        #[test]
        fn the_filter_rules_out_no_match(
            patterns in prop::collection::vec(
                prop::sample::select(vec![
                    "deploy", r"\bfix\b", "(?i)skip", "[ab]+c", "k+s", "x|y?", "(ask|desk) me",
                    r"^\w{3}$", "STRASSE", "größe", "(?-i)Case", "a.c", "s",
                ]),
                1..8,
            ),
            text in "(deploy|FIX|fix|s[kK]ip|\u{17f}\u{212a}ip|ASK me|größe|GRÖSSE|Case|case|abc| |\u{212a}\u{17f}|[a-z]){0,6}",
        ) {
            let mut set = Patterns::default();
            let numbers: Vec<usize> =
                patterns.iter().map(|pattern| set.add(pattern).expect("valid")).collect();
            set.seal().expect("small");
            let possible = OnceCell::new();
            for number in numbers {
                prop_assert_eq!(
                    set.is_match(number, &text, &possible),
                    set.regexes[number].is_match(&text),
                    "{}", set.source(number)
                );
            }
        }
    }
}
