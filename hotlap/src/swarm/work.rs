//! What a user does again and again: a behaviour that can be lived, its weights added up, its bounds shared out.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::behaviour::{Behaviour, LoadModel};
use super::data::Share;
use super::error::{EngineError, Result};
use super::exchange::{Exchanged, exchange};
use super::flow::PreparedFlow;
use super::prepared::{PreparedRequest, Sequence};
use super::session::Session;
use super::shard::Shard;
use super::stop::StopSignal;
use super::target::Target;

/// The back-off after a transport error, so that a dead server is not hammered.
pub const BACK_OFF: Duration = Duration::from_millis(100);

/// Multiples of it, modulo 1, spread evenly however many there are: the gaps between them have at most three lengths.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// A request with what its weight says: the weights of it and all before it.
struct Weighted {
    request: PreparedRequest,
    up_to: u64,
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
            sequence: Sequence::new(seed, share),
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
                exchange(
                    shard,
                    &self.sequence,
                    &requests[chosen].request,
                    session,
                    intended,
                )
                .await
            }
            Work::Flow(flow) => {
                flow.walk(shard, &self.sequence, session, intended, stop)
                    .await
            }
        }
    }

    /// How many positions were taken.
    pub fn drawn(&self) -> u64 {
        self.sequence.taken()
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
