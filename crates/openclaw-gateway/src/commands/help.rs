use std::fmt::Write as _;

use super::{LIST, Who};

pub(super) fn run(is_group: bool) -> String {
    let mut text = String::from("Write to me in your own words, or ask one of these:\n\n");
    for info in LIST {
        let space = if info.arguments.is_empty() { "" } else { " " };
        let owner = match info.who {
            Who::OnlyOwner => " (owner)",
            Who::Owner if is_group => " (owner)",
            Who::Owner | Who::Anyone => "",
        };
        // Writing to a string does not fail.
        let _infallible =
            writeln!(text, "- `/{}{space}{}`: {}{owner}", info.name, info.arguments, info.about);
    }
    text
}
