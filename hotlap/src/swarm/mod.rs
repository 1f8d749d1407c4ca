//! The load engine: virtual users on tokio threads.
//!
//! From the bottom up: what is counted (`counters`, `recorder`), where to connect (`target`, `tls`), the values that
//! differ (`data`), what is sent and expected (`request`, `streamed`, `capture`, `expectation`, `behaviour`), how it goes over the
//! wire (`protocol`), how answers are looked at (`checks`, `captured`), what a user keeps (`jar`, `session`), what a
//! thread's users share (`shard`), one request (`exchange`), several (`flow`, `work`), the users (`user`, `arrivals`),
//! what was recorded (`schedule`, `replay`), and the `engine` with its threads.

mod alone;
mod arrivals;
mod behaviour;
mod capture;
mod captured;
mod checks;
mod counters;
mod data;
mod difference;
mod engine;
mod error;
mod exchange;
mod expectation;
mod flow;
#[cfg(any(test, fuzzing))]
pub mod fuzzed;
mod histogram;
mod jar;
mod location;
mod lock;
mod null_server;
mod prepared;
mod protocol;
mod recorder;
mod replay;
mod request;
mod schedule;
mod session;
mod shard;
mod stop;
mod streamed;
mod target;
mod timer;
mod tls;
mod user;
mod work;
mod worker;

pub use alone::Alone;
pub use behaviour::{Behaviour, FLOW, Flow, LoadModel};
pub use capture::{Capture, Origin};
pub use counters::{Counters, Second};
pub use data::{AtEnd, File, GENERATORS, Order, Share, Table, names};
pub use difference::Difference;
pub use engine::{Attempt, Config, Engine};
pub use error::{EngineError, Result};
pub use expectation::{Expectation, Expected, Wanted};
pub use histogram::{DecodeError, Histogram};
pub use null_server::NullServer;
pub use prepared::PreparedRequest;
pub use protocol::{Outgoing, Received, headers_of};
pub use replay::Replay;
pub use request::{ANOTHER_BODY, Request};
pub use session::Seen;
pub use streamed::{Framing, Streamed};
pub use target::Limits;
pub use tls::Trust;

// What the glue needs beside.
#[cfg(feature = "python")]
pub(crate) use {counters::for_all_counters, lock::both_held, lock::held};
