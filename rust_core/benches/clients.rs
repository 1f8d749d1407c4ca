//! What the map costs a request: collecting the ids under the read side, and one write.

use std::hint::black_box;
use std::time::Duration;

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use rust_core::clients::{Client, ClientMap};

fn map_of(count: u32) -> ClientMap {
    let map = ClientMap::new(count as usize + 1);
    for user_id in 0..count {
        let client = Client {
            user_id,
            subscribed_topics: vec!["cats".to_string()],
        };
        map.put(format!("{user_id:02}-{user_id:02}"), client)
            .expect("the map has room");
    }
    map
}

fn clients(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("clients");
    group
        .sample_size(20)
        .measurement_time(Duration::from_secs(1))
        .warm_up_time(Duration::from_millis(300));
    for count in [3, 1000] {
        let map = map_of(count);
        group.throughput(Throughput::Elements(u64::from(count)));
        group.bench_function(BenchmarkId::new("user_ids", count), |b| {
            b.iter(|| map.user_ids())
        });
        group.throughput(Throughput::Elements(1));
        group.bench_function(BenchmarkId::new("get", count), |b| {
            b.iter(|| map.get(black_box("01-01")))
        });
        group.bench_function(BenchmarkId::new("put_and_delete", count), |b| {
            b.iter(|| {
                let client = Client {
                    user_id: 7,
                    subscribed_topics: Vec::new(),
                };
                map.put("new".to_string(), client)
                    .expect("the map has room");
                map.delete("new")
            });
        });
    }
    group.finish();
}

criterion_group!(benches, clients);
criterion_main!(benches);
