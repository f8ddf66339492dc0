//! The patch format of `apply_patch`: what it says, and applying it to a text.

/// What a patch does to one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    /// A new file.
    Add { path: String, content: String },
    /// A file goes.
    Delete { path: String },
    /// A file is changed, and perhaps moved.
    Update { path: String, moved_to: Option<String>, hunks: Vec<Hunk> },
}

/// Lines that are replaced by others.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Hunk {
    /// A line above, after which the old lines stand.
    anchors: Vec<String>,
    old: Vec<String>,
    new: Vec<String>,
    /// The old lines are the last of the file.
    at_end: bool,
}

const BEGIN: &str = "*** Begin Patch";
const END: &str = "*** End Patch";
const ADD: &str = "*** Add File: ";
const DELETE: &str = "*** Delete File: ";
const UPDATE: &str = "*** Update File: ";
const MOVE: &str = "*** Move to: ";
const END_OF_FILE: &str = "*** End of File";

/// Reads a patch. Mistakes are told with the number of the line.
pub(super) fn parse(text: &str) -> Result<Vec<Change>, String> {
    let lines: Vec<&str> = text.trim().lines().map(|line| line.trim_end_matches('\r')).collect();
    let (Some(first), Some(last)) = (lines.first(), lines.last()) else {
        return Err("the patch is empty".to_owned());
    };
    if first.trim() != BEGIN {
        return Err(format!("line 1 must be \"{BEGIN}\""));
    }
    if last.trim() != END || lines.len() < 2 {
        return Err(format!("the last line must be \"{END}\""));
    }
    let mut changes = Vec::new();
    let mut rest = Lines { lines: &lines[..lines.len() - 1], at: 1 };
    while let Some(line) = rest.peek() {
        if line.trim().is_empty() {
            rest.at += 1;
            continue;
        }
        changes.push(change(&mut rest)?);
    }
    if changes.is_empty() { Err("the patch changes no file".to_owned()) } else { Ok(changes) }
}

struct Lines<'a> {
    lines: &'a [&'a str],
    at: usize,
}

impl<'a> Lines<'a> {
    fn peek(&self) -> Option<&'a str> {
        self.lines.get(self.at).copied()
    }

    fn next_if(&mut self, wanted: impl Fn(&str) -> bool) -> Option<&'a str> {
        let line = self.peek().filter(|line| wanted(line))?;
        self.at += 1;
        Some(line)
    }

    fn wrong(&self, what: &str) -> String {
        let line: String = self.peek().unwrap_or_default().chars().take(80).collect();
        format!("line {}: {what}, not {line:?}", self.at + 1)
    }
}

fn change(lines: &mut Lines<'_>) -> Result<Change, String> {
    if let Some(line) = lines.next_if(|line| line.starts_with(ADD)) {
        let mut content = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('+')) {
            content.push_str(&line[1..]);
            content.push('\n');
        }
        return Ok(Change::Add { path: path(line, ADD, lines)?, content });
    }
    if let Some(line) = lines.next_if(|line| line.starts_with(DELETE)) {
        return Ok(Change::Delete { path: path(line, DELETE, lines)? });
    }
    if let Some(line) = lines.next_if(|line| line.starts_with(UPDATE)) {
        let path = path(line, UPDATE, lines)?;
        let moved_to = lines.next_if(|line| line.starts_with(MOVE));
        let moved_to = moved_to.map(|line| line[MOVE.len()..].trim().to_owned());
        let mut hunks = Vec::new();
        while lines.peek().is_some_and(|line| !is_header(line)) {
            hunks.push(hunk(lines)?);
        }
        if hunks.is_empty() && moved_to.is_none() {
            return Err(lines.wrong("a change to the file is expected"));
        }
        return Ok(Change::Update { path, moved_to, hunks });
    }
    Err(lines
        .wrong("\"*** Add File: \", \"*** Update File: \" or \"*** Delete File: \" is expected"))
}

fn is_header(line: &str) -> bool {
    [ADD, DELETE, UPDATE].iter().any(|header| line.starts_with(header))
}

fn path(line: &str, header: &str, lines: &Lines<'_>) -> Result<String, String> {
    let path = line[header.len()..].trim();
    if path.is_empty() {
        return Err(format!("line {}: the path is missing", lines.at));
    }
    Ok(path.to_owned())
}

fn hunk(lines: &mut Lines<'_>) -> Result<Hunk, String> {
    let mut hunk = Hunk::default();
    while let Some(line) = lines.next_if(|line| line.starts_with("@@")) {
        let anchor = line[2..].trim();
        if !anchor.is_empty() {
            hunk.anchors.push(anchor.to_owned());
        }
    }
    let start = lines.at;
    while let Some(line) = lines.next_if(|line| !line.starts_with("@@") && !is_header(line)) {
        if line.trim_end() == END_OF_FILE {
            hunk.at_end = true;
            break;
        }
        match line.split_at_checked(1) {
            Some(("+", added)) => hunk.new.push(added.to_owned()),
            Some(("-", removed)) => hunk.old.push(removed.to_owned()),
            Some((" ", kept)) => {
                hunk.old.push(kept.to_owned());
                hunk.new.push(kept.to_owned());
            }
            // An empty line whose blank was lost.
            None => {
                hunk.old.push(String::new());
                hunk.new.push(String::new());
            }
            Some(_) => {
                lines.at -= 1;
                return Err(lines.wrong("a line must begin with \" \", \"+\" or \"-\""));
            }
        }
    }
    if lines.at == start {
        return Err(lines.wrong("lines of the change are expected"));
    }
    Ok(hunk)
}

/// Applies hunks in their order; each is looked for after the one before.
pub(super) fn apply(content: &str, hunks: &[Hunk]) -> Result<String, String> {
    let crlf = content.contains("\r\n")
        && content.matches('\n').count() == content.matches("\r\n").count();
    let content = if crlf { content.replace("\r\n", "\n") } else { content.to_owned() };
    let ends_with_newline = content.is_empty() || content.ends_with('\n');
    // Where only some lines end in CRLF, the CR is part of the line and stays.
    let body = content.strip_suffix('\n').unwrap_or(&content);
    let mut lines: Vec<String> =
        if content.is_empty() { Vec::new() } else { body.split('\n').map(str::to_owned).collect() };
    let mut from = 0;
    for (number, hunk) in hunks.iter().enumerate() {
        let at = place(&lines, hunk, from).ok_or_else(|| {
            let missing = hunk.old.first().or(hunk.anchors.first()).map_or("", String::as_str);
            format!(
                "change {} does not fit: its lines are not in the file, beginning with {missing:?}",
                number + 1
            )
        })?;
        // What is kept stays as it stands in the file, even where it was found by its words alone.
        let replaced: Vec<String> = merged(&lines[at..at + hunk.old.len()], hunk);
        from = at + replaced.len();
        lines.splice(at..at + hunk.old.len(), replaced);
    }
    let mut text = lines.join("\n");
    if ends_with_newline && !text.is_empty() {
        text.push('\n');
    }
    Ok(if crlf { text.replace('\n', "\r\n") } else { text })
}

fn merged(found: &[String], hunk: &Hunk) -> Vec<String> {
    let mut kept = hunk.old.iter().zip(found);
    let mut pending: Vec<(&String, &String)> = kept.by_ref().collect();
    pending.reverse();
    let mut out = Vec::new();
    for line in &hunk.new {
        let position = pending.iter().rposition(|(old, _)| *old == line);
        match position {
            Some(position) => {
                out.push(pending[position].1.clone());
                pending.truncate(position);
            }
            None => out.push(line.clone()),
        }
    }
    out
}

/// Where the old lines of a hunk stand: exactly, else with other blanks at their ends, else with
/// other blanks around.
fn place(lines: &[String], hunk: &Hunk, from: usize) -> Option<usize> {
    let mut from = from;
    for anchor in &hunk.anchors {
        let found = lines.iter().skip(from).position(|line| line.trim() == anchor.trim());
        from += found? + 1;
    }
    if hunk.old.is_empty() {
        // Only added: after its anchor, else at the end.
        return Some(if hunk.anchors.is_empty() || hunk.at_end { lines.len() } else { from });
    }
    let ways: [fn(&str) -> &str; 3] = [|line| line, str::trim_end, str::trim];
    ways.into_iter().find_map(|way| {
        let last = lines.len().checked_sub(hunk.old.len())?;
        let fits = |at: &usize| {
            hunk.old.iter().zip(&lines[*at..]).all(|(old, line)| way(old) == way(line))
        };
        if hunk.at_end {
            return Some(last).filter(|at| *at >= from && fits(at));
        }
        (from..=last).find(fits)
    })
}

#[cfg(test)]
mod tests {
    use super::{Change, apply, parse};

    fn updated(content: &str, body: &str) -> Result<String, String> {
        let patch = format!("*** Begin Patch\n*** Update File: f\n{body}\n*** End Patch");
        let Change::Update { hunks, .. } = parse(&patch)?.remove(0) else { panic!("an update") };
        apply(content, &hunks)
    }

    #[test]
    fn lines_are_replaced_where_they_stand() {
        assert_eq!(updated("a\nb\nc\n", " a\n-b\n+B\n c"), Ok("a\nB\nc\n".to_owned()));
        assert_eq!(
            updated("a\nb\na\nb\n", "@@ a\n-b\n+one\n@@ a\n-b\n+two"),
            Ok("a\none\na\ntwo\n".to_owned())
        );
        assert_eq!(
            updated("x\nb\nx\nb", "@@\n-b\n+end\n*** End of File"),
            Ok("x\nb\nx\nend".to_owned())
        );
        assert_eq!(updated("a\r\nb\r\n", "-b\n+B"), Ok("a\r\nB\r\n".to_owned()));
        assert_eq!(updated("a\r\nb\r\nc\n", "-b\n+B"), Ok("a\r\nB\nc\n".to_owned()));
        assert_eq!(updated("a\n\n", "-a\n+b"), Ok("b\n\n".to_owned()));
        assert_eq!(updated("a\n", "+last"), Ok("a\nlast\n".to_owned()));
        assert_eq!(updated("a\n\nb\n", " a\n\n-b\n+c"), Ok("a\n\nc\n".to_owned()));
        assert_eq!(updated("\tif x\n\t\ty  \n", " if x\n-y\n+z"), Ok("\tif x\nz\n".to_owned()));
    }

    #[test]
    fn what_does_not_fit_is_told() {
        let problem =
            "change 1 does not fit: its lines are not in the file, beginning with \"zzz\"";
        assert_eq!(updated("a\n", "-zzz\n+b"), Err(problem.to_owned()));
        assert!(updated("a\n", "@@ nowhere\n-a\n+b").is_err());
        for (patch, problem) in [
            ("", "the patch is empty"),
            ("x", "line 1 must be \"*** Begin Patch\""),
            ("*** Begin Patch", "the last line must be \"*** End Patch\""),
            ("*** Begin Patch\n*** End Patch", "the patch changes no file"),
            (
                "*** Begin Patch\nx\n*** End Patch",
                "line 2: \"*** Add File: \", \"*** Update File: \" or \"*** Delete File: \" is expected, not \"x\"",
            ),
            (
                "*** Begin Patch\n*** Update File: f\n?x\n*** End Patch",
                "line 3: a line must begin with \" \", \"+\" or \"-\", not \"?x\"",
            ),
            (
                "*** Begin Patch\n*** Update File: f\n*** End Patch",
                "line 3: a change to the file is expected, not \"\"",
            ),
            ("*** Begin Patch\n*** Delete File: \n*** End Patch", "line 2: the path is missing"),
        ] {
            assert_eq!(parse(patch), Err(problem.to_owned()), "{patch:?}");
        }
    }

    #[test]
    fn all_kinds_of_changes_are_read() {
        let patch = "*** Begin Patch\n*** Add File: a/b\n+one\n+\n*** Delete File: c\n*** Update File: d\n*** Move to: e\n-x\n+y\n*** End Patch\n";
        let changes = parse(patch).expect("it is a patch");
        assert_eq!(
            changes[0],
            Change::Add { path: "a/b".to_owned(), content: "one\n\n".to_owned() }
        );
        assert_eq!(changes[1], Change::Delete { path: "c".to_owned() });
        let Change::Update { path, moved_to, hunks } = &changes[2] else { panic!("an update") };
        assert_eq!((path.as_str(), moved_to.as_deref(), hunks.len()), ("d", Some("e"), 1));
    }
}
