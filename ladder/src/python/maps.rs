//! The maps as Python sees them.

use pyo3::prelude::*;
use rust_core::clients::Client;
use rust_core::python::clients::Ids;
use rust_core::python::detach::detached;

use crate::maps::{ClientsMap, Sharded, Snapshot};

#[pyclass(frozen, module = "ladder._rungs")]
pub struct ShardedMap(Sharded);

#[pymethods]
impl ShardedMap {
    #[new]
    fn new() -> Self {
        Self(Sharded::default())
    }

    fn put(&self, py: Python<'_>, name: String, user_id: u32) -> PyResult<()> {
        put(py, &self.0, name, user_id)
    }

    fn delete(&self, py: Python<'_>, name: String) -> PyResult<()> {
        delete(py, &self.0, &name)
    }

    fn user_ids(&self, py: Python<'_>) -> PyResult<Ids> {
        Ok(Ids(detached(py, || Ok(self.0.user_ids()))?))
    }
}

#[pyclass(frozen, module = "ladder._rungs")]
pub struct SnapshotMap(Snapshot);

#[pymethods]
impl SnapshotMap {
    #[new]
    fn new() -> Self {
        Self(Snapshot::default())
    }

    fn put(&self, py: Python<'_>, name: String, user_id: u32) -> PyResult<()> {
        put(py, &self.0, name, user_id)
    }

    fn delete(&self, py: Python<'_>, name: String) -> PyResult<()> {
        delete(py, &self.0, &name)
    }

    fn user_ids(&self) -> Ids {
        // Readers wait for nobody here, so there is nothing to detach for.
        Ids(self.0.user_ids())
    }
}

fn put(py: Python<'_>, map: &impl ClientsMap, name: String, user_id: u32) -> PyResult<()> {
    let client = Client {
        user_id,
        subscribed_topics: Vec::new(),
    };
    Ok(detached(py, || {
        map.put(name, client);
        Ok(())
    })?)
}

fn delete(py: Python<'_>, map: &impl ClientsMap, name: &str) -> PyResult<()> {
    Ok(detached(py, || {
        map.delete(name);
        Ok(())
    })?)
}
