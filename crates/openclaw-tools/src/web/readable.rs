//! The readable text of an HTML page, as Markdown. Reads a stream of tags without building a tree: deep
//! nesting costs nothing, and the work is linear in the size.

use std::cell::{Cell, RefCell};

use html5ever::TokenizerResult;
use html5ever::buffer_queue::BufferQueue;
use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};
use url::Url;

use super::skipping::{Closed, Skipping};
use crate::{Stop, Stopped};

/// A page as text.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Readable {
    pub(super) title: String,
    pub(super) text: String,
}

/// Elements whose content is not read.
const SKIPPED: [&str; 15] = [
    "script", "style", "noscript", "template", "svg", "math", "iframe", "object", "canvas", "nav",
    "footer", "aside", "button", "select", "textarea",
];

/// Elements that stand on lines of their own.
pub(super) const BLOCKS: [&str; 27] = [
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

/// How much is read between two looks at whether to stop.
const PIECE: usize = 4 * 1024;

/// What a tag may hold: the tokenizer compares every attribute with all those before it. A tag that
/// is long because of one value, such as an image, has few blanks.
const LONGEST_TAG: usize = 512 * 1024;
const LONGEST_BUSY_TAG: usize = 64 * 1024;
const MOST_BLANKS: usize = 4 * 1024;

const GIVEN_UP: &str = "[what follows cannot be read: it has a tag without end]";

/// Reads a page; links are made absolute by `base`.
///
/// # Errors
/// When it was told to stop.
pub(super) fn readable(html: &str, base: &Url, stop: &Stop) -> Result<Readable, Stopped> {
    let page = Page { base: base.clone(), state: RefCell::default(), tag: Cell::default() };
    let tokenizer = Tokenizer::new(page, TokenizerOpts::default());
    let queue = BufferQueue::default();
    let mut rest = html;
    while !rest.is_empty() {
        stop.check()?;
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE.min(rest.len())));
        rest = after;
        tokenizer.sink.count(piece);
        queue.push_back(StrTendril::from(piece));
        // Stops only at scripts, which are not run.
        while !queue.is_empty() {
            if matches!(tokenizer.feed(&queue), TokenizerResult::Done) {
                break;
            }
        }
        if tokenizer.sink.is_too_long() {
            let mut page = tokenizer.sink.state.take().finish();
            page.text = format!("{}\n\n{GIVEN_UP}", page.text).trim_start().to_owned();
            return Ok(page);
        }
    }
    tokenizer.end();
    Ok(tokenizer.sink.state.take().finish())
}

struct Page {
    base: Url,
    state: RefCell<State>,
    /// Bytes, and blanks among them, of the tag that is being read.
    tag: Cell<(usize, usize)>,
}

impl Page {
    fn count(&self, piece: &str) {
        let (bytes, blanks) = self.tag.get();
        let own = piece.bytes().filter(|byte| byte.is_ascii_whitespace() || b"\"'".contains(byte));
        self.tag.set((bytes + piece.len(), blanks + own.count()));
    }

    fn is_too_long(&self) -> bool {
        let (bytes, blanks) = self.tag.get();
        bytes > LONGEST_TAG || (bytes > LONGEST_BUSY_TAG && blanks > MOST_BLANKS)
    }
}

#[derive(Default)]
struct State {
    title: String,
    in_title: bool,
    /// What was read outside `<main>` and `<article>`, and inside.
    all: Text,
    main: Text,
    depth_of_main: u32,
    /// The skipped element we are in.
    skipping: Option<Skipping>,
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
        // A mistake is told within the tag that it is in.
        if !matches!(token, Token::ParseError(_)) {
            self.tag.set((0, 0));
        }
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
        // Only in these is a slash before the end of the tag more than a mistake.
        let is_closed = tag.self_closing && matches!(name, "svg" | "math");
        if let Some(skipping) = &mut self.skipping {
            if !skipping.ends_before(name) {
                skipping.open(name, is_closed);
                return;
            }
            self.skipping = None;
        }
        if SKIPPED.contains(&name) || is_hidden(tag) {
            if !is_closed && !is_void(name) {
                self.skipping = Some(Skipping::new(name));
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
        if let Some(skipping) = &mut self.skipping {
            match skipping.close(name) {
                Closed::Nothing => return,
                Closed::Itself => {
                    self.skipping = None;
                    return;
                }
                Closed::Parent => self.skipping = None,
            }
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
    attribute(tag, "hidden").is_some()
        || attribute(tag, "aria-hidden") == Some("true")
        || attribute(tag, "style").is_some_and(hides)
}

/// Whether a style says that nothing is shown.
fn hides(style: &str) -> bool {
    style.to_ascii_lowercase().split(';').any(|declaration| {
        let Some((name, value)) = declaration.split_once(':') else { return false };
        let value = value.trim().trim_end_matches("important").trim_end().trim_end_matches('!');
        let value = value.trim();
        match name.trim() {
            "display" => value == "none",
            "visibility" => matches!(value, "hidden" | "collapse"),
            "font-size" | "opacity" => is_zero(value),
            _ => false,
        }
    })
}

/// Whether it is nothing of whatever unit.
fn is_zero(value: &str) -> bool {
    let number = value.trim_end_matches(|c: char| c.is_ascii_alphabetic() || c == '%');
    number.parse::<f64>().is_ok_and(|number| number == 0.0)
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
    use super::Readable;
    use crate::Stop;
    use proptest::prelude::*;
    use url::Url;

    fn base() -> Url {
        Url::parse("https://example.com/a/").expect("a URL")
    }

    fn readable(html: &str, base: &Url) -> Readable {
        super::readable(html, base, &Stop::default()).expect("nobody stops it")
    }

    fn text(html: &str) -> String {
        readable(html, &base()).text
    }

    #[test]
    fn what_is_not_shown_is_not_read() {
        for style in [
            "display:none",
            "DISPLAY : none !important",
            "color:red;visibility: hidden",
            "opacity:0",
            "opacity: 0.0 ;",
            "opacity:0%",
            "font-size:0",
            "font-size:0px;color:red",
            "font-size:0.0em!important",
        ] {
            let html = format!("<p>a</p><div style=\"{style}\">hidden</div><p>b</p>");
            assert_eq!(text(&html), "a\n\nb", "{style}");
        }
        for style in
            ["font-size:0.9rem", "opacity:0.5", "opacity:05", "display:block", "x-opacity:0"]
        {
            let html = format!("<div style=\"{style}\">shown</div>");
            assert_eq!(text(&html), "shown", "{style}");
        }
        assert_eq!(text("<div hidden/>hidden</div>shown"), "shown");
        assert_eq!(text("<svg/>shown"), "shown");
    }

    #[test]
    fn what_is_hidden_ends_where_it_ends_without_a_tag() {
        assert_eq!(text("<ul><li hidden>x<li>a<li hidden>x</ul><p>b"), "- a\n\nb");
        assert_eq!(text("<ul><li hidden>x<ul><li>y<li>z</ul>x<li>a</ul>"), "- a");
        assert_eq!(text("<ul><li hidden>x<ul><li>y</li></ul>x</li></ul>a"), "a");
        assert_eq!(text("<ul><li hidden><ul><li>y</li></ul></li>a</ul>"), "a");
        assert_eq!(text("<p hidden>x<p>a"), "a");
        assert_eq!(text("<div><p hidden>x <b>y</b></div>a"), "a");
        assert_eq!(text("<p hidden>x<div>a</div>"), "a");
        assert_eq!(text("<table><tr hidden><td>x<tr><td>a<td hidden>x<td>b</table>"), "| a | b");
        assert_eq!(text("<dl><dt hidden>x<dd>a<dd hidden>x<dt>b</dl>"), "a\nb");
        assert_eq!(text("<div hidden>x<div>y</div>x</div>a"), "a");
    }

    #[test]
    fn a_form_is_read_but_what_is_filled_in_is_not() {
        let html = "<form><p>words</p><input value=x><textarea>x</textarea><select><option>x</select>\
            <button>x</button></form>";
        assert_eq!(text(html), "words");
    }

    #[test]
    fn a_tag_without_end_is_given_up() {
        let mut html = "<p>before</p><a ".to_owned();
        for number in 0..250_000 {
            html.push_str(&format!("attribute{number:07} "));
        }
        let began = tokio::time::Instant::now();
        assert_eq!(text(&html), format!("before\n\n{}", super::GIVEN_UP));
        assert!(began.elapsed() < std::time::Duration::from_secs(20), "{:?}", began.elapsed());
        // One long value is no such thing.
        let image = format!("<img src='data:image/png;base64,{}' alt=cat>b", "A/".repeat(200_000));
        assert_eq!(text(&image), "[image: cat]b");
    }

    #[test]
    fn it_stops_when_told() {
        assert!(super::readable("<p>words", &base(), &Stop::told()).is_err());
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
