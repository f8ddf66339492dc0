use proptest::prelude::*;

use super::{TextLimit, chunk, is_same_text};
use crate::markup::{parse, to_plain, visible_length};
use crate::{LengthUnit, MarkupDialect};

fn limit(max: usize) -> TextLimit {
    TextLimit { max, unit: LengthUnit::Utf16, dialect: MarkupDialect::TelegramHtml }
}

#[track_caller]
fn check(max: usize, markdown: &str, expected: &[&str]) {
    assert_eq!(chunk(markdown, limit(max)), expected);
}

#[test]
fn what_fits_stays_as_it_is() {
    check(100, "**a**\n\n* b", &["**a**\n\n* b"]);
    check(3, "", &[]);
    check(10, " \n\n ", &[]);
    check(10, "```js\nx", &["```js\nx\n```"]);
    check(10, "~~~~\nx\n~~~", &["~~~~\nx\n~~~\n~~~~"]);
}

#[test]
fn cuts_prefer_blocks_then_lines_then_sentences_then_words() {
    check(20, "First block.\n\nSecond block.", &["First block.", "Second block."]);
    check(20, "# Head\n\n- one\n- two\n\nText", &["# Head\n\n- one\n- two", "Text"]);
    check(16, "line one\nline two\nline 3", &["line one", "line two\nline 3"]);
    check(24, "One is. Two is. Three is. Four is.", &["One is. Two is.", "Three is. Four is."]);
    check(12, "alpha beta gamma", &["alpha beta", "gamma"]);
    check(5, "abcdefghijkl", &["abcde", "fghij", "kl"]);
    // A short beginning before what is too long for one message anyway is no place to cut.
    let long = "word ".repeat(20);
    let first = &chunk(&format!("Hi\n\n{long}"), limit(40))[0];
    assert_eq!(visible_length(first, MarkupDialect::TelegramHtml, LengthUnit::Utf16), 38);
}

#[test]
fn entities_and_characters_are_not_cut() {
    check(12, "some **bold words** end", &["some", "**bold words**", "end"]);
    check(
        10,
        "text [a link](https://e.org/long) end",
        &["text", "[a link](<https://e.org/long>) end"],
    );
    check(10, "with `a code` in", &["with", "`a code` in"]);
    check(5, "ab👨‍👩‍👧cd", &["ab", "👨\u{200d}👩", "\u{200d}👧cd"]);
    check(9, "ab👨‍👩‍👧cd", &["ab", "👨‍👩‍👧c", "d"]);
    check(4, "abce\u{301}f", &["abc", "e\u{301}f"]);
    check(5, "🎉🎉🎉", &["🎉🎉", "🎉"]);
    // An entity above the limit is closed and opened again.
    check(8, "**one two three**", &["**one two**", "**three**"]);
}

#[test]
fn code_blocks_are_closed_and_opened_again() {
    check(
        20,
        "```rust\nfn a() {\n    b();\n    c();\n}\n```",
        &["```rust\nfn a() {\n    b();\n```", "```rust\n    c();\n}\n```"],
    );
    check(
        20,
        "Text:\n\n```\none\ntwo\n```\n\nEnd of it.",
        &["Text:\n\n```\none\ntwo\n```", "End of it."],
    );
    check(10, "````\n```\na\n```\nbcdefg\n````", &["````\n```\na\n```\n````", "```\nbcdefg\n```"]);
    check(10, "> one two\n> three", &["> one two", "> three"]);
}

#[test]
fn what_looks_like_markup_stays_text() {
    check(7, "a\\*b\\* c\\_d", &["a\\*b\\*", "c\\_d"]);
    check(6, "aaaaa 1\\. b", &["aaaaa", "1\\. b"]);
    check(8, "- one\n- two\n- three", &["• one", "• two", "• three"]);
    check(12, "- one\n  - sub\n- two", &["• one", "• sub\\\n• two"]);
    check(
        9,
        "[first][1] [second][1]\n\n[1]: https://e.org",
        &["[first](<https://e.org>)", "[second](<https://e.org>)"],
    );
}

#[test]
fn plain_text_keeps_addresses() {
    let limit = TextLimit { max: 20, unit: LengthUnit::Chars, dialect: MarkupDialect::Plain };
    let chunks = chunk("read [this](https://e.org) and **go**", limit);
    let shown: Vec<String> = chunks.iter().map(|chunk| to_plain(chunk)).collect();
    assert_eq!(shown, ["read", "this (https://e.org)", "and go"]);
}

#[test]
fn long_texts_take_time_by_their_length() {
    let hostile = [
        "x".repeat(300_000),
        "a ".repeat(150_000),
        "e".to_owned() + &"\u{301}".repeat(100_000),
        "**a** ".repeat(50_000),
        "[a](https://e.org) ".repeat(15_000),
        format!("```\n{}```", "code\n".repeat(60_000)),
        "- item\n".repeat(40_000),
        "`a` ".repeat(50_000),
    ];
    for text in &hostile {
        let begin: String = text.chars().take(8).collect();
        let chunks = chunk(text, limit(4096));
        assert!(chunks.len() >= 7, "{} chunks of {begin:?}", chunks.len());
        assert_holds(text, limit(4096), &chunks)
            .unwrap_or_else(|error| panic!("{begin:?}: {error}"));
    }
}

fn assert_holds(markdown: &str, limit: TextLimit, chunks: &[String]) -> Result<(), TestCaseError> {
    let mut shown = String::new();
    for chunk in chunks {
        let styled = parse(chunk, limit.dialect);
        let length = limit.unit.measure(&styled.text);
        prop_assert!(length <= limit.max.max(4), "{length} above {} in {chunk:?}", limit.max);
        prop_assert!(!styled.text.trim().is_empty(), "an empty message");
        let again = super::chunk(chunk, limit);
        prop_assert_eq!(again.as_slice(), std::slice::from_ref(chunk), "a chunk is one chunk");
        shown.push_str(&styled.text);
    }
    let original = parse(markdown, limit.dialect).text;
    prop_assert!(is_same_text(&shown, &original), "{shown:?}\nis not\n{original:?}");
    Ok(())
}

fn limits() -> impl Strategy<Value = TextLimit> {
    let unit =
        prop_oneof![Just(LengthUnit::Utf16), Just(LengthUnit::Chars), Just(LengthUnit::Bytes)];
    let dialect = prop_oneof![
        Just(MarkupDialect::TelegramHtml),
        Just(MarkupDialect::Markdown),
        Just(MarkupDialect::Plain)
    ];
    (0_usize..60, unit, dialect).prop_map(|(max, unit, dialect)| TextLimit { max, unit, dialect })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 3_000, ..ProptestConfig::default() })]

    #[test]
    fn nothing_is_lost_and_every_chunk_stands_alone(
        markdown in crate::markup::tests::markdown(),
        limit in limits(),
    ) {
        let chunks = chunk(&markdown, limit);
        assert_holds(&markdown, limit, &chunks)?;
    }

    #[test]
    fn anything_is_cut(text in any::<String>(), limit in limits()) {
        let chunks = chunk(&text, limit);
        assert_holds(&text, limit, &chunks)?;
    }

    #[test]
    fn plain_words_are_cut_between_words(words in prop::collection::vec("[a-z]{1,8}", 1..60)) {
        let text = words.join(" ");
        let chunks = chunk(&text, limit(10));
        prop_assert_eq!(chunks.join(" "), text);
    }
}
