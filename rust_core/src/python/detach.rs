//! How the glue leaves the interpreter, in one place, and the one way in which the core's
//! errors become Python exceptions.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::create_exception;
use pyo3::exceptions::{PyOverflowError, PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::clients::Full;
use crate::fold::FoldError;

create_exception!(
    pyapp._core,
    PanicError,
    PyRuntimeError,
    "The core panicked: a bug in it. The call failed; what the core holds is as usable as before."
);

create_exception!(
    pyapp._core,
    FullError,
    PyValueError,
    "A client too many for the map; the map is as it was."
);

/// Whatever can go wrong in the core.
#[derive(Debug)]
pub enum CoreError {
    Fold(FoldError),
    Full(Full),
    Panic(String),
}

impl From<FoldError> for CoreError {
    fn from(error: FoldError) -> Self {
        Self::Fold(error)
    }
}

impl From<Full> for CoreError {
    fn from(error: Full) -> Self {
        Self::Full(error)
    }
}

impl From<CoreError> for PyErr {
    fn from(error: CoreError) -> Self {
        match error {
            CoreError::Fold(error @ FoldError::Overflow) => {
                PyOverflowError::new_err(error.to_string())
            }
            CoreError::Fold(error) => PyValueError::new_err(error.to_string()),
            CoreError::Full(error) => FullError::new_err(error.to_string()),
            CoreError::Panic(message) => {
                PanicError::new_err(format!("the core panicked: {message}"))
            }
        }
    }
}

/// Does `work` detached from the interpreter: other Python threads run meanwhile.
///
/// A panic ends here and becomes an error that Python code can handle; PyO3's own conversion gives
/// an exception that `except Exception` does not catch.
pub fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, CoreError> + Send,
) -> Result<T, CoreError> {
    py.detach(|| caught(work))
}

/// Does `work`; a panic becomes an error.
pub fn caught<T>(work: impl FnOnce() -> Result<T, CoreError>) -> Result<T, CoreError> {
    // No lock is poisoned and nothing half-done stays behind: the core's locks are parking_lot's and
    // tokio's, and its writes are single insertions and removals.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(CoreError::Panic(message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
        .to_string()
}

/// Panics where all work is done, so that tests see what a panic does to the service.
#[pyfunction]
pub fn _panic(py: Python<'_>, message: String) -> PyResult<()> {
    Ok(detached(py, || panic!("{message}"))?)
}
