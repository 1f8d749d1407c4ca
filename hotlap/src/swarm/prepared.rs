//! A behaviour that can be lived: its requests encoded, their weights added up, its bounds shared out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, LoadModel};
use super::checks::{Checks, Sent};
use super::data::{Compiler, Drawn, OutOfData, Position, Share, Values};
use super::error::{EngineError, Result};
use super::exchange::{Exchanged, exchange};
use super::flow::PreparedFlow;
use super::protocol::{Encoded, Outgoing, Received, Verdict, encode};
use super::request::Request;
use super::session::Session;
use super::shard::Shard;
use super::stop::StopSignal;
use super::target::Target;

/// The back-off after a transport error, so that a dead server is not hammered.
pub const BACK_OFF: Duration = Duration::from_millis(100);

/// Multiples of it, modulo 1, spread evenly however many there are: the gaps between them have at most three lengths.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A request, ready to be sent.
pub struct PreparedRequest {
    /// Its place in the accounts.
    pub name: usize,
    /// What it is counted under.
    pub title: String,
    pub to_head: bool,
    parts: Parts,
    values: Arc<Values>,
}

/// What is compiled of a request.
pub struct Parts {
    encoded: Encoded,
    checks: Checks,
}

impl PreparedRequest {
    /// Prepare a request for the server of a host, below a path of its.
    pub fn new(request: &Request, host: &str, prefix: &str, name: usize) -> Result<Self> {
        let mut compiler = Compiler::new(request.files.as_deref());
        let Parts { encoded, checks } = Self::compile(request, host, prefix, &mut compiler)?;
        let files = request.files.clone().unwrap_or_default();
        let values = Values::new(files, compiler.sources, 0);
        let parts = Parts {
            encoded: encoded.constant(&values),
            checks,
        };
        Ok(Self::of(request, parts, Arc::new(values), name))
    }

    /// Compile a request, beside others that share its values.
    pub fn compile(
        request: &Request,
        host: &str,
        prefix: &str,
        compiler: &mut Compiler<'_>,
    ) -> Result<Parts> {
        Ok(Parts {
            encoded: encode(request, host, prefix, compiler)?,
            checks: Checks::new(request, compiler)?,
        })
    }

    /// A request of what was compiled.
    pub fn of(request: &Request, parts: Parts, values: Arc<Values>, name: usize) -> Self {
        Self {
            name,
            title: request.name.clone(),
            to_head: request.method == "HEAD",
            parts,
            values,
        }
    }

    /// Whether it is another one from time to time.
    pub fn differs(&self) -> bool {
        self.values.differ()
    }

    /// Whether it has a value that no other request may have.
    pub fn once(&self) -> bool {
        self.values.once()
    }

    /// Make its bytes at a position.
    pub fn fill(
        &self,
        outgoing: &mut Outgoing,
        seed: u64,
        position: u64,
    ) -> std::result::Result<(), OutOfData> {
        if self.differs() {
            let position = Position {
                request: position,
                user: position,
            };
            outgoing.drawn.draw(&self.values, seed, position)?;
            self.fill_drawn(outgoing, &[]);
        }
        Ok(())
    }

    /// Make its bytes of what was drawn, with these cookies.
    pub fn fill_drawn(&self, outgoing: &mut Outgoing, cookies: &[u8]) {
        self.parts.encoded.fill(outgoing, &self.values, cookies);
    }

    /// The bytes, once they were made.
    pub fn bytes<'a>(&'a self, outgoing: &'a Outgoing) -> &'a [u8] {
        match &self.parts.encoded {
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
        self.parts.checks.judge(answer, self.sent(drawn), random)
    }

    /// What is wrong with this one answer.
    pub fn explain(&self, answer: Received<'_>, drawn: &Drawn) -> Option<String> {
        self.parts.checks.explain(answer, self.sent(drawn))
    }

    fn sent<'a>(&'a self, drawn: &'a Drawn) -> Sent<'a> {
        Sent {
            drawn,
            values: &self.values,
        }
    }
}

/// A request with what its weight says: the weights of it and all before it.
struct Weighted {
    request: PreparedRequest,
    up_to: u64,
}

/// Where the requests of a behaviour are in their sequence of values.
pub struct Sequence {
    pub seed: u64,
    pub share: Share,
    taken: AtomicU64,
}

impl Sequence {
    /// The next position.
    pub fn next(&self) -> u64 {
        self.share
            .position(self.taken.fetch_add(1, Ordering::Relaxed))
    }
}

/// What a user does again and again.
enum Work {
    /// One of several requests, by their weights, and what these add up to.
    Choice(Vec<Weighted>, u64),
    Flow(PreparedFlow),
}

/// A behaviour, ready to be lived.
pub struct PreparedBehaviour {
    work: Work,
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
        mut name: impl FnMut(&str, &str) -> usize,
    ) -> Result<Self> {
        let refuse = |message: &str| Err(EngineError::Argument(message.to_owned()));
        let Behaviour { model, wait, .. } = declared;
        if declared.requests.is_empty() {
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
        let work = match &declared.flow {
            Some(flow) => Work::Flow(PreparedFlow::new(&declared, flow, target, &mut name)?),
            None => choice(&declared, target, &mut name)?,
        };
        Ok(Self {
            work,
            sequence: Sequence {
                seed,
                share,
                taken: AtomicU64::new(0),
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

    /// What a user does next, as its number, and where it is counted; `random` is from 0 up to 1.
    pub fn choose(&self, random: impl FnOnce() -> f64) -> (usize, usize) {
        match &self.work {
            Work::Flow(flow) => (0, flow.name),
            Work::Choice(requests, _) if requests.len() == 1 => (0, requests[0].request.name),
            Work::Choice(requests, weights) => {
                let drawn = (random() * *weights as f64) as u64;
                let chosen = requests.partition_point(|one| one.up_to <= drawn);
                let chosen = chosen.min(requests.len() - 1);
                (chosen, requests[chosen].request.name)
            }
        }
    }

    /// Do what was chosen.
    pub async fn act(
        &self,
        shard: &Shard,
        chosen: usize,
        session: &mut Session,
        intended: Instant,
        stop: &StopSignal,
    ) -> Exchanged {
        match &self.work {
            Work::Choice(requests, _) => {
                exchange(shard, self, &requests[chosen].request, session, intended).await
            }
            Work::Flow(flow) => {
                flow.walk(shard, &self.sequence, session, intended, stop)
                    .await
            }
        }
    }

    /// Make the bytes of a request with the next values of the sequence.
    pub fn fill(
        &self,
        request: &PreparedRequest,
        outgoing: &mut Outgoing,
    ) -> std::result::Result<(), OutOfData> {
        let position = if request.differs() {
            self.sequence.next()
        } else {
            0
        };
        request.fill(outgoing, self.sequence.seed, position)
    }

    /// How many positions were taken.
    pub fn drawn(&self) -> u64 {
        self.sequence.taken.load(Ordering::Relaxed)
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

fn choice(
    declared: &Behaviour,
    target: &Target,
    name: &mut impl FnMut(&str, &str) -> usize,
) -> Result<Work> {
    let mut up_to = 0;
    let mut requests = Vec::with_capacity(declared.requests.len());
    for request in &declared.requests {
        if request.weight == 0 {
            let name = &request.name;
            return Err(EngineError::Request(format!(
                "{name}: a weight is at least 1"
            )));
        }
        if request.once || request.follow || !request.captures.is_empty() {
            let name = &request.name;
            return Err(EngineError::Request(format!(
                "{name}: only the steps of a flow capture, follow or are sent once"
            )));
        }
        up_to += u64::from(request.weight);
        let named = name(&request.method, &request.name);
        let request = PreparedRequest::new(request, &target.host, &target.prefix, named)?;
        requests.push(Weighted { request, up_to });
    }
    Ok(Work::Choice(requests, up_to))
}
