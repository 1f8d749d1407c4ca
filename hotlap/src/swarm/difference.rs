//! Where an answer's body first departs from the expected one, in a form that can be printed.

use std::fmt;

/// How many bytes are shown before the first that differs, and from it on.
const BEFORE: usize = 12;
const AFTER: usize = 24;
/// Stands for each byte of what must not be shown.
const HIDDEN: u8 = b'*';

/// The first place where two bodies differ, with a few bytes of each there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// So many bytes before it are the same.
    pub at: usize,
    pub expected: String,
    pub came: String,
}

impl Difference {
    /// The first place; `None` where the bodies are equal. No byte of what is `hidden` is shown.
    pub fn between(expected: &[u8], came: &[u8], hidden: &[Vec<u8>]) -> Option<Self> {
        if expected == came {
            return None;
        }
        let same = expected
            .iter()
            .zip(came)
            .take_while(|(a, b)| a == b)
            .count();
        Some(Self {
            at: same,
            expected: shown(expected, same, hidden),
            came: shown(came, same, hidden),
        })
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { at, expected, came } = self;
        write!(
            formatter,
            "after {at} equal bytes came \"{came}\" instead of \"{expected}\""
        )
    }
}

fn shown(body: &[u8], at: usize, hidden: &[Vec<u8>]) -> String {
    let mut body = body.to_vec();
    for secret in hidden.iter().filter(|secret| !secret.is_empty()) {
        let places: Vec<usize> = memchr::memmem::find_iter(&body, secret).collect();
        for place in places {
            body[place..place + secret.len()].fill(HIDDEN);
        }
    }
    let (from, to) = (at.saturating_sub(BEFORE), body.len().min(at + AFTER));
    format!(
        "{}{}{}",
        if from > 0 { "…" } else { "" },
        body[from..to].escape_ascii(),
        if to < body.len() { "…" } else { "" },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(expected: &[u8], came: &[u8]) -> String {
        Difference::between(expected, came, &[])
            .expect("they differ")
            .to_string()
    }

    #[test]
    fn the_first_place_is_shown_with_a_few_bytes_of_each() {
        assert_eq!(Difference::between(b"same", b"same", &[]), None);
        assert_eq!(
            told(b"one", b"on\x00\xff\""),
            r#"after 2 equal bytes came "on\x00\xff\"" instead of "one""#
        );
        let long = |middle: &str| format!("{}{middle}{}", "a".repeat(100), "z".repeat(100));
        assert_eq!(
            told(long("1").as_bytes(), long("2").as_bytes()),
            format!(
                "after 100 equal bytes came \"…{}2{}…\" instead of \"…{}1{}…\"",
                "a".repeat(12),
                "z".repeat(23),
                "a".repeat(12),
                "z".repeat(23)
            )
        );
        assert_eq!(
            told(b"cut short", b"cut"),
            r#"after 3 equal bytes came "cut" instead of "cut short""#
        );
    }

    #[test]
    fn what_is_hidden_is_not_shown_in_part_either() {
        let hidden = [b"s3cret-token".to_vec()];
        let found = Difference::between(b"s3cret-token 1", b"s3cret-token 2", &hidden);
        let found = found.expect("they differ");
        assert_eq!((found.at, found.came.as_str()), (13, "…*********** 2"));
    }
}
