//! Threads of Rust's own that compute, with an awaitable for each piece of work.

use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};
use rust_core::fold;
use rust_core::python::clients::Ids;
use rust_core::python::detach::{CoreError, caught};
use rust_core::python::lock::running_loop;

/// A pool of threads that the interpreter knows nothing of until they have a result.
#[pyclass(frozen, module = "ladder._rungs")]
pub struct RustPool(ThreadPool);

#[pymethods]
impl RustPool {
    #[new]
    fn new(threads: usize) -> PyResult<Self> {
        ThreadPoolBuilder::new()
            .num_threads(threads)
            .thread_name(|index| format!("rust-compute-{index}"))
            .build()
            .map(Self)
            .map_err(|error| PyRuntimeError::new_err(error.to_string()))
    }

    fn fold_clone<'py>(
        &self,
        py: Python<'py>,
        ids: &Bound<'py, Ids>,
        iterations: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let event_loop = running_loop(py)?;
        let future = event_loop.call_method0("create_future")?;
        let ids = ids.get().0.clone();
        let (event_loop, awaited) = (event_loop.unbind(), future.clone().unbind());
        self.0.spawn(move || {
            let result = caught(|| Ok(fold::fold_clone(&ids, iterations)?));
            // The one error there is comes from a loop that was closed: nobody waits there any more.
            let _ = Python::try_attach(|py| hand_over(py, &event_loop, awaited, result));
        });
        Ok(future)
    }
}

fn hand_over(
    py: Python<'_>,
    event_loop: &Py<PyAny>,
    future: Py<PyAny>,
    result: Result<u64, CoreError>,
) -> PyResult<()> {
    let (value, error) = match result {
        Ok(value) => (Some(value), None),
        Err(error) => (None, Some(PyErr::from(error).into_value(py))),
    };
    let settle = wrap_pyfunction!(settle, py)?;
    event_loop.call_method1(py, "call_soon_threadsafe", (settle, future, value, error))?;
    Ok(())
}

/// Finishes a future that was not cancelled meanwhile.
#[pyfunction]
fn settle(
    future: &Bound<'_, PyAny>,
    value: Option<u64>,
    error: Option<Bound<'_, PyAny>>,
) -> PyResult<()> {
    if future.call_method0("done")?.is_truthy()? {
        return Ok(());
    }
    match error {
        Some(error) => future.call_method1("set_exception", (error,))?,
        None => future.call_method1("set_result", (value,))?,
    };
    Ok(())
}
