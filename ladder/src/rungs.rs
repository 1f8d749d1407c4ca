//! The loop beyond the service's two: parsed once before it, and left out.

use std::hint::black_box;

use rust_core::fold::{FoldError, limited, parse, sum};

/// The fold with each string parsed once, before the loop.
///
/// # Errors
/// [`FoldError`] for an id that is no number, too many iterations, or a sum beyond 64 bits.
pub fn fold_parsed(ids: &[String], iterations: u32) -> Result<u64, FoldError> {
    limited(iterations)?;
    let values = ids
        .iter()
        .map(|id| parse(id))
        .collect::<Result<Vec<u64>, _>>()?;
    // As in the service's loops, the compiler must not see that all iterations add the same.
    (0..iterations)
        .try_fold(0_u64, |total, i| {
            let folded = black_box(&values)
                .iter()
                .rev()
                .try_fold(u64::from(i), |folded, value| folded.checked_add(*value))?;
            total.checked_add(folded)
        })
        .ok_or(FoldError::Overflow)
}

/// The fold without the loop: the sum of all `i`, and the sum of the ids as often.
///
/// # Errors
/// [`FoldError`] for an id that is no number, too many iterations, or a sum beyond 64 bits.
pub fn fold_closed(ids: &[String], iterations: u32) -> Result<u64, FoldError> {
    limited(iterations)?;
    let n = u64::from(iterations);
    sum(ids)?
        .checked_mul(n)
        .and_then(|ids| ids.checked_add(n * n.saturating_sub(1) / 2))
        .ok_or(FoldError::Overflow)
}

#[cfg(test)]
mod tests {
    use rust_core::fold::MAX_ITERATIONS;

    use super::*;

    fn ids(values: &[&str]) -> Vec<String> {
        values.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn both_agree_with_the_formula() {
        for count in [0_u64, 1, 7, 100] {
            for iterations in [0_u32, 1, 2, 33, 1000] {
                let ids: Vec<String> = (0..count).map(|n| (n * 1_000_003).to_string()).collect();
                let each: u64 = (0..count).map(|n| n * 1_000_003).sum();
                let n = u64::from(iterations);
                let expected = n * n.saturating_sub(1) / 2 + n * each;
                assert_eq!(fold_parsed(&ids, iterations), Ok(expected));
                assert_eq!(fold_closed(&ids, iterations), Ok(expected));
            }
        }
    }

    #[test]
    fn what_cannot_be_is_refused_as_by_the_service() {
        for rung in [fold_parsed, fold_closed] {
            for bad in ["", "x", "-1", "1 ", "4294967296", "\u{ff11}"] {
                let error = FoldError::Parse(bad.to_string());
                assert_eq!(rung(&ids(&[bad]), 1), Err(error));
            }
            let asked = MAX_ITERATIONS + 1;
            assert_eq!(rung(&[], asked), Err(FoldError::Iterations(asked)));
        }
    }
}
