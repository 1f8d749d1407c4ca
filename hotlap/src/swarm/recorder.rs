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

    /// How many have begun and not ended.
    pub fn in_flight(&self) -> u64 {
        self.in_flight
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

    /// Count a user, or a stream of arrivals, that ends because no row is left for it.
    pub fn run_out(&mut self) {
        self.counters.out_of_data += 1;
    }

    /// What was counted. What is in flight stays so, and what follows is counted anew.
    pub fn take(&mut self) -> Counters {
        self.integrate(Instant::now());
        std::mem::take(&mut self.counters)
    }

    /// Count the first byte of a stream.
    pub fn begin_stream(&mut self, passed: Duration) {
        self.counters.first_byte.record(micros(passed));
    }

    /// Count events of a stream that came at once, so long after the one before, or if they are the first after the
    /// intended send.
    pub fn came(&mut self, events: u64, bytes: usize, gap: Gap) {
        let counters = &mut self.counters;
        counters.body_bytes += bytes as u64;
        counters.events += events;
        if events == 0 {
            return;
        }
        match gap {
            Gap::First(passed) => counters.first_event.record(micros(passed)),
            Gap::Since(passed) => counters.gap.record(micros(passed)),
        }
        for _ in 1..events {
            counters.gap.record(0);
        }
    }

    /// Count a request that ended, with or without an answer.
    pub fn finish(&mut self, times: Times, ended: Ended) {
        self.integrate(times.done);
        self.in_flight -= 1;
        let counters = &mut self.counters;
        // A connection that is refused at once says nothing about how long answers take.
        let response_us = micros(times.done - times.intended);
        match (&ended.error, ended.kind) {
            (None, _) => {
                counters.response.record(response_us);
                counters.service.record(micros(times.done - times.sent));
            }
            (Some(_), EndedBy::Loss) => {}
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
        counters.body_bytes += ended.body_bytes as u64;
        let second = counters.seconds.entry(unix_s()).or_default();
        second.finished += 1;
        counters.parsed += u64::from(ended.parsed);
        counters.redirected += ended.redirected;
        counters.reconnected += ended.reconnected;
        counters.cut += u64::from(ended.cut);
        counters.renewed += u64::from(ended.renewed);
        match ended.error {
            None => counters.answered += 1,
            Some(error) => {
                counters.failed += 1;
                second.failed += 1;
                *counters.errors.entry(error).or_default() += 1;
            }
        }
    }
}

/// What the time to an event is counted from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gap {
    /// The intended send.
    First(Duration),
    /// The event before.
    Since(Duration),
}

/// What ended a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndedBy {
    /// A whole answer.
    Answer,
    /// Its time limit, which is the least that the answer would have taken.
    TimeLimit,
    /// No connection, or one that broke.
    Loss,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub kind: EndedBy,
    /// What was wrong.
    pub error: Option<String>,
    /// Whether its body was parsed, to be held against what was expected.
    pub parsed: bool,
    pub body_bytes: usize,
    /// How many more requests were sent, since answers redirected.
    pub redirected: u64,
    /// How often it was sent once more, since the server had just closed the connection that was kept.
    pub reconnected: u64,
    /// Whether its answer ended with a TLS connection that was closed without notice.
    pub cut: bool,
    /// Whether the user of a flow was sent back to its beginning.
    pub renewed: bool,
}

impl Ended {
    /// One that had no answer.
    pub fn without_answer(kind: EndedBy, error: String) -> Self {
        Self {
            kind,
            error: Some(error),
            parsed: false,
            body_bytes: 0,
            redirected: 0,
            reconnected: 0,
            cut: false,
            renewed: false,
        }
    }
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
