//! The load engine: virtual users on tokio threads.
//!
//! From the bottom up: what is counted (`counters`, `recorder`), where to connect (`target`, `tls`), what is sent
//! (`difference`, `request`, `behaviour`, `protocol`), what a thread's users share (`shard`), one request (`exchange`), the users
//! (`user`, `arrivals`), and the `engine` with its threads.

mod arrivals;
mod behaviour;
mod counters;
mod difference;
mod engine;
mod error;
mod exchange;
mod histogram;
mod lock;
mod null_server;
mod prepared;
mod protocol;
mod recorder;
mod request;
mod shard;
mod stop;
mod target;
mod timer;
mod tls;
mod user;
mod worker;

pub use behaviour::{Behaviour, LoadModel};
pub use counters::{Counters, Second};
pub use difference::Difference;
pub use engine::{Config, Engine};
pub use error::{EngineError, Result};
pub use histogram::{DecodeError, Histogram};
pub use null_server::NullServer;
pub use request::{ANOTHER_BODY, Expected, Request};
pub use tls::Trust;

/// The bytes that are sent for a request to the server of an address.
pub fn encoded(request: &Request, url: &str) -> Result<Vec<u8>> {
    let target::Address {
        authority, prefix, ..
    } = target::Address::parse(url)?;
    protocol::encode(request, authority, prefix)
}

// What the glue needs beside.
#[cfg(feature = "python")]
pub(crate) use {counters::for_all_counters, lock::both_held, lock::held};
