//! The accounts of one engine thread: started = answered + failed + aborted + in flight, at any time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::Histogram;

/// What happened in one second of the wall clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Second {
    pub finished: u64,
    pub failed: u64,
}

/// The figures of one name since they were last taken.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub started: u64,
    pub answered: u64,
    pub failed: u64,
    pub aborted: u64,
    pub not_offered: u64,
    pub body_bytes: u64,
    /// Response times of all that was answered or timed out, from the *intended* send.
    pub response: Histogram,
    /// Service times of the same, from the real send.
    pub service: Histogram,
    /// How long new connections took.
    pub connect: Histogram,
    /// How much later than intended requests were sent.
    pub lag: Histogram,
    pub errors: BTreeMap<String, u64>,
    /// By second of the Unix clock.
    pub seconds: BTreeMap<u64, Second>,
    /// Requests in flight now; kept when the figures are taken.
    pub in_flight: u64,
    /// Requests in flight, integrated over time: request-seconds.
    pub in_flight_s: f64,
    changed: Option<Instant>,
}

impl Figures {
    fn integrate(&mut self, now: Instant) {
        if let Some(changed) = self.changed {
            let passed = now.saturating_duration_since(changed);
            self.in_flight_s += self.in_flight as f64 * passed.as_secs_f64();
        }
        self.changed = self.changed.max(Some(now));
    }

    /// Count a request that begins.
    pub fn start(&mut self) {
        self.integrate(Instant::now());
        self.started += 1;
        self.in_flight += 1;
    }

    /// Count a request that was given up.
    pub fn abort(&mut self) {
        self.integrate(Instant::now());
        self.aborted += 1;
        self.in_flight -= 1;
    }

    /// What was counted. What is in flight stays so, and what follows is counted anew.
    pub fn take(&mut self) -> Self {
        let now = Instant::now();
        self.integrate(now);
        let fresh = Self {
            in_flight: self.in_flight,
            changed: Some(now),
            ..Self::default()
        };
        std::mem::replace(self, fresh)
    }

    /// Count a request that ended, with or without an answer.
    pub fn finish(&mut self, times: Times, error: Option<String>, kind: Ended, body_bytes: usize) {
        self.integrate(times.done);
        self.in_flight -= 1;
        // A connection that is refused at once says nothing about how long answers take.
        if kind != Ended::Lost {
            self.response.record(micros(times.done - times.intended));
            self.service.record(micros(times.done - times.sent));
        }
        self.lag.record(micros(
            times
                .sent
                .saturating_duration_since(times.intended)
                .saturating_sub(times.connect.unwrap_or_default()),
        ));
        if let Some(connect) = times.connect {
            self.connect.record(micros(connect));
        }
        self.body_bytes += body_bytes as u64;
        let second = self.seconds.entry(unix_s()).or_default();
        second.finished += 1;
        match error {
            None => self.answered += 1,
            Some(error) => {
                self.failed += 1;
                second.failed += 1;
                *self.errors.entry(error).or_default() += 1;
            }
        }
    }

    /// Add another thread's.
    pub fn merge(&mut self, other: &Self) {
        self.started += other.started;
        self.answered += other.answered;
        self.failed += other.failed;
        self.aborted += other.aborted;
        self.not_offered += other.not_offered;
        self.body_bytes += other.body_bytes;
        self.in_flight += other.in_flight;
        self.in_flight_s += other.in_flight_s;
        self.response.merge(&other.response);
        self.service.merge(&other.service);
        self.connect.merge(&other.connect);
        self.lag.merge(&other.lag);
        for (error, count) in &other.errors {
            *self.errors.entry(error.clone()).or_default() += count;
        }
        for (second, counts) in &other.seconds {
            let own = self.seconds.entry(*second).or_default();
            own.finished += counts.finished;
            own.failed += counts.failed;
        }
    }
}

/// How a request ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// With a whole answer.
    Answered,
    /// By its time limit, which is the least that the answer would have taken.
    TimedOut,
    /// Without a connection, or with one that broke.
    Lost,
}

/// The moments of one request.
#[derive(Clone, Copy, Debug)]
pub struct Times {
    pub intended: Instant,
    pub sent: Instant,
    pub done: Instant,
    pub connect: Option<Duration>,
}

fn micros(duration: Duration) -> u64 {
    duration.as_micros().try_into().unwrap_or(u64::MAX)
}

fn unix_s() -> u64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs()
}
