//! Reading, cleaning and drawing a recording of distinct stacks.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use hotlap_engine::stacks::{Clean, Labels, clean, diff, read_collapsed, svg};

mod made_up;

const STACKS: u64 = 20_000;

fn stacks(criterion: &mut Criterion) {
    let mut input = Vec::new();
    made_up::write(STACKS, &mut input).expect("memory takes all");
    let raw = read_collapsed(&input[..]).expect("memory gives all");
    assert_eq!(
        u64::try_from(raw.len()).ok(),
        Some(STACKS),
        "the stacks must be distinct"
    );
    let cleaned = clean(&raw, &Clean::default());

    let mut group = criterion.benchmark_group("stacks");
    group.throughput(Throughput::Bytes(input.len() as u64));
    group.bench_function("read", |bencher| {
        bencher.iter(|| read_collapsed(black_box(&input[..])))
    });
    group.bench_function("clean", |bencher| {
        bencher.iter(|| clean(black_box(&raw), &Clean::default()))
    });
    group.bench_function("draw", |bencher| {
        bencher.iter(|| svg(black_box(&cleaned), &Labels::default()))
    });
    group.bench_function("diff", |bencher| {
        bencher.iter(|| diff(black_box(&cleaned), black_box(&cleaned), None, ("a", "b")));
    });
    group.finish();
}

criterion_group!(benches, stacks);
criterion_main!(benches);
