//! Flame graphs. The inferno crate lays the frames out and writes the canvas; names, tooltips, colours
//! and the script are put in here.
//!
//! inferno's own script finds its parts by ids and takes the first graph of a document for its own: a
//! report has many graphs in one page, so that each brings a script that keeps to itself.

use std::fmt::Write as _;

use inferno::flamegraph;

use super::palette::{Rgb, of_kind, shade};
use super::svg::{Cell, Labels, Page, WIDTH_PX};
use crate::stacks::error::{Result, StacksError};
use crate::stacks::model::{Kind, NodeId, ROOT, Stacks, share, shown};

/// Narrower frames are left out: their value stays in their caller's width.
const NARROWEST_SHARE: f64 = 0.0002;
/// Draw the stacks.
///
/// # Errors
/// There are no samples.
pub fn svg(stacks: &Stacks, labels: &Labels) -> Result<String> {
    let totals = stacks.totals();
    let unit = &labels.unit;
    let mut kinds: Vec<Kind> = Vec::new();
    for node in &stacks.nodes()[1..] {
        let kind = stacks.frame(node.frame).kind;
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds.sort_unstable();
    let legend: Vec<_> = kinds
        .iter()
        .map(|&kind| (of_kind(kind), kind.to_string()))
        .collect();
    draw(stacks, labels, &legend, |id| {
        let value = totals[id as usize];
        let mut text = format!(
            "{} {unit}, {:.2}%",
            thousands(value),
            100.0 * share(value, stacks.total())
        );
        if id == ROOT {
            return Cell {
                name: "all".into(),
                notes: Vec::new(),
                value: text,
                fill: of_kind(Kind::Thread),
            };
        }
        let node = stacks.nodes()[id as usize];
        let frame = stacks.frame(node.frame);
        if node.value > 0 && node.value < value {
            let _ = write!(text, " (itself {} {unit})", thousands(node.value));
        }
        Cell {
            name: shown(&frame.text).to_owned(),
            notes: [&frame.full, &frame.location]
                .into_iter()
                .flatten()
                .map(ToString::to_string)
                .collect(),
            value: text,
            fill: shade(frame.kind, &frame.text),
        }
    })
}

/// Draw a tree of stacks, each frame as `cell` says.
pub(super) fn draw(
    stacks: &Stacks,
    labels: &Labels,
    legend: &[(Rgb, String)],
    cell: impl Fn(NodeId) -> Cell,
) -> Result<String> {
    if stacks.is_empty() {
        return Err(StacksError::Empty("the stacks"));
    }
    let (lines, ids) = wide_lines(stacks);
    let mut options = flamegraph::Options::default();
    options.no_javascript = true;
    options.no_sort = true;
    options.min_width = 0.0;
    options.image_width = Some(WIDTH_PX as usize);
    options.title = " ".into();
    options.subtitle = Some(" ".into());
    let mut canvas = Vec::new();
    flamegraph::from_lines(&mut options, lines.iter().map(String::as_str), &mut canvas)?;
    let canvas = String::from_utf8_lossy(&canvas);
    Ok(Page {
        stacks,
        labels,
        legend,
        ids: &ids,
        cell,
    }
    .compose(&canvas))
}

/// The stacks of which inferno is to draw every frame: a frame is a number that says its place in the
/// order of the texts, so that the lines are sorted.
fn wide_lines(stacks: &Stacks) -> (Vec<String>, Vec<NodeId>) {
    let totals = stacks.totals();
    #[allow(clippy::cast_precision_loss)]
    let narrowest = stacks.total() as f64 * NARROWEST_SHARE;
    #[allow(clippy::cast_precision_loss)]
    let is_wide = |id: NodeId| id == ROOT || totals[id as usize] as f64 >= narrowest;
    let mut own: Vec<u64> = stacks.nodes().iter().map(|node| node.value).collect();
    for (id, node) in (0_u32..).zip(stacks.nodes()).skip(1) {
        if is_wide(node.parent) && !is_wide(id) {
            own[node.parent as usize] += totals[id as usize];
        }
    }
    let ids: Vec<NodeId> = stacks.preorder(is_wide);
    let mut number = vec![0_usize; stacks.nodes().len()];
    for (at, &id) in ids.iter().enumerate() {
        number[id as usize] = at;
    }
    let mut lines = Vec::new();
    let mut path: Vec<usize> = Vec::new();
    for &id in &ids {
        if own[id as usize] == 0 {
            continue;
        }
        path.clear();
        let mut above = id;
        while above != ROOT {
            path.push(number[above as usize]);
            above = stacks.nodes()[above as usize].parent;
        }
        let mut line = String::new();
        for (depth, at) in path.iter().rev().enumerate() {
            let _ = write!(line, "{}n{at:08}", if depth > 0 { ";" } else { "" });
        }
        // Of a stack too narrow for any frame, the root itself keeps the width.
        let _ = write!(
            line,
            "{} {}",
            if path.is_empty() { "n" } else { "" },
            own[id as usize]
        );
        lines.push(line);
    }
    (lines, ids)
}

/// A whole number with separators.
fn thousands(value: u64) -> String {
    let digits = value.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}
