/// The allowed word nearest to what was written, when it is near enough to be meant.
pub(crate) fn nearest<'a>(
    written: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    const NEAR: f64 = 0.8;
    let written = snake_case(written);
    // `bot_token` is meant as `token`.
    let ends_with = |word: &str| written.strip_suffix(word).is_some_and(|rest| rest.ends_with('_'));
    allowed
        .into_iter()
        .map(|word| {
            let likeness = strsim::jaro_winkler(&written, word);
            (if ends_with(word) { likeness.max(NEAR) } else { likeness }, word)
        })
        .filter(|(likeness, _)| *likeness >= NEAR)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, word)| word)
}

/// `did you mean "…"?` for the nearest allowed word.
pub(crate) fn did_you_mean<'a>(
    written: &str,
    allowed: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    nearest(written, allowed).map(|word| format!("did you mean \"{word}\"?"))
}

// The TypeScript version writes its keys in camel case.
fn snake_case(text: &str) -> String {
    let mut snake = String::with_capacity(text.len() + 4);
    for (index, character) in text.chars().enumerate() {
        if character.is_ascii_uppercase() && index > 0 && !snake.ends_with(['_', '-']) {
            snake.push('_');
        }
        snake.push(character.to_ascii_lowercase());
    }
    snake
}

/// Words as people list them: `"a", "b"`.
pub(crate) fn quoted_list<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    words.into_iter().map(|word| format!("\"{word}\"")).collect::<Vec<_>>().join(", ")
}

/// A type's name with its article.
pub(crate) fn article(type_name: &str) -> String {
    let an = type_name.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {type_name}", if an { "an" } else { "a" })
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn typing_mistakes_and_camel_case_are_recognised() {
        let allowed = ["bind_address", "port", "allow_from", "dm_policy"];
        assert_eq!(nearest("prot", allowed), Some("port"));
        assert_eq!(nearest("allowFrom", allowed), Some("allow_from"));
        assert_eq!(nearest("dmPolicy", allowed), Some("dm_policy"));
        assert_eq!(nearest("bind", allowed), Some("bind_address"));
        assert_eq!(nearest("weather", allowed), None);
        assert_eq!(nearest("botToken", ["enabled", "token"]), Some("token"));
    }
}
