//! What stacks are: a tree of frames with values, what is asked of it, and two of them compared.

mod diff;
mod frame;
mod kind;
mod label;
mod parts;
mod select;
mod skipped;
mod symbol;
mod top;
mod traverse;
mod tree;

pub use diff::{Changed, Diff, Pair, Scale, diff};
pub use frame::Frame;
pub use kind::Kind;
pub use label::{EVENT_LOOP, KERNEL_SUFFIX, ROLE_PREFIX, START_UP, THREAD_POOL, shown};
pub use parts::{Parts, is_place, is_run_time_code, is_vdso};
pub use skipped::{Reason, Skipped};
pub use symbol::{demangle, is_rust_symbol};
pub use top::{Heavy, HeavyFunction};
pub use tree::{FrameId, Node, NodeId, PARTS, ROOT, Stacks, share};
