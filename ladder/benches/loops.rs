//! What a million iterations of the ladder's loops cost; the service's own are in `rust_core`'s `fold`.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use ladder_core::rungs;
use rust_core::fold::FoldError;

const ITERATIONS: u32 = 1_000_000;

fn million(criterion: &mut Criterion) {
    let ids: Vec<String> = ["1", "2", "3"].map(String::from).into();
    let mut group = criterion.benchmark_group("loops_million");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));
    type Loop = fn(&[String], u32) -> Result<u64, FoldError>;
    let loops: [(&str, Loop); 2] = [
        ("parse_once", rungs::fold_parsed),
        ("closed_form", rungs::fold_closed),
    ];
    for (name, rung) in loops {
        group.bench_function(name, |b| b.iter(|| rung(black_box(&ids), ITERATIONS)));
    }
    group.finish();
}

criterion_group!(benches, million);
criterion_main!(benches);
