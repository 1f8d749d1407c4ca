//! The parse-and-fold loop, with and without a copy.
//!
//! Both do the same work: for every `i` in `0..iterations` they fold over the ids in reverse order,
//! starting from `i` and adding each parsed id; the folds are added up. They differ only in what they
//! are about: [`fold_clone`] copies each string before it is parsed, as the article's `/cpualloc`
//! does, and [`fold`] borrows it, as its `/cpu` does.

use std::fmt;
use std::hint::black_box;

/// The most iterations of a fold: with [`crate::clients::MAX_CLIENTS`] ids of at most 2^32-1, the
/// sum is at most 2^21 * (2^21 + 1000 * 2^32), which fits 63 bits.
pub const MAX_ITERATIONS: u32 = 1 << 21;

/// Why a fold has no sum.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FoldError {
    /// An id that is no number from 0 to 2^32-1: the id, shortened.
    Parse(String),
    /// A sum beyond 64 bits.
    Overflow,
    /// More iterations than [`MAX_ITERATIONS`].
    Iterations(u32),
}

impl fmt::Display for FoldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Parse(id) => write!(f, "the id {id:?} is no number from 0 to {}", u32::MAX),
            Self::Overflow => write!(f, "the sum does not fit 64 bits"),
            Self::Iterations(asked) => {
                write!(
                    f,
                    "{asked} iterations were asked for; at most {MAX_ITERATIONS} are allowed"
                )
            }
        }
    }
}

impl std::error::Error for FoldError {}

/// The number that an id spells.
///
/// # Errors
/// [`FoldError::Parse`] with the first characters of an id that is no number.
pub fn parse(id: &str) -> Result<u64, FoldError> {
    number(id).ok_or_else(|| FoldError::Parse(id.chars().take(40).collect()))
}

/// The sum of the ids, parsed in reverse order.
///
/// # Errors
/// [`FoldError`] for an id that is no number, or a sum beyond 64 bits.
pub fn sum(ids: &[String]) -> Result<u64, FoldError> {
    fold_once(ids, 0, |id| number(id)).ok_or_else(|| why(ids))
}

/// The fold with each string cloned before it is parsed.
///
/// # Errors
/// [`FoldError`] for an id that is no number, too many iterations, or a sum beyond 64 bits.
pub fn fold_clone(ids: &[String], iterations: u32) -> Result<u64, FoldError> {
    fold_with(ids, iterations, |id| {
        // The copy is what this one is about; without the black box it would be optimised away.
        let copy = black_box(id.clone());
        number(&copy)
    })
}

/// The fold over borrowed strings: nothing is allocated in the loop.
///
/// # Errors
/// [`FoldError`] for an id that is no number, too many iterations, or a sum beyond 64 bits.
pub fn fold(ids: &[String], iterations: u32) -> Result<u64, FoldError> {
    fold_with(ids, iterations, |id| number(id))
}

/// Refuses more iterations than there may be.
///
/// # Errors
/// [`FoldError::Iterations`].
pub fn limited(iterations: u32) -> Result<(), FoldError> {
    if iterations > MAX_ITERATIONS {
        return Err(FoldError::Iterations(iterations));
    }
    Ok(())
}

/// What both share: all folds, added up.
#[inline(always)]
fn fold_with(
    ids: &[String],
    iterations: u32,
    value: impl Fn(&String) -> Option<u64>,
) -> Result<u64, FoldError> {
    limited(iterations)?;
    // The strings do not change from one iteration to the next; the black box keeps the compiler
    // from parsing them once for all.
    (0..iterations)
        .try_fold(0_u64, |total, i| {
            total.checked_add(fold_once(black_box(ids), u64::from(i), &value)?)
        })
        .ok_or_else(|| why(ids))
}

/// One fold over the ids, from the last to the first. In the loop, a failure is no more than `None`,
/// which fits a register; [`why`] finds out afterwards.
#[inline(always)]
fn fold_once(ids: &[String], start: u64, value: impl Fn(&String) -> Option<u64>) -> Option<u64> {
    ids.iter()
        .rev()
        .try_fold(start, |folded, id| folded.checked_add(value(id)?))
}

#[inline(always)]
fn number(id: &str) -> Option<u64> {
    id.parse::<u32>().ok().map(u64::from)
}

/// Why a fold over these ids has no sum.
#[cold]
fn why(ids: &[String]) -> FoldError {
    ids.iter()
        .rev()
        .find_map(|id| parse(id).err())
        .unwrap_or(FoldError::Overflow)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_article_answers() {
        let ids = ids(&["1", "2", "3"]);
        assert_eq!(sum(&ids), Ok(6));
        assert_eq!(fold(&ids, 1_000_000), Ok(500_005_500_000));
        assert_eq!(fold_clone(&ids, 1_000_000), Ok(500_005_500_000));
    }

    #[test]
    fn both_agree_with_the_formula() {
        for count in [0_u64, 1, 7, 100] {
            for iterations in [0_u32, 1, 2, 33, 1000] {
                let ids: Vec<String> = (0..count).map(|n| (n * 1_000_003).to_string()).collect();
                let each: u64 = (0..count).map(|n| n * 1_000_003).sum();
                let n = u64::from(iterations);
                let expected = n * n.saturating_sub(1) / 2 + n * each;
                assert_eq!(fold(&ids, iterations), Ok(expected));
                assert_eq!(fold_clone(&ids, iterations), Ok(expected));
            }
        }
    }

    #[test]
    fn the_bounds_keep_the_sum_within_63_bits() {
        let n = u128::from(MAX_ITERATIONS);
        let each = u128::from(u32::MAX) * crate::clients::MAX_CLIENTS as u128;
        assert!(n * (n - 1) / 2 + n * each < 1 << 63);
    }

    #[test]
    fn an_id_that_is_no_number_is_an_error_that_names_it() {
        for bad in ["", "x", "-1", "1 ", "4294967296", "１"] {
            let error = fold(&ids(&["1", bad]), 1).unwrap_err();
            assert_eq!(error, FoldError::Parse(bad.to_string()));
            assert!(error.to_string().contains(&format!("{bad:?}")));
            assert_eq!(fold_clone(&ids(&[bad]), 1).unwrap_err(), error);
            assert_eq!(sum(&ids(&[bad])).unwrap_err(), error);
        }
        let long = "9".repeat(10_000);
        assert!(parse(&long).unwrap_err().to_string().len() < 120);
    }

    #[test]
    fn too_many_iterations_are_refused() {
        assert_eq!(
            fold(&[], MAX_ITERATIONS + 1),
            Err(FoldError::Iterations(MAX_ITERATIONS + 1))
        );
        assert!(fold(&[], MAX_ITERATIONS).is_ok());
    }

    #[test]
    fn a_sum_beyond_64_bits_is_an_error() {
        let ids = ids(&["1", "2"]);
        assert_eq!(
            fold_once(&ids, u64::MAX - 3, |id| number(id)),
            Some(u64::MAX)
        );
        assert_eq!(fold_once(&ids, u64::MAX - 2, |id| number(id)), None);
        assert_eq!(why(&ids), FoldError::Overflow);
    }
}
