//! The one door through which the glue leaves the interpreter, and the one way in which the engine's errors and
//! panics become Python exceptions.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use pyo3::create_exception;
use pyo3::exceptions::{PyRuntimeError, PyValueError};
use pyo3::prelude::*;

use crate::stacks;
use crate::swarm::EngineError;

create_exception!(
    hotlap._engine,
    PanicError,
    PyRuntimeError,
    "The engine panicked: a bug in it. The call failed; what the engine holds is as usable as before."
);

create_exception!(
    hotlap._engine,
    StacksError,
    PyValueError,
    "Stacks that cannot be read, compared or drawn: the message says what to do."
);

/// Whatever can go wrong beyond the door.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Io(#[from] std::io::Error),
    #[error(transparent)]
    Stacks(stacks::StacksError),
    #[error(transparent)]
    Engine(EngineError),
    #[error("the engine panicked: {0}")]
    Panic(String),
}

impl From<stacks::StacksError> for Error {
    fn from(error: stacks::StacksError) -> Self {
        match error {
            stacks::StacksError::Io(error) => Self::Io(error),
            error => Self::Stacks(error),
        }
    }
}

impl From<EngineError> for Error {
    fn from(error: EngineError) -> Self {
        match error {
            EngineError::Io(error) => Self::Io(error),
            error => Self::Engine(error),
        }
    }
}

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        match error {
            Error::Io(error) => error.into(),
            Error::Stacks(error) => StacksError::new_err(error.to_string()),
            Error::Engine(error) => PyValueError::new_err(error.to_string()),
            Error::Panic(_) => PanicError::new_err(error.to_string()),
        }
    }
}

/// Does `work` detached from the interpreter: other Python threads run meanwhile.
///
/// A panic ends here and becomes an error that Python code can handle; PyO3's own conversion gives
/// an exception that `except Exception` does not catch.
pub fn detached<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Error> + Send,
) -> PyResult<T> {
    Ok(py.detach(|| caught(work))?)
}

/// Does `work`; a panic becomes an error.
fn caught<T>(work: impl FnOnce() -> Result<T, Error>) -> Result<T, Error> {
    // Nothing half-done stays behind: stacks are values that nothing changes, and what the engine guards with a
    // lock is whole between any two changes; a lock that a panic poisoned is taken all the same.
    catch_unwind(AssertUnwindSafe(work))
        .unwrap_or_else(|panic| Err(Error::Panic(message(panic.as_ref()))))
}

fn message(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("without a message")
        .to_owned()
}

/// Panics where all work is done, so that tests see what a panic does.
#[pyfunction]
pub fn _panic(py: Python<'_>, message: String) -> PyResult<()> {
    detached(py, || panic!("{message}"))
}
