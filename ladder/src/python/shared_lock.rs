//! The service's fair lock with both of its sides.

use std::sync::Arc;

use pyo3::prelude::*;
use rust_core::python::lock::PyPlace;
use rust_core::queue::{FairLock, Side};

#[pyclass(frozen, module = "ladder._rungs")]
pub struct SharedLock(Arc<FairLock>);

#[pymethods]
impl SharedLock {
    #[new]
    fn new() -> Self {
        Self(FairLock::new())
    }

    fn read(&self) -> PyPlace {
        PyPlace::new(&self.0, Side::Shared)
    }

    fn write(&self) -> PyPlace {
        PyPlace::new(&self.0, Side::Exclusive)
    }
}
