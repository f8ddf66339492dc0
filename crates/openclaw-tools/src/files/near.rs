/// Says what of a text that was not found does stand in the file.
pub(super) fn hint(content: &str, wanted: &str) -> String {
    let lines: Vec<&str> = content.lines().collect();
    let wanted: Vec<String> = wanted.lines().map(squeezed).skip_while(String::is_empty).collect();
    let trailing = wanted.iter().rev().take_while(|line| line.is_empty()).count();
    let wanted = &wanted[..wanted.len() - trailing];
    let Some(first) = wanted.first() else {
        return "old_text was not found; it is white space only".to_owned();
    };
    let squeezed_lines: Vec<String> = lines.iter().map(|line| squeezed(line)).collect();
    if let Some(at) = squeezed_lines.windows(wanted.len()).position(|window| window == wanted) {
        let place = match wanted.len() {
            1 => format!("line {}", at + 1),
            count => format!("lines {}-{}", at + 1, at + count),
        };
        return format!(
            "old_text was not found, but {place} differ only in white space; copy them exactly as read shows them"
        );
    }
    let start = squeezed_lines.iter().position(|line| line == first);
    if let Some(at) = start {
        let same = squeezed_lines[at..].iter().zip(wanted).take_while(|(a, b)| a == b).count();
        let line = at + same + 1;
        let found = lines.get(at + same).map_or("the end of the file", |line| cut(line.trim()));
        let expected = wanted.get(same).map_or("", |line| cut(line));
        return format!(
            "old_text was not found; it agrees with the file from line {} on, but at line {line} the file has {found:?} where old_text has {expected:?}",
            at + 1
        );
    }
    "old_text was not found; read the file again and copy the text exactly".to_owned()
}

/// A line with its white space made one blank.
fn squeezed(line: &str) -> String {
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn cut(line: &str) -> &str {
    line.char_indices().nth(80).map_or(line, |(at, _)| &line[..at])
}
