//! The load engine: virtual users on tokio threads.

mod arrivals;
mod behaviour;
mod connection;
mod engine;
mod histogram;
mod null_server;
mod request;
mod response;
mod stats;
mod timer;
mod tls;
mod user;

pub use behaviour::{Arriving, Declared};
pub use engine::{Config, Engine, EngineError};
pub use histogram::{DecodeError, Histogram};
pub use null_server::NullServer;
pub use request::{Expected, InvalidRequest, Request};
pub use stats::{Figures, Second};
pub use tls::Trust;
