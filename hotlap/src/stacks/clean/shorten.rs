//! Short forms of long generic names; the whole name goes into the tooltip.

/// What is longer than this between angle brackets becomes `…`.
const LONGEST_ARGUMENTS: usize = 24;

/// The name as a reader wants it: paths between angle brackets lose all but their last part,
/// and long arguments become `…`. `<alloc::string::String as core::clone::Clone>::clone` gives
/// `<String as Clone>::clone`.
#[must_use]
pub fn shorten(name: &str) -> String {
    if !name.contains('<') && !name.contains("{{") {
        return name.to_owned();
    }
    let name = name.replace("{{", "{").replace("}}", "}");
    let chars: Vec<char> = name.chars().collect();
    if !is_balanced(&chars) {
        return name;
    }
    let mut out = String::with_capacity(name.len());
    outer(&chars, &mut out);
    out
}

/// Whether every bracket that opens is closed, in order.
fn is_balanced(chars: &[char]) -> bool {
    let mut depth = 0_i32;
    for at in 0..chars.len() {
        depth += bracket(chars, at);
        if depth < 0 {
            return false;
        }
    }
    depth == 0
}

/// +1 where an angle bracket opens, -1 where one closes: the arrow of `fn() -> T` is none,
/// nor are the operators that C++ names after themselves.
fn bracket(chars: &[char], at: usize) -> i32 {
    let before = at.checked_sub(1).map(|at| chars[at]);
    match chars[at] {
        '<' => 1,
        '>' if before != Some('-') => -1,
        _ => 0,
    }
}

/// The end of the bracket that opens at `open`.
fn closing(chars: &[char], open: usize) -> usize {
    let mut depth = 0;
    for at in open..chars.len() {
        depth += bracket(chars, at);
        if depth == 0 {
            return at;
        }
    }
    chars.len() - 1
}

/// A name outside of brackets: its path stays whole.
fn outer(chars: &[char], out: &mut String) {
    let mut at = 0;
    while at < chars.len() {
        if bracket(chars, at) == 1 {
            let end = closing(chars, at);
            let is_qualified = at == 0;
            out.push('<');
            arguments(&chars[at + 1..end], is_qualified, out);
            out.push('>');
            at = end + 1;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
}

/// What stands between brackets. A qualified `<A as B>` keeps both names, without their own arguments if long.
fn arguments(chars: &[char], is_qualified: bool, out: &mut String) {
    let short = last_parts(chars);
    // The environment of a closure says nothing that its function does not.
    let is_telling = is_qualified || !short.contains("{closure_env");
    if is_telling && short.chars().count() <= LONGEST_ARGUMENTS {
        out.push_str(&short);
    } else if is_qualified {
        out.push_str(&without_arguments(&short));
    } else {
        out.push('…');
    }
}

/// Every path reduced to its last part: `alloc::vec::Vec<core::u8>` gives `Vec<u8>`.
fn last_parts(chars: &[char]) -> String {
    let mut out = String::new();
    let mut word = String::new();
    let mut at = 0;
    while at < chars.len() {
        let next = chars[at];
        if next.is_alphanumeric() || next == '_' || next == '{' || next == '}' || next == '#' {
            word.push(next);
        } else if next == ':' && chars.get(at + 1) == Some(&':') {
            // `Vec::<T>` keeps its name; any other part before `::` goes.
            if chars.get(at + 2) != Some(&'<') {
                word.clear();
                while out.ends_with('>') && !out.ends_with("->") {
                    cut_bracket(&mut out);
                }
            }
            at += 1;
        } else {
            out.push_str(&word);
            word.clear();
            out.push(next);
        }
        at += 1;
    }
    out.push_str(&word);
    out
}

/// Remove the bracket, and the name before it, that ends `out`.
fn cut_bracket(out: &mut String) {
    let chars: Vec<char> = out.chars().collect();
    let mut depth = 0;
    for at in (0..chars.len()).rev() {
        depth += bracket(&chars, at);
        if depth == 0 {
            let name_start = chars[..at]
                .iter()
                .rposition(|c| !(c.is_alphanumeric() || *c == '_'))
                .map_or(0, |before| before + 1);
            *out = chars[..name_start].iter().collect();
            return;
        }
    }
    out.clear();
}

fn without_arguments(short: &str) -> String {
    let chars: Vec<char> = short.chars().collect();
    let mut out = String::new();
    let mut at = 0;
    while at < chars.len() {
        if bracket(&chars, at) == 1 {
            out.push_str("<…>");
            at = closing(&chars, at) + 1;
        } else {
            out.push(chars[at]);
            at += 1;
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trait_methods_keep_type_and_trait() {
        assert_eq!(
            shorten("<alloc::string::String as core::clone::Clone>::clone"),
            "<String as Clone>::clone"
        );
        assert_eq!(
            shorten(
                "<alloc::vec::Vec<alloc::string::String> as core::iter::FromIterator<char>>::from_iter"
            ),
            "<Vec<…> as FromIterator<…>>::from_iter"
        );
    }

    #[test]
    fn arguments_lose_their_paths_and_long_ones_go() {
        assert_eq!(
            shorten("core::ptr::drop_in_place<alloc::string::String>"),
            "core::ptr::drop_in_place<String>"
        );
        assert_eq!(
            shorten(
                "core::iter::adapters::try_process<core::iter::Map<core::slice::Iter<u8>, a::b::{{closure}}>, u64>"
            ),
            "core::iter::adapters::try_process<…>"
        );
        assert_eq!(
            shorten("std::mem::align_of::<usize, f64>"),
            "std::mem::align_of::<usize, f64>"
        );
        assert_eq!(shorten("a::b::{{closure}}"), "a::b::{closure}");
        assert_eq!(
            shorten("fold_with<core::fold::{closure_env#0}>"),
            "fold_with<…>"
        );
    }

    #[test]
    fn what_is_no_generic_stays() {
        for name in [
            "malloc",
            "operator<",
            "a->b",
            "f(<)",
            "x<y",
            "operator>>",
            "fn<fn() -> u8>",
        ] {
            assert_eq!(shorten(name), name);
        }
    }
}
