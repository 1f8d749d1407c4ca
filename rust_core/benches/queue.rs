//! What the fair lock costs: taken at once, and handed on along a queue.

use std::future::Future;
use std::pin::pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rust_core::queue::{FairLock, Side};

fn queue(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("queue");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    let lock = FairLock::new();
    group.bench_function("free", |b| {
        b.iter(|| lock.try_hold(Side::Exclusive).expect("nobody holds it"))
    });
    for waiting in [1_usize, 100] {
        group.throughput(Throughput::Elements(waiting as u64));
        group.bench_function(BenchmarkId::new("handed_on", waiting), |b| {
            b.iter(|| hand_on(waiting))
        });
    }
    group.finish();
}

/// Queues that many waiters behind a holder, and lets each have the lock in its turn.
fn hand_on(waiting: usize) {
    let lock = FairLock::new();
    let mut context = Context::from_waker(Waker::noop());
    let first = lock.try_hold(Side::Exclusive).expect("nobody holds it");
    let mut places: Vec<_> = (0..waiting).map(|_| lock.queue(Side::Exclusive)).collect();
    for place in &mut places {
        assert!(pin!(place).poll(&mut context).is_pending());
    }
    drop(first);
    for place in &mut places {
        let Poll::Ready(hold) = pin!(place).poll(&mut context) else {
            panic!("the lock was not handed on")
        };
        drop(hold);
    }
}

criterion_group!(benches, queue);
criterion_main!(benches);
