//! What users do: the requests that they choose from, and how these arrive.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::engine::EngineError;
use super::request::{Expected, Request};

/// The back-off after a transport error, so that a dead server is not hammered.
pub const BACK_OFF: Duration = Duration::from_millis(100);

/// Multiples of it, modulo 1, spread evenly however many there are: the gaps between them have at most three lengths.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Arriving {
    /// A user waits between an answer and the next request.
    Closed,
    /// A user starts a request on a fixed period, the mean of its wait.
    Paced,
    /// Requests start at a rate, whatever the answers do.
    Open {
        exponential: bool,
        max_in_flight: usize,
    },
}

/// A behaviour as it is declared.
#[derive(Clone, Debug)]
pub struct Declared {
    pub requests: Vec<Request>,
    pub arriving: Arriving,
    pub wait: (Duration, Duration),
}

/// A request, ready to be sent.
pub struct Ready {
    pub bytes: Vec<u8>,
    /// Its place in the accounts.
    pub name: usize,
    pub to_head: bool,
    request: Request,
    /// The weights of it and all before it.
    up_to: u64,
}

impl Ready {
    /// What is wrong with an answer, if anything is.
    pub fn objection(&self, status: u16, body_accepted: bool) -> Option<String> {
        if !self.request.accepts_status(status) {
            return Some(match self.request.status {
                Some(wanted) => format!("status {status}, not {wanted}"),
                None => format!("status {status}"),
            });
        }
        (!body_accepted).then(|| "another body than expected".to_owned())
    }

    /// What its body must be.
    pub fn expected(&self) -> &Expected {
        &self.request.expected
    }
}

/// A behaviour, ready to be lived.
pub struct Behaviour {
    requests: Vec<Ready>,
    weights: u64,
    pub arriving: Arriving,
    pub wait: (Duration, Duration),
    /// Open requests that may be in flight on each thread, and those that are.
    pub places: usize,
    pub in_flight: Vec<Arc<AtomicUsize>>,
    /// The start that even arrivals of all its users are counted from.
    pub epoch: Instant,
    phases: AtomicUsize,
}

impl Behaviour {
    pub(super) fn new(
        declared: Declared,
        requests: Vec<(usize, Vec<u8>, Request)>,
        threads: usize,
    ) -> Result<Self, EngineError> {
        let refuse = |message: &str| Err(EngineError::Argument(message.to_owned()));
        if requests.is_empty() {
            return refuse("a user needs at least one request");
        }
        if declared.wait.0 > declared.wait.1 {
            return refuse("a wait is (low, high), with low not above high");
        }
        if declared.arriving == Arriving::Paced && declared.wait.1.is_zero() {
            return refuse("a paced user needs a period above 0");
        }
        let places = match declared.arriving {
            Arriving::Open {
                max_in_flight: 0, ..
            } => return refuse("at least one request must be allowed in flight"),
            Arriving::Open { max_in_flight, .. } => max_in_flight.div_ceil(threads),
            _ => 0,
        };
        let in_flight = (0..threads).map(|_| Arc::default()).collect();
        let mut up_to = 0;
        let requests = requests
            .into_iter()
            .map(|(name, bytes, request)| {
                up_to += u64::from(request.weight);
                Ready {
                    bytes,
                    name,
                    to_head: request.method == "HEAD",
                    request,
                    up_to,
                }
            })
            .collect();
        Ok(Self {
            requests,
            weights: up_to,
            arriving: declared.arriving,
            wait: declared.wait,
            places,
            in_flight,
            epoch: Instant::now(),
            phases: AtomicUsize::new(0),
        })
    }

    /// Whether requests arrive by a rate.
    pub fn is_open(&self) -> bool {
        matches!(self.arriving, Arriving::Open { .. })
    }

    /// Where in the gap the next user's even arrivals lie, from 0 up to 1.
    pub fn phase(&self) -> f64 {
        (self.phases.fetch_add(1, Ordering::Relaxed) as f64 * GOLDEN).fract()
    }

    /// A request by its weight, as its number; `random` is from 0 up to 1.
    pub fn choose(&self, random: impl FnOnce() -> f64) -> usize {
        if self.requests.len() == 1 {
            return 0;
        }
        let drawn = (random() * self.weights as f64) as u64;
        self.requests
            .partition_point(|ready| ready.up_to <= drawn)
            .min(self.requests.len() - 1)
    }

    /// The request of that number.
    pub fn request(&self, index: usize) -> &Ready {
        &self.requests[index]
    }

    /// A wait; `random` is from 0 up to 1.
    pub fn draw_wait(&self, random: impl FnOnce() -> f64) -> Duration {
        let (low, high) = self.wait;
        if low == high {
            low
        } else {
            low + (high - low).mul_f64(random())
        }
    }
}
