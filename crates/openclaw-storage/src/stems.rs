//! The words of a text as memory is searched by them: inflections of English are taken off, so that
//! "recipes" finds "recipe". Words of other languages mostly stay as they are.

use std::collections::BTreeSet;

use crate::words;

/// How many different words of a query are looked for.
const WANTED: usize = 24;

/// Words that say nothing about what a text is about. Sorted.
const EMPTY_WORDS: [&str; 128] = [
    "a", "about", "after", "again", "all", "also", "am", "an", "and", "any", "are", "as", "at",
    "be", "because", "been", "before", "being", "but", "by", "can", "could", "d", "das", "de",
    "der", "did", "die", "do", "does", "doing", "don", "el", "en", "es", "et", "few", "for",
    "from", "had", "has", "have", "having", "he", "her", "here", "hers", "him", "his", "how", "i",
    "ich", "if", "im", "in", "into", "is", "ist", "it", "its", "just", "la", "le", "les", "ll",
    "m", "me", "more", "most", "my", "no", "nor", "not", "now", "of", "off", "on", "once", "only",
    "or", "other", "our", "out", "over", "own", "re", "s", "same", "she", "should", "so", "some",
    "such", "t", "than", "that", "the", "their", "them", "then", "there", "these", "they", "this",
    "those", "to", "too", "und", "until", "up", "ve", "was", "we", "were", "what", "when", "where",
    "which", "while", "who", "whom", "why", "will", "with", "would", "you", "your", "yours",
];

fn is_empty_word(word: &str) -> bool {
    EMPTY_WORDS.binary_search(&word).is_ok()
}

/// The distinct stems of a text, sorted.
pub(crate) fn of_text(text: &str) -> Vec<String> {
    let stems: BTreeSet<String> = words::of_text(text).iter().map(|word| stem(word)).collect();
    stems.into_iter().collect()
}

/// The stems of all words of a text in their order, for counting.
pub(crate) fn in_order(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|char: char| !char.is_alphanumeric())
        .flat_map(words::of_text)
        .map(|word| stem(&word))
}

/// What a query looks for: its words, without those that say nothing where there are others.
pub(crate) fn of_query(query: &str) -> Vec<String> {
    let all = words::of_text(query);
    let telling: Vec<&String> = all.iter().filter(|word| !is_empty_word(word)).collect();
    let chosen = if telling.is_empty() { all.iter().collect() } else { telling };
    let stems: BTreeSet<String> = chosen.into_iter().map(|word| stem(word)).collect();
    stems.into_iter().take(WANTED).collect()
}

/// The words of a text that say what it is about, as stems: what a search by words goes by.
pub fn telling_words(text: &str) -> Vec<String> {
    let all = words::of_text(text);
    let stems: BTreeSet<String> =
        all.iter().filter(|word| !is_empty_word(word)).map(|word| stem(word)).collect();
    stems.into_iter().collect()
}

fn is_vowel(word: &[u8], at: usize) -> bool {
    match word[at] {
        b'a' | b'e' | b'i' | b'o' | b'u' => true,
        b'y' => at > 0 && !is_vowel(word, at - 1),
        _ => false,
    }
}

fn has_vowel(word: &[u8]) -> bool {
    (0..word.len()).any(|at| is_vowel(word, at))
}

/// How often a vowel is followed by a consonant.
fn measure(word: &[u8]) -> usize {
    (1..word.len()).filter(|at| is_vowel(word, at - 1) && !is_vowel(word, *at)).count()
}

fn ends_in_double(word: &[u8]) -> bool {
    let length = word.len();
    length > 1 && word[length - 1] == word[length - 2] && !is_vowel(word, length - 1)
}

/// Consonant, vowel, consonant other than w, x, y: "hop", after which an "e" was taken off.
fn ends_short(word: &[u8]) -> bool {
    let length = word.len();
    length > 2
        && !is_vowel(word, length - 3)
        && is_vowel(word, length - 2)
        && !is_vowel(word, length - 1)
        && !b"wxy".contains(&word[length - 1])
}

/// The first step of Porter's algorithm, and the silent "e": plural, "-ed", "-ing", "-y".
fn stem(word: &str) -> String {
    if word.len() < 4 || !word.bytes().all(|byte| byte.is_ascii_lowercase()) {
        return word.to_owned();
    }
    let mut stem = word.as_bytes().to_vec();
    let cut = |stem: &mut Vec<u8>, by: usize| stem.truncate(stem.len() - by);
    if stem.ends_with(b"sses") || stem.ends_with(b"ies") {
        cut(&mut stem, 2);
    } else if stem.ends_with(b"s") && !stem.ends_with(b"ss") && !stem.ends_with(b"us") {
        cut(&mut stem, 1);
    }
    let ending = [&b"ed"[..], b"ing"]
        .into_iter()
        .find(|ending| stem.ends_with(ending) && has_vowel(&stem[..stem.len() - ending.len()]));
    if stem.ends_with(b"eed") {
        if measure(&stem[..stem.len() - 3]) > 0 {
            cut(&mut stem, 1);
        }
    } else if let Some(ending) = ending
        && stem.len() - ending.len() > 2
    {
        cut(&mut stem, ending.len());
        if [&b"at"[..], b"bl", b"iz"].iter().any(|end| stem.ends_with(end)) {
            stem.push(b'e');
        } else if ends_in_double(&stem) && !b"lsz".contains(&stem[stem.len() - 1]) {
            cut(&mut stem, 1);
        } else if measure(&stem) == 1 && ends_short(&stem) {
            stem.push(b'e');
        }
    }
    if stem.ends_with(b"y") && has_vowel(&stem[..stem.len() - 1]) {
        cut(&mut stem, 1);
        stem.push(b'i');
    }
    if stem.ends_with(b"e") && measure(&stem[..stem.len() - 1]) > 1 {
        cut(&mut stem, 1);
    }
    String::from_utf8(stem).unwrap_or_else(|_| word.to_owned())
}

#[cfg(test)]
mod tests {
    use super::{EMPTY_WORDS, in_order, of_query, of_text, stem};
    use proptest::prelude::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["recipe", "recipes"][..],
            &["plan", "plans", "planned", "planning"],
            &["hope", "hopes", "hoped", "hoping"],
            &["hop", "hops", "hopped", "hopping"],
            &["party", "parties"],
            &["agree", "agreed", "agrees"],
            &["move", "moves", "moved", "moving"],
            &["glass", "glasses"],
            &["call", "calls", "called", "calling"],
        ] {
            let stems: Vec<String> = forms.iter().map(|form| stem(form)).collect();
            assert!(stems.windows(2).all(|pair| pair[0] == pair[1]), "{forms:?}: {stems:?}");
        }
        for (one, other) in
            [("ring", "r"), ("bus", "bu"), ("king", "k"), ("red", "r"), ("süßes", "süße")]
        {
            assert_ne!(stem(one), stem(other));
        }
    }

    #[test]
    fn a_query_is_what_it_is_about() {
        assert_eq!(of_query("Where did I put the spare keys?"), ["kei", "put", "spare"]);
        assert_eq!(of_query("who is it"), ["is", "it", "who"]);
        assert_eq!(of_query("?"), Vec::<String>::new());
        assert_eq!(of_text("東京 towers"), ["tower", "京", "東"]);
        assert_eq!(in_order("Dogs, dog").collect::<Vec<_>>(), ["dog", "dog"]);
    }

    #[test]
    fn the_table_is_sorted() {
        assert!(EMPTY_WORDS.is_sorted());
    }

    proptest! {
        #[test]
        fn a_stem_is_never_empty_and_stays_a_word(word in "[a-z]{1,12}") {
            let stem = stem(&word);
            prop_assert!(!stem.is_empty() && stem.bytes().all(|byte| byte.is_ascii_lowercase()));
        }

        #[test]
        fn the_words_of_a_text_are_those_counted(text in "[a-z ,.é東]{0,60}") {
            let mut counted: Vec<String> = in_order(&text).collect();
            counted.sort();
            counted.dedup();
            prop_assert_eq!(counted, of_text(&text));
        }
    }
}
