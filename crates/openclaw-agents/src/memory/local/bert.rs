use std::io;

use ndarray::linalg::general_mat_mul;
use ndarray::{Array1, Array2, ArrayView1, ArrayViewMut2, Axis, s};

use super::config::BertConfig;
use super::tensors::Tensors;

const WORDS: &str = "embeddings.word_embeddings.weight";

/// A matrix product with something added.
#[derive(Debug)]
struct Dense {
    weight: Array2<f32>,
    bias: Array1<f32>,
}

impl Dense {
    fn read(tensors: &Tensors, name: &str, from: usize, to: usize) -> io::Result<Self> {
        Ok(Self {
            weight: tensors.matrix(&format!("{name}.weight"), (to, from))?,
            bias: tensors.vector(&format!("{name}.bias"), to)?,
        })
    }

    fn apply(&self, input: &Array2<f32>) -> Array2<f32> {
        let shape = (input.nrows(), self.bias.len());
        let mut output = Array2::from_shape_fn(shape, |(_, column)| self.bias[column]);
        general_mat_mul(1.0, input, &self.weight.t(), 1.0, &mut output);
        output
    }
}

/// Brings each row to a mean of 0 and a spread of 1, then to what was learnt.
#[derive(Debug)]
struct Norm {
    weight: Array1<f32>,
    bias: Array1<f32>,
    epsilon: f32,
}

impl Norm {
    fn read(tensors: &Tensors, name: &str, config: &BertConfig) -> io::Result<Self> {
        Ok(Self {
            weight: tensors.vector(&format!("{name}.weight"), config.hidden_size)?,
            bias: tensors.vector(&format!("{name}.bias"), config.hidden_size)?,
            epsilon: config.layer_norm_eps,
        })
    }

    fn apply(&self, rows: &mut Array2<f32>) {
        for mut row in rows.rows_mut() {
            let length = row.len() as f32;
            let mean = row.sum() / length;
            let variance = row.iter().map(|value| (value - mean).powi(2)).sum::<f32>() / length;
            let scale = 1.0 / (variance + self.epsilon).sqrt();
            for ((value, weight), bias) in row.iter_mut().zip(&self.weight).zip(&self.bias) {
                *value = (*value - mean) * scale * weight + bias;
            }
        }
    }
}

#[derive(Debug)]
struct Layer {
    query: Dense,
    key: Dense,
    value: Dense,
    attended: Dense,
    attended_norm: Norm,
    wide: Dense,
    narrow: Dense,
    norm: Norm,
}

impl Layer {
    fn read(tensors: &Tensors, number: usize, config: &BertConfig) -> io::Result<Self> {
        let (hidden, wide) = (config.hidden_size, config.intermediate_size);
        let name = |part: &str| format!("encoder.layer.{number}.{part}");
        let square = |part| Dense::read(tensors, &name(part), hidden, hidden);
        Ok(Self {
            query: square("attention.self.query")?,
            key: square("attention.self.key")?,
            value: square("attention.self.value")?,
            attended: square("attention.output.dense")?,
            attended_norm: Norm::read(tensors, &name("attention.output.LayerNorm"), config)?,
            wide: Dense::read(tensors, &name("intermediate.dense"), hidden, wide)?,
            narrow: Dense::read(tensors, &name("output.dense"), wide, hidden)?,
            norm: Norm::read(tensors, &name("output.LayerNorm"), config)?,
        })
    }

    /// All texts at once; words look only at those of their own text, from one bound to the next.
    fn apply(&self, rows: Array2<f32>, bounds: &[usize], heads: usize) -> Array2<f32> {
        let (query, key, value) =
            (self.query.apply(&rows), self.key.apply(&rows), self.value.apply(&rows));
        let width = rows.ncols() / heads;
        let mut seen = Array2::zeros(rows.raw_dim());
        for text in bounds.windows(2) {
            for head in 0..heads {
                let part = s![text[0]..text[1], head * width..(head + 1) * width];
                let mut scores = query.slice(part).dot(&key.slice(part).t());
                scores.mapv_inplace(|score| score / (width as f32).sqrt());
                soften(scores.view_mut());
                seen.slice_mut(part).assign(&scores.dot(&value.slice(part)));
            }
        }
        let mut rows = rows + self.attended.apply(&seen);
        self.attended_norm.apply(&mut rows);
        let mut wide = self.wide.apply(&rows);
        wide.mapv_inplace(gelu);
        let mut rows = rows + self.narrow.apply(&wide);
        self.norm.apply(&mut rows);
        rows
    }
}

/// Makes each row positive with a sum of 1.
fn soften(mut scores: ArrayViewMut2<'_, f32>) {
    for mut row in scores.rows_mut() {
        let largest = row.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row.mapv_inplace(|score| score / sum);
    }
}

fn gelu(x: f32) -> f32 {
    0.5 * x * (1.0 + erf(x * std::f32::consts::FRAC_1_SQRT_2))
}

/// Abramowitz and Stegun 7.1.26, exact to 1.5e-7.
fn erf(x: f32) -> f32 {
    let t = 1.0 / (1.0 + 0.327_591_1 * x.abs());
    let terms = [1.061_405_4, -1.453_152, 1.421_413_7, -0.284_496_74, 0.254_829_6];
    let polynomial = terms.into_iter().fold(0.0, |sum: f32, term| (sum + term) * t);
    (1.0 - polynomial * (-x * x).exp()).copysign(x)
}

/// The encoder.
#[derive(Debug)]
pub(super) struct Bert {
    config: BertConfig,
    tensors: Tensors,
    positions: Array2<f32>,
    first_kind: Array1<f32>,
    norm: Norm,
    layers: Vec<Layer>,
}

impl Bert {
    pub(super) fn read(tensors: Tensors, config: BertConfig) -> io::Result<Self> {
        let hidden = config.hidden_size;
        let longest = config.max_position_embeddings;
        let layers = (0..config.num_hidden_layers)
            .map(|number| Layer::read(&tensors, number, &config))
            .collect::<io::Result<_>>()?;
        let kinds = "embeddings.token_type_embeddings.weight";
        Ok(Self {
            positions: tensors
                .matrix("embeddings.position_embeddings.weight", (longest, hidden))?,
            first_kind: Array1::from_vec(tensors.row(kinds, 0, hidden)?),
            norm: Norm::read(&tensors, "embeddings.LayerNorm", &config)?,
            layers,
            tensors,
            config,
        })
    }

    /// The vectors of the words of each text, one after another.
    pub(super) fn encode(&self, texts: &[Vec<u32>]) -> io::Result<Vec<Array2<f32>>> {
        let mut bounds = vec![0];
        for text in texts {
            bounds.push(bounds[bounds.len() - 1] + text.len());
        }
        let hidden = self.config.hidden_size;
        let mut rows = Array2::zeros((bounds[texts.len()], hidden));
        let mut numbered = rows.rows_mut().into_iter();
        for text in texts {
            for (position, word) in text.iter().enumerate().take(self.positions.nrows()) {
                let Some(mut row) = numbered.next() else { break };
                let word = self.tensors.row(WORDS, *word as usize, hidden)?;
                row.assign(&ArrayView1::from(&word));
                row += &self.positions.row(position);
                row += &self.first_kind;
            }
        }
        self.norm.apply(&mut rows);
        for layer in &self.layers {
            rows = layer.apply(rows, &bounds, self.config.num_attention_heads);
        }
        Ok(bounds.windows(2).map(|text| rows.slice(s![text[0]..text[1], ..]).to_owned()).collect())
    }
}

/// The mean of rows.
pub(super) fn mean(rows: &Array2<f32>) -> Array1<f32> {
    rows.mean_axis(Axis(0)).unwrap_or_else(|| Array1::zeros(rows.ncols()))
}

#[cfg(test)]
mod tests {
    use super::{erf, gelu};

    #[test]
    fn the_error_function_is_close_enough() {
        for (x, expected) in
            [(0.0, 0.0), (0.5, 0.520_499_9), (1.0, 0.842_700_8), (-2.0, -0.995_322_3), (4.0, 1.0)]
        {
            assert!((erf(x) - expected).abs() < 1e-6, "{x}: {}", erf(x));
        }
        assert!((gelu(1.0) - 0.841_344_7).abs() < 1e-5);
    }
}
