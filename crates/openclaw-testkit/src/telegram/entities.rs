use serde_json::{Value, json};

/// The length of a text as Telegram counts it.
pub(crate) fn utf16_len(text: &str) -> usize {
    text.encode_utf16().count()
}

/// The entities Telegram finds by itself in what people write: mentions, commands, links.
pub(crate) fn find_entities(text: &str) -> Vec<Value> {
    let mut found = Vec::new();
    let mut offset = 0;
    let mut at_word_start = true;
    let mut rest = text;
    while let Some(character) = rest.chars().next() {
        let kind = if at_word_start { entity_at(rest) } else { None };
        let Some((kind, bytes)) = kind else {
            at_word_start = !character.is_alphanumeric() && character != '_' && character != '/';
            offset += character.len_utf16();
            rest = &rest[character.len_utf8()..];
            continue;
        };
        let length = utf16_len(&rest[..bytes]);
        found.push(json!({ "type": kind, "offset": offset, "length": length }));
        offset += length;
        rest = &rest[bytes..];
        at_word_start = false;
    }
    found
}

fn entity_at(rest: &str) -> Option<(&'static str, usize)> {
    let name_end = |from: usize| {
        let name = &rest[from..];
        from + name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len())
    };
    if rest.starts_with('@') {
        let end = name_end(1);
        return (end > 4).then_some(("mention", end));
    }
    if rest.starts_with('/') {
        let end = name_end(1);
        if end == 1 {
            return None;
        }
        if rest[end..].starts_with('@') {
            let after = name_end(end + 1);
            if after > end + 1 {
                return Some(("bot_command", after));
            }
        }
        return Some(("bot_command", end));
    }
    if rest.starts_with("https://") || rest.starts_with("http://") {
        let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
        return Some(("url", end));
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::find_entities;

    #[test]
    fn finds_mentions_commands_and_links() {
        assert_eq!(
            find_entities("😀 @some_bot /run@some_bot http://a.b c@some_bot"),
            [
                json!({"type": "mention", "offset": 3, "length": 9}),
                json!({"type": "bot_command", "offset": 13, "length": 13}),
                json!({"type": "url", "offset": 27, "length": 10}),
            ]
        );
    }
}
