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

/// One thing that users do, with its own sequence of values.
struct Unit {
    work: Work,
    sequence: Sequence,
}

/// What a user does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Chosen {
    /// Which of the things that users do.
    pub unit: usize,
    request: usize,
    /// Where it is counted.
    pub name: usize,
}

/// A behaviour, ready to be lived.
pub struct PreparedBehaviour {
    units: Vec<Unit>,
    /// The units in the order in which they have their turns, again and again.
    turns: Vec<usize>,
    turn: AtomicUsize,
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
        let alone = [(1, declared)];
        let parts = match &alone[0].1.mix[..] {
            [] => &alone[..],
            mix => mix,
        };
        let weights: Vec<u32> = parts.iter().map(|(weight, _)| *weight).collect();
        let turns = in_turns(&weights)?;
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
        let mut units = Vec::with_capacity(parts.len());
        for (_, part) in parts {
            if part.requests.is_empty() {
                return refuse("a user needs at least one request");
            }
            let work = match &part.flow {
                Some(flow) => Work::Flow(PreparedFlow::new(part, flow, target, &mut name)?),
                None => choice(part, target, &mut name)?,
            };
            let sequence = Sequence::new(seed, share);
            units.push(Unit { work, sequence });
        }
        Ok(Self {
            units,
            turns,
            turn: AtomicUsize::new(0),
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

    /// How many things users do, in turns.
    pub fn units(&self) -> usize {
        self.units.len()
    }

    /// What a user does next; `random` is from 0 up to 1.
    pub fn choose(&self, random: impl FnOnce() -> f64) -> Chosen {
        let unit = match &self.turns[..] {
            [only] => *only,
            turns => turns[self.turn.fetch_add(1, Ordering::Relaxed) % turns.len()],
        };
        let (request, name) = match &self.units[unit].work {
            Work::Flow(flow) => (0, flow.name),
            Work::Choice(requests, _) if requests.len() == 1 => (0, requests[0].request.name),
            Work::Choice(requests, weights) => {
                let drawn = (random() * *weights as f64) as u64;
                let chosen = requests.partition_point(|one| one.up_to <= drawn);
                let chosen = chosen.min(requests.len() - 1);
                (chosen, requests[chosen].request.name)
            }
        };
        Chosen {
            unit,
            request,
            name,
        }
    }

    /// Do what was chosen.
    pub async fn act(
        &self,
        shard: &Shard,
        chosen: Chosen,
        session: &mut Session,
        intended: Instant,
        stop: &StopSignal,
    ) -> Exchanged {
        let Unit { work, sequence } = &self.units[chosen.unit];
        match work {
            Work::Choice(requests, _) => {
                let request = &requests[chosen.request].request;
                exchange(shard, sequence, request, session, intended).await
            }
            Work::Flow(flow) => flow.walk(shard, sequence, session, intended, stop).await,
        }
    }

    /// How many positions were taken.
    pub fn drawn(&self) -> u64 {
        self.units.iter().map(|unit| unit.sequence.taken()).sum()
    }
}

/// The most that the weights of a mix may add up to, without their common divisor.
const MOST_TURNS: u64 = 100_000;

/// So many turns for each, spread as evenly as they can be: smooth weighted round-robin.
fn in_turns(weights: &[u32]) -> Result<Vec<usize>> {
    let refuse = |message: String| Err(EngineError::Argument(message));
    if weights.contains(&0) {
        return refuse("a weight of a mix is at least 1".into());
    }
    let divisor = weights.iter().copied().fold(0, divisor);
    let weights: Vec<i64> = weights.iter().map(|one| i64::from(one / divisor)).collect();
    let whole: i64 = weights.iter().sum();
    if whole.unsigned_abs() > MOST_TURNS {
        return refuse(format!(
            "the weights of a mix add up to {whole}, more than {MOST_TURNS}: round them"
        ));
    }
    let mut due = vec![0; weights.len()];
    let mut turns = Vec::new();
    for _ in 0..whole {
        for (due, weight) in due.iter_mut().zip(&weights) {
            *due += weight;
        }
        // The first of those that are due most.
        let next = (0..due.len()).rev().max_by_key(|unit| due[*unit]);
        let next = next.unwrap_or_default();
        due[next] -= whole;
        turns.push(next);
    }
    Ok(turns)
}

fn divisor(a: u32, b: u32) -> u32 {
    if b == 0 { a } else { divisor(b, a % b) }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turns_are_as_many_as_the_weights_say_and_spread() {
        assert_eq!(in_turns(&[1]).unwrap(), [0]);
        assert_eq!(in_turns(&[50, 10]).unwrap(), [0, 0, 0, 1, 0, 0]);
        assert_eq!(
            in_turns(&[8, 3, 1])
                .unwrap()
                .iter()
                .filter(|unit| **unit == 1)
                .count(),
            3
        );
        assert_eq!(in_turns(&[2, 2]).unwrap(), [0, 1]);
        assert!(in_turns(&[1, 0]).is_err());
        assert!(in_turns(&[100_001, 2]).is_err());
    }
}
