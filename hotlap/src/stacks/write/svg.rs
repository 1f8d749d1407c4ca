//! The document of a flame graph: names, tooltips, colours, legend and the script that zooms and searches.

use std::fmt::Write as _;

use super::palette::{Rgb, hex};
use crate::stacks::model::{NodeId, ROOT, Stacks};

/// Zoom and search, for pages that put graphs in without their script.
pub const SCRIPT: &str = include_str!("flame.js");
const STYLE: &str = include_str!("flame.css");

/// How wide inferno draws; readers' scripts stretch it.
pub(super) const WIDTH_PX: f64 = 1200.0;
const CHARACTER_PX: f64 = 7.25;

/// What is written on a graph.
#[derive(Debug, Clone, Default)]
pub struct Labels {
    /// The graph's title.
    pub title: String,
    /// A line below it.
    pub subtitle: Option<String>,
    /// What the widths are: `samples`, `µs`, `bytes`.
    pub unit: String,
    /// Whether the graph is a file of its own, rather than a part of a page.
    pub standalone: bool,
}

/// How one frame is drawn.
pub(super) struct Cell {
    /// Its name.
    pub name: String,
    /// Lines between the name and the value in the tooltip.
    pub notes: Vec<String>,
    /// The value in words, the tooltip's last line.
    pub value: String,
    pub fill: Rgb,
}

/// A graph as it is written: inferno's canvas, filled with names, tooltips and colours.
pub(super) struct Page<'a, F> {
    pub stacks: &'a Stacks,
    pub labels: &'a Labels,
    pub legend: &'a [(Rgb, String)],
    pub ids: &'a [NodeId],
    pub cell: F,
}

/// A frame as inferno placed it.
struct Placed<'a> {
    title: &'a str,
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    from: &'a str,
    value: &'a str,
}

impl<F: Fn(NodeId) -> Cell> Page<'_, F> {
    /// The whole document, from inferno's.
    pub(super) fn compose(&self, canvas: &str) -> String {
        let height: f64 = attribute(canvas, "height")
            .and_then(|text| text.parse().ok())
            .unwrap_or(0.0);
        let mut out = String::with_capacity(canvas.len() * 2 + SCRIPT.len());
        self.head(height, &mut out);
        let _ = write!(
            out,
            r#"<svg class="flame-frames" x="10" width="{}" data-total="{}">"#,
            WIDTH_PX - 20.0,
            self.stacks.total()
        );
        let mut placed: Vec<_> = frames(canvas).collect();
        // The outermost first: the script relies on it.
        placed.sort_by(|a, b| b.y.total_cmp(&a.y).then(a.x.total_cmp(&b.x)));
        let lowest = placed.first().map_or(0.0, |frame| frame.y);
        for frame in &placed {
            self.frame(frame, lowest, &mut out);
        }
        out.push_str("</svg>");
        self.foot(height, &mut out);
        let _ = write!(out, "<script><![CDATA[\n{SCRIPT}]]></script></svg>\n");
        out
    }

    fn head(&self, height: f64, out: &mut String) {
        let labels = self.labels;
        if labels.standalone {
            out.push_str("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
        }
        let _ = write!(
            out,
            r#"<svg class="hotlap-flame{}" xmlns="http://www.w3.org/2000/svg" width="100%" height="{height}" role="img" aria-label="{}"><style>{STYLE}</style>"#,
            if labels.standalone { " standalone" } else { "" },
            escape(&labels.title),
        );
        let _ = write!(
            out,
            r#"<text class="flame-title" x="50%" y="24" text-anchor="middle">{}</text>"#,
            escape(&labels.title)
        );
        if let Some(subtitle) = &labels.subtitle {
            let _ = write!(
                out,
                r#"<text class="flame-subtitle" x="50%" y="46" text-anchor="middle">{}</text>"#,
                escape(subtitle)
            );
        }
        out.push_str(r#"<text class="flame-reset hidden" x="10" y="50">Reset zoom</text>"#);
    }

    fn frame(&self, placed: &Placed<'_>, lowest: f64, out: &mut String) {
        let number = placed
            .title
            .strip_prefix('n')
            .and_then(|rest| rest.split(' ').next());
        if number == Some("") {
            return;
        }
        let id = number
            .and_then(|number| number.parse::<usize>().ok())
            .and_then(|at| self.ids.get(at))
            .copied()
            .unwrap_or(ROOT);
        let cell = (self.cell)(id);
        let x = placed.x / 100.0 * (WIDTH_PX - 20.0);
        let width = placed.width / 100.0 * (WIDTH_PX - 20.0);
        let depth = ((lowest - placed.y) / (placed.height + 1.0)).round();
        let _ = write!(
            out,
            r#"<g data-at="{} {} {depth}"><title>{}"#,
            placed.from,
            placed.value,
            escape(&cell.name)
        );
        for note in &cell.notes {
            let _ = write!(out, "\n{}", escape(note));
        }
        let _ = write!(
            out,
            "\n{}</title><rect x=\"{:.4}%\" y=\"{}\" width=\"{:.4}%\" height=\"{}\" fill=\"{}\"/><text x=\"{:.1}\" y=\"{}\">{}</text></g>\n",
            escape(&cell.value),
            placed.x,
            placed.y,
            placed.width,
            placed.height,
            hex(cell.fill),
            x + 3.0,
            placed.y + placed.height - 4.0,
            escape(&fitted(&cell.name, width)),
        );
    }

    fn foot(&self, height: f64, out: &mut String) {
        let y = height - 12.0;
        let _ = write!(
            out,
            r#"<text class="flame-details" x="10" y="{}"></text>"#,
            y - 4.0 + 12.0 - 2.0
        );
        out.push_str(r#"<text class="flame-matched" x="190" y="24"></text>"#);
        // The legend stands at the right, below the title.
        let mut right = WIDTH_PX - 10.0;
        out.push_str(r#"<svg class="flame-legend" x="100%" overflow="visible">"#);
        for (colour, text) in self.legend.iter().rev() {
            #[allow(clippy::cast_precision_loss)]
            let width = text.chars().count() as f64 * CHARACTER_PX;
            right -= width;
            let _ = write!(
                out,
                r#"<text x="{:.0}" y="24">{}</text><rect x="{:.0}" y="14" width="11" height="11" fill="{}"/>"#,
                right - WIDTH_PX,
                escape(text),
                right - 15.0 - WIDTH_PX,
                hex(*colour),
            );
            right -= 27.0;
        }
        out.push_str("</svg>");
    }
}

/// The frames of inferno's canvas.
fn frames(canvas: &str) -> impl Iterator<Item = Placed<'_>> {
    let start = canvas.find(r#"id="frames""#).unwrap_or(canvas.len());
    canvas[start..]
        .split("<g><title>")
        .skip(1)
        .filter_map(|text| {
            let (title, rest) = text.split_once("</title>")?;
            let percent = |name| attribute(rest, name)?.trim_end_matches('%').parse().ok();
            Some(Placed {
                title,
                x: percent("x")?,
                y: percent("y")?,
                width: percent("width")?,
                height: percent("height")?,
                from: attribute(rest, "fg:x")?,
                value: attribute(rest, "fg:w")?,
            })
        })
}

/// The first value of that attribute.
fn attribute<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let start = text.find(&format!(" {name}=\""))? + name.len() + 3;
    let length = text[start..].find('"')?;
    Some(&text[start..start + length])
}

/// As much of the name as fits, before the script knows the real width.
fn fitted(name: &str, width: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    let fits = ((width - 6.0) / CHARACTER_PX).max(0.0) as usize;
    if fits < 3 {
        String::new()
    } else if name.chars().count() <= fits {
        name.to_owned()
    } else {
        name.chars().take(fits - 1).chain(['…']).collect()
    }
}

/// Text for SVG: escaped, and without the characters that XML has no place for.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c if c.is_control() => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
