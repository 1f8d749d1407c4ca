//! What changed between two recordings.
//!
//! Frames are matched by name after cleaning, without lines. A stack of either recording is drawn, as wide
//! as the larger of both, so that what went away is seen as well as what is new.

use super::frame::Frame;
use super::kind::Kind;
use super::label::shown;
use super::tree::{FrameId, NodeId, ROOT, Stacks};
use crate::stacks::error::{Result, StacksError};

/// How many steps the widest graph has: widths are whole numbers to the drawing.
const STEPS: f64 = 1e9;

/// A value in both recordings.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Pair {
    /// In the first.
    pub a: f64,
    /// In the second.
    pub b: f64,
}

impl Pair {
    /// How much more there is in the second.
    #[must_use]
    pub fn change(self) -> f64 {
        self.b - self.a
    }

    fn add(&mut self, other: Self) {
        self.a += other.a;
        self.b += other.b;
    }

    /// The change as a part of the larger: -1 (gone) to 1 (new).
    pub(in crate::stacks) fn relative(self) -> f64 {
        let larger = self.a.max(self.b);
        if larger > 0.0 {
            self.change() / larger
        } else {
            0.0
        }
    }
}

/// A function whose value changed.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Its name, without line.
    pub name: String,
    /// What kind of code it is.
    pub kind: Kind,
    /// The value with it innermost.
    pub own: Pair,
    /// The value with it anywhere in the stack.
    pub total: Pair,
}

/// Two recordings, matched.
#[derive(Debug, Clone)]
pub struct Diff {
    pub(in crate::stacks) tree: Stacks,
    own: Vec<Pair>,
    pub(in crate::stacks) unit: Unit,
    pub(in crate::stacks) names: (String, String),
}

/// What values are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// Parts of each recording's total.
    Share,
    /// Something per request, or what else the caller scaled to.
    Named(String),
}

impl Unit {
    /// A value with its unit.
    pub(in crate::stacks) fn text(&self, value: f64) -> String {
        match self {
            Self::Share => format!("{:.2}%", 100.0 * value),
            Self::Named(unit) if value.abs() >= 100.0 => format!("{value:.0} {unit}"),
            Self::Named(unit) => format!("{value:.2} {unit}"),
        }
    }
}

/// How values of both recordings are made comparable.
#[derive(Debug, Clone)]
pub struct Scale {
    /// What a value of the first is multiplied by.
    pub a: f64,
    /// The same for the second.
    pub b: f64,
    /// What comes out: `µs per request`.
    pub unit: String,
}

/// Compare two recordings, by shares of their totals or as `scale` says. `names` are for the legend.
///
/// # Errors
/// One of them has no samples, or a factor is not positive.
#[allow(clippy::cast_precision_loss)]
pub fn diff(a: &Stacks, b: &Stacks, scale: Option<&Scale>, names: (&str, &str)) -> Result<Diff> {
    if a.is_empty() {
        return Err(StacksError::Empty("the first recording"));
    }
    if b.is_empty() {
        return Err(StacksError::Empty("the second recording"));
    }
    let (factor_a, factor_b, unit) = match scale {
        Some(scale) => (scale.a, scale.b, Unit::Named(scale.unit.clone())),
        None => (1.0 / a.total() as f64, 1.0 / b.total() as f64, Unit::Share),
    };
    if ![factor_a, factor_b]
        .iter()
        .all(|factor| factor.is_finite() && *factor > 0.0)
    {
        return Err(StacksError::Argument(
            "a scale must be a number above 0".into(),
        ));
    }
    let mut diff = Diff {
        tree: Stacks::default(),
        own: vec![Pair::default()],
        unit,
        names: (names.0.into(), names.1.into()),
    };
    diff.take(a, |value| Pair {
        a: value as f64 * factor_a,
        b: 0.0,
    });
    diff.take(b, |value| Pair {
        a: 0.0,
        b: value as f64 * factor_b,
    });
    diff.set_widths();
    Ok(diff)
}

impl Diff {
    fn take(&mut self, stacks: &Stacks, pair: impl Fn(u64) -> Pair) {
        let frames: Vec<Option<FrameId>> = stacks
            .frames()
            .iter()
            .map(|frame| self.intern(frame))
            .collect();
        let mut places: Vec<NodeId> = vec![ROOT];
        for node in &stacks.nodes()[1..] {
            let above = places[node.parent as usize];
            let place = frames[node.frame as usize]
                .and_then(|frame| self.tree.child(above, frame))
                .unwrap_or(above);
            places.push(place);
            let at = place as usize;
            if self.own.len() <= at {
                self.own.resize(at + 1, Pair::default());
            }
            self.own[at].add(pair(node.value));
        }
    }

    fn intern(&mut self, frame: &Frame) -> Option<FrameId> {
        let name = frame.match_name();
        self.tree.intern(&name, || Frame {
            text: name.as_str().into(),
            location: None,
            ..frame.clone()
        })
    }

    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    fn set_widths(&mut self) {
        let sum: f64 = self.own.iter().map(|pair| pair.a.max(pair.b)).sum();
        for (id, pair) in (0_u32..).zip(&self.own) {
            let width = (pair.a.max(pair.b) / sum * STEPS).round() as u64;
            let fits = self.tree.add(id, width);
            debug_assert!(fits, "the widths add up to about {STEPS}");
        }
    }

    /// The values of all nodes with those below them, by node.
    pub(in crate::stacks) fn totals(&self) -> Vec<Pair> {
        let mut totals = self.own.clone();
        for id in (1..totals.len()).rev() {
            let below = totals[id];
            totals[self.tree.nodes()[id].parent as usize].add(below);
        }
        totals
    }

    /// The sums of both, in the unit of the comparison.
    #[must_use]
    pub fn total(&self) -> Pair {
        self.totals()[0]
    }

    /// The `count` functions that changed most: by their own value, then by their total, then by name.
    #[must_use]
    pub fn top(&self, count: usize) -> Vec<Changed> {
        let totals = self.totals();
        let mut values = vec![(Pair::default(), Pair::default()); self.tree.frames().len()];
        for (id, node) in self.tree.nodes().iter().enumerate().skip(1) {
            let (own, total) = &mut values[node.frame as usize];
            own.add(self.own[id]);
            if !self.tree.recurs(node) {
                total.add(totals[id]);
            }
        }
        let mut changed: Vec<_> = self
            .tree
            .frames()
            .iter()
            .zip(values)
            .map(|(frame, (own, total))| Changed {
                name: shown(&frame.text).to_owned(),
                kind: frame.kind,
                own,
                total,
            })
            .collect();
        changed.sort_by(|x, y| {
            let by = |pair: fn(&Changed) -> Pair| {
                pair(y).change().abs().total_cmp(&pair(x).change().abs())
            };
            by(|changed| changed.own)
                .then(by(|changed| changed.total))
                .then_with(|| x.name.cmp(&y.name))
        });
        changed.truncate(count);
        changed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Stacks of lines such as `outer;inner 3`.
    fn stacks(text: &str) -> Stacks {
        let mut made = Stacks::default();
        for line in text.lines() {
            let (frames, value) = line.rsplit_once(' ').unwrap();
            assert!(made.push(frames.split(';'), value.parse().unwrap()));
        }
        made
    }

    #[test]
    fn lines_do_not_hide_a_match() {
        let a = stacks("main (app.py:1);work (app.py:10) 3\nmain (app.py:1);work (app.py:11) 1\n");
        let b = stacks("main (app.py:2);work (app.py:12) 2\n");
        let top = diff(&a, &b, None, ("a", "b")).unwrap().top(5);
        let work = top
            .iter()
            .find(|changed| changed.name == "work (app.py)")
            .unwrap();
        assert_eq!(work.own, Pair { a: 1.0, b: 1.0 });
        assert_eq!(top.len(), 2);
    }

    #[test]
    fn what_went_away_leads_the_table() {
        let a = stacks("loop;clone;malloc 6\nloop 4\n");
        let b = stacks("loop 2\n");
        let scale = Scale {
            a: 0.5,
            b: 0.5,
            unit: "µs".into(),
        };
        let diff = diff(&a, &b, Some(&scale), ("x", "y")).unwrap();
        assert_eq!(diff.total(), Pair { a: 5.0, b: 1.0 });
        let top = diff.top(1);
        assert_eq!(top[0].name, "malloc");
        assert_eq!(top[0].own, Pair { a: 3.0, b: 0.0 });
    }

    #[test]
    fn recursion_counts_once() {
        let a = stacks("f;f;f 2\n");
        let b = stacks("f;f 2\n");
        let top = diff(&a, &b, None, ("a", "b")).unwrap().top(1);
        assert_eq!(top[0].total, Pair { a: 1.0, b: 1.0 });
    }

    #[test]
    fn nothing_to_compare_is_an_error() {
        let one = stacks("f 1\n");
        assert!(diff(&one, &Stacks::default(), None, ("a", "b")).is_err());
        assert!(
            diff(
                &one,
                &one,
                Some(&Scale {
                    a: 0.0,
                    b: 1.0,
                    unit: String::new()
                }),
                ("a", "b")
            )
            .is_err()
        );
    }
}
