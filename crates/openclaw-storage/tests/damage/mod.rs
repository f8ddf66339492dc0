//! Breaks files on purpose.

use std::path::Path;

/// Overwrites every page of an SQLite file that holds these bytes.
pub(crate) fn overwrite_pages_with(path: &Path, needle: &[u8]) {
    let mut bytes = std::fs::read(path).expect("read");
    let damaged: Vec<usize> = bytes
        .chunks(4096)
        .enumerate()
        .filter(|(_, page)| page.windows(needle.len()).any(|window| window == needle))
        .map(|(index, _)| index)
        .collect();
    assert!(!damaged.is_empty() && !damaged.contains(&0), "{damaged:?}");
    for page in damaged {
        bytes[page * 4096..(page + 1) * 4096].fill(0xFF);
    }
    std::fs::write(path, bytes).expect("written");
}
