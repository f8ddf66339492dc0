use std::error::Error;
use std::fmt;

/// Displays an error with its sources on one line, `a: b: c`, each text once.
pub struct Chain<'a>(pub &'a (dyn Error + 'static));

impl fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut written = self.0.to_string();
        f.write_str(&written)?;
        let mut next = self.0.source();
        while let Some(error) = next {
            let text = error.to_string();
            // Foreign errors often repeat their source in their own text.
            if !written.ends_with(&text) {
                write!(f, ": {text}")?;
                written = text;
            }
            next = error.source();
        }
        Ok(())
    }
}

/// Formats an error with all its sources on one line.
pub fn display_chain(error: &(dyn Error + 'static)) -> String {
    Chain(error).to_string()
}

#[cfg(test)]
mod tests {
    use super::display_chain;
    use std::io;

    #[derive(Debug, thiserror::Error)]
    #[error("cannot open the store")]
    struct Outer(#[source] io::Error);

    #[derive(Debug, thiserror::Error)]
    #[error("start failed: {0}")]
    struct Repeating(#[source] io::Error);

    #[test]
    fn sources_follow_in_order_and_once() {
        let outer = Outer(io::Error::other("disk on fire"));
        assert_eq!(display_chain(&outer), "cannot open the store: disk on fire");
        let repeating = Repeating(io::Error::other("disk on fire"));
        assert_eq!(display_chain(&repeating), "start failed: disk on fire");
    }
}
