//! Chance that can be had again: a generator for each position of a sequence.

use std::convert::Infallible;

use rand_core::TryRng;

/// A random generator that belongs to a seed, a position and a use of it.
pub struct Chance(fastrand::Rng);

impl Chance {
    pub fn new(seed: u64, position: u64, purpose: u64) -> Self {
        let state = mixed(mixed(mixed(seed) ^ position) ^ purpose);
        Self(fastrand::Rng::with_seed(state))
    }

    /// One of so many; there is at least one.
    pub fn below(&mut self, count: u64) -> u64 {
        self.0.u64(..count)
    }

    pub fn bits(&mut self) -> u64 {
        self.0.u64(..)
    }

    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        self.0.i64(low..=high)
    }
}

/// The finalizer of SplitMix64: neighbours become strangers.
fn mixed(value: u64) -> u64 {
    let mut z = value.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

impl TryRng for Chance {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(self.0.u32(..))
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(self.0.u64(..))
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.0.fill(bytes);
        Ok(())
    }
}
