//! Telling a text for a shell whose words stand for themselves.

/// Words that change which folder the names after them are in.
const MOVES: [&str; 3] = ["cd", "pushd", "popd"];

/// What ends a word.
fn ends_word(character: char) -> bool {
    " \t\r\n|&;<>()".contains(character)
}

/// Whether every word between the operators is what the program is given, in the folder that the
/// command starts in.
pub(super) fn is_literal(text: &str) -> bool {
    text.split(ends_word).filter(|word| !word.is_empty()).all(|word| {
        let word = bare(word);
        !MOVES.contains(&word)
            && !word.contains(['$', '`', '\\', '*', '?', '[', '~', '{', '}', '"', '\''])
    })
}

/// Without the quotes around it, where they are around all of it.
fn bare(word: &str) -> &str {
    ['"', '\'']
        .into_iter()
        .find_map(|quote| word.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(word)
}

#[cfg(test)]
mod tests {
    use super::is_literal;

    #[test]
    fn only_what_stands_for_itself_is_literal() {
        for text in [
            "cat a.txt | wc -l",
            "./run.sh && ./more.sh > out",
            "sh \"run.sh\"; echo 'x'",
            "a=b ./run.sh &",
        ] {
            assert!(is_literal(text), "{text}");
        }
        for text in [
            "cd sub && ./run.sh",
            "(cd sub; ./run.sh)",
            "true|pushd sub",
            "'cd' sub && ./run.sh",
            "x=run.sh; sh ./$x",
            "sh \"my run.sh\" | cat",
            "sh ru\"n.sh\" | cat",
            "sh ru\\n.sh | cat",
            "sh *.sh",
            "sh ~/run.sh",
            "sh {a,b}.sh",
            "sh `cat name`",
            "sh -c 'sh run.sh' | cat",
        ] {
            assert!(!is_literal(text), "{text}");
        }
    }
}
