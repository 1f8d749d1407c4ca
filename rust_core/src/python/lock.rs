//! The fair lock as an awaitable. A task that waits for it is woken through a future of its own
//! event loop, whichever loop that is: asyncio's, uvloop, rloop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use parking_lot::Mutex;
use pyo3::exceptions::{PyRuntimeError, PyStopIteration};
use pyo3::prelude::*;
use pyo3::sync::PyOnceLock;

use super::histogram::{PyHistogram, Source};
use crate::queue::{FairLock, Hold, Place, Side};

#[pyclass(frozen, module = "pyapp._core")]
pub struct ExclusiveLock(Arc<FairLock>);

#[pymethods]
impl ExclusiveLock {
    #[new]
    fn new() -> Self {
        Self(FairLock::new())
    }

    fn acquire(&self) -> PyPlace {
        PyPlace::new(&self.0, Side::Exclusive)
    }

    fn locked(&self) -> bool {
        self.0.is_held()
    }

    fn waiting(&self) -> usize {
        self.0.waiting()
    }

    fn timings(&self) -> [(&'static str, PyHistogram); 2] {
        [
            ("wait", PyHistogram(Source::LockWait(Arc::clone(&self.0)))),
            ("hold", PyHistogram(Source::LockHold(Arc::clone(&self.0)))),
        ]
    }
}

/// A place in the queue: awaiting it gives the [`PyHold`].
///
/// Its mutex is never held while Python code runs, nor while a place or a hold is dropped, which
/// wakes the next in the queue.
#[pyclass(frozen, name = "Place", module = "pyapp._core")]
pub struct PyPlace {
    lock: Arc<FairLock>,
    side: Side,
    place: Mutex<Option<Place>>,
}

impl PyPlace {
    /// A place for one side of a lock, not yet taken.
    pub fn new(lock: &Arc<FairLock>, side: Side) -> Self {
        Self {
            lock: Arc::clone(lock),
            side,
            place: Mutex::new(None),
        }
    }
}

#[pymethods]
impl PyPlace {
    /// What a profiler of suspended tasks shows: a native awaitable is opaque to it otherwise.
    #[classattr]
    fn waits_for() -> &'static str {
        "a FairLock (pyapp._core)"
    }

    /// What kind of thing that is, for a profiler that groups them.
    #[classattr]
    fn waits_for_kind() -> &'static str {
        "lock"
    }

    fn __await__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    /// Resumes the wait: raises `StopIteration` with the hold when the lock is there, otherwise
    /// yields a future that is done when it is worth asking again.
    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        let mut place = match self.place.lock().take() {
            Some(place) => place,
            None => match self.lock.try_hold(self.side) {
                Some(hold) => return Err(done(hold)),
                None => self.lock.queue(self.side),
            },
        };
        let event_loop = running_loop(py)?;
        let future = event_loop.call_method0("create_future")?;
        let waker = Waker::from(Arc::new(LoopWaker {
            event_loop: event_loop.unbind(),
            future: future.clone().unbind(),
            thread: thread::current().id(),
        }));
        match Pin::new(&mut place).poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(hold) => Err(done(hold)),
            Poll::Pending => {
                *self.place.lock() = Some(place);
                // The first step of a future's own iterator yields it as a task expects it.
                future.call_method0("__await__")?.call_method0("__next__")
            }
        }
    }

    #[pyo3(signature = (value, /))]
    fn send<'py>(&self, py: Python<'py>, value: Bound<'py, PyAny>) -> PyResult<Bound<'py, PyAny>> {
        // A task sends nothing but `None`.
        let _ = value;
        self.__next__(py)
    }

    /// Leaves the queue and raises what was thrown in, a cancellation as a rule.
    #[pyo3(signature = (kind, value = None, traceback = None, /))]
    fn throw(
        &self,
        kind: Bound<'_, PyAny>,
        value: Option<Bound<'_, PyAny>>,
        traceback: Option<Bound<'_, PyAny>>,
    ) -> PyResult<()> {
        self.close();
        let _ = traceback;
        Err(PyErr::from_value(match value {
            Some(value) if value.is_instance(&kind)? => value,
            Some(value) => kind.call1((value,))?,
            None => kind,
        }))
    }

    fn close(&self) {
        let place = self.place.lock().take();
        drop(place);
    }
}

/// The lock, held until `release` or the end of its `with` block.
#[pyclass(frozen, name = "Hold", module = "pyapp._core")]
pub struct PyHold(Mutex<Option<Hold>>);

#[pymethods]
impl PyHold {
    fn release(&self) -> PyResult<()> {
        let hold = self.0.lock().take();
        match hold {
            Some(hold) => {
                drop(hold);
                Ok(())
            }
            None => Err(PyRuntimeError::new_err("the lock was released already")),
        }
    }

    fn __enter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __exit__(
        &self,
        kind: Bound<'_, PyAny>,
        _value: Bound<'_, PyAny>,
        _traceback: Bound<'_, PyAny>,
    ) -> PyResult<()> {
        if kind.is_none() {
            return self.release();
        }
        if let Some(hold) = self.0.lock().take() {
            hold.cut_short();
        }
        Ok(())
    }
}

fn done(hold: Hold) -> PyErr {
    PyStopIteration::new_err(PyHold(Mutex::new(Some(hold))))
}

/// The event loop that runs in this thread.
///
/// # Errors
/// `RuntimeError`: none does.
pub fn running_loop(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    static GET: PyOnceLock<Py<PyAny>> = PyOnceLock::new();
    GET.import(py, "asyncio", "get_running_loop")?.call0()
}

/// Wakes a task by finishing the future on which it waits.
struct LoopWaker {
    event_loop: Py<PyAny>,
    future: Py<PyAny>,
    thread: ThreadId,
}

impl Wake for LoopWaker {
    fn wake(self: Arc<Self>) {
        // The one error there is comes from a loop that was closed: nobody waits there any more.
        let _ = Python::try_attach(|py| {
            let future = self.future.bind(py);
            if thread::current().id() == self.thread {
                return finish(future);
            }
            let finish = wrap_pyfunction!(finish, py)?;
            self.event_loop
                .bind(py)
                .call_method1("call_soon_threadsafe", (finish, future))?;
            Ok(())
        });
    }
}

/// Finishes a future that was not cancelled meanwhile.
#[pyfunction]
fn finish(future: &Bound<'_, PyAny>) -> PyResult<()> {
    if !future.call_method0("done")?.is_truthy()? {
        future.call_method1("set_result", (future.py().None(),))?;
    }
    Ok(())
}
