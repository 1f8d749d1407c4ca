//! Readable stacks: names demangled and shortened, start-up and dispatch folded away, waiting left out.

mod dispatch;
mod frame_action;
mod frame_name;
mod idle;
mod namesakes;
mod options;
mod rewrite;
mod role_votes;
mod shorten;
mod startup;
mod thread_role;

pub use options::Clean;
pub use rewrite::clean;
