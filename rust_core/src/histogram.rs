//! A histogram of durations that many threads may fill at once, without a lock.

use std::time::Duration;

#[cfg(all(test, loom))]
use loom::sync::atomic::{AtomicU64, Ordering::Relaxed};
#[cfg(not(all(test, loom)))]
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// The upper bounds of the buckets in nanoseconds: 1, 2.5 and 5 of each decade from 1 µs to 50 s.
/// One more bucket takes what is longer.
pub const BOUNDS_NS: [u64; 24] = bounds();

const fn bounds() -> [u64; 24] {
    let mut all = [0; 24];
    let mut decade = 1_000;
    let mut at = 0;
    while at < all.len() {
        all[at] = decade;
        all[at + 1] = decade / 2 * 5;
        all[at + 2] = decade * 5;
        decade *= 10;
        at += 3;
    }
    all
}

/// Counts of durations by bucket, and their sum.
#[derive(Debug, Default)]
pub struct Histogram {
    buckets: [AtomicU64; BOUNDS_NS.len() + 1],
    sum_ns: AtomicU64,
}

/// What a histogram held when it was looked at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Snapshot {
    /// How many durations fell into each bucket, each counted once; the last takes what is beyond
    /// the last bound.
    pub buckets: Vec<u64>,
    /// The sum of all durations in nanoseconds.
    pub sum_ns: u64,
}

impl Snapshot {
    /// How many durations were observed.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }
}

impl Histogram {
    /// An empty histogram.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Counts a duration.
    pub fn observe(&self, duration: Duration) {
        self.observe_ns(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }

    /// Counts a duration given in nanoseconds.
    pub fn observe_ns(&self, ns: u64) {
        let bucket = BOUNDS_NS.partition_point(|bound| *bound < ns);
        self.buckets[bucket].fetch_add(1, Relaxed);
        self.sum_ns.fetch_add(ns, Relaxed);
    }

    /// What the histogram holds now. Observations that happen meanwhile may be in the sum and not
    /// yet in a bucket, or the other way about.
    #[must_use]
    pub fn snapshot(&self) -> Snapshot {
        Snapshot {
            buckets: self
                .buckets
                .iter()
                .map(|bucket| bucket.load(Relaxed))
                .collect(),
            sum_ns: self.sum_ns.load(Relaxed),
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_rise_from_a_microsecond_to_fifty_seconds() {
        assert!(BOUNDS_NS.is_sorted());
        assert_eq!(&BOUNDS_NS[..4], &[1_000, 2_500, 5_000, 10_000]);
        assert_eq!(BOUNDS_NS[23], 50_000_000_000);
    }

    #[test]
    fn a_duration_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::new();
        for ns in [0, 1_000, 1_001, 50_000_000_000, 50_000_000_001] {
            histogram.observe_ns(ns);
        }
        histogram.observe(Duration::from_millis(50));
        let seen = histogram.snapshot();
        assert_eq!(seen.buckets[0], 2);
        assert_eq!(seen.buckets[1], 1);
        assert_eq!(seen.buckets[14], 1, "50 ms is its own bucket's bound");
        assert_eq!((seen.buckets[23], seen.buckets[24]), (1, 1));
        assert_eq!(seen.count(), 6);
        assert_eq!(seen.sum_ns, 100_050_002_002);
    }

    #[test]
    fn threads_lose_no_count() {
        let histogram = Histogram::new();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| (0..10_000).for_each(|ns| histogram.observe_ns(ns)));
            }
        });
        assert_eq!(histogram.snapshot().count(), 80_000);
    }
}

/// Every order in which threads may come: `RUSTFLAGS="--cfg loom" cargo test -p rust_core --lib loom`.
#[cfg(all(test, loom))]
mod loom_tests {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;

    #[test]
    fn nothing_is_lost_and_nothing_counted_twice() {
        loom::model(|| {
            let histogram = Arc::new(Histogram::new());
            let other = Arc::clone(&histogram);
            let observing = thread::spawn(move || {
                other.observe_ns(1_000);
                other.observe_ns(2_000);
            });
            histogram.observe_ns(1_000);
            // While it goes on, some may be there, and never more than all.
            let meanwhile = histogram.snapshot();
            assert!((1..=3).contains(&meanwhile.count()));
            assert!((1_000..=4_000).contains(&meanwhile.sum_ns));
            observing.join().unwrap();
            let seen = histogram.snapshot();
            assert_eq!((seen.buckets[0], seen.buckets[1]), (2, 1));
            assert_eq!((seen.count(), seen.sum_ns), (3, 4_000));
        });
    }
}
