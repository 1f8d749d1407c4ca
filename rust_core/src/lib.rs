//! The service's core: a shared client map and a hot parse-and-fold loop.

#[cfg(feature = "python")]
mod python;

/// How this library was built: `release`, or `debug` where debug assertions are on.
pub const BUILD_PROFILE: &str = if cfg!(debug_assertions) { "debug" } else { "release" };
