//! The loops as Python sees them.

use pyo3::prelude::*;
use rust_core::fold;
use rust_core::python::clients::Ids;
use rust_core::python::detach::{CoreError, detached};

use crate::rungs;

#[pyfunction]
pub fn fold_parsed(py: Python<'_>, ids: &Bound<'_, Ids>, iterations: u32) -> PyResult<u64> {
    let ids = &ids.get().0;
    Ok(detached(py, || Ok(rungs::fold_parsed(ids, iterations)?))?)
}

#[pyfunction]
pub fn fold_closed(ids: &Bound<'_, Ids>, iterations: u32) -> PyResult<u64> {
    Ok(rungs::fold_closed(&ids.get().0, iterations).map_err(CoreError::from)?)
}

/// The service's loop, without letting other Python threads run meanwhile.
#[pyfunction]
pub fn fold_attached(ids: &Bound<'_, Ids>, iterations: u32) -> PyResult<u64> {
    Ok(fold::fold(&ids.get().0, iterations).map_err(CoreError::from)?)
}
