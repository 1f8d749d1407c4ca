//! Colours that readers who cannot tell red from green can tell apart (after Okabe and Ito).

use std::hash::Hasher;

use rustc_hash::FxHasher;

use crate::stacks::model::Kind;

/// Red, green, blue.
pub type Rgb = (u8, u8, u8);

/// More in the second recording.
pub const MORE: Rgb = (240, 140, 20);
/// Less in the second recording.
pub const LESS: Rgb = (78, 160, 222);
/// As much in both.
pub const SAME: Rgb = (232, 232, 232);

/// The colour of a kind of code. All are light enough for dark letters.
#[must_use]
pub fn of_kind(kind: Kind) -> Rgb {
    match kind {
        Kind::Python => (112, 186, 233),
        Kind::Rust => (238, 164, 38),
        Kind::C => (240, 228, 110),
        Kind::Kernel => (214, 146, 184),
        Kind::Interpreter => (72, 184, 148),
        Kind::Thread => (200, 200, 200),
    }
}

/// The kind's colour in a shade that the name gives, so that neighbours differ.
#[must_use]
pub fn shade(kind: Kind, text: &str) -> Rgb {
    let mut hasher = FxHasher::default();
    hasher.write(text.as_bytes());
    let step = (hasher.finish() >> 40) % 5;
    // Towards white by 0 to 24 parts of 100.
    mix(
        of_kind(kind),
        (255, 255, 255),
        6.0 * f64::from(u8::try_from(step).unwrap_or(0)) / 100.0,
    )
}

/// The colour of a change: `change` is -1 (gone) to 1 (new).
#[must_use]
pub fn of_change(change: f64) -> Rgb {
    let strength = change.abs().min(1.0).sqrt();
    mix(
        SAME,
        if change > 0.0 { MORE } else { LESS },
        strength * 0.85,
    )
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn mix(from: Rgb, to: Rgb, part: f64) -> Rgb {
    let one = |a: u8, b: u8| (f64::from(a) + (f64::from(b) - f64::from(a)) * part).round() as u8;
    (one(from.0, to.0), one(from.1, to.1), one(from.2, to.2))
}

/// As SVG writes it.
#[must_use]
pub fn hex((red, green, blue): Rgb) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
