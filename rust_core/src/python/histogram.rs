//! Histograms as Python sees them.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::clients::ClientMap;
use crate::histogram::{BOUNDS_NS, Histogram};
use crate::queue::FairLock;

/// Where a histogram lives: on its own, or in what it measures.
pub enum Source {
    Own(Histogram),
    LockWait(Arc<FairLock>),
    LockHold(Arc<FairLock>),
    ReadWait(Arc<ClientMap>),
    ReadHold(Arc<ClientMap>),
    WriteWait(Arc<ClientMap>),
    WriteHold(Arc<ClientMap>),
}

#[pyclass(frozen, name = "Histogram", module = "pyapp._core")]
pub struct PyHistogram(pub Source);

impl PyHistogram {
    fn histogram(&self) -> &Histogram {
        match &self.0 {
            Source::Own(histogram) => histogram,
            Source::LockWait(lock) => &lock.wait,
            Source::LockHold(lock) => &lock.hold,
            Source::ReadWait(map) => &map.reads.wait,
            Source::ReadHold(map) => &map.reads.hold,
            Source::WriteWait(map) => &map.writes.wait,
            Source::WriteHold(map) => &map.writes.hold,
        }
    }
}

#[pymethods]
impl PyHistogram {
    #[new]
    fn new() -> Self {
        Self(Source::Own(Histogram::new()))
    }

    fn observe(&self, seconds: f64) -> PyResult<()> {
        let duration = Duration::try_from_secs_f64(seconds).map_err(|error| {
            PyValueError::new_err(format!("{seconds} s cannot be observed: {error}"))
        })?;
        self.histogram().observe(duration);
        Ok(())
    }

    fn snapshot(&self) -> (Vec<u64>, f64) {
        let seen = self.histogram().snapshot();
        (
            seen.buckets,
            Duration::from_nanos(seen.sum_ns).as_secs_f64(),
        )
    }

    #[classattr]
    fn bounds() -> Vec<f64> {
        BOUNDS_NS
            .iter()
            .map(|ns| Duration::from_nanos(*ns).as_secs_f64())
            .collect()
    }
}
