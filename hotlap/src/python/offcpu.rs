//! `hotlap._engine.OffCpu`.

use std::path::PathBuf;

use pyo3::prelude::*;

use super::detach::detached;
use super::readers::open;
use super::stacks::Stacks;
use crate::stacks as core;

/// What a recording of the scheduler says.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct OffCpu {
    #[pyo3(get)]
    waiting: Py<Stacks>,
    #[pyo3(get)]
    runnable: Py<Stacks>,
    #[pyo3(get)]
    throughout: Py<Stacks>,
    #[pyo3(get)]
    switches: u64,
    #[pyo3(get)]
    unpaired: u64,
    #[pyo3(get)]
    span_us: u64,
}

#[pymethods]
impl OffCpu {
    #[staticmethod]
    #[pyo3(signature = (path, *, pids = Vec::new(), blocked = Vec::new(), window_us = 0))]
    fn read(
        py: Python<'_>,
        path: PathBuf,
        pids: Vec<u32>,
        blocked: Vec<(u32, Vec<String>)>,
        window_us: u64,
    ) -> PyResult<Self> {
        let around = core::Around {
            pids,
            blocked,
            window_us,
        };
        let found = detached(py, || Ok(core::read_offcpu(open(&path)?, &around)?))?;
        Self::new(py, found)
    }

    #[staticmethod]
    #[pyo3(signature = (data, *, pids = Vec::new(), blocked = Vec::new(), window_us = 0))]
    fn from_bytes(
        py: Python<'_>,
        data: &[u8],
        pids: Vec<u32>,
        blocked: Vec<(u32, Vec<String>)>,
        window_us: u64,
    ) -> PyResult<Self> {
        let around = core::Around {
            pids,
            blocked,
            window_us,
        };
        let found = detached(py, || Ok(core::read_offcpu(data, &around)?))?;
        Self::new(py, found)
    }
}

impl OffCpu {
    fn new(py: Python<'_>, found: core::OffCpu) -> PyResult<Self> {
        Ok(Self {
            waiting: Py::new(py, Stacks::new(found.waiting))?,
            runnable: Py::new(py, Stacks::new(found.runnable))?,
            throughout: Py::new(py, Stacks::new(found.throughout))?,
            switches: found.switches,
            unpaired: found.unpaired,
            span_us: found.span_us,
        })
    }
}
