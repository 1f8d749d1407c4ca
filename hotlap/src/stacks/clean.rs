//! Readable stacks: names demangled and shortened, start-up and plumbing folded away, waiting left out.

use regex::Regex;

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
    /// Roles by thread name: the first pattern that matches gives it. A thread that none matches keeps
    /// its name without numbers, so that the threads of a pool are one.
    pub roles: Vec<(Regex, String)>,
}

impl Default for Clean {
    fn default() -> Self {
        Self {
            drop_waiting: true,
            fold: true,
            threads: true,
            roles: Vec::new(),
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
    /// Neighbours of the same cleaned frame are one.
    is_folding: bool,
    wait: Wait,
}

/// Where a node of the recording went.
#[derive(Debug, Clone, Copy)]
struct Place {
    node: NodeId,
    is_leading: bool,
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
    let fates: Vec<Fate> = (0..stacks.frames().len())
        .map(|id| {
            fate(
                stacks.frame(id_of(id)),
                weights[id],
                options,
                &mut out,
                &mut best,
            )
        })
        .collect();
    let mut places = Vec::with_capacity(stacks.nodes().len());
    places.push(Place {
        node: ROOT,
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
            let end = end_of(&mut out, place.node);
            if !end.is_some_and(|end| out.add(end, node.value)) {
                out.skipped.count(Reason::Limit);
            }
        }
    }
    out
}

fn id_of(index: usize) -> FrameId {
    FrameId::try_from(index).unwrap_or(FrameId::MAX)
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
    let at_beginning = above.is_leading.then_some(fate.beginning).flatten();
    let is_leading = above.is_leading && fate.is_leading;
    let frame = at_beginning.unwrap_or(fate.keep);
    let wait = match (fate.wait, above.wait) {
        (Wait::AsCaller, Wait::Yes | Wait::InLibc) => Wait::Yes,
        (Wait::AsCaller, _) => Wait::No,
        (own, _) => own,
    };
    let node = match frame {
        None => above.node,
        Some(frame) => {
            let is_same = above.node != ROOT && out.nodes()[above.node as usize].frame == frame;
            if is_same && (fate.is_folding || at_beginning.is_some()) {
                above.node
            } else {
                // At the limit a stack ends early rather than nowhere.
                out.child(above.node, frame).unwrap_or(above.node)
            }
        }
    };
    Place {
        node,
        is_leading,
        wait,
    }
}

/// Where a stack ends: one that was folded away entirely is start-up.
fn end_of(out: &mut Stacks, node: NodeId) -> Option<NodeId> {
    let is_heading =
        node == ROOT || out.frame(out.nodes()[node as usize].frame).kind == Kind::Thread;
    if !is_heading {
        return Some(node);
    }
    let frame = out.intern(START_UP, || Frame::plain(START_UP, Kind::Interpreter))?;
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
        is_folding: false,
        wait: Wait::No,
    };
    if frame.kind == Kind::Thread {
        fate.is_leading = true;
        if let Some(text) = thread_role(&parts, &frame.text, options) {
            fate.keep = out.intern(&text, || Frame::plain(&text, Kind::Thread));
        }
        return fate;
    }
    let name = demangle(parts.name);
    fate.wait = if frame.kind == Kind::Python {
        Wait::No
    } else {
        wait(&parts, &name)
    };
    if options.fold {
        fate.beginning = startup::beginning(
            &Parts {
                name: &name,
                ..parts
            },
            frame.kind,
        )
        .map(|beginning| match beginning {
            Beginning::StartUp => None,
            Beginning::Group(text) => out.intern(text, || Frame::plain(text, Kind::Interpreter)),
        });
        fate.is_leading = fate.beginning.is_some();
        if frame.kind != Kind::Python && startup::is_plumbing(&name) {
            fate.is_leading = true;
            return fate;
        }
    }
    let cleaned = cleaned_frame(frame, &parts, &name);
    fate.is_folding = !cleaned.named;
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
    let short = separable(&shorten(name));
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

/// What stands for a thread; `None` drops it. Processes are always merged.
fn thread_role(parts: &Parts<'_>, text: &str, options: &Clean) -> Option<String> {
    if !options.threads || parts.name.starts_with("process ") {
        return None;
    }
    let name = match text.strip_prefix(ROLE_PREFIX) {
        Some(role) => role,
        // `thread (123): name`, and without a name `thread (123)`.
        None => text.split_once("): ").map_or("", |(_, name)| name),
    };
    let role = options
        .roles
        .iter()
        .find(|(pattern, _)| pattern.is_match(name))
        .map(|(_, role)| role.as_str());
    Some(format!(
        "{ROLE_PREFIX}{}",
        role.map_or_else(|| pool_name(name), str::to_owned)
    ))
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
