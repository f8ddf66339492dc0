use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read as _, Seek as _, SeekFrom};
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use ndarray::{Array1, Array2};
use serde::Deserialize;
use serde_json::value::RawValue;

/// A larger head is none of a model.
const LONGEST_HEAD: u64 = 16 * 1024 * 1024;

fn invalid(problem: impl Into<String>) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, problem.into())
}

/// One entry of the head.
#[derive(Debug, Clone, Deserialize)]
struct Tensor {
    dtype: String,
    shape: Vec<usize>,
    data_offsets: [u64; 2],
}

/// A file of the safetensors format: eight bytes with the length of a head in JSON, the head, numbers.
#[derive(Debug)]
pub(super) struct Tensors {
    file: Mutex<File>,
    head: HashMap<String, Tensor>,
    /// Where the numbers begin.
    start: u64,
}

impl Tensors {
    pub(super) fn open(path: &Path) -> io::Result<Self> {
        let mut file = File::open(path)?;
        let mut length = [0; 8];
        file.read_exact(&mut length)?;
        let length = u64::from_le_bytes(length);
        if length > LONGEST_HEAD {
            return Err(invalid("model.safetensors: no file of this format"));
        }
        let mut head = String::new();
        (&file).take(length).read_to_string(&mut head)?;
        let entries: HashMap<String, Box<RawValue>> = serde_json::from_str(&head)
            .map_err(|error| invalid(format!("model.safetensors: {error}")))?;
        let head = entries
            .into_iter()
            .filter_map(|(name, entry)| Some((name, serde_json::from_str(entry.get()).ok()?)))
            .collect();
        Ok(Self { file: Mutex::new(file), head, start: 8 + length })
    }

    /// A tensor by the name it has in a bare encoder, or within a whole model.
    fn find(&self, name: &str) -> io::Result<&Tensor> {
        let found = self.head.get(name).or_else(|| self.head.get(&format!("bert.{name}")));
        let tensor =
            found.ok_or_else(|| invalid(format!("model.safetensors: {name} is missing")))?;
        if tensor.dtype == "F32" {
            return Ok(tensor);
        }
        Err(invalid(format!("model.safetensors: {name} is {}, only F32 can be used", tensor.dtype)))
    }

    fn read(&self, from: u64, count: usize) -> io::Result<Vec<f32>> {
        let mut bytes = vec![0; count * 4];
        let mut file = self.file.lock().unwrap_or_else(PoisonError::into_inner);
        file.seek(SeekFrom::Start(self.start + from))?;
        file.read_exact(&mut bytes)?;
        let (numbers, _) = bytes.as_chunks::<4>();
        Ok(numbers.iter().map(|number| f32::from_le_bytes(*number)).collect())
    }

    fn whole(&self, name: &str, shape: &[usize]) -> io::Result<Vec<f32>> {
        let tensor = self.find(name)?;
        let count = shape.iter().product::<usize>();
        let [from, to] = tensor.data_offsets;
        if tensor.shape != shape || to.checked_sub(from) != Some(count as u64 * 4) {
            let found = &tensor.shape;
            return Err(invalid(format!("model.safetensors: {name} is {found:?}, not {shape:?}")));
        }
        self.read(from, count)
    }

    /// A vector of this length.
    pub(super) fn vector(&self, name: &str, length: usize) -> io::Result<Array1<f32>> {
        Ok(Array1::from_vec(self.whole(name, &[length])?))
    }

    /// A matrix of this many rows and columns.
    pub(super) fn matrix(&self, name: &str, shape: (usize, usize)) -> io::Result<Array2<f32>> {
        let numbers = self.whole(name, &[shape.0, shape.1])?;
        Array2::from_shape_vec(shape, numbers).map_err(|error| invalid(error.to_string()))
    }

    /// One row of a matrix, read from the file.
    pub(super) fn row(&self, name: &str, row: usize, columns: usize) -> io::Result<Vec<f32>> {
        let tensor = self.find(name)?;
        if tensor.shape.get(1) != Some(&columns)
            || tensor.shape.first().is_none_or(|rows| row >= *rows)
        {
            return Err(invalid(format!("model.safetensors: {name} has no row {row}")));
        }
        self.read(tensor.data_offsets[0] + (row * columns * 4) as u64, columns)
    }
}
