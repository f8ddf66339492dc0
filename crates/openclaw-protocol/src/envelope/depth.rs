/// The deepest nesting of arrays and objects in one frame.
pub const MAX_DEPTH: usize = 128;

/// Whether arrays and objects are nested deeper than [`MAX_DEPTH`].
///
/// Looks at the raw text: what is skipped or kept as raw JSON has no depth limit of its own.
pub fn is_too_deep(text: &str) -> bool {
    let mut depth = 0_usize;
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        match byte {
            b'{' | b'[' => {
                depth += 1;
                if depth > MAX_DEPTH {
                    return true;
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b'"' => skip_string(&mut bytes),
            _ => {}
        }
    }
    false
}

fn skip_string(bytes: &mut std::str::Bytes<'_>) {
    while let Some(byte) = bytes.next() {
        match byte {
            b'"' => return,
            b'\\' => {
                bytes.next();
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{MAX_DEPTH, is_too_deep};

    fn nested(depth: usize) -> String {
        "[".repeat(depth) + &"]".repeat(depth)
    }

    #[test]
    fn counts_brackets_outside_strings() {
        assert!(!is_too_deep(&nested(MAX_DEPTH)));
        assert!(is_too_deep(&nested(MAX_DEPTH + 1)));
        assert!(is_too_deep(&"{\"a\":".repeat(MAX_DEPTH + 1)));
        assert!(!is_too_deep(&format!("\"{}\"", "[".repeat(1000))));
        assert!(!is_too_deep(&format!("\"\\\"{}\"", "[".repeat(1000))));
        assert!(!is_too_deep(&"[]".repeat(1000)));
        assert!(is_too_deep(&format!("[\"\\\\\",{}", nested(MAX_DEPTH))));
    }
}
