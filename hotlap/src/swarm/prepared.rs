//! A behaviour that can be lived: its requests encoded, their weights added up, its bounds shared out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, LoadModel};
use super::checks::{Checks, Sent};
use super::data::{Compiler, Drawn, File, Order, OutOfData, Share, Source};
use super::error::{EngineError, Result};
use super::protocol::{Encoded, Outgoing, Received, Verdict, encode};
use super::request::Request;
use super::target::Target;

/// The back-off after a transport error, so that a dead server is not hammered.
pub const BACK_OFF: Duration = Duration::from_millis(100);

/// Multiples of it, modulo 1, spread evenly however many there are: the gaps between them have at most three lengths.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A request, ready to be sent.
pub struct PreparedRequest {
    /// Its place in the accounts.
    pub name: usize,
    pub to_head: bool,
    encoded: Encoded,
    files: Vec<Arc<File>>,
    sources: Vec<Source>,
    checks: Checks,
}

impl PreparedRequest {
    /// Prepare a request for the server of a host, below a path of its.
    pub fn new(request: &Request, host: &str, prefix: &str, name: usize) -> Result<Self> {
        let mut compiler = Compiler::new(request.files.as_deref());
        let encoded = encode(request, host, prefix, &mut compiler)?;
        let checks = Checks::new(request, &mut compiler)?;
        let sources = compiler.sources;
        Ok(Self {
            encoded,
            name,
            to_head: request.method == "HEAD",
            checks,
            sources,
            files: request.files.clone().unwrap_or_default(),
        })
    }

    /// Whether it is another one from time to time.
    pub fn differs(&self) -> bool {
        !self.sources.is_empty()
    }

    /// Whether it has a value that no other request may have.
    pub fn once(&self) -> bool {
        let unique = |file: &Arc<File>| matches!(file.order, Order::Unique { .. });
        self.differs() && self.files.iter().any(unique) || self.sources.iter().any(Source::is_once)
    }

    /// Make its bytes at a position.
    pub fn fill(
        &self,
        outgoing: &mut Outgoing,
        seed: u64,
        position: u64,
    ) -> std::result::Result<(), OutOfData> {
        if self.differs() {
            let Outgoing { drawn, .. } = outgoing;
            drawn.draw(&self.files, &self.sources, seed, position)?;
            self.encoded.fill(outgoing, &self.files, &self.sources);
        }
        Ok(())
    }

    /// The bytes, once they were made.
    pub fn bytes<'a>(&'a self, outgoing: &'a Outgoing) -> &'a [u8] {
        match &self.encoded {
            Encoded::Constant(bytes) => bytes,
            Encoded::Filled { .. } => &outgoing.bytes,
        }
    }

    /// Hold an answer against what was expected of it; `random` is from 0 up to 1.
    pub fn judge(
        &self,
        answer: Received<'_>,
        drawn: &Drawn,
        random: impl FnOnce() -> f64,
    ) -> Verdict {
        self.checks.judge(answer, self.sent(drawn), random)
    }

    /// What is wrong with this one answer.
    pub fn explain(&self, answer: Received<'_>, drawn: &Drawn) -> Option<String> {
        self.checks.explain(answer, self.sent(drawn))
    }

    fn sent<'a>(&'a self, drawn: &'a Drawn) -> Sent<'a> {
        Sent {
            drawn,
            files: &self.files,
            sources: &self.sources,
        }
    }
}

/// A request with what its weight says: the weights of it and all before it.
struct Weighted {
    request: PreparedRequest,
    up_to: u64,
}

/// Where the requests of a behaviour are in their sequence.
struct Sequence {
    seed: u64,
    share: Share,
    next: AtomicU64,
}

/// A behaviour, ready to be lived.
pub struct PreparedBehaviour {
    requests: Vec<Weighted>,
    weights: u64,
    sequence: Sequence,
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
    /// Prepare a behaviour for so many threads; `name` says where a request's figures are kept. The values that it
    /// sends are those of the seed at this process's share of the positions.
    pub fn new(
        declared: Behaviour,
        target: &Target,
        threads: usize,
        seed: u64,
        share: Share,
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
                let request =
                    PreparedRequest::new(&request, &target.host, &target.prefix, name(&request))?;
                Ok(Weighted { request, up_to })
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            requests,
            weights: up_to,
            sequence: Sequence {
                seed,
                share,
                next: AtomicU64::new(0),
            },
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
            .partition_point(|one| one.up_to <= drawn)
            .min(self.requests.len() - 1)
    }

    /// The request of that number.
    pub fn request(&self, index: usize) -> &PreparedRequest {
        &self.requests[index].request
    }

    /// Make the bytes of a request with the next values of the sequence.
    pub fn fill(
        &self,
        request: &PreparedRequest,
        outgoing: &mut Outgoing,
    ) -> std::result::Result<(), OutOfData> {
        let Sequence { seed, share, next } = &self.sequence;
        let position = if request.differs() {
            share.position(next.fetch_add(1, Ordering::Relaxed))
        } else {
            0
        };
        request.fill(outgoing, *seed, position)
    }

    /// How many positions were taken.
    pub fn drawn(&self) -> u64 {
        self.sequence.next.load(Ordering::Relaxed)
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
