/// The longest name in characters.
const MAX_CHARS: usize = 120;

/// The longest name in bytes: what common file systems hold.
const MAX_BYTES: usize = 255;

/// Makes a name that a stranger gave safe to show and to save under: the last segment of a path,
/// without control characters, direction overrides and characters that some system forbids, at
/// most 120 characters and 255 bytes with the extension kept. `None` where nothing is left.
pub fn sanitise_file_name(name: &str) -> Option<String> {
    let last = name.rsplit(['/', '\\']).find(|segment| !segment.trim().is_empty())?;
    let cleaned: String = last
        .chars()
        .filter(|c| !c.is_control() && !is_invisible(*c))
        .map(|c| if matches!(c, '<' | '>' | ':' | '"' | '|' | '?' | '*') { '_' } else { c })
        .collect();
    // Leading dots would hide it, trailing dots and spaces vanish on some systems.
    let cleaned = cleaned.trim().trim_start_matches('.').trim_end_matches(['.', ' ']).trim_start();
    if cleaned.is_empty() { None } else { Some(shorten(cleaned)) }
}

/// Characters that change how the text around them is shown, or show nothing.
fn is_invisible(c: char) -> bool {
    matches!(
        c,
        '\u{061C}'
            | '\u{200B}'..='\u{200F}'
            | '\u{2028}'..='\u{202E}'
            | '\u{2060}'..='\u{206F}'
            | '\u{FEFF}'
            | '\u{FFF9}'..='\u{FFFB}'
            | '\u{E0000}'..='\u{E007F}'
    )
}

fn shorten(name: &str) -> String {
    let fits = |text: &str| text.chars().count() <= MAX_CHARS && text.len() <= MAX_BYTES;
    if fits(name) {
        return name.to_owned();
    }
    let (stem, extension) = match name.rsplit_once('.') {
        Some((stem, extension)) if extension.len() <= 16 && !stem.is_empty() => (stem, extension),
        _ => (name, ""),
    };
    let tail = if extension.is_empty() { String::new() } else { format!(".{extension}") };
    let mut short = String::new();
    for c in stem.chars() {
        short.push(c);
        let chars = short.chars().count() + tail.chars().count();
        if chars > MAX_CHARS || short.len() + tail.len() > MAX_BYTES {
            short.pop();
            break;
        }
    }
    short + &tail
}

#[cfg(test)]
mod tests {
    use super::{MAX_BYTES, MAX_CHARS, sanitise_file_name};
    use proptest::prelude::*;

    #[test]
    fn names_become_harmless() {
        for (name, expected) in [
            ("holiday.jpg", Some("holiday.jpg")),
            ("../../etc/passwd", Some("passwd")),
            ("C:\\Users\\me\\a.txt", Some("a.txt")),
            ("dir/", Some("dir")),
            ("..", None),
            ("", None),
            (" / ", None),
            (".bashrc", Some("bashrc")),
            ("a\u{202E}gpj.exe", Some("agpj.exe")),
            ("a\nb\0c\u{7f}.txt", Some("abc.txt")),
            ("what?.txt", Some("what_.txt")),
            ("report. .", Some("report")),
            ("\u{e4}\u{4f60}\u{1f600}.png", Some("\u{e4}\u{4f60}\u{1f600}.png")),
        ] {
            assert_eq!(sanitise_file_name(name).as_deref(), expected, "{name:?}");
        }
    }

    #[test]
    fn a_long_name_keeps_its_extension() {
        let name = format!("{}.tar.gz", "x".repeat(400));
        let short = sanitise_file_name(&name).expect("a name");
        assert_eq!(short.chars().count(), MAX_CHARS);
        assert!(short.ends_with("x.gz"));
    }

    proptest! {
        #[test]
        fn every_result_is_one_plain_segment(name in any::<String>()) {
            if let Some(clean) = sanitise_file_name(&name) {
                prop_assert!(!clean.is_empty() && clean.len() <= MAX_BYTES);
                prop_assert!(clean.chars().count() <= MAX_CHARS);
                let has_forbidden = clean.contains(['/', '\\', '\0', '\n', '\u{202E}']);
                prop_assert!(!has_forbidden);
                prop_assert!(!clean.starts_with('.'));
                prop_assert_eq!(sanitise_file_name(&clean), Some(clean.clone()));
            }
        }
    }
}
