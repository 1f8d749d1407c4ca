//! What users do, as it is declared: the requests that they choose from, and how these arrive.

use std::time::Duration;

use super::request::Request;

/// How requests arrive.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum LoadModel {
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

/// What users do.
#[derive(Clone, Debug)]
pub struct Behaviour {
    pub requests: Vec<Request>,
    /// Where the requests are the steps of a flow, instead of a choice.
    pub flow: Option<Flow>,
    /// What users do in turns, each so often, instead of requests of its own; how these arrive is this one's alone.
    pub mix: Vec<(u32, Behaviour)>,
    pub model: LoadModel,
    /// Between an answer and the next request: (low, high).
    pub wait: (Duration, Duration),
}

/// The method under which a flow as a whole is counted.
pub const FLOW: &str = "FLOW";

/// What makes the requests of a behaviour the steps of a flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Flow {
    /// What it is counted under as a whole.
    pub name: String,
    /// Statuses that say that a user has to begin anew, as with a token that has run out.
    pub again_on: Vec<u16>,
}
