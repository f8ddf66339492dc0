//! The tables of `docs/typescript-protocol.md` against those of the code.

use openclaw_protocol::Scope;
use openclaw_protocol::typescript::methods::{EVENTS, LATER_METHODS, METHODS, Need, Standing};

const DOCUMENT: &str = include_str!("../../../docs/typescript-protocol.md");

fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Done(note) => ("done", note),
        Standing::Alternative(note) => ("alternative", note),
        Standing::Waits(part) => ("waits for", part),
    }
}

fn need(need: Need) -> &'static str {
    match need {
        Need::Connection => "none",
        Need::Node => "node role",
        Need::Scope(Scope::Read) => "read",
        Need::Scope(Scope::Write) => "write",
        Need::Scope(Scope::Admin) => "admin",
        Need::Scope(Scope::Approvals) => "approvals",
        Need::Scope(Scope::Pairing) => "pairing",
    }
}

#[test]
fn every_method_and_event_has_its_row_and_no_other_has() {
    let mut expected: Vec<String> = METHODS
        .iter()
        .chain(LATER_METHODS)
        .map(|method| {
            let (word, note) = standing(method.standing);
            format!("| `{}` | {} | {word} | {note} |", method.name, need(method.need))
        })
        .collect();
    expected.extend(EVENTS.iter().map(|event| {
        let (word, note) = standing(event.standing);
        format!("| `{}` | {word} | {note} |", event.name)
    }));
    let begins = DOCUMENT.find("## Methods").expect("the document has its tables");
    let found: Vec<&str> =
        DOCUMENT[begins..].lines().filter(|line| line.starts_with("| `")).collect();
    assert_eq!(found, expected);
}
