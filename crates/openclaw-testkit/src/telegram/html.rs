use serde_json::{Value, json};

const TAGS: [&str; 15] = [
    "a",
    "b",
    "strong",
    "i",
    "em",
    "s",
    "strike",
    "del",
    "u",
    "ins",
    "tg-spoiler",
    "tg-emoji",
    "span",
    "pre",
    "code",
];

struct OpenTag {
    name: String,
    argument: Option<String>,
    offset: usize,
}

/// Parses text in the HTML style of the Bot API to plain text and its entities.
///
/// # Errors
/// The text that stands after `Bad Request: can't parse entities: `.
pub fn parse_html(input: &str) -> Result<(String, Vec<Value>), String> {
    Parser { input, at: 0, text: String::new(), length: 0, open: Vec::new(), entities: Vec::new() }
        .run()
}

struct Parser<'a> {
    input: &'a str,
    at: usize,
    text: String,
    length: usize,
    open: Vec<OpenTag>,
    entities: Vec<Value>,
}

impl Parser<'_> {
    fn run(mut self) -> Result<(String, Vec<Value>), String> {
        while let Some(next) = self.peek() {
            match next {
                '&' => {
                    let decoded = self.take_reference();
                    self.push(decoded);
                }
                '<' if self.input[self.at..].starts_with("</") => self.end_tag()?,
                '<' => self.start_tag()?,
                other => {
                    self.at += other.len_utf8();
                    self.push(other);
                }
            }
        }
        if let Some(tag) = self.open.last() {
            return Err(format!("Can't find end tag corresponding to start tag \"{}\"", tag.name));
        }
        self.entities.sort_by_key(|entity| entity["offset"].as_u64());
        Ok((self.text, self.entities))
    }

    fn peek(&self) -> Option<char> {
        self.input[self.at..].chars().next()
    }

    fn push(&mut self, character: char) {
        self.text.push(character);
        self.length += character.len_utf16();
    }

    fn skip_space(&mut self) {
        while self.peek().is_some_and(|c| c.is_ascii_whitespace()) {
            self.at += 1;
        }
    }

    fn take_while(&mut self, keep: impl Fn(char) -> bool) -> String {
        let rest = &self.input[self.at..];
        let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
        self.at += end;
        rest[..end].to_owned()
    }

    /// A character reference, or the ampersand itself where there is none.
    fn take_reference(&mut self) -> char {
        let rest = &self.input[self.at + 1..];
        let end =
            rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '#')).unwrap_or(rest.len());
        let name = &rest[..end];
        let decoded = match name {
            "lt" => Some('<'),
            "gt" => Some('>'),
            "amp" => Some('&'),
            "quot" => Some('"'),
            _ => name.strip_prefix('#').and_then(|number| {
                let code = match number.strip_prefix('x') {
                    Some(hex) => u32::from_str_radix(hex, 16).ok(),
                    None => number.parse().ok(),
                };
                code.filter(|code| *code != 0).and_then(char::from_u32)
            }),
        };
        self.at += 1;
        match decoded {
            Some(character) => {
                self.at += end;
                if self.input[self.at..].starts_with(';') {
                    self.at += 1;
                }
                character
            }
            None => '&',
        }
    }

    fn start_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        let unclosed = || format!("Unclosed start tag at byte offset {begin}");
        self.at += 1;
        let name = self.take_while(|c| !c.is_ascii_whitespace() && c != '>').to_ascii_lowercase();
        if self.peek().is_none() {
            return Err(unclosed());
        }
        if !TAGS.contains(&name.as_str()) && name != "blockquote" {
            return Err(format!("Unsupported start tag \"{name}\" at byte offset {begin}"));
        }
        let mut argument = None;
        loop {
            self.skip_space();
            match self.peek() {
                None => return Err(unclosed()),
                Some('>') => break,
                Some(_) => {
                    let (key, value) = self.attribute(&name, begin)?;
                    argument = accepted_argument(&name, &key, value).or(argument);
                }
            }
        }
        self.at += 1;
        if name == "span" && argument.is_none() {
            return Err(format!(
                "Tag \"span\" must have class \"tg-spoiler\" at byte offset {begin}"
            ));
        }
        if name == "tg-emoji" && argument.is_none() {
            return Err(format!(
                "Tag \"tg-emoji\" must have attribute \"emoji-id\" at byte offset {begin}"
            ));
        }
        self.open.push(OpenTag { name, argument, offset: self.length });
        Ok(())
    }

    fn attribute(&mut self, tag: &str, begin: usize) -> Result<(String, String), String> {
        let key = self
            .take_while(|c| !c.is_ascii_whitespace() && c != '=' && c != '>')
            .to_ascii_lowercase();
        if key.is_empty() {
            return Err(format!(
                "Empty attribute name in the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        self.skip_space();
        if tag == "blockquote" && key == "expandable" && self.peek() != Some('=') {
            return Ok((key, String::new()));
        }
        if self.peek() != Some('=') {
            return Err(format!(
                "Expected equal sign in declaration of an attribute of the tag \"{tag}\" at byte offset {begin}"
            ));
        }
        self.at += 1;
        self.skip_space();
        let quote = match self.peek() {
            None => return Err(format!("Unclosed start tag at byte offset {begin}")),
            Some(quote @ ('"' | '\'')) => quote,
            Some(_) => {
                let value = self.take_while(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
                return Ok((key, value.to_ascii_lowercase()));
            }
        };
        self.at += 1;
        let mut value = String::new();
        loop {
            match self.peek() {
                None => return Err(format!("Unclosed start tag at byte offset {begin}")),
                Some(end) if end == quote => break,
                Some('&') => value.push(self.take_reference()),
                Some(other) => {
                    self.at += other.len_utf8();
                    value.push(other);
                }
            }
        }
        self.at += 1;
        Ok((key, value))
    }

    fn end_tag(&mut self) -> Result<(), String> {
        let begin = self.at;
        self.at += 2;
        let name = self.take_while(|c| !c.is_ascii_whitespace() && c != '>').to_ascii_lowercase();
        self.skip_space();
        if self.peek() != Some('>') {
            return Err(format!("Unclosed end tag at byte offset {begin}"));
        }
        self.at += 1;
        let Some(tag) = self.open.pop() else {
            return Err(format!("Unexpected end tag at byte offset {begin}"));
        };
        if !name.is_empty() && name != tag.name {
            return Err(format!(
                "Unmatched end tag at byte offset {begin}, expected \"</{}>\", found \"</{name}>\"",
                tag.name
            ));
        }
        if self.length > tag.offset {
            self.close(tag);
        }
        Ok(())
    }

    fn close(&mut self, tag: OpenTag) {
        let length = self.length - tag.offset;
        let kind = match tag.name.as_str() {
            "b" | "strong" => "bold",
            "i" | "em" => "italic",
            "s" | "strike" | "del" => "strikethrough",
            "u" | "ins" => "underline",
            "tg-spoiler" | "span" => "spoiler",
            "tg-emoji" => "custom_emoji",
            "blockquote" if tag.argument.is_some() => "expandable_blockquote",
            "blockquote" => "blockquote",
            "pre" => "pre",
            "code" => "code",
            _ => "text_link",
        };
        let mut entity = json!({ "type": kind, "offset": tag.offset, "length": length });
        match (kind, tag.argument) {
            // The language of `<pre><code class="language-x">` belongs to the outer block.
            ("code", Some(language)) if self.open.last().is_some_and(|open| open.name == "pre") => {
                if let Some(open) = self.open.last_mut() {
                    open.argument = Some(language);
                }
                return;
            }
            ("code", None) if self.open.last().is_some_and(|open| open.name == "pre") => return,
            ("pre", Some(language)) => entity["language"] = Value::from(language),
            ("text_link", Some(url)) => entity["url"] = Value::from(url),
            ("custom_emoji", Some(id)) => entity["custom_emoji_id"] = Value::from(id),
            ("text_link", None) => return,
            _ => {}
        }
        self.entities.push(entity);
    }
}

fn accepted_argument(tag: &str, key: &str, value: String) -> Option<String> {
    match (tag, key) {
        ("a", "href") => Some(value),
        ("code", "class") => value.strip_prefix("language-").map(str::to_owned),
        ("span", "class") if value == "tg-spoiler" => Some(value),
        ("tg-emoji", "emoji-id") => Some(value),
        ("blockquote", "expandable") => Some(value),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::parse_html;

    #[test]
    fn reads_text_and_entities() {
        let (text, entities) =
            parse_html("😀 <b>a &lt; <i>b</i></b> <a href=\"https://x.y/?a=1&amp;b=2\">l</a>")
                .unwrap();
        assert_eq!(text, "😀 a < b l");
        assert_eq!(
            entities,
            [
                json!({"type": "bold", "offset": 3, "length": 5}),
                json!({"type": "italic", "offset": 7, "length": 1}),
                json!({"type": "text_link", "offset": 9, "length": 1, "url": "https://x.y/?a=1&b=2"}),
            ]
        );
    }

    #[test]
    fn keeps_the_language_of_a_block() {
        let (text, entities) =
            parse_html("<pre><code class=\"language-rust\">fn x()</code></pre>").unwrap();
        assert_eq!(text, "fn x()");
        assert_eq!(
            entities,
            [json!({"type": "pre", "offset": 0, "length": 6, "language": "rust"})]
        );
    }

    #[test]
    fn refuses_in_the_words_of_the_service() {
        let error = |input: &str| parse_html(input).unwrap_err();
        assert_eq!(error("<p>x</p>"), "Unsupported start tag \"p\" at byte offset 0");
        assert_eq!(error("a<b>x"), "Can't find end tag corresponding to start tag \"b\"");
        assert_eq!(error("x</b>"), "Unexpected end tag at byte offset 1");
        assert_eq!(
            error("<b><i>x</b></i>"),
            "Unmatched end tag at byte offset 7, expected \"</i>\", found \"</b>\""
        );
        assert_eq!(error("a < b"), "Unsupported start tag \"\" at byte offset 2");
        assert_eq!(error("a <b"), "Unclosed start tag at byte offset 2");
        assert_eq!(
            error("<span>x</span>"),
            "Tag \"span\" must have class \"tg-spoiler\" at byte offset 0"
        );
    }
}
