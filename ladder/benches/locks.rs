//! The ladder of locks without a web service around it: readers who collect the ids and one writer in a
//! hundred, from 1 to 64 threads. Criterion's time is that of one operation, all threads together; a table then
//! tells readers and writers apart.

use std::collections::HashMap;
use std::env;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use ladder_core::maps::{ClientsMap, Sharded, Snapshot};
use parking_lot::Mutex;
use rust_core::clients::{Client, ClientMap};

const CLIENTS: u32 = 100;
const ONE_WRITE_IN: u64 = 100;
const THREADS: [u64; 7] = [1, 2, 4, 8, 16, 32, 64];
const TABLE_TIME: Duration = Duration::from_millis(500);

fn client(user_id: u32) -> Client {
    Client {
        user_id,
        subscribed_topics: vec!["cats".to_string()],
    }
}

fn name(user_id: u32) -> String {
    format!("{user_id:02}-{user_id:02}")
}

/// A map behind one of the locks.
trait Rung: Sync {
    fn put(&self, name: String, client: Client);
    fn user_ids(&self) -> Vec<String>;
}

impl Rung for Mutex<HashMap<String, Client>> {
    fn put(&self, name: String, client: Client) {
        self.lock().insert(name, client);
    }

    fn user_ids(&self) -> Vec<String> {
        let clients = self.lock();
        clients
            .values()
            .map(|one| one.user_id.to_string())
            .collect()
    }
}

impl Rung for ClientMap {
    fn put(&self, name: String, client: Client) {
        ClientMap::put(self, name, client).expect("the map has room");
    }

    fn user_ids(&self) -> Vec<String> {
        ClientMap::user_ids(self)
    }
}

impl Rung for Sharded {
    fn put(&self, name: String, client: Client) {
        ClientsMap::put(self, name, client);
    }

    fn user_ids(&self) -> Vec<String> {
        ClientsMap::user_ids(self)
    }
}

impl Rung for Snapshot {
    fn put(&self, name: String, client: Client) {
        ClientsMap::put(self, name, client);
    }

    fn user_ids(&self) -> Vec<String> {
        ClientsMap::user_ids(self)
    }
}

/// How long so many operations take, spread over the threads.
fn mixed(rung: &dyn Rung, operations: u64, threads: u64) -> Duration {
    let each = operations.div_ceil(threads);
    let began = Instant::now();
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                for number in 0..each {
                    if number % ONE_WRITE_IN == ONE_WRITE_IN - 1 {
                        rung.put(name(7), client(7));
                    } else {
                        black_box(rung.user_ids());
                    }
                }
            });
        }
    });
    began
        .elapsed()
        .mul_f64(operations as f64 / (each * threads) as f64)
}

/// How long each read and each write took, in nanoseconds, while all threads went on for [`TABLE_TIME`].
fn apart(rung: &dyn Rung, threads: u64) -> [Vec<u64>; 2] {
    let end = Instant::now() + TABLE_TIME;
    let timed = || {
        let mut took = [Vec::new(), Vec::new()];
        for number in 0.. {
            let writes = number % ONE_WRITE_IN == ONE_WRITE_IN - 1;
            let began = Instant::now();
            if began >= end {
                break;
            }
            if writes {
                rung.put(name(7), client(7));
            } else {
                black_box(rung.user_ids());
            }
            took[usize::from(writes)].push(began.elapsed().as_nanos() as u64);
        }
        took
    };
    thread::scope(|scope| {
        let running: Vec<_> = (0..threads).map(|_| scope.spawn(timed)).collect();
        let mut all = [Vec::new(), Vec::new()];
        for thread in running {
            for (whole, part) in all.iter_mut().zip(thread.join().expect("nothing panics")) {
                whole.extend(part);
            }
        }
        all
    })
}

#[expect(clippy::print_stdout, reason = "a table for the reader")]
fn table() {
    println!("| lock | threads | reads/s | p99 of reads, µs | writes/s | p99 of writes, µs |");
    println!("| --- | --: | --: | --: | --: | --: |");
    for (kind, rung) in &rungs() {
        for threads in THREADS {
            let cells = apart(rung.as_ref(), threads).map(|mut took| {
                took.sort_unstable();
                let p99 = took
                    .get(took.len() * 99 / 100)
                    .map_or(f64::NAN, |&ns| ns as f64 / 1000.0);
                format!(
                    "{:.0} | {p99:.1}",
                    took.len() as f64 / TABLE_TIME.as_secs_f64()
                )
            });
            println!("| {kind} | {threads} | {} |", cells.join(" | "));
        }
    }
}

fn rungs() -> [(&'static str, Box<dyn Rung>); 4] {
    let rungs: [(&str, Box<dyn Rung>); 4] = [
        ("exclusive", Box::new(Mutex::new(HashMap::new()))),
        ("read-write", Box::new(ClientMap::new(CLIENTS as usize))),
        ("sharded", Box::new(Sharded::default())),
        ("snapshot", Box::new(Snapshot::default())),
    ];
    for (_, rung) in &rungs {
        for user_id in 0..CLIENTS {
            rung.put(name(user_id), client(user_id));
        }
    }
    rungs
}

fn locks(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("locks");
    group
        .sample_size(10)
        .measurement_time(Duration::from_millis(500))
        .warm_up_time(Duration::from_millis(100))
        .throughput(Throughput::Elements(1));
    for (kind, rung) in &rungs() {
        for threads in THREADS {
            group.bench_function(BenchmarkId::new(*kind, threads), |b| {
                b.iter_custom(|operations| mixed(rung.as_ref(), operations, threads));
            });
        }
    }
    group.finish();
    // Cargo says so when it is to be measured, and not only tried.
    if env::args().any(|argument| argument == "--bench") {
        table();
    }
}

criterion_group!(benches, locks);
criterion_main!(benches);
