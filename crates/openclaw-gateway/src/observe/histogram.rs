use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Counts durations by how long they are.
#[derive(Debug)]
pub(super) struct Histogram<const N: usize> {
    /// Upper bounds in seconds, rising.
    bounds: [f64; N],
    counts: [AtomicU64; N],
    beyond: AtomicU64,
    micros: AtomicU64,
}

impl<const N: usize> Histogram<N> {
    pub(super) fn new(bounds: [f64; N]) -> Self {
        Self {
            bounds,
            counts: std::array::from_fn(|_| AtomicU64::new(0)),
            beyond: AtomicU64::new(0),
            micros: AtomicU64::new(0),
        }
    }

    pub(super) fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let place = self.bounds.iter().position(|bound| seconds <= *bound);
        let count = place.map_or(&self.beyond, |place| &self.counts[place]);
        count.fetch_add(1, Ordering::Relaxed);
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        self.micros.fetch_add(micros, Ordering::Relaxed);
    }

    /// Writes it in the text format of Prometheus.
    pub(super) fn write(&self, name: &str, help: &str, out: &mut String) {
        let mut sum = 0;
        let mut lines = format!("# HELP {name} {help}\n# TYPE {name} histogram\n");
        for (bound, count) in self.bounds.iter().zip(&self.counts) {
            sum += count.load(Ordering::Relaxed);
            writeln!(lines, "{name}_bucket{{le=\"{bound}\"}} {sum}").expect("a string takes text");
        }
        sum += self.beyond.load(Ordering::Relaxed);
        #[expect(clippy::cast_precision_loss, reason = "a sum of durations is no exact number")]
        let seconds = self.micros.load(Ordering::Relaxed) as f64 / 1e6;
        writeln!(
            lines,
            "{name}_bucket{{le=\"+Inf\"}} {sum}\n{name}_sum {seconds}\n{name}_count {sum}"
        )
        .expect("a string takes text");
        out.push_str(&lines);
    }
}

#[cfg(test)]
mod tests {
    use super::Histogram;
    use std::time::Duration;

    #[test]
    fn buckets_are_cumulative() {
        let histogram = Histogram::new([0.1, 1.0]);
        for millis in [50, 100, 500, 5_000] {
            histogram.observe(Duration::from_millis(millis));
        }
        let mut text = String::new();
        histogram.write("x_seconds", "How long.", &mut text);
        insta::assert_snapshot!(text, @r#"
        # HELP x_seconds How long.
        # TYPE x_seconds histogram
        x_seconds_bucket{le="0.1"} 2
        x_seconds_bucket{le="1"} 3
        x_seconds_bucket{le="+Inf"} 4
        x_seconds_sum 5.65
        x_seconds_count 4
        "#);
    }
}
