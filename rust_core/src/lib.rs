//! The service's core: a shared client map, the fair lock that `/read` holds through its wait, and
//! the hot parse-and-fold loop. Pure Rust, but for `python`, the glue.

pub mod clients;
pub mod fold;
pub mod histogram;
pub mod queue;

#[cfg(feature = "python")]
pub mod python;

/// How this library was built: `release`, or `debug` where debug assertions are on.
pub const BUILD_PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};
