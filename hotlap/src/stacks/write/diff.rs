//! Differential flame graphs: what changed between two recordings, drawn.

use super::flamegraph::draw;
use super::palette::{LESS, MORE, SAME, of_change};
use super::svg::{Cell, Labels};
use crate::stacks::error::Result;
use crate::stacks::model::{Diff, ROOT, shown};

impl Diff {
    /// Draw both: orange is more in the second, blue is less.
    ///
    /// # Errors
    /// There is nothing to draw.
    pub fn svg(&self, labels: &Labels) -> Result<String> {
        let totals = self.totals();
        let (first, second) = (&self.names.0, &self.names.1);
        let legend = [
            (LESS, format!("less in {second}")),
            (SAME, "as much".into()),
            (MORE, format!("more in {second}")),
        ];
        draw(&self.tree, labels, &legend, |id| {
            let pair = totals[id as usize];
            let value = format!(
                "{first} {}, {second} {} ({}{})",
                self.unit.text(pair.a),
                self.unit.text(pair.b),
                if pair.change() > 0.0 { "+" } else { "" },
                self.unit.text(pair.change()),
            );
            let (name, notes) = if id == ROOT {
                ("all".to_owned(), Vec::new())
            } else {
                let frame = self.tree.frame(self.tree.nodes()[id as usize].frame);
                (
                    shown(&frame.text).to_owned(),
                    frame.full.iter().map(ToString::to_string).collect(),
                )
            };
            Cell {
                name,
                notes,
                value,
                fill: of_change(pair.relative()),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stacks::model::{Scale, Stacks, diff};

    #[test]
    fn what_went_away_is_drawn() {
        let (mut a, mut b) = (Stacks::default(), Stacks::default());
        assert!(a.push(["loop", "clone", "malloc"], 6) && a.push(["loop"], 4));
        assert!(b.push(["loop"], 2));
        let scale = Scale {
            a: 0.5,
            b: 0.5,
            unit: "µs".into(),
        };
        let diff = diff(&a, &b, Some(&scale), ("x", "y")).unwrap();
        let svg = diff.svg(&Labels::default()).unwrap();
        assert!(svg.contains("malloc") && svg.contains("x 3.00 µs, y 0.00 µs (-3.00 µs)"));
    }
}
