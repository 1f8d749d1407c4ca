//! One frame made readable: its name, its kind and where it is.

use rustc_hash::FxHashSet;

use super::shorten::shorten;
use crate::stacks::model::{Frame, KERNEL_SUFFIX, Kind, Parts, is_run_time_code};

/// The frame as a reader wants it; `name` is its demangled name, `namesakes` are the names that need their file.
pub(super) fn cleaned_frame(
    frame: &Frame,
    parts: &Parts<'_>,
    name: &str,
    namesakes: &FxHashSet<String>,
) -> Frame {
    let kind = match frame.kind {
        Kind::C if name != parts.name => Kind::Rust,
        kind => kind,
    };
    let mut cleaned = Frame {
        full: None,
        location: None,
        kind,
        named: true,
        text: "".into(),
    };
    if let Some(library) = parts.address() {
        cleaned.text = if library.is_empty() || is_run_time_code(library) {
            "[unknown]".into()
        } else {
            format!("[{}]", library_name(library).trim_matches(['[', ']'])).into()
        };
        cleaned.named = false;
        return cleaned;
    }
    if kind == Kind::Python {
        let place = python_place(parts);
        cleaned.text = if place.is_empty() {
            name.into()
        } else {
            format!("{} ({place})", separable(name)).into()
        };
        cleaned.location = Some(place.into());
        return cleaned;
    }
    let name = name.strip_suffix(" (inlined)").unwrap_or(name);
    let name = if matches!(kind, Kind::C | Kind::Interpreter | Kind::Kernel) {
        c_name(name)
    } else {
        name
    };
    let mut short = separable(&shorten(name));
    if let (true, Some(file)) = (
        short.starts_with("{closure") || namesakes.contains(&short),
        parts.file().filter(|file| file.ends_with(".rs")),
    ) {
        // Debug information names inlined closures without their function, and methods without their type: the
        // file tells more.
        short = format!("{short} in {}", file.rsplit('/').next().unwrap_or(file));
    }
    if short != name {
        cleaned.full = Some(name.into());
    }
    cleaned.location = match (parts.line, parts.place) {
        (Some(_), Some(place)) => Some(source_place(place).into()),
        _ => frame.location.clone(),
    };
    cleaned.text = if kind == Kind::Kernel {
        format!("{short}{KERNEL_SUFFIX}").into()
    } else {
        short.into()
    };
    cleaned
}

/// A C function's name without what compiler and C library put around it: `__GI___libc_malloc` is `malloc`.
fn c_name(name: &str) -> &str {
    let base = [".isra.", ".part.", ".constprop.", ".cold", "@plt", "@@"]
        .iter()
        .filter_map(|mark| name.find(mark))
        .min()
        .filter(|&at| at > 0)
        .map_or(name, |at| &name[..at]);
    ["__GI___libc_", "__GI_", "__libc_"]
        .iter()
        .find_map(|start| base.strip_prefix(start))
        .unwrap_or(base)
}

/// Names without the separator of collapsed files.
fn separable(name: &str) -> String {
    name.replace(';', ":")
}

/// `libfoo.so` of its path, without the tags of a Python extension.
fn library_name(library: &str) -> String {
    let file = library.rsplit('/').next().unwrap_or(library);
    match file
        .split_once(".cpython-")
        .or_else(|| file.split_once(".abi3."))
    {
        Some((name, _)) => format!("{name}.so"),
        None => file.to_owned(),
    }
}

fn python_place(parts: &Parts<'_>) -> String {
    source_place(parts.place.unwrap_or("")).to_owned()
}

/// A source file as its project knows it: below `site-packages`, the standard library or a crate, or else
/// its last folders.
fn source_place(place: &str) -> &str {
    if !place.starts_with('/') {
        return place;
    }
    for root in ["/site-packages/", "/dist-packages/"] {
        if let Some(at) = place.rfind(root) {
            return &place[at + root.len()..];
        }
    }
    if let Some(at) = place.find("/lib/python3") {
        let below = &place[at + "/lib/".len()..];
        return below.split_once('/').map_or(below, |(_, rest)| rest);
    }
    if let Some(at) = place.find("/registry/src/") {
        let below = &place[at + "/registry/src/".len()..];
        return below.split_once('/').map_or(below, |(_, rest)| rest);
    }
    if let Some((_, below)) = place
        .strip_prefix("/rustc/")
        .and_then(|below| below.split_once("/library/"))
    {
        return below;
    }
    let mut folders = place.rmatch_indices('/').map(|(at, _)| at);
    folders
        .nth(1)
        .map_or(place.trim_start_matches('/'), |at| &place[at + 1..])
}
