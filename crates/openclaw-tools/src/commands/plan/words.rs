//! Telling a plain command from a text that needs a shell.

/// What a command text is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Split {
    /// Words and nothing else: what a shell would hand to the program, without one.
    Words(Vec<String>),
    /// It has something that only a shell understands.
    NeedsShell,
}

/// Characters that mean something to a shell wherever they stand outside quotes.
const OPERATORS: &str = "|&;<>()$`\\*?[]{}\n\r";

/// First words that only a shell knows, and those that change what a word means.
const SHELL_WORDS: [&str; 72] = [
    ".",
    ":",
    "alias",
    "bg",
    "bind",
    "break",
    "builtin",
    "caller",
    "case",
    "cd",
    "command",
    "compgen",
    "complete",
    "compopt",
    "continue",
    "coproc",
    "declare",
    "dirs",
    "disown",
    "do",
    "done",
    "elif",
    "else",
    "enable",
    "esac",
    "eval",
    "exec",
    "exit",
    "export",
    "fc",
    "fg",
    "fi",
    "for",
    "function",
    "getopts",
    "hash",
    "help",
    "history",
    "if",
    "in",
    "jobs",
    "let",
    "local",
    "logout",
    "mapfile",
    "popd",
    "pushd",
    "read",
    "readarray",
    "readonly",
    "return",
    "select",
    "set",
    "shift",
    "shopt",
    "source",
    "suspend",
    "test",
    "[",
    "then",
    "time",
    "times",
    "trap",
    "type",
    "typeset",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "until",
    "wait",
    "while",
];

/// Splits a text where that is safe: every word is literal, and no shell would read it otherwise.
pub(crate) fn split(text: &str) -> Split {
    read(text.trim_matches([' ', '\t', '\n'])).map_or(Split::NeedsShell, Split::Words)
}

fn read(text: &str) -> Option<Vec<String>> {
    let mut words: Vec<String> = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            ' ' | '\t' => words.extend(word.take()),
            '\'' => {
                let word = word.get_or_insert_default();
                quoted(&mut characters, '\'', "", word)?;
            }
            '"' => {
                let word = word.get_or_insert_default();
                quoted(&mut characters, '"', "$`\\!", word)?;
            }
            '\0' => return None,
            _ if OPERATORS.contains(character) => return None,
            // A comment, a home folder, a history reference.
            '#' | '~' | '!' if word.is_none() => return None,
            // An assignment before the command, or a home folder in a value.
            '=' if words.is_empty() => return None,
            '~' if word.as_ref().is_some_and(|word| word.ends_with(['=', ':'])) => return None,
            _ => word.get_or_insert_default().push(character),
        }
    }
    words.extend(word);
    let first = words.first()?;
    (!first.is_empty() && !SHELL_WORDS.contains(&first.as_str())).then_some(words)
}

/// Reads up to the closing quote; `None` without one, or at a character that means something.
fn quoted(
    characters: &mut std::str::Chars<'_>,
    quote: char,
    meaningful: &str,
    word: &mut String,
) -> Option<()> {
    loop {
        match characters.next()? {
            '\0' => return None,
            character if character == quote => return Some(()),
            character if meaningful.contains(character) => return None,
            character => word.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Split, split};
    use proptest::prelude::*;

    fn words(texts: &[&str]) -> Split {
        Split::Words(texts.iter().map(|text| (*text).to_owned()).collect())
    }

    #[test]
    fn plain_words_and_quotes_are_split() {
        assert_eq!(split("  ls  -la\t/tmp \n"), words(&["ls", "-la", "/tmp"]));
        assert_eq!(split("git commit -m 'a; b | c'"), words(&["git", "commit", "-m", "a; b | c"]));
        assert_eq!(
            split(r#"echo "it's" a''b "" --x=y"#),
            words(&["echo", "it's", "ab", "", "--x=y"])
        );
    }

    #[test]
    fn what_a_shell_would_read_otherwise_needs_one() {
        for text in [
            "",
            "ls | wc",
            "a; b",
            "a && b",
            "a & b",
            "a > f",
            "a < f",
            "$HOME/x",
            "a `b`",
            "a $(b)",
            "a\nb",
            "ls *",
            "ls ?",
            "ls [a]",
            "echo {a,b}",
            "echo ~",
            "echo ~root",
            "X=1 a",
            "X=1",
            "echo \"$X\"",
            "echo \"`x`\"",
            "echo \"a\\b\"",
            "echo a\\ b",
            "echo 'open",
            "echo \"open",
            "# comment",
            "a # comment",
            "! a",
            "cd /tmp",
            "exit 3",
            "source x",
            ". x",
            "eval x",
            "[ -f x ]",
            "echo a~ #x",
            "make X=~/y",
            "'' a",
            "(a)",
            "a <(b)",
            "a\rb",
            "a\0b",
        ] {
            assert_eq!(split(text), Split::NeedsShell, "{text:?}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(300))]
        /// A shell must hand over the very words that were split without it.
        #[test]
        fn a_shell_splits_alike(text in "[a-z=:#~!%^@,.+/' \"$*|&;<>(){}\\[\\]?\\\\\n-]{0,24}") {
            let command = format!("printf {text}");
            if let Split::Words(words) = split(&format!("xprintf {text}")) {
                let script = format!("xprintf() {{ printf '%s\\0' \"$@\"; }}; x{command}");
                let ran = std::process::Command::new("bash").args(["-c", &script]).output().expect("bash runs");
                prop_assert!(ran.status.success());
                let mut expected: Vec<u8> = Vec::new();
                for word in &words[1..] {
                    expected.extend(word.as_bytes());
                    expected.push(0);
                }
                if words.len() == 1 {
                    expected.push(0);
                }
                prop_assert_eq!(ran.stdout, expected);
            }
        }
    }
}
