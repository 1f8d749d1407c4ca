//! `hotlap._engine.Histogram`.

use std::sync::{Mutex, MutexGuard};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;

use crate::swarm::{self, both_held, held};

#[pyclass(frozen, module = "hotlap._engine")]
#[derive(Default)]
pub struct Histogram(Mutex<swarm::Histogram>);

impl Histogram {
    fn inner(&self) -> MutexGuard<'_, swarm::Histogram> {
        // Held for a record, a copy or a sum, never while Python is called.
        held(&self.0)
    }
}

impl From<swarm::Histogram> for Histogram {
    fn from(inner: swarm::Histogram) -> Self {
        Self(Mutex::new(inner))
    }
}

#[pymethods]
impl Histogram {
    #[new]
    fn new() -> Self {
        Self::default()
    }

    fn record(&self, latency_us: u64) {
        self.inner().record(latency_us);
    }

    fn merge(&self, other: &Self) {
        match both_held(&self.0, &other.0) {
            Some((mut own, other)) => own.merge(&other),
            None => {
                let mut own = self.inner();
                let copy = own.clone();
                own.merge(&copy);
            }
        }
    }

    fn clear(&self) {
        self.inner().clear();
    }

    #[getter]
    fn count(&self) -> u64 {
        self.inner().count()
    }

    fn quantile_ms(&self, quantile: f64) -> PyResult<Option<f64>> {
        if !(0.0..1.0).contains(&quantile) {
            return Err(PyValueError::new_err(
                "a quantile is at least 0 and below 1",
            ));
        }
        Ok(self.inner().quantile_ms(quantile))
    }

    #[getter]
    fn mean_ms(&self) -> Option<f64> {
        self.inner().mean_ms()
    }

    #[getter]
    fn max_ms(&self) -> Option<f64> {
        self.inner().max_ms()
    }

    fn recorded(&self) -> Vec<(u64, u64)> {
        self.inner().recorded()
    }

    fn hgrm(&self) -> String {
        self.inner().hgrm()
    }

    fn csv(&self) -> String {
        self.inner().csv()
    }

    fn encode<'py>(&self, py: Python<'py>) -> Bound<'py, PyBytes> {
        let encoded = self.inner().encode();
        PyBytes::new(py, &encoded)
    }

    #[staticmethod]
    fn decode(bytes: &[u8]) -> PyResult<Self> {
        swarm::Histogram::decode(bytes)
            .map(Self::from)
            .map_err(|error| PyValueError::new_err(error.to_string()))
    }
}
