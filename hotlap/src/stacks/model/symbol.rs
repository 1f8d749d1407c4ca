//! Readable names of Rust symbols: mangled, half mangled as recorders leave them, or with a hash behind.

use std::borrow::Cow;

/// The name without mangling and hash.
#[must_use]
pub fn demangle(name: &str) -> Cow<'_, str> {
    // Linkers and `perf` put `.llvm.123`, `.cold`, `.isra.0` behind a symbol.
    let base = match name.find(".llvm.") {
        Some(at) => &name[..at],
        None => name,
    };
    if let Ok(symbol) = rustc_demangle::try_demangle(base) {
        // The alternate form leaves the hash out.
        return Cow::Owned(format!("{symbol:#}"));
    }
    if base.starts_with("_Z")
        && let Ok(symbol) = cpp_demangle::Symbol::new(base)
        && let Ok(name) = symbol.demangle()
    {
        return Cow::Owned(name);
    }
    let base = strip_hash(base);
    if !base.contains('$') && !base.contains("..") && !base.starts_with("_<") {
        return Cow::Borrowed(base);
    }
    Cow::Owned(unescape(base))
}

/// Whether this is a mangled symbol of Rust's.
#[must_use]
pub fn is_rust_symbol(symbol: &str) -> bool {
    let is_legacy = symbol.starts_with("_ZN") && symbol.contains("17h");
    (is_legacy || symbol.starts_with("_R")) && rustc_demangle::try_demangle(symbol).is_ok()
}

/// Without the `::h0123456789abcdef` that the legacy mangling puts behind every name.
fn strip_hash(name: &str) -> &str {
    match name.rsplit_once("::h") {
        Some((rest, hash))
            if hash.len() == 16 && hash.bytes().all(|digit| digit.is_ascii_hexdigit()) =>
        {
            rest
        }
        _ => name,
    }
}

/// Undo the escapes of the legacy mangling in a name whose path was taken apart already.
fn unescape(name: &str) -> String {
    const ESCAPES: [(&str, &str); 9] = [
        ("SP", "@"),
        ("BP", "*"),
        ("RF", "&"),
        ("LT", "<"),
        ("GT", ">"),
        ("LP", "("),
        ("RP", ")"),
        ("C", ","),
        ("$", "$"),
    ];
    // The mangling puts an underscore before an element that would begin with an escape.
    let mut rest = name;
    let mut out = String::with_capacity(name.len());
    while let Some(next) = rest.chars().next() {
        let at_start = out.is_empty() || out.ends_with("::");
        if at_start && (rest.starts_with("_$") || rest.starts_with("_<")) {
            rest = &rest[1..];
        } else if let Some(tail) = rest.strip_prefix("..") {
            out.push_str("::");
            rest = tail;
        } else if let Some((escape, tail)) =
            rest.strip_prefix('$').and_then(|tail| tail.split_once('$'))
        {
            let plain = ESCAPES
                .iter()
                .find(|(code, _)| *code == escape)
                .map(|(_, plain)| *plain);
            let scalar = escape
                .strip_prefix('u')
                .and_then(|hex| u32::from_str_radix(hex, 16).ok())
                .and_then(char::from_u32)
                .filter(|scalar| !scalar.is_control());
            match (plain, scalar) {
                (Some(plain), _) => out.push_str(plain),
                (None, Some(scalar)) => out.push(scalar),
                (None, None) => {
                    out.push('$');
                    rest = &rest[1..];
                    continue;
                }
            }
            rest = tail;
        } else {
            out.push(next);
            rest = &rest[next.len_utf8()..];
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn legacy_symbols_lose_mangling_and_hash() {
        assert_eq!(
            demangle(
                "_ZN4core3ptr42drop_in_place$LT$alloc..string..String$GT$17h0123456789abcdefE"
            ),
            "core::ptr::drop_in_place<alloc::string::String>"
        );
        assert_eq!(
            demangle("_ZN9rust_core4fold9fold_once17h0123456789abcdefE.llvm.123"),
            "rust_core::fold::fold_once"
        );
    }

    #[test]
    fn v0_symbols_are_demangled() {
        assert_eq!(
            demangle("_RNvNtCs1234_7mycrate3foo3bar"),
            "mycrate::foo::bar"
        );
        assert_eq!(
            demangle("_RINvNtC3std3mem8align_ofjdE"),
            "std::mem::align_of::<usize, f64>"
        );
    }

    #[test]
    fn half_mangled_names_are_finished() {
        assert_eq!(
            demangle(
                "_$LT$alloc..string..String$u20$as$u20$core..clone..Clone$GT$::clone::h0123456789abcdef"
            ),
            "<alloc::string::String as core::clone::Clone>::clone"
        );
        assert_eq!(
            demangle("<alloc..string..String as core..clone..Clone>::clone"),
            "<alloc::string::String as core::clone::Clone>::clone"
        );
        assert_eq!(
            demangle(
                "pyo3::impl_::trampoline::trampoline::_$u7b$$u7b$closure$u7d$$u7d$::h0123456789abcdef"
            ),
            "pyo3::impl_::trampoline::trampoline::{{closure}}"
        );
    }

    #[test]
    fn other_names_stay() {
        for name in [
            "malloc",
            "_PyEval_EvalFrameDefault",
            "a$b",
            "cost $5",
            "x::hello",
            "µ::ß",
        ] {
            assert_eq!(demangle(name), name);
        }
    }
}
