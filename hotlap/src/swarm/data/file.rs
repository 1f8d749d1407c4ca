//! A file of values with the order in which its rows are taken.

use std::sync::Arc;

use rand_distr::{Distribution, Zipf};

use super::chance::Chance;
use super::table::Table;
use crate::swarm::error::{EngineError, Result};

/// Which row a request takes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Order {
    /// The next one; after the last, the first again.
    InTurn,
    /// Any, all alike.
    Random,
    /// The first row most often: the n-th as often as 1 / n to this power.
    Zipf { exponent: f64 },
    /// Each once, over all users, processes and workers.
    Unique { at_end: AtEnd },
}

/// What happens when no unique row is left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtEnd {
    /// Users end.
    Stop,
    /// They are taken anew from the first.
    Again,
}

/// A file of values with an order.
#[derive(Debug)]
pub struct File {
    pub table: Arc<Table>,
    pub order: Order,
    zipf: Option<Zipf<f64>>,
}

impl File {
    pub fn new(table: Arc<Table>, order: Order) -> Result<Self> {
        let zipf = match order {
            Order::Zipf { exponent } => {
                if !(exponent.is_finite() && exponent > 0.0) {
                    return Err(EngineError::Data(format!(
                        "the exponent of zipf is above 0, not {exponent}"
                    )));
                }
                let made = Zipf::new(table.rows() as f64, exponent);
                Some(made.map_err(|error| EngineError::Data(format!("zipf: {error}")))?)
            }
            _ => None,
        };
        Ok(Self { table, order, zipf })
    }

    /// The row for a position; `None`: none is left.
    pub fn row(&self, position: u64, seed: u64, number: usize) -> Option<usize> {
        let rows = self.table.rows() as u64;
        let chance = || Chance::new(seed, position, number as u64);
        let row = match self.order {
            Order::Unique {
                at_end: AtEnd::Stop,
            } if position >= rows => return None,
            Order::InTurn | Order::Unique { .. } => position % rows,
            Order::Random => chance().below(rows),
            Order::Zipf { .. } => {
                let zipf = self.zipf.as_ref()?;
                (zipf.sample(&mut chance()) as u64).clamp(1, rows) - 1
            }
        };
        Some(row as usize)
    }
}

impl PartialEq for File {
    fn eq(&self, other: &Self) -> bool {
        self.table.path == other.table.path && self.order == other.order
    }
}
