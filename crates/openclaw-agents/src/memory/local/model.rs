use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ndarray::Array1;
use tokio::sync::Semaphore;
use tokio_util::task::TaskTracker;

use super::bert::{Bert, mean};
use super::config::{ModelConfig, Pooling};
use super::tensors::Tensors;
use super::wordpiece::WordPiece;
use crate::memory::embedder::{EmbedError, Embedder, normalised};

/// Words of all texts of a step together: what lies in memory for them stays below some megabytes.
const WORDS_AT_ONCE: usize = 1_024;

/// A model in a folder.
#[derive(Debug)]
pub(in crate::memory) struct LocalModel {
    folder: PathBuf,
    id: String,
    tasks: TaskTracker,
    loaded: Mutex<Option<Arc<Loaded>>>,
    /// One text after another: the processor is needed for talking too.
    turn: Arc<Semaphore>,
}

impl LocalModel {
    /// The model of this folder; nothing is read yet.
    pub(in crate::memory) fn new(folder: &Path, tasks: TaskTracker) -> Self {
        let id = format!("local:{}", folder.display());
        let (folder, turn) = (folder.to_owned(), Arc::new(Semaphore::new(1)));
        Self { folder, id, tasks, loaded: Mutex::default(), turn }
    }

    fn loaded(&self) -> std::sync::MutexGuard<'_, Option<Arc<Loaded>>> {
        self.loaded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Embedder for LocalModel {
    fn id(&self) -> &str {
        &self.id
    }

    async fn embed(&self, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EmbedError> {
        let turn = self.turn.clone().acquire_owned().await;
        let _turn = turn.map_err(|_| EmbedError::lasting("the model is gone"))?;
        let (folder, ready) = (self.folder.clone(), self.loaded().clone());
        let work = self.tasks.spawn_blocking(move || {
            let model = match ready {
                Some(model) => model,
                None => Arc::new(Loaded::read(&folder)?),
            };
            let vectors = model.embed(&texts)?;
            Ok::<_, io::Error>((model, vectors))
        });
        let failed = |error: &dyn std::fmt::Display| {
            EmbedError::lasting(format!("{}: {error}", self.folder.display()))
        };
        let (model, vectors) =
            work.await.map_err(|error| failed(&error))?.map_err(|error| failed(&error))?;
        *self.loaded() = Some(model);
        Ok(vectors)
    }

    fn give_up_memory(&self) {
        *self.loaded() = None;
    }
}

/// A model in memory.
#[derive(Debug)]
struct Loaded {
    words: WordPiece,
    bert: Bert,
    pooling: Pooling,
    /// How many pieces of a text are looked at together.
    window: usize,
}

impl Loaded {
    fn read(folder: &Path) -> io::Result<Self> {
        let config = ModelConfig::read(folder)?;
        let tensors = Tensors::open(&folder.join("model.safetensors"))
            .map_err(|error| io::Error::new(error.kind(), format!("model.safetensors: {error}")))?;
        Ok(Self {
            words: WordPiece::read(folder, config.lowers_case)?,
            pooling: config.pooling,
            window: config.window - 2,
            bert: Bert::read(tensors, config.bert)?,
        })
    }

    /// Longer texts than the model takes are looked at part by part; their vector is the mean.
    fn embed(&self, texts: &[String]) -> io::Result<Vec<Vec<f32>>> {
        let mut sums: Vec<Array1<f32>> = Vec::with_capacity(texts.len());
        let mut waiting: Vec<(usize, Vec<u32>)> = Vec::new();
        for (number, text) in texts.iter().enumerate() {
            sums.push(Array1::zeros(0));
            let pieces = self.words.pieces(text);
            let parts: Vec<&[u32]> =
                if pieces.is_empty() { vec![&[]] } else { pieces.chunks(self.window).collect() };
            for part in parts {
                waiting.push((number, self.words.framed(part)));
                let words: usize = waiting.iter().map(|(_, part)| part.len()).sum();
                if words >= WORDS_AT_ONCE {
                    self.step(&mut waiting, &mut sums)?;
                }
            }
        }
        self.step(&mut waiting, &mut sums)?;
        Ok(sums.into_iter().map(|sum| normalised(sum.to_vec())).collect())
    }

    fn step(
        &self,
        waiting: &mut Vec<(usize, Vec<u32>)>,
        sums: &mut [Array1<f32>],
    ) -> io::Result<()> {
        let (numbers, parts): (Vec<usize>, Vec<Vec<u32>>) = waiting.drain(..).unzip();
        if parts.is_empty() {
            return Ok(());
        }
        for (number, rows) in numbers.into_iter().zip(self.bert.encode(&parts)?) {
            let pooled = match self.pooling {
                Pooling::Mean => mean(&rows),
                Pooling::First => rows.row(0).to_owned(),
            };
            // Longer parts count more.
            let pooled = pooled * rows.nrows() as f32;
            sums[number] = if sums[number].is_empty() { pooled } else { &sums[number] + &pooled };
        }
        Ok(())
    }
}
