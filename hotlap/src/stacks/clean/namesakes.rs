//! Functions of one name in several files of one's own: glue often is called as what it calls.

use std::collections::hash_map::Entry;

use rustc_hash::{FxHashMap, FxHashSet};

use super::shorten::shorten;
use crate::stacks::model::{Kind, Parts, Stacks, demangle};

/// The short names that stand for functions in more than one Rust file of the program's own.
///
/// Only debug information tells: where a recorder gives no file, nothing is known. Names of libraries
/// (`poll`, `new`, `drop`) stay one, as they say the same wherever they are.
pub(super) fn namesakes(stacks: &Stacks) -> FxHashSet<String> {
    let mut files: FxHashMap<String, &str> = FxHashMap::default();
    let mut found = FxHashSet::default();
    for frame in stacks.frames() {
        let parts = Parts::of(&frame.text);
        let Some(file) = own_rust_file(&parts) else {
            continue;
        };
        if frame.kind == Kind::Python {
            continue;
        }
        match files.entry(shorten(&demangle(parts.name))) {
            Entry::Vacant(first) => {
                first.insert(file);
            }
            Entry::Occupied(other) if *other.get() != file => {
                found.insert(other.key().clone());
            }
            Entry::Occupied(_) => {}
        }
    }
    found
}

/// The Rust file that a frame is in, unless a crate of the registry or the standard library has it.
fn own_rust_file<'a>(parts: &Parts<'a>) -> Option<&'a str> {
    parts.file().filter(|file| {
        file.ends_with(".rs") && !file.contains("/registry/src/") && !file.starts_with("/rustc/")
    })
}

#[cfg(test)]
mod tests {
    use crate::stacks::clean::{Clean, clean};
    use crate::stacks::read::read_collapsed;

    fn cleaned(recorded: &str) -> String {
        let mut out = Vec::new();
        clean(
            &read_collapsed(recorded.as_bytes()).unwrap(),
            &Clean::default(),
        )
        .write_collapsed(&mut out)
        .unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn glue_and_what_it_calls_are_told_apart() {
        assert_eq!(
            cleaned("fold (/app/src/python/glue.rs:9);fold (/app/src/fold.rs:3) 1\n"),
            "fold in glue.rs;fold in fold.rs 1\n"
        );
    }

    #[test]
    fn names_of_libraries_and_lines_of_one_file_stay_one() {
        let push = "push (/home/me/.cargo/registry/src/index/a-1.0.0/src/a.rs:1)";
        let next = "push (/rustc/abc/library/core/src/future.rs:2)";
        assert_eq!(cleaned(&format!("{push};{next} 1\n")), "push;push 1\n");
        let lines = "sum (/app/src/sum.rs:1) 1\nsum (/app/src/sum.rs:2) 1\n";
        assert_eq!(cleaned(lines), "sum 2\n");
    }
}
