//! What a million iterations of each loop cost, and what one parse does.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rust_core::fold;

const ITERATIONS: u32 = 1_000_000;

fn million(criterion: &mut Criterion) {
    let ids: Vec<String> = ["1", "2", "3"].map(String::from).into();
    let mut group = criterion.benchmark_group("fold_million");
    group
        .sample_size(10)
        .measurement_time(Duration::from_secs(3))
        .warm_up_time(Duration::from_secs(1));
    type Loop = fn(&[String], u32) -> Result<u64, fold::FoldError>;
    let loops: [(&str, Loop); 2] = [("clone", fold::fold_clone), ("borrow", fold::fold)];
    for (name, fold) in loops {
        group.bench_function(name, |b| b.iter(|| fold(black_box(&ids), ITERATIONS)));
    }
    group.finish();
}

fn parse(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("parse");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    for id in ["1", "4294967295"] {
        group.bench_function(id, |b| b.iter(|| fold::parse(black_box(id))));
    }
    group.finish();
}

criterion_group!(benches, million, parse);
criterion_main!(benches);
