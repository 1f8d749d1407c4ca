//! What counting a duration costs: it is done for every request and every lock.

use std::hint::black_box;
use std::time::Duration;

use criterion::{Criterion, criterion_group, criterion_main};
use rust_core::histogram::Histogram;

fn histogram(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("histogram");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    let times = Histogram::new();
    group.bench_function("observe", |b| {
        b.iter(|| times.observe(black_box(Duration::from_micros(123))))
    });
    group.bench_function("snapshot", |b| b.iter(|| times.snapshot()));
    group.finish();
}

criterion_group!(benches, histogram);
criterion_main!(benches);
