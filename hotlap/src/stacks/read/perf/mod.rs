//! The reader of `perf script`'s text, event by event.
//!
//! Written for `perf script --no-demangle -F comm,pid,tid,time,event,period,ip,sym,dso,trace`, with or without
//! the period and the trace, and with `--show-switch-events` and `--show-lost-events`.

mod call;
mod event;
mod script;

pub use event::Event;
pub(super) use script::{Sink, read_events};
pub use script::{Weight, is_perf, read_perf};
