//! The ladder: what the service's map, lock and loop are compared with. Pure Rust, but for the glue.

pub mod maps;
pub mod rungs;

#[cfg(feature = "python")]
mod python;

/// How this library was built: `release`, or `debug` where debug assertions are on.
pub const BUILD_PROFILE: &str = rust_core::BUILD_PROFILE;
