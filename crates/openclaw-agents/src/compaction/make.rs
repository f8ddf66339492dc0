use std::sync::Arc;

use openclaw_core::{IdGen, SessionId, Usage};
use openclaw_errors::display_chain;
use openclaw_storage::rows::TranscriptRow;
use openclaw_storage::{Storage, StorageError};

use super::ask::Summariser;
use super::extract::Extract;
use super::plan::cut;
use super::render::line;
use crate::context::{head_and_tail, newest_summary};
use crate::model::Model;
use crate::prompt::fresh_code;
use crate::tokens::Window;
use crate::transcript::SummaryEntry;

/// The most askings with different parts of a conversation; what is left then is extracted.
pub(super) const MOST_STAGES: usize = 8;

/// After so many failures the model is not asked again.
const MOST_FAILURES: u32 = 3;

/// How many entries are read at once.
const PAGE: u32 = 256;

/// The most entries at the end of a conversation among which it is cut.
const MOST_ENTRIES: u32 = 16_384;

/// What is to be summarised, and how.
pub(crate) struct Making<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) ids: &'a dyn IdGen,
    pub(crate) session: &'a SessionId,
    /// Who writes it; `None` extracts it without a model.
    pub(crate) model: Option<Arc<dyn Model>>,
    pub(crate) window: Window,
    /// The bytes of the conversation's end that stay as they are, at least.
    pub(crate) keep: usize,
    /// What the owner asks of the summary.
    pub(crate) instructions: Option<&'a str>,
}

/// A summary to be stored.
#[derive(Debug)]
pub(crate) struct Made {
    pub(crate) entry: SummaryEntry,
    /// What the model used for it.
    pub(crate) usage: Usage,
    /// About how many bytes it stands for.
    pub(crate) old_bytes: usize,
}

/// Summarises all but the end of a conversation. `None` when there is nothing before its end.
pub(crate) async fn make(making: Making<'_>) -> Result<Option<Made>, StorageError> {
    let tokens = making.window.tokens();
    let end_bytes = (making.keep as u64).saturating_mul(8).clamp(1 << 20, 16 << 20);
    let end = making.storage.transcript_tail(making.session, MOST_ENTRIES, end_bytes).await?;
    let Some(cut) = cut(&end, making.keep) else { return Ok(None) };
    drop(end);
    let previous = newest_summary(making.storage, making.session, i64::MAX, tokens).await?;
    let done = previous.as_ref().map_or(0, |(_, entry)| entry.through);
    if cut.through <= done {
        return Ok(None);
    }
    // A window that shows little of a long history gets a short summary.
    let most = (making.window.room() / 8).clamp(1_500, 16 * 1024);
    let mut stages = Stages {
        summariser: making.model.clone().map(|model| Summariser::new(model, most)),
        most,
        budget: budget(&making.window, most),
        instructions: making.instructions,
        ids: making.ids,
        text: previous.as_ref().map(|(_, entry)| entry.text.clone()),
        lines: String::new(),
        since: Extract::default(),
        whole: Extract::default(),
        asked: 0,
        failures: 0,
        model: None,
        usage: Usage::default(),
    };
    let mut after = done;
    loop {
        let page = making.storage.transcript_after(making.session, after, PAGE).await?;
        let Some(last) = page.last().map(|row| row.seq) else { break };
        for row in page.iter().filter(|row| row.seq <= cut.through) {
            stages.add(row).await;
        }
        if last >= cut.through {
            break;
        }
        after = last;
    }
    let text = stages.finish().await;
    let entry = SummaryEntry {
        code: fresh_code(making.ids, &[&text]),
        text,
        through: cut.through,
        tokens,
        previous: previous.map(|(seq, _)| seq),
        model: stages.model,
    };
    Ok(Some(Made { entry, usage: stages.usage, old_bytes: cut.old_bytes }))
}

/// The bytes of lines that are given to the model at once.
fn budget(window: &Window, most: usize) -> usize {
    const PROMPT: usize = 2 * 1024;
    // Escaped text has more tokens than it had before; the room for an answer, of which a summary
    // needs little, holds them.
    let whole = window.room() + window.taken();
    whole.saturating_sub(PROMPT + most).max(6 * 1024)
}

/// A summary that grows by one part of the conversation after the other.
struct Stages<'a> {
    summariser: Option<Summariser>,
    most: usize,
    budget: usize,
    instructions: Option<&'a str>,
    ids: &'a dyn IdGen,
    /// The summary so far.
    text: Option<String>,
    /// What is not in it yet.
    lines: String,
    /// The same, extracted.
    since: Extract,
    /// All that was summarised, extracted.
    whole: Extract,
    asked: usize,
    failures: u32,
    /// The model that wrote the text; none when it was extracted.
    model: Option<String>,
    usage: Usage,
}

impl Stages<'_> {
    async fn add(&mut self, row: &TranscriptRow) {
        let Some(line) = line(row) else { return };
        if !self.lines.is_empty() && self.lines.len() + line.len() > self.budget {
            self.summarise().await;
        }
        self.since.add(row);
        self.whole.add(row);
        self.lines.push_str(&line);
        self.lines.push('\n');
    }

    async fn finish(&mut self) -> String {
        if !self.lines.is_empty() {
            self.summarise().await;
        }
        let mut text = self.text.take().unwrap_or_default();
        if self.model.is_some()
            && let Some(files) = self.whole.files()
            && !text.contains("Files worked on:")
        {
            text.push('\n');
            text.push_str(&head_and_tail(&files, self.most / 8, 0));
        }
        text
    }

    /// Takes the lines into the summary: by the model, else by what was extracted of them.
    async fn summarise(&mut self) {
        let lines = std::mem::take(&mut self.lines);
        let since = std::mem::take(&mut self.since);
        match self.written(lines).await {
            Some(text) => self.text = Some(text),
            None => {
                self.text = Some(since.summary(self.text.as_deref(), self.most));
                self.model = None;
            }
        }
    }

    async fn written(&mut self, mut lines: String) -> Option<String> {
        if self.asked >= MOST_STAGES {
            return None;
        }
        self.asked += 1;
        while self.failures < MOST_FAILURES {
            let summariser = self.summariser.as_ref()?;
            let before = self.text.as_deref();
            let code = fresh_code(self.ids, &[&lines, before.unwrap_or_default()]);
            match summariser.write(&code, before, &lines, self.instructions).await {
                Ok(written) => {
                    self.usage += written.usage;
                    self.model = Some(written.model);
                    return Some(written.text);
                }
                Err(error) => {
                    self.failures = match error.is_final() {
                        true => MOST_FAILURES,
                        false => self.failures + 1,
                    };
                    tracing::warn!(
                        failures = self.failures,
                        error = display_chain(&error),
                        "a conversation is not summarised"
                    );
                    if error.was_too_much() {
                        let half = lines.len() / 2;
                        lines = head_and_tail(&lines, half / 2, half / 2);
                        lines.push('\n');
                    }
                }
            }
        }
        None
    }
}
