//! Latencies in microseconds, three significant digits, with the files that other tools read.

use hdrhistogram::Histogram as Hdr;
use hdrhistogram::serialization::{Deserializer, Serializer, V2DeflateSerializer};
use std::fmt::Write;
use std::sync::OnceLock;

/// The longest latency that is told apart, in microseconds: an hour.
const HIGHEST_US: u64 = 3_600_000_000;
const MICROSECONDS_PER_MS: f64 = 1000.0;

/// An HDR histogram of latencies in microseconds. One that counts nothing takes no memory: most of those that are kept
/// for a request never do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Histogram(Option<Box<Hdr<u64>>>);

/// A histogram's bytes that cannot be read.
#[derive(Debug, thiserror::Error)]
#[error("not a histogram: {0}")]
pub struct DecodeError(String);

fn empty() -> Hdr<u64> {
    Hdr::new_with_bounds(1, HIGHEST_US, 3).expect("the bounds are valid")
}

fn serialized(counted: &Hdr<u64>) -> Vec<u8> {
    let mut bytes = Vec::new();
    V2DeflateSerializer::new()
        .serialize(counted, &mut bytes)
        .expect("a vector takes all that is written");
    bytes
}

impl Histogram {
    /// What is counted, to be added to.
    fn counting(&mut self) -> &mut Hdr<u64> {
        self.0.get_or_insert_with(|| Box::new(empty()))
    }

    /// What is counted, to be read.
    fn counted(&self) -> &Hdr<u64> {
        static NOTHING: OnceLock<Hdr<u64>> = OnceLock::new();
        match &self.0 {
            Some(counted) => counted,
            None => NOTHING.get_or_init(empty),
        }
    }

    /// Count one latency; a longer one than an hour counts as an hour.
    pub fn record(&mut self, latency_us: u64) {
        self.counting().saturating_record(latency_us.max(1));
    }

    /// Add all of another's.
    pub fn merge(&mut self, other: &Self) {
        if let Some(other) = &other.0 {
            self.counting()
                .add(&**other)
                .expect("the bounds are the same");
        }
    }

    /// Forget all.
    pub fn clear(&mut self) {
        self.0 = None;
    }

    /// How many latencies were counted.
    pub fn count(&self) -> u64 {
        self.0.as_ref().map_or(0, |counted| counted.len())
    }

    /// The latency at a quantile (0 to 1), in milliseconds; `None` with fewer than `10 / (1 - q)` samples.
    pub fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        let needed = 10.0 / (1.0 - quantile);
        // A quantile such as 0.9 is not exact in binary: without the slack 100 samples would not do for it.
        let enough = self.count() as f64 + 1e-6 >= needed;
        enough.then(|| self.counted().value_at_quantile(quantile) as f64 / MICROSECONDS_PER_MS)
    }

    /// The mean, in milliseconds; `None` without a sample.
    pub fn mean_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.counted().mean() / MICROSECONDS_PER_MS)
    }

    /// The longest, in milliseconds; `None` without a sample.
    pub fn max_ms(&self) -> Option<f64> {
        (self.count() > 0).then(|| self.counted().max() as f64 / MICROSECONDS_PER_MS)
    }

    /// The recorded values in microseconds, each with its count, in order.
    pub fn recorded(&self) -> Vec<(u64, u64)> {
        self.counted()
            .iter_recorded()
            .map(|step| (step.value_iterated_to(), step.count_at_value()))
            .collect()
    }

    /// The text form that HdrHistogram's plotter reads (`.hgrm`), values in milliseconds.
    pub fn hgrm(&self) -> String {
        let counted = self.counted();
        let mut text = format!(
            "{:>12} {:>14} {:>10} {:>14}\n\n",
            "Value", "Percentile", "TotalCount", "1/(1-Percentile)"
        );
        let mut seen = 0;
        for step in counted.iter_quantiles(5) {
            seen += step.count_since_last_iteration();
            let quantile = step.quantile_iterated_to();
            let value_ms = step.value_iterated_to() as f64 / MICROSECONDS_PER_MS;
            let _ = if quantile < 1.0 {
                writeln!(
                    text,
                    "{value_ms:12.3} {quantile:2.12} {seen:10} {:14.2}",
                    1.0 / (1.0 - quantile)
                )
            } else {
                writeln!(text, "{value_ms:12.3} {quantile:2.12} {seen:10}")
            };
        }
        let _ = writeln!(
            text,
            "#[Mean    = {:12.3}, StdDeviation   = {:12.3}]\n#[Max     = {:12.3}, Total count    = {:12}]\n#[Buckets = {:12}, SubBuckets     = {:12}]",
            counted.mean() / MICROSECONDS_PER_MS,
            counted.stdev() / MICROSECONDS_PER_MS,
            counted.max() as f64 / MICROSECONDS_PER_MS,
            self.count(),
            counted.buckets(),
            counted.distinct_values(),
        );
        text
    }

    /// The recorded values and their counts, as CSV with a header; microseconds.
    pub fn csv(&self) -> String {
        let mut text = String::from("latency_us,count\n");
        for step in self.counted().iter_recorded() {
            let _ = writeln!(
                text,
                "{},{}",
                step.value_iterated_to(),
                step.count_at_value()
            );
        }
        text
    }

    /// The compressed form, to be sent elsewhere and merged there.
    pub fn encode(&self) -> Vec<u8> {
        static NOTHING: OnceLock<Vec<u8>> = OnceLock::new();
        match &self.0 {
            Some(counted) => serialized(counted),
            None => NOTHING.get_or_init(|| serialized(&empty())).clone(),
        }
    }

    /// What `encode` made.
    pub fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        let read: Hdr<u64> = Deserializer::new()
            .deserialize(&mut &bytes[..])
            .map_err(|error| DecodeError(error.to_string()))?;
        let mut own = empty();
        own.add(&read)
            .map_err(|error| DecodeError(error.to_string()))?;
        Ok(Self((!own.is_empty()).then(|| Box::new(own))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(latencies: impl IntoIterator<Item = u64>) -> Histogram {
        let mut made = Histogram::default();
        latencies
            .into_iter()
            .for_each(|latency| made.record(latency));
        made
    }

    #[test]
    fn a_quantile_needs_enough_samples() {
        let made = of((1..=100).map(|n| n * 1000));
        assert_eq!(made.quantile_ms(0.5).unwrap().round(), 50.0);
        assert_eq!(made.quantile_ms(0.9).unwrap().round(), 90.0);
        assert_eq!(made.quantile_ms(0.99), None);
        assert_eq!(of(1..=99).quantile_ms(0.9), None);
        assert_eq!(of([]).mean_ms(), None);
    }

    #[test]
    fn three_digits_are_kept_and_an_hour_is_the_most() {
        let made = of([123_456]);
        assert!((made.max_ms().unwrap() - 123.456).abs() < 0.124);
        assert!(of([u64::MAX]).max_ms().unwrap() >= 3_600_000.0);
    }

    #[test]
    fn merged_and_sent_ones_count_all() {
        let mut one = of(1..=500);
        let two = of(501..=1000);
        one.merge(&Histogram::decode(&two.encode()).unwrap());
        assert_eq!(one, of(1..=1000));
        assert!(Histogram::decode(b"nothing").is_err());
    }

    #[test]
    fn both_files_hold_each_value() {
        let made = of([1000, 2000, 2000]);
        assert!(made.csv().starts_with("latency_us,count\n1000,1\n"));
        let hgrm = made.hgrm();
        assert!(hgrm.contains("Total count    =            3"), "{hgrm}");
        assert!(hgrm.contains("1.000000000000          3"), "{hgrm}");
    }
}
