//! Keys by their names, as terminals send them.

/// The bytes of a key such as `Enter`, `C-c` or `F5`; `None` for a name that is none.
pub(super) fn bytes(name: &str) -> Option<Vec<u8>> {
    if let Some(rest) = name.strip_prefix("C-").or_else(|| name.strip_prefix("Ctrl-")) {
        return control(rest).map(|byte| vec![byte]);
    }
    if let Some(rest) = name.strip_prefix("M-").or_else(|| name.strip_prefix("Alt-")) {
        let mut all = vec![0x1b];
        all.extend(bytes(rest)?);
        return Some(all);
    }
    let named = match name.to_ascii_lowercase().as_str() {
        "enter" | "return" => "\r",
        "tab" => "\t",
        "space" => " ",
        "escape" | "esc" => "\u{1b}",
        "backspace" | "bspace" => "\u{7f}",
        "up" => "\u{1b}[A",
        "down" => "\u{1b}[B",
        "right" => "\u{1b}[C",
        "left" => "\u{1b}[D",
        "home" => "\u{1b}[H",
        "end" => "\u{1b}[F",
        "insert" => "\u{1b}[2~",
        "delete" => "\u{1b}[3~",
        "pageup" => "\u{1b}[5~",
        "pagedown" => "\u{1b}[6~",
        "f1" => "\u{1b}OP",
        "f2" => "\u{1b}OQ",
        "f3" => "\u{1b}OR",
        "f4" => "\u{1b}OS",
        "f5" => "\u{1b}[15~",
        "f6" => "\u{1b}[17~",
        "f7" => "\u{1b}[18~",
        "f8" => "\u{1b}[19~",
        "f9" => "\u{1b}[20~",
        "f10" => "\u{1b}[21~",
        "f11" => "\u{1b}[23~",
        "f12" => "\u{1b}[24~",
        _ => {
            // One character stands for itself.
            let mut characters = name.chars();
            return match (characters.next(), characters.next()) {
                (Some(character), None) => Some(character.to_string().into_bytes()),
                _ => None,
            };
        }
    };
    Some(named.as_bytes().to_vec())
}

fn control(name: &str) -> Option<u8> {
    match name.as_bytes() {
        [letter] if letter.is_ascii_alphabetic() => Some(letter.to_ascii_lowercase() - b'a' + 1),
        [b'@' | b' '] => Some(0),
        [b'['] => Some(0x1b),
        [b'\\'] => Some(0x1c),
        [b']'] => Some(0x1d),
        [b'^'] => Some(0x1e),
        [b'_' | b'/'] => Some(0x1f),
        [b'?'] => Some(0x7f),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::bytes;

    #[test]
    fn keys_are_what_terminals_send() {
        for (name, wanted) in [
            ("Enter", Some(&b"\r"[..])),
            ("C-c", Some(b"\x03")),
            ("Ctrl-D", Some(b"\x04")),
            ("C-[", Some(b"\x1b")),
            ("M-x", Some(b"\x1bx")),
            ("up", Some(b"\x1b[A")),
            ("F12", Some(b"\x1b[24~")),
            ("q", Some(b"q")),
            ("é", Some("é".as_bytes())),
            ("C-", None),
            ("C-ab", None),
            ("Enterr", None),
            ("", None),
        ] {
            assert_eq!(bytes(name).as_deref(), wanted, "{name}");
        }
    }
}
