//! The stack of an event: a call a line, the functions that share an address put into order.

use crate::stacks::model::{KERNEL_SUFFIX, demangle, is_place, is_rust_symbol};

/// One line of an event's stack, innermost first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Call {
    address: u64,
    symbol: String,
    /// The library, or `None` for an inlined function.
    library: Option<String>,
    /// Whether the symbol is a mangled one of Rust's.
    is_rust: bool,
}

/// `ADDRESS SYMBOL (LIBRARY)`.
pub(super) fn parse_call(line: &str) -> Option<Call> {
    let line = line.trim();
    let (address, rest) = line.split_once(' ')?;
    let address = u64::from_str_radix(address, 16).ok()?;
    let inner = rest.strip_suffix(')')?;
    // A library's path may have parentheses of its own: `(/memfd:x (deleted))`.
    let open = match inner.strip_suffix(" (deleted)") {
        Some(shorter) => shorter.rfind(" ("),
        None => inner.rfind(" ("),
    }?;
    let library = &inner[open + 2..];
    let symbol = without_offset(inner[..open].trim());
    Some(Call {
        address,
        is_rust: is_rust_symbol(symbol),
        symbol: symbol.to_owned(),
        library: (library != "inlined").then(|| library.to_owned()),
    })
}

/// A symbol without the offset into it that `perf script -F +symoff` writes: `main+0x1c`.
fn without_offset(symbol: &str) -> &str {
    match symbol.rsplit_once("+0x") {
        Some((name, offset))
            if !name.is_empty() && offset.bytes().all(|byte| byte.is_ascii_hexdigit()) =>
        {
            name
        }
        _ => symbol,
    }
}

/// Put the functions that share an address into order, innermost first.
///
/// perf gives the symbol that contains inlined functions last, but first where it did not recognize it
/// among them by its name (Rust's differ), and the innermost function outside of the kernel twice.
pub(super) fn order_inlined(calls: &mut Vec<Call>) {
    let is_kernel = |call: &Call| call.library.as_deref().is_some_and(is_kernel);
    let first = calls.iter().position(|call| !is_kernel(call)).unwrap_or(0);
    let length = run_length(&calls[first..]);
    if length > 1 && calls[first + length - 1] == calls[first + length - 2] {
        calls.remove(first + length - 1);
    }
    let mut start = 0;
    while start < calls.len() {
        let length = run_length(&calls[start..]);
        let run = &mut calls[start..start + length];
        let is_turned = length > 1
            && run[0].library.is_some()
            && run[1..].iter().all(|call| call.library.is_none());
        if is_turned {
            run.rotate_left(1);
            let container = demangle(&run[length - 1].symbol);
            if last_part(&run[length - 2].symbol) == last_part(&container) {
                // It is there already, by the name that other samples of it and other recorders give.
                run[length - 2].library = run[length - 1].library.take();
                run[length - 2].is_rust |= run[length - 1].is_rust;
                calls.remove(start + length - 1);
                start += length - 1;
                continue;
            }
        }
        start += length;
    }
}

fn run_length(calls: &[Call]) -> usize {
    calls
        .iter()
        .take_while(|call| call.address == calls[0].address)
        .count()
}

/// The function's own name, without path and arguments.
fn last_part(name: &str) -> &str {
    let name = name
        .split('<')
        .next()
        .filter(|name| !name.is_empty())
        .unwrap_or(name);
    name.rsplit("::").next().unwrap_or(name)
}

/// The library of each call and whether the code there is Rust's: of an inlined one, what its address says.
pub(super) fn libraries(calls: &[Call]) -> Vec<(Option<&str>, bool)> {
    let mut found = Vec::with_capacity(calls.len());
    let mut start = 0;
    while start < calls.len() {
        let length = run_length(&calls[start..]);
        let run = &calls[start..start + length];
        let library = run.iter().find_map(|call| call.library.as_deref());
        let is_rust = run
            .iter()
            .any(|call| call.is_rust || call.symbol.starts_with("{closure"));
        found.extend(std::iter::repeat_n((library, is_rust), length));
        start += length;
    }
    found
}

fn is_kernel(library: &str) -> bool {
    (library.starts_with("[kernel")
        || library.starts_with("[guest.kernel")
        || library.ends_with(".ko"))
        || (library.starts_with('[')
            && !["[unknown]", "[vdso]", "[heap]", "[stack]"].contains(&library))
}

/// What the lab calls the functions of Python 3.12, of which perf cannot know more.
const TRAMPOLINES: &str = "py::trampolines";

pub(super) fn call_text(call: &Call, library: Option<&str>) -> String {
    let symbol = call.symbol.as_str();
    match library {
        // Many functions by one name: which it is depends on the address.
        Some(library) if symbol == TRAMPOLINES => {
            format!("{symbol}+{:x}:{library}", call.address)
        }
        _ if symbol.starts_with("py::") => symbol.to_owned(),
        Some(library) if is_kernel(library) => format!("{symbol}{KERNEL_SUFFIX}"),
        None | Some("[unknown]") => symbol.to_owned(),
        Some(library) => {
            let file = library.rsplit('/').next().unwrap_or(library);
            // A program's name would be taken for a part of the function's: `main (app)`.
            if is_place(file) {
                format!("{symbol} ({file})")
            } else {
                symbol.to_owned()
            }
        }
    }
}
