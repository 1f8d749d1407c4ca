//! Readable stacks: names demangled and shortened, start-up and plumbing folded away, waiting left out.

use std::collections::BTreeMap;

use regex::Regex;
use rustc_hash::FxHashMap;

use super::demangle::demangle;
use super::frame::{Frame, KERNEL_SUFFIX, Kind, Parts, ROLE_PREFIX};
use super::model::{FrameId, NodeId, ROOT, Stacks};
use super::shorten::shorten;
use super::skipped::Reason;
use super::startup::{self, Beginning, START_UP};
use super::waits::{Wait, wait};

/// What [`clean`] does.
#[derive(Debug, Clone)]
pub struct Clean {
    /// Leave out stacks whose innermost frame only waits; their value goes to [`Stacks::waiting`].
    pub drop_waiting: bool,
    /// Fold the start-up frames of server and interpreter away, and calls that are only passed on.
    pub fold: bool,
    /// Keep a frame for the thread's role in front of each stack, where the recording has one.
    pub threads: bool,
    /// Roles by thread name: the first pattern that matches gives it. A thread that none matches has the
    /// role that its stacks tell, or else its name without numbers, so that the threads of a pool are one.
    pub roles: Vec<(Regex, String)>,
    /// Roles by thread id, of threads whose names do not tell. They come before `roles`.
    pub tids: BTreeMap<u32, String>,
}

impl Default for Clean {
    fn default() -> Self {
        Self {
            drop_waiting: true,
            fold: true,
            threads: true,
            roles: Vec::new(),
            tids: BTreeMap::new(),
        }
    }
}

/// What becomes of a frame of the recording, found out once for each.
#[derive(Debug, Clone, Copy)]
struct Fate {
    /// The cleaned frame; `None` drops it.
    keep: Option<FrameId>,
    /// What replaces it at the beginning of a stack.
    beginning: Option<Option<FrameId>>,
    /// A heading or a frame of start-up: what follows still is at the stack's beginning.
    is_leading: bool,
    /// Everything that called it is start-up.
    is_server: bool,
    /// A heading whose role was given rather than guessed.
    is_heading: Option<bool>,
    /// The heading of the role that the frame tells.
    role: Option<FrameId>,
    /// Has no name: one with its neighbours in the same library.
    is_unnamed: bool,
    /// The library, as a number; 0 if it is not known.
    library: u32,
    wait: Wait,
}

/// Where a node of the recording went.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: NodeId,
    /// The thread's heading, or the root.
    heading: NodeId,
    /// Whether a frame may still tell the thread's role.
    is_open: bool,
    is_leading: bool,
    library: u32,
    wait: Wait,
}

/// The stacks made readable.
#[must_use]
pub fn clean(stacks: &Stacks, options: &Clean) -> Stacks {
    let mut out = Stacks::default();
    out.skipped = stacks.skipped;
    out.waiting = stacks.waiting;
    let weights = frame_weights(stacks);
    let mut best = vec![0_u64; 0];
    let mut fates = Vec::with_capacity(stacks.frames().len());
    let mut libraries = FxHashMap::default();
    for (frame, weight) in stacks.frames().iter().zip(weights) {
        let fate = fate(frame, weight, options, &mut out, &mut best);
        let next = u32::try_from(libraries.len()).map_or(0, |count| count + 1);
        let place = Parts::of(&frame.text).place;
        let library = place.map_or(0, |place| *libraries.entry(place).or_insert(next));
        fates.push(Fate { library, ..fate });
    }
    let mut places = Vec::with_capacity(stacks.nodes().len());
    places.push(Place {
        node: ROOT,
        heading: ROOT,
        is_open: false,
        library: 0,
        is_leading: true,
        wait: Wait::No,
    });
    for node in &stacks.nodes()[1..] {
        let above: Place = places[node.parent as usize];
        let place = step(&mut out, above, &fates[node.frame as usize]);
        places.push(place);
        if node.value == 0 {
            continue;
        }
        if options.drop_waiting && place.wait == Wait::Yes {
            out.waiting = out.waiting.saturating_add(node.value);
        } else {
            let end = end_of(&mut out, place.node, &fates[node.frame as usize]);
            if !end.is_some_and(|end| out.add(end, node.value)) {
                out.skipped.count(Reason::Limit);
            }
        }
    }
    out
}

/// The value in which each frame takes part (twice where it recurses: good enough to choose by).
fn frame_weights(stacks: &Stacks) -> Vec<u64> {
    let mut weights = vec![0_u64; stacks.frames().len()];
    for (node, total) in stacks.nodes().iter().zip(stacks.totals()).skip(1) {
        let weight = &mut weights[node.frame as usize];
        *weight = weight.saturating_add(total);
    }
    weights
}

fn step(out: &mut Stacks, above: Place, fate: &Fate) -> Place {
    let mut above = above;
    if fate.is_server {
        above = Place {
            node: above.heading,
            is_leading: true,
            ..above
        };
    }
    if let (true, true, Some(role)) = (above.is_leading, above.is_open, fate.role) {
        let heading = out.child(ROOT, role).unwrap_or(above.heading);
        if above.node == above.heading {
            above.node = heading;
        }
        above.heading = heading;
    }
    let at_beginning = above.is_leading.then_some(fate.beginning).flatten();
    let is_leading = above.is_leading && fate.is_leading;
    let wait = match (fate.wait, above.wait) {
        (Wait::AsCaller, Wait::Yes | Wait::InLibc) => Wait::Yes,
        (Wait::AsCaller, _) => Wait::No,
        (own, _) => own,
    };
    let place = Place {
        is_leading,
        library: fate.library,
        wait,
        ..above
    };
    let Some(frame) = at_beginning.unwrap_or(fate.keep) else {
        return place;
    };
    let is_same = above.node != ROOT && out.nodes()[above.node as usize].frame == frame;
    // The unnamed insides of a library belong to the named function that was called in it.
    let is_inside = fate.is_unnamed
        && fate.library != 0
        && fate.library == above.library
        && above.node != above.heading;
    if is_inside || (is_same && (fate.is_unnamed || at_beginning.is_some())) {
        return place;
    }
    // At the limit a stack ends early rather than nowhere.
    let node = out.child(above.node, frame).unwrap_or(above.node);
    match fate.is_heading {
        Some(is_given) => Place {
            node,
            heading: node,
            is_open: !is_given,
            ..place
        },
        None => Place { node, ..place },
    }
}

/// Where a stack ends: one that was folded away entirely is start-up.
fn end_of(out: &mut Stacks, node: NodeId, innermost: &Fate) -> Option<NodeId> {
    let is_heading =
        node == ROOT || out.frame(out.nodes()[node as usize].frame).kind == Kind::Thread;
    if !is_heading {
        return Some(node);
    }
    let frame = match innermost.keep {
        Some(unnamed) if innermost.is_unnamed => unnamed,
        _ => out.intern(START_UP, || Frame::plain(START_UP, Kind::Interpreter))?,
    };
    out.child(node, frame)
}

fn fate(
    frame: &Frame,
    weight: u64,
    options: &Clean,
    out: &mut Stacks,
    best: &mut Vec<u64>,
) -> Fate {
    let parts = Parts::of(&frame.text);
    let mut fate = Fate {
        keep: None,
        beginning: None,
        is_leading: false,
        is_server: false,
        is_heading: None,
        role: None,
        is_unnamed: false,
        library: 0,
        wait: Wait::No,
    };
    if frame.kind == Kind::Thread {
        fate.is_leading = true;
        if let Some((role, is_given)) = thread_role(&frame.text, options) {
            fate.keep = heading(out, &role);
            fate.is_heading = Some(is_given);
        }
        return fate;
    }
    let name = demangle(parts.name);
    fate.wait = if frame.kind == Kind::Python {
        Wait::No
    } else {
        wait(&parts, &name)
    };
    if options.threads {
        fate.role = startup::role(&parts, &name, frame.kind).and_then(|role| heading(out, role));
    }
    if options.fold {
        let beginning = startup::beginning(
            &Parts {
                name: &name,
                ..parts
            },
            frame.kind,
        );
        fate.is_server = beginning == Some(Beginning::Server);
        fate.is_leading = beginning.is_some();
        fate.beginning = beginning.map(|beginning| match beginning {
            Beginning::StartUp | Beginning::Server => None,
            Beginning::Group(text) => out.intern(text, || Frame::plain(text, Kind::Interpreter)),
        });
        let is_plumbing = match frame.kind {
            Kind::Python => false,
            Kind::Kernel => startup::is_kernel_plumbing(&name),
            _ => startup::is_plumbing(&name),
        };
        if is_plumbing {
            fate.is_leading = frame.kind != Kind::Kernel;
            return fate;
        }
    }
    let cleaned = cleaned_frame(frame, &parts, &name);
    fate.is_unnamed = !cleaned.named;
    fate.keep = out.intern_frame(&cleaned);
    if let Some(id) = fate.keep {
        let at = id as usize;
        if best.len() <= at {
            best.resize(at + 1, 0);
        }
        if weight > best[at] {
            // Of the lines and instances that share a name, the heaviest stands for all.
            best[at] = weight;
            let kept = out.frame_mut(id);
            kept.full = cleaned.full;
            kept.location = cleaned.location;
        }
    }
    fate
}

fn cleaned_frame(frame: &Frame, parts: &Parts<'_>, name: &str) -> Frame {
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
        cleaned.text = if library.is_empty() {
            "[unknown]".into()
        } else {
            format!("[{}]", library_name(library)).into()
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
        short.starts_with("{closure"),
        parts.file().filter(|file| file.ends_with(".rs")),
    ) {
        // Debug information names inlined closures without their function: the file tells more.
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
    if let Some(at) = place.find("/library/") {
        return &place[at + "/library/".len()..];
    }
    let mut folders = place.rmatch_indices('/').map(|(at, _)| at);
    folders
        .nth(2)
        .map_or(place.trim_start_matches('/'), |at| &place[at + 1..])
}

fn heading(out: &mut Stacks, role: &str) -> Option<FrameId> {
    let text = format!("{ROLE_PREFIX}{role}");
    out.intern(&text, || Frame::plain(&text, Kind::Thread))
}

/// A thread's role, and whether it was given rather than taken from the thread's name. `None` drops the
/// heading: processes are always merged.
fn thread_role(text: &str, options: &Clean) -> Option<(String, bool)> {
    if !options.threads || text.starts_with("process ") {
        return None;
    }
    if let Some(role) = text.strip_prefix(ROLE_PREFIX) {
        return Some((role.to_owned(), true));
    }
    // `thread (123): name`, and without a name `thread (123)`.
    let (id, name) = text
        .split_once("): ")
        .unwrap_or((text.trim_end_matches(')'), ""));
    let tid = id.strip_prefix("thread (").and_then(|id| id.parse().ok());
    if let Some(role) = tid.and_then(|tid: u32| options.tids.get(&tid)) {
        return Some((role.clone(), true));
    }
    match options
        .roles
        .iter()
        .find(|(pattern, _)| pattern.is_match(name))
    {
        Some((_, role)) => Some((role.clone(), true)),
        None => Some((pool_name(name), false)),
    }
}

/// The name that the threads of a pool share.
fn pool_name(name: &str) -> String {
    let base = name.trim_end_matches(|c: char| c.is_ascii_digit() || "-_ #:".contains(c));
    if base.is_empty() {
        "unnamed".to_owned()
    } else {
        base.to_owned()
    }
}
