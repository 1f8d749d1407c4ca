//! A behaviour that can be lived: its requests encoded, their weights added up, its bounds shared out.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, LoadModel};
use super::error::{EngineError, Result};
use super::protocol::encode;
use super::request::{ANOTHER_BODY, Request};
use super::target::Target;

/// The back-off after a transport error, so that a dead server is not hammered.
pub const BACK_OFF: Duration = Duration::from_millis(100);

/// Multiples of it, modulo 1, spread evenly however many there are: the gaps between them have at most three lengths.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A request, ready to be sent.
pub struct PreparedRequest {
    pub bytes: Vec<u8>,
    /// Its place in the accounts.
    pub name: usize,
    pub to_head: bool,
    request: Request,
    /// What was wrong with the first other body. It is said of all later ones, too: bodies that differ each time
    /// are one error, counted, and not as many as there are answers.
    other_body: OnceLock<String>,
    /// The weights of it and all before it.
    up_to: u64,
}

impl PreparedRequest {
    /// Whether an answer is the expected one.
    pub fn accepts(&self, status: u16, body: &[u8]) -> bool {
        if !self.request.accepts_status(status) {
            return false;
        }
        let accepted = self.request.expected.accepts(body);
        if !accepted {
            self.other_body
                .get_or_init(|| self.request.body_objection(body));
        }
        accepted
    }

    /// What is wrong with an answer that was not accepted.
    pub fn objection(&self, status: u16) -> String {
        if !self.request.accepts_status(status) {
            return self.request.status_objection(status);
        }
        self.other_body
            .get()
            .map_or(ANOTHER_BODY, String::as_str)
            .to_owned()
    }
}

/// A behaviour, ready to be lived.
pub struct PreparedBehaviour {
    requests: Vec<PreparedRequest>,
    weights: u64,
    pub model: LoadModel,
    pub wait: (Duration, Duration),
    /// Open requests that may be in flight on each thread, and those that are.
    pub places: usize,
    pub in_flight: Vec<Arc<AtomicUsize>>,
    /// The start that even arrivals of all its users are counted from.
    pub epoch: Instant,
    phases: AtomicUsize,
}

impl PreparedBehaviour {
    /// Prepare a behaviour for so many threads; `name` says where a request's figures are kept.
    pub fn new(
        declared: Behaviour,
        target: &Target,
        threads: usize,
        mut name: impl FnMut(&Request) -> usize,
    ) -> Result<Self> {
        let refuse = |message: &str| Err(EngineError::Argument(message.to_owned()));
        let Behaviour {
            requests,
            model,
            wait,
        } = declared;
        if requests.is_empty() {
            return refuse("a user needs at least one request");
        }
        if wait.0 > wait.1 {
            return refuse("a wait is (low, high), with low not above high");
        }
        if model == LoadModel::Paced && wait.1.is_zero() {
            return refuse("a paced user needs a period above 0");
        }
        let places = match model {
            LoadModel::Open {
                max_in_flight: 0, ..
            } => return refuse("at least one request must be allowed in flight"),
            LoadModel::Open { max_in_flight, .. } => max_in_flight.div_ceil(threads),
            _ => 0,
        };
        let mut up_to = 0;
        let requests = requests
            .into_iter()
            .map(|request| {
                if request.weight == 0 {
                    let name = &request.name;
                    return Err(EngineError::Request(format!(
                        "{name}: a weight is at least 1"
                    )));
                }
                up_to += u64::from(request.weight);
                Ok(PreparedRequest {
                    bytes: encode(&request, &target.host, &target.prefix)?,
                    name: name(&request),
                    to_head: request.method == "HEAD",
                    request,
                    other_body: OnceLock::new(),
                    up_to,
                })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            requests,
            weights: up_to,
            model,
            wait,
            places,
            in_flight: (0..threads).map(|_| Arc::default()).collect(),
            epoch: Instant::now(),
            phases: AtomicUsize::new(0),
        })
    }

    /// Whether requests arrive by a rate.
    pub fn is_open(&self) -> bool {
        matches!(self.model, LoadModel::Open { .. })
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
            .partition_point(|request| request.up_to <= drawn)
            .min(self.requests.len() - 1)
    }

    /// The request of that number.
    pub fn request(&self, index: usize) -> &PreparedRequest {
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
