//! The time of cutting and rendering one long answer.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use openclaw_channel_traits::chunk::{TextLimit, chunk};
use openclaw_channel_traits::markup::to_telegram_html;
use openclaw_channel_traits::{LengthUnit, MarkupDialect};

fn answer(sections: usize) -> String {
    let section = "## A heading\n\nA paragraph with **bold**, `code` and a [link](https://example.org/).\n\n\
                   - one\n- two\n\n```rust\nfn main() { println!(\"hello\"); }\n```\n\n";
    section.repeat(sections)
}

fn chunking(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("chunking");
    let limit =
        TextLimit { max: 4096, unit: LengthUnit::Utf16, dialect: MarkupDialect::TelegramHtml };
    for (name, text) in [
        ("short", "A short answer, as most are.".to_owned()),
        ("twelve_thousand", answer(60)),
        ("one_fence", format!("```\n{}```\n", "let x = 1;\n".repeat(1_000))),
        ("one_word", "x".repeat(12_000)),
    ] {
        group.throughput(Throughput::Bytes(text.len() as u64));
        group.bench_function(format!("cut/{name}"), |bencher| {
            bencher.iter(|| chunk(black_box(&text), limit));
        });
        group.bench_function(format!("render/{name}"), |bencher| {
            bencher.iter(|| to_telegram_html(black_box(&text)));
        });
    }
    group.finish();
}

criterion_group!(benches, chunking);
criterion_main!(benches);
