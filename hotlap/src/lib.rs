//! The lab's engine: the load generator (`swarm`) and collapsed stacks (`stacks`).

#[cfg(test)]
mod broken;
#[cfg(feature = "python")]
mod python;
pub mod stacks;
pub mod swarm;

/// How this library was built: `release`, or `debug` where debug assertions are on.
pub const BUILD_PROFILE: &str = if cfg!(debug_assertions) {
    "debug"
} else {
    "release"
};
