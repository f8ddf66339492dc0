use proptest::prelude::*;

use super::{parse, render, to_plain, to_telegram_html, visible_length};
use crate::{LengthUnit, MarkupDialect};

fn check(markdown: &str, html: &str) {
    assert_eq!(to_telegram_html(markdown), html, "{markdown}");
}

#[test]
fn inline_styles() {
    check("a **b** *c* ~~d~~ `e<f`", "a <b>b</b> <i>c</i> <s>d</s> <code>e&lt;f</code>");
    check("***both***", "<i><b>both</b></i>");
    check("**bold `code` bold**", "<b>bold </b><code>code</code><b> bold</b>");
    check("**a *b `c` d* e**", "<b>a <i>b </i></b><code>c</code><b><i> d</i> e</b>");
    check("snake_case 2 * 3 * 4 ~5 and ~6", "snake_case 2 * 3 * 4 ~5 and ~6");
    check("2*3*4*5*6 and *7*", "2*3*4*5*6 and <i>7</i>");
    check("un*believ*able", "un<i>believ</i>able");
    check("a\nb  \nc", "a\nb\nc");
}

#[test]
fn links_and_images() {
    check(
        "[x & y](https://e.org/?a=1&b=\"2\")",
        "<a href=\"https://e.org/?a=1&amp;b=&quot;2&quot;\">x &amp; y</a>",
    );
    check("[x](https://e.org/?a=1&b=2)", "<a href=\"https://e.org/?a=1&amp;b=2\">x</a>");
    check("[**x** `y`](https://e.org)", "<a href=\"https://e.org\"><b>x</b> y</a>");
    check("![cat](https://e.org/c.png)", "<a href=\"https://e.org/c.png\">cat</a>");
    check("![](https://e.org/c.png)", "<a href=\"https://e.org/c.png\">https://e.org/c.png</a>");
    check("[![cat](https://e.org/c.png)](https://e.org)", "<a href=\"https://e.org\">cat</a>");
    check("<https://e.org>", "<a href=\"https://e.org\">https://e.org</a>");
    check("[x](javascript:alert(1))", "x (javascript:alert(1))");
    check("[x](/etc/passwd)", "x (/etc/passwd)");
    check("[x][1]\n\n[1]: https://e.org", "<a href=\"https://e.org\">x</a>");
    assert_eq!(
        to_plain("[x](https://e.org) <https://e.org> **b**"),
        "x (https://e.org) https://e.org b"
    );
}

#[test]
fn blocks() {
    check("# Title\n\ntext\n\n---\n\nmore", "<b>Title</b>\n\ntext\n\n———\n\nmore");
    check("> a\n> b\n>\n> c\n\nd", "<blockquote>a\nb\n\nc</blockquote>\n\nd");
    check("> a\n> > b", "<blockquote>a\n\nb</blockquote>");
    check("> use `x` here", "<blockquote>use <code>x</code> here</blockquote>");
    check(
        "> a\n> ```\n> x\n> ```\n> b",
        "<blockquote>a</blockquote>\n\n<pre>x</pre>\n\n<blockquote>b</blockquote>",
    );
    check(
        "```rust ignore\nfn a() {\n    b()\n}\n```",
        "<pre><code class=\"language-rust\">fn a() {\n    b()\n}</code></pre>",
    );
    check("```\"><b>\nx\n```", "<pre>x</pre>");
    check("    indented\n      more", "<pre>indented\n  more</pre>");
    check("```js\nopen", "<pre><code class=\"language-js\">open</code></pre>");
}

#[test]
fn raw_html_is_text() {
    check("<b>x</b> <script>", "&lt;b&gt;x&lt;/b&gt; &lt;script&gt;");
    check(
        "<div>\n<p onclick=\"x\">\n</div>",
        "&lt;div&gt;\n&lt;p onclick=&quot;x&quot;&gt;\n&lt;/div&gt;",
    );
    check("a<br>b<br/>c", "a\nb\nc");
    check("&lt;b&gt; &amp;amp;", "&lt;b&gt; &amp;amp;");
}

#[test]
fn lists() {
    check("- a\n- b\n  - c\n  - d\n- e", "• a\n• b\n  • c\n  • d\n• e");
    check("3. a\n4. b", "3. a\n4. b");
    check("before\n\n- a\n\n- b\n\nafter", "before\n\n• a\n• b\n\nafter");
    check("- a\n\n  second\n- b", "• a\n  second\n• b");
    check("- [ ] open\n- [x] done", "☐ open\n☑ done");
    check("-\n- b", "• \n• b");
    check("- - a", "• • a");
    check("- ```sh\n  ls\n  ```\n- b", "• <pre><code class=\"language-sh\">ls</code></pre>\n• b");
    check("> - a\n> - b", "<blockquote>• a\n• b</blockquote>");
}

#[test]
fn tables() {
    insta::assert_snapshot!(
        to_telegram_html("before\n\n| Name | Qty |\n|:--|--:|\n| Äpfel `x` | 3 |\n| 梨 | **12** |\n\nafter"),
        @r"
    before

    <pre>Name    | Qty
    --------+----
    Äpfel x |   3
    梨      |  12</pre>

    after
    "
    );
    insta::assert_snapshot!(
        to_telegram_html("| Name | Where |\n|--|--|\n| A | [x](https://e.org) |\n| B | |"),
        @r#"
    • <b>Name</b>: A
      <b>Where</b>: <a href="https://e.org">x</a>
    • <b>Name</b>: B
    "#
    );
    check("> | a | b |\n> |--|--|\n> | 1 | 2 |", "<pre>a | b\n--+--\n1 | 2</pre>");
}

#[test]
fn nul_is_replaced_and_length_is_that_of_what_is_shown() {
    check("a\0b", "a\u{fffd}b");
    let length =
        |unit| visible_length("**🎉ä** [x](https://e.org)", MarkupDialect::TelegramHtml, unit);
    assert_eq!(length(LengthUnit::Utf16), 5);
    assert_eq!(length(LengthUnit::Chars), 4);
    assert_eq!(length(LengthUnit::Bytes), 8);
    assert_eq!(render("**a**", MarkupDialect::Markdown), "**a**");
}

/// Fails when HTML is not what Telegram takes; gives its text.
fn checked_text(html: &str) -> Result<String, TestCaseError> {
    const ALLOWED: [&str; 7] = ["b", "i", "s", "a", "code", "pre", "blockquote"];
    let mut text = String::new();
    let mut open: Vec<&str> = Vec::new();
    let mut rest = html;
    while let Some(at) = rest.find(['<', '>', '&']) {
        text.push_str(&rest[..at]);
        rest = &rest[at..];
        if let Some(reference) = rest.strip_prefix('&') {
            let (name, after) = reference.split_once(';').expect("a reference ends");
            text.push(match name {
                "amp" => '&',
                "lt" => '<',
                "gt" => '>',
                "quot" => '"',
                other => return Err(TestCaseError::fail(format!("reference {other}"))),
            });
            rest = after;
            continue;
        }
        prop_assert!(rest.starts_with('<'), "a bare > in {html}");
        let (tag, after) = rest[1..].split_once('>').expect("a tag ends");
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            prop_assert_eq!(open.pop(), Some(name), "closing in {}", html);
        } else {
            let name = tag.split(' ').next().unwrap_or_default();
            prop_assert!(ALLOWED.contains(&name), "tag {name}");
            prop_assert!(!open.contains(&"code"), "a tag in code: {html}");
            if name != "code" {
                prop_assert!(!open.contains(&"pre"), "a tag in pre: {html}");
            }
            prop_assert!(!open.contains(&name), "a tag in itself: {html}");
            let attributes = &tag[name.len()..];
            let expected = match name {
                "a" => attributes.starts_with(" href=\"") && attributes.matches('"').count() == 2,
                "code" => {
                    attributes.is_empty()
                        || open.last() == Some(&"pre")
                            && attributes.starts_with(" class=\"language-")
                }
                _ => attributes.is_empty(),
            };
            prop_assert!(expected, "attributes {attributes}");
            open.push(name);
        }
    }
    text.push_str(rest);
    prop_assert!(open.is_empty(), "open tags {open:?} in {html}");
    Ok(text)
}

/// Text that is likely to be markup.
pub(crate) fn markdown() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[a-zäß🎉 ]{1,12}",
        2 => "[ \\n]{1,3}",
        3 => "[*_~`\\[\\]()<>&|#+\\-.:!>\\\\\"'0-9=\\t]{1,4}",
        1 => prop_oneof![
            Just("```rust\n"), Just("```\n"), Just("\n~~~\n"), Just("\n> "), Just("\n- "), Just("\n  - "),
            Just("\n1. "), Just("\n\n"), Just("**"), Just("[x](https://e.org/a?b=c&d)"), Just("![i](u)"),
            Just("\n| a | b |\n|--|:-:|\n| 1 | 2 |\n"), Just("<b>"), Just("<br>"), Just("&amp;"), Just("&#10;"),
            Just("\n# "), Just("\n    "), Just("\n\n[x]: https://r.org\n"), Just("`code`"), Just("\u{200d}"),
            Just("e\u{301}"), Just("\n---\n"), Just("  \n"), Just("<!-- "), Just("- [x] "), Just("\0"), Just("\r\n"),
        ].prop_map(str::to_owned),
    ];
    prop::collection::vec(piece, 0..40).prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn html_is_well_formed_and_shows_the_text(markdown in markdown()) {
        let text = checked_text(&to_telegram_html(&markdown))?;
        let styled = parse(&markdown, MarkupDialect::TelegramHtml);
        prop_assert_eq!(&text, &styled.text);
        prop_assert!(!text.contains('\0'));
        for block in styled.blocks.windows(2) {
            prop_assert!(block[0].text.end <= block[1].text.start);
        }
    }

    #[test]
    fn anything_is_taken(text in any::<String>()) {
        checked_text(&to_telegram_html(&text))?;
        to_plain(&text);
    }
}

#[test]
fn deep_nesting_takes_time_and_memory_by_its_length() {
    let repeated = |text: &str| text.repeat(100_000 / text.len());
    let hostile = [
        repeated("> "),
        repeated("- "),
        repeated("["),
        repeated("*a **b "),
        repeated("`a``b"),
        repeated("<"),
        repeated("![a](b)"),
        repeated("|a|\n|-|\n"),
        repeated("**a `b` "),
        repeated("a\n\n> b\n\n"),
        (0..400).map(|depth| format!("{}- x\n", "  ".repeat(depth))).collect(),
    ];
    for text in &hostile {
        let html = to_telegram_html(text);
        let begin: String = text.chars().take(8).collect();
        assert!(html.len() < 20 * text.len() + 100, "{} bytes for {begin:?}", html.len());
        checked_text(&html).unwrap_or_else(|error| panic!("{begin:?}: {error}"));
    }
}
