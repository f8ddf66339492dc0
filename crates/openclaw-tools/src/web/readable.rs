//! The readable text of an HTML page, as Markdown. Reads a stream of tags without building a tree: deep
//! nesting costs nothing, and the work is linear in the size.

use std::cell::RefCell;

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use url::Url;

/// A page as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Readable {
    pub(super) title: String,
    pub(super) text: String,
}

/// Elements whose content is not read.
const SKIPPED: [&str; 15] = [
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "nav",
    "footer", "aside", "form", "button", "select",
];

/// Elements that stand on lines of their own.
const BLOCKS: [&str; 27] = [
    "address",
    "article",
    "blockquote",
    "body",
    "dd",
    "details",
    "div",
    "dl",
    "dt",
    "fieldset",
    "figcaption",
    "figure",
    "h1",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "header",
    "hr",
    "main",
    "ol",
    "p",
    "section",
    "table",
    "tr",
    "ul",
];

/// Reads a page; links are made absolute by `base`.
pub(super) fn readable(html: &str, base: &Url) -> Readable {
    let page = Page { base: base.clone(), state: RefCell::default() };
    let tokenizer = Tokenizer::new(page, TokenizerOpts::default());
    let queue = BufferQueue::default();
    queue.push_back(StrTendril::from(html));
    // Stops only at scripts, which are not run.
    while !queue.is_empty() {
        if matches!(tokenizer.feed(&queue), TokenizerResult::Done) {
            break;
        }
    }
    tokenizer.end();
    tokenizer.sink.state.take().finish()
}

struct Page {
    base: Url,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    title: String,
    in_title: bool,
    /// What was read outside `<main>` and `<article>`, and inside.
    all: Text,
    main: Text,
    depth_of_main: u32,
    /// The skipped element we are in, and how often it is nested.
    skipping: Option<(String, u32)>,
    preformatted: u32,
    lists: Vec<Option<u32>>,
    link: Option<Link>,
}

struct Link {
    target: String,
    text: String,
}

#[derive(Default)]
struct Text {
    out: String,
    /// A blank was read and is put before the next word.
    blank: bool,
}

impl TokenSink for Page {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        let mut state = self.state.borrow_mut();
        match token {
            Token::TagToken(tag) => match tag.kind {
                TagKind::StartTag => {
                    state.open(&tag, &self.base);
                    return raw(&tag.name);
                }
                TagKind::EndTag => state.close(&tag.name),
            },
            Token::CharacterTokens(text) => state.text(&text),
            Token::DoctypeToken(_)
            | Token::CommentToken(_)
            | Token::NullCharacterToken
            | Token::EOFToken
            | Token::ParseError(_) => {}
        }
        TokenSinkResult::Continue
    }
}

/// In these, tags are text.
fn raw(name: &str) -> TokenSinkResult<()> {
    match name {
        "script" => TokenSinkResult::RawData(RawKind::ScriptData),
        "style" | "iframe" | "noembed" | "noframes" | "xmp" => {
            TokenSinkResult::RawData(RawKind::Rawtext)
        }
        "title" | "textarea" => TokenSinkResult::RawData(RawKind::Rcdata),
        _ => TokenSinkResult::Continue,
    }
}

impl State {
    fn open(&mut self, tag: &Tag, base: &Url) {
        let name: &str = &tag.name;
        if let Some((skipped, depth)) = &mut self.skipping {
            if skipped == name && !tag.self_closing {
                *depth += 1;
            }
            return;
        }
        if SKIPPED.contains(&name) || is_hidden(tag) {
            if !tag.self_closing && !is_void(name) {
                self.skipping = Some((name.to_owned(), 1));
            }
            return;
        }
        if BLOCKS.contains(&name) {
            self.break_line(if matches!(name, "tr" | "dt" | "dd" | "div") { 1 } else { 2 });
        }
        match name {
            "title" => self.in_title = self.title.is_empty(),
            "main" | "article" => self.depth_of_main += 1,
            "h1" | "h2" | "h3" | "h4" | "h5" | "h6" => {
                let level = usize::from(name.as_bytes()[1] - b'0');
                self.push_literal(&format!("{} ", "#".repeat(level)));
            }
            "br" => self.break_line(1),
            "hr" => self.push_literal("---\n\n"),
            "pre" => {
                self.break_line(2);
                self.push_literal("```\n");
                self.preformatted += 1;
            }
            "ul" => self.lists.push(None),
            "ol" => self.lists.push(Some(0)),
            "li" => {
                self.break_line(1);
                let depth = self.lists.len().clamp(1, 8) - 1;
                let mark = match self.lists.last_mut() {
                    Some(Some(number)) => {
                        *number += 1;
                        format!("{number}. ")
                    }
                    Some(None) | None => "- ".to_owned(),
                };
                self.push_literal(&format!("{}{mark}", "  ".repeat(depth)));
            }
            "td" | "th" => {
                let is_first = matches!(self.target().out.bytes().last(), None | Some(b'\n'));
                self.push_literal(if is_first { "| " } else { " | " });
            }
            "img" => {
                if let Some(alt) = attribute(tag, "alt").filter(|alt| !alt.trim().is_empty()) {
                    self.text(&format!("[image: {}]", alt.trim()));
                }
            }
            "a" => {
                let target = attribute(tag, "href").and_then(|href| base.join(href.trim()).ok());
                let target = target.filter(|url| matches!(url.scheme(), "http" | "https"));
                self.close_link();
                self.link = target.map(|url| Link { target: url.into(), text: String::new() });
            }
            _ => {}
        }
    }

    fn close(&mut self, name: &str) {
        if let Some((skipped, depth)) = &mut self.skipping {
            if skipped == name {
                *depth -= 1;
                if *depth == 0 {
                    self.skipping = None;
                }
            }
            return;
        }
        match name {
            "title" => self.in_title = false,
            "a" => self.close_link(),
            "pre" if self.preformatted > 0 => {
                self.preformatted -= 1;
                self.push_literal("\n```");
            }
            "ul" | "ol" => drop(self.lists.pop()),
            _ => {}
        }
        if BLOCKS.contains(&name) || name == "pre" {
            self.close_link();
            self.break_line(if matches!(name, "tr" | "dt" | "dd" | "div") { 1 } else { 2 });
        }
        if matches!(name, "main" | "article") {
            self.depth_of_main = self.depth_of_main.saturating_sub(1);
        }
    }

    fn text(&mut self, text: &str) {
        if self.skipping.is_some() {
            return;
        }
        if self.in_title {
            self.title.push_str(text);
        } else if let Some(link) = &mut self.link {
            link.text.push_str(text);
        } else if self.preformatted > 0 {
            self.push_literal(text);
        } else {
            self.target().words(text);
        }
    }

    fn close_link(&mut self) {
        let Some(Link { target, text }) = self.link.take() else { return };
        let words = text.split_whitespace().collect::<Vec<_>>().join(" ");
        if words.is_empty() {
            return;
        }
        let around = [text.starts_with(char::is_whitespace), text.ends_with(char::is_whitespace)];
        let shown = if target.len() > 300 || words == target {
            words
        } else {
            format!("[{words}]({target})")
        };
        let text = self.target();
        if around[0] {
            text.blank = true;
        }
        text.words(&shown);
        text.blank |= around[1];
    }

    fn push_literal(&mut self, literal: &str) {
        let text = self.target();
        text.blank = false;
        text.out.push_str(literal);
    }

    fn break_line(&mut self, newlines: usize) {
        if self.preformatted == 0 {
            self.target().break_line(newlines);
        }
    }

    fn target(&mut self) -> &mut Text {
        if self.depth_of_main > 0 { &mut self.main } else { &mut self.all }
    }

    fn finish(mut self) -> Readable {
        self.close_link();
        // A page that has a main part means it; a shell around nothing does not.
        let text = if self.main.out.trim().len() >= 200 {
            self.main.out
        } else {
            self.all.out + "\n" + &self.main.out
        };
        let title = self.title.split_whitespace().collect::<Vec<_>>().join(" ");
        Readable { title, text: text.trim().to_owned() }
    }
}

impl Text {
    fn words(&mut self, text: &str) {
        for character in text.chars() {
            if character.is_whitespace() {
                self.blank = true;
                continue;
            }
            if std::mem::take(&mut self.blank)
                && !self.out.is_empty()
                && !self.out.ends_with(['\n', ' '])
            {
                self.out.push(' ');
            }
            self.out.push(character);
        }
    }

    fn break_line(&mut self, newlines: usize) {
        self.blank = false;
        if self.out.is_empty() {
            return;
        }
        let there = self.out.bytes().rev().take_while(|byte| *byte == b'\n').count();
        for _ in there..newlines {
            self.out.push('\n');
        }
    }
}

fn attribute<'t>(tag: &'t Tag, name: &str) -> Option<&'t str> {
    let found = tag.attrs.iter().find(|attribute| &*attribute.name.local == name);
    found.map(|attribute| &*attribute.value)
}

/// What a reader of the page does not see is not read to the model either.
fn is_hidden(tag: &Tag) -> bool {
    let style: String = attribute(tag, "style")
        .unwrap_or_default()
        .to_ascii_lowercase()
        .split_whitespace()
        .collect();
    attribute(tag, "hidden").is_some()
        || attribute(tag, "aria-hidden") == Some("true")
        || style.contains("display:none")
        || style.contains("visibility:hidden")
        || style.contains("font-size:0")
        || style.contains("opacity:0;")
}

fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "source"
            | "track"
            | "wbr"
    )
}

#[cfg(test)]
mod tests {
    use super::readable;
    use proptest::prelude::*;
    use url::Url;

    fn base() -> Url {
        Url::parse("https://example.com/a/").expect("a URL")
    }

    #[test]
    fn a_page_becomes_text() {
        let html = "<!doctype html><title> A  page </title><script>var x = '<p>no</p>';</script><nav>menu</nav>\
            <h1>Head</h1><p>One <b>bold</b> &amp; <a href='../b?x=1'>a link</a>, end.</p>\
            <ul><li>first<li>second<ol><li>deep</ol></ul><pre>  kept\n as is</pre><table><tr><td>a<td>b</tr></table>\
            <p style='display: none'>hidden words</p><img alt='a cat'><p>x<br>y</p>";
        let page = readable(html, &base());
        assert_eq!(page.title, "A page");
        insta::assert_snapshot!(page.text, @r"
        # Head

        One bold & [a link](https://example.com/b?x=1), end.

        - first
        - second

          1. deep

        ```
          kept
         as is
        ```

        | a | b

        [image: a cat]

        x
        y
        ");
    }

    #[test]
    fn the_main_part_is_taken_where_there_is_one() {
        let long = "word ".repeat(60);
        let html = format!("<header>top</header><main><p>{long}</p></main><div>bottom</div>");
        assert_eq!(readable(&html, &base()).text, long.trim());
    }

    #[test]
    fn deep_nesting_costs_nothing() {
        let html = format!("{}deep{}", "<div>".repeat(200_000), "</div>".repeat(200_000));
        assert_eq!(readable(&html, &base()).text, "deep");
    }

    proptest! {
        #[test]
        fn anything_is_read(html in "(<[/a-z !]{0,8}>|[a-z&;<>\"'= ]{0,12}|<script>|</script>|<pre>|<li>|<a href='x'>){0,40}") {
            readable(&html, &base());
        }
    }
}
