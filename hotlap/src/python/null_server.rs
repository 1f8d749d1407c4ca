//! `hotlap._engine.NullServer`.

use std::sync::Mutex;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use super::detach::detached;
use crate::swarm::{self, held};

#[pyclass(frozen, module = "hotlap._engine")]
pub struct NullServer(Mutex<Option<swarm::NullServer>>);

#[pymethods]
impl NullServer {
    #[new]
    #[pyo3(signature = (body_bytes = 0, *, body = None))]
    fn new(py: Python<'_>, body_bytes: usize, body: Option<PyBackedBytes>) -> PyResult<Self> {
        let server = detached(py, || {
            Ok(match body {
                Some(body) => swarm::NullServer::answering(&body)?,
                None => swarm::NullServer::start(body_bytes)?,
            })
        })?;
        Ok(Self(Mutex::new(Some(server))))
    }

    #[getter]
    fn url(&self) -> PyResult<String> {
        self.running(|server| server.url())
    }

    #[getter]
    fn received(&self) -> PyResult<u64> {
        self.running(swarm::NullServer::received)
    }

    fn close(&self, py: Python<'_>) -> PyResult<()> {
        let server = held(&self.0).take();
        detached(py, || {
            drop(server);
            Ok(())
        })
    }
}

impl NullServer {
    fn running<T>(&self, ask: impl FnOnce(&swarm::NullServer) -> T) -> PyResult<T> {
        let server = held(&self.0);
        server
            .as_ref()
            .map(ask)
            .ok_or_else(|| PyValueError::new_err("the server is closed"))
    }
}
