use std::fs::File;
use std::io::{self, Read};
use std::ops::ControlFlow;
use std::path::Path;

use grep_regex::{RegexMatcher, RegexMatcherBuilder};
use grep_searcher::{BinaryDetection, Searcher, SearcherBuilder, Sink, SinkMatch};

use super::search::Found;
use super::walk::Visited;
use crate::platform::Beneath;
use crate::{Stop, Stopped, ToolError};

/// What one file may take: a line longer than this makes the file unreadable.
const HEAP: usize = 4 * 1024 * 1024;
const REGEX_SIZE: usize = 4 * 1024 * 1024;

/// The most characters of a line that are shown.
const MAX_LINE: usize = 300;

/// Looks for a regular expression line by line.
pub(super) struct ContentSearch {
    pattern: String,
    matcher: RegexMatcher,
    searcher: Searcher,
}

impl ContentSearch {
    pub(super) fn new(pattern: &str) -> Result<Self, ToolError> {
        let matcher = RegexMatcherBuilder::new()
            .line_terminator(Some(b'\n'))
            .crlf(false)
            .size_limit(REGEX_SIZE)
            .dfa_size_limit(REGEX_SIZE)
            .build(pattern)
            .map_err(|error| {
                ToolError::RespondToModel(format!(
                    "pattern is not a valid regular expression: {error}; for the text itself: {}",
                    regex::escape(pattern)
                ))
            })?;
        let searcher = SearcherBuilder::new()
            .binary_detection(BinaryDetection::quit(0))
            .heap_limit(Some(HEAP))
            .line_number(true)
            .build();
        Ok(Self { pattern: pattern.to_owned(), matcher, searcher })
    }

    /// The pattern that means this pattern's own text, where that is another.
    pub(super) fn literal(&self) -> Option<String> {
        Some(regex::escape(&self.pattern)).filter(|escaped| *escaped != self.pattern)
    }

    pub(super) fn visit(
        &mut self,
        visited: &Visited<'_>,
        found: &mut Found,
        stop: &Stop,
    ) -> Result<ControlFlow<()>, Stopped> {
        match visited.folder.file(Path::new(visited.name)) {
            Ok(file) => self.file(file, visited.path, found, stop),
            Err(_) => {
                found.unreadable += 1;
                Ok(ControlFlow::Continue(()))
            }
        }
    }

    /// Searches one file, if it is a regular one.
    pub(super) fn file(
        &mut self,
        file: File,
        path: &Path,
        found: &mut Found,
        stop: &Stop,
    ) -> Result<ControlFlow<()>, Stopped> {
        if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
            return Ok(ControlFlow::Continue(()));
        }
        let path = path.to_string_lossy();
        let mut sink = Lines { path: &path, found, ended: ControlFlow::Continue(()) };
        let searched =
            self.searcher.search_reader(&self.matcher, Stoppable { file, stop }, &mut sink);
        let ended = sink.ended;
        if searched.is_err() {
            stop.check()?;
            found.unreadable += 1;
        }
        Ok(ended)
    }
}

struct Lines<'a> {
    path: &'a str,
    found: &'a mut Found,
    ended: ControlFlow<()>,
}

impl Sink for Lines<'_> {
    type Error = io::Error;

    fn matched(&mut self, _: &Searcher, matched: &SinkMatch<'_>) -> Result<bool, io::Error> {
        let line = String::from_utf8_lossy(matched.bytes());
        let line = line.trim_end_matches(['\n', '\r']);
        let (shown, mark) = match line.char_indices().nth(MAX_LINE) {
            Some((at, _)) => (&line[..at], "\u{2026}"),
            None => (line, ""),
        };
        let number = matched.line_number().unwrap_or_default();
        self.ended = self.found.push(&format!("{}:{number}: {shown}{mark}", self.path));
        Ok(self.ended.is_continue())
    }
}

/// A file that ends with an error once the work must stop, also in the midst of a long one.
struct Stoppable<'a> {
    file: File,
    stop: &'a Stop,
}

impl Read for Stoppable<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.stop.check().map_err(io::Error::other)?;
        self.file.read(buffer)
    }
}
