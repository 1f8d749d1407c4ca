//! `hotlap._engine.Data`: a file of values.

use std::path::PathBuf;
use std::sync::Arc;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedStr;

use super::detach::detached;
use crate::swarm::{self, AtEnd, File, Order, Table};

const IN_TURN: &str = "in-turn";
const RANDOM: &str = "random";
const ZIPF: &str = "zipf";
const UNIQUE: &str = "unique";
const STOP: &str = "stop";
const AGAIN: &str = "again";

/// A file of values, with the order in which requests take its rows.
#[pyclass(frozen, eq, module = "hotlap._engine")]
#[derive(Clone, PartialEq)]
pub struct Data(Arc<File>);

impl Data {
    pub fn file(&self) -> Arc<File> {
        Arc::clone(&self.0)
    }
}

fn one_of(what: &str, names: &[&str], given: &str) -> PyErr {
    PyValueError::new_err(format!("{what} is {}, not {given:?}", names.join(" or ")))
}

#[pymethods]
impl Data {
    #[new]
    #[pyo3(signature = (path, *, order = IN_TURN, exponent = 1.0, at_end = STOP))]
    fn new(
        py: Python<'_>,
        path: PathBuf,
        order: &str,
        exponent: f64,
        at_end: &str,
    ) -> PyResult<Self> {
        let at_end = match at_end {
            STOP => AtEnd::Stop,
            AGAIN => AtEnd::Again,
            other => return Err(one_of("at_end", &[STOP, AGAIN], other)),
        };
        let order = match order {
            IN_TURN => Order::InTurn,
            RANDOM => Order::Random,
            ZIPF => Order::Zipf { exponent },
            UNIQUE => Order::Unique { at_end },
            other => return Err(one_of("order", &[IN_TURN, RANDOM, ZIPF, UNIQUE], other)),
        };
        detached(py, || {
            let table = Arc::new(Table::read(&path)?);
            Ok(Self(Arc::new(File::new(table, order)?)))
        })
    }

    #[getter]
    fn path(&self) -> PathBuf {
        self.0.table.path.clone()
    }

    #[getter]
    fn columns(&self) -> Vec<String> {
        let columns = self.0.table.columns.iter();
        columns.map(|column| column.name.clone()).collect()
    }

    #[getter]
    fn rows(&self) -> usize {
        self.0.table.rows()
    }

    #[getter]
    fn memory_bytes(&self) -> usize {
        self.0.table.memory()
    }

    fn __repr__(&self) -> String {
        format!("Data({:?}, {} rows)", self.0.table.path, self.rows())
    }
}

/// The names of a file's columns, without reading its rows.
#[pyfunction]
pub fn columns_of(py: Python<'_>, path: PathBuf) -> PyResult<Vec<String>> {
    detached(py, || Ok(Table::columns_of(&path)?))
}

/// The columns that a text with placeholders names, if they are any.
#[pyfunction]
pub fn columns_named(py: Python<'_>, text: PyBackedStr) -> PyResult<Vec<String>> {
    detached(py, || Ok(swarm::names(text.as_bytes())?))
}
