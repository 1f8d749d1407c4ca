//! Counts the requests of one name on one thread, as they happen.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use super::counters::Counters;

/// Counts the requests of one name; what it has counted can be taken at any time.
#[derive(Default)]
pub struct Recorder {
    counters: Counters,
    in_flight: u64,
    /// When `in_flight` was last looked at.
    changed: Option<Instant>,
}

impl Recorder {
    fn integrate(&mut self, now: Instant) {
        if let Some(changed) = self.changed {
            let passed = now.saturating_duration_since(changed);
            self.counters.in_flight_s += self.in_flight as f64 * passed.as_secs_f64();
        }
        self.changed = self.changed.max(Some(now));
    }

    /// Count a request that begins.
    pub fn start(&mut self) {
        self.integrate(Instant::now());
        self.counters.started += 1;
        self.in_flight += 1;
    }

    /// Count a request that was given up.
    pub fn abort(&mut self) {
        self.integrate(Instant::now());
        self.counters.aborted += 1;
        self.in_flight -= 1;
    }

    /// Count an arrival that was turned away.
    pub fn turn_away(&mut self) {
        self.counters.not_offered += 1;
    }

    /// What was counted. What is in flight stays so, and what follows is counted anew.
    pub fn take(&mut self) -> Counters {
        self.integrate(Instant::now());
        std::mem::take(&mut self.counters)
    }

    /// Count a request that ended, with or without an answer.
    pub fn finish(&mut self, times: Times, error: Option<String>, kind: Ended, body_bytes: usize) {
        self.integrate(times.done);
        self.in_flight -= 1;
        let counters = &mut self.counters;
        // A connection that is refused at once says nothing about how long answers take.
        let response_us = micros(times.done - times.intended);
        match (&error, kind) {
            (None, _) => {
                counters.response.record(response_us);
                counters.service.record(micros(times.done - times.sent));
            }
            (Some(_), Ended::Lost) => {}
            (Some(_), _) => counters.failure.record(response_us),
        }
        counters.lag.record(micros(
            times
                .sent
                .saturating_duration_since(times.intended)
                .saturating_sub(times.connect.unwrap_or_default()),
        ));
        if let Some(connect) = times.connect {
            counters.connect.record(micros(connect));
        }
        counters.body_bytes += body_bytes as u64;
        let second = counters.seconds.entry(unix_s()).or_default();
        second.finished += 1;
        match error {
            None => counters.answered += 1,
            Some(error) => {
                counters.failed += 1;
                second.failed += 1;
                *counters.errors.entry(error).or_default() += 1;
            }
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
