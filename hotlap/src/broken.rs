//! Broken input for the readers: what is good, changed at random. The same for the same seed.

use fastrand::Rng;

const LONGEST: usize = 8192;

/// Give a reader so many inputs: pieces of the samples with bytes changed, put in, left out, repeated, and put together.
pub fn each(samples: &[&[u8]], times: u64, mut check: impl FnMut(&[u8])) {
    let mut chance = Rng::with_seed(times);
    for sample in samples {
        check(&sample[..sample.len().min(LONGEST)]);
    }
    for _ in 0..times {
        let mut input = piece(samples, &mut chance);
        if chance.u8(..4) == 0 {
            input.extend(piece(samples, &mut chance));
        }
        for _ in 0..chance.usize(..8) {
            change(&mut input, &mut chance);
        }
        input.truncate(LONGEST);
        check(&input);
    }
}

fn piece(samples: &[&[u8]], chance: &mut Rng) -> Vec<u8> {
    let sample = samples[chance.usize(..samples.len())];
    let from = if chance.bool() {
        0
    } else {
        chance.usize(..=sample.len())
    };
    let length = chance.usize(..=(sample.len() - from).min(LONGEST));
    sample[from..from + length].to_vec()
}

fn change(input: &mut Vec<u8>, chance: &mut Rng) {
    const TOLD: [&[u8]; 12] = [
        b"\n",
        b"\r\n\r\n",
        b"\0",
        b";",
        b" ",
        b"18446744073709551616",
        b"-1",
        b"\"",
        b"\xff\xfe",
        b"{",
        b"0.5",
        b":",
    ];
    let at = chance.usize(..=input.len());
    let end = at + chance.usize(..=(input.len() - at).min(64));
    match chance.u8(..5) {
        0 if at < input.len() => input[at] = chance.u8(..),
        1 => drop(input.drain(at..end)),
        2 => {
            let again = input[at..end].to_vec();
            input.splice(at..at, again);
        }
        3 => drop(input.splice(at..end, TOLD[chance.usize(..TOLD.len())].iter().copied())),
        _ => input.insert(at, chance.u8(..)),
    }
}
