//! `hotlap._engine`: the glue of `stacks`.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{BufReader, BufWriter};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use regex::Regex;

use crate::stacks as core;
use crate::stacks::StacksError as CoreError;

create_exception!(
    hotlap._engine,
    StacksError,
    PyValueError,
    "Stacks that cannot be read, compared or drawn: the message says what to do."
);

pub fn register(module: &Bound<'_, PyModule>) -> PyResult<()> {
    module.add("StacksError", module.py().get_type::<StacksError>())?;
    module.add("FLAME_SCRIPT", core::SCRIPT)?;
    module.add_class::<Stacks>()?;
    module.add_class::<StackDiff>()?;
    module.add_class::<OffCpu>()?;
    module.add_class::<HeavyFrame>()?;
    module.add_class::<ChangedFrame>()
}

/// The one conversion of this module's errors.
fn raise(error: CoreError) -> PyErr {
    match error {
        CoreError::Io(error) => error.into(),
        error => StacksError::new_err(error.to_string()),
    }
}

fn regex(pattern: &str) -> PyResult<Regex> {
    Regex::new(pattern).map_err(|error| raise(error.into()))
}

const READ_BUFFER_BYTES: usize = 1 << 20;

fn open(path: &PathBuf) -> core::Result<BufReader<File>> {
    Ok(BufReader::with_capacity(
        READ_BUFFER_BYTES,
        File::open(path)?,
    ))
}

/// Which reader.
fn read_format(format: &str, reader: impl std::io::BufRead) -> core::Result<core::Stacks> {
    match format {
        "collapsed" => core::read_collapsed(reader),
        "perf" => core::read_perf(reader),
        other => Err(CoreError::Argument(format!(
            "there is no format {other:?}: use collapsed or perf"
        ))),
    }
}

/// A function with its values.
#[pyclass(frozen, get_all, module = "hotlap._engine")]
struct HeavyFrame {
    name: String,
    kind: &'static str,
    self_value: u64,
    total_value: u64,
    location: Option<String>,
    full_name: Option<String>,
}

#[pymethods]
impl HeavyFrame {
    fn __repr__(&self) -> String {
        format!(
            "HeavyFrame({:?}, {:?}, self_value={}, total_value={})",
            self.name, self.kind, self.self_value, self.total_value
        )
    }
}

/// Stacks with their values. Nothing changes them: each method gives new ones.
#[pyclass(frozen, module = "hotlap._engine")]
struct Stacks(Arc<core::Stacks>);

impl Stacks {
    fn new(stacks: core::Stacks) -> Self {
        Self(Arc::new(stacks))
    }
}

#[pymethods]
impl Stacks {
    #[staticmethod]
    #[pyo3(signature = (path, format = "collapsed"))]
    fn read(py: Python<'_>, path: PathBuf, format: &str) -> PyResult<Self> {
        py.detach(|| read_format(format, open(&path)?))
            .map(Self::new)
            .map_err(raise)
    }

    #[staticmethod]
    #[pyo3(signature = (data, format = "collapsed"))]
    fn from_bytes(py: Python<'_>, data: &Bound<'_, PyBytes>, format: &str) -> PyResult<Self> {
        let data = data.as_bytes();
        py.detach(|| read_format(format, data))
            .map(Self::new)
            .map_err(raise)
    }

    #[staticmethod]
    fn from_counts(py: Python<'_>, counts: Vec<(Vec<String>, u64)>) -> Self {
        py.detach(|| {
            let mut stacks = core::Stacks::default();
            for (frames, value) in &counts {
                if *value == 0 || !stacks.push(frames.iter().map(String::as_str), *value) {
                    stacks.skipped.count(if *value == 0 {
                        core::Reason::NoCount
                    } else {
                        core::Reason::NoStack
                    });
                }
            }
            Self::new(stacks)
        })
    }

    #[getter]
    fn total(&self) -> u64 {
        self.0.total()
    }

    #[getter]
    fn waiting(&self) -> u64 {
        self.0.waiting
    }

    #[getter]
    fn lost(&self) -> u64 {
        self.0.lost
    }

    #[getter]
    fn skipped(&self) -> BTreeMap<&'static str, u64> {
        self.0
            .skipped
            .reasons()
            .map(|(reason, count)| (reason.as_str(), count))
            .collect()
    }

    #[getter]
    fn unnamed_share(&self) -> f64 {
        self.0.unnamed_share()
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn __repr__(&self) -> String {
        format!("Stacks({} stacks, total {})", self.0.len(), self.0.total())
    }

    #[pyo3(signature = (*, drop_waiting = true, fold = true, threads = true, roles = Vec::new(), tids = BTreeMap::new()))]
    #[allow(clippy::too_many_arguments)]
    fn clean(
        &self,
        py: Python<'_>,
        drop_waiting: bool,
        fold: bool,
        threads: bool,
        roles: Vec<(String, String)>,
        tids: BTreeMap<u32, String>,
    ) -> PyResult<Self> {
        let roles = roles
            .into_iter()
            .map(|(pattern, role)| Ok((regex(&pattern)?, role)))
            .collect::<PyResult<_>>()?;
        let options = core::Clean {
            drop_waiting,
            fold,
            threads,
            roles,
            tids,
        };
        Ok(py.detach(|| Self::new(core::clean(&self.0, &options))))
    }

    fn merge(&self, py: Python<'_>, others: Vec<PyRef<'_, Self>>) -> Self {
        let others: Vec<_> = others.iter().map(|other| Arc::clone(&other.0)).collect();
        py.detach(|| {
            let mut merged = (*self.0).clone();
            for other in &others {
                merged.merge(other);
            }
            Self::new(merged)
        })
    }

    fn under(&self, py: Python<'_>, pattern: &str) -> PyResult<f64> {
        let pattern = regex(pattern)?;
        Ok(py.detach(|| self.0.under(&pattern)))
    }

    fn within(&self, py: Python<'_>, pattern: &str) -> PyResult<Self> {
        let pattern = regex(pattern)?;
        Ok(py.detach(|| Self::new(self.0.within(&pattern))))
    }

    fn texts(&self) -> Vec<String> {
        let frames = self.0.frames().iter();
        frames.map(|frame| frame.text.to_string()).collect()
    }

    fn renamed(&self, py: Python<'_>, texts: HashMap<String, String>) -> Self {
        py.detach(|| Self::new(self.0.renamed(&texts)))
    }

    fn below_role(&self, py: Python<'_>, role: &str) -> Self {
        py.detach(|| Self::new(self.0.below_role(role)))
    }

    fn roots(&self, py: Python<'_>) -> Vec<(String, u64)> {
        py.detach(|| {
            let name = |(frame, value)| (self.0.frame(frame).text.to_string(), value);
            self.0.roots().into_iter().map(name).collect()
        })
    }

    #[pyo3(signature = (count = 20))]
    fn top(&self, py: Python<'_>, count: usize) -> Vec<HeavyFrame> {
        py.detach(|| {
            let heavy = |heavy: core::Heavy<'_>| HeavyFrame {
                name: core::shown(&heavy.frame.text).to_owned(),
                kind: heavy.frame.kind.as_str(),
                self_value: heavy.own,
                total_value: heavy.total,
                location: heavy.frame.location.as_ref().map(ToString::to_string),
                full_name: heavy.frame.full.as_ref().map(ToString::to_string),
            };
            self.0.top(count).into_iter().map(heavy).collect()
        })
    }

    fn collapsed(&self, py: Python<'_>) -> PyResult<String> {
        py.detach(|| {
            let mut out = Vec::new();
            self.0.write_collapsed(&mut out)?;
            Ok(String::from_utf8_lossy(&out).into_owned())
        })
    }

    fn write_collapsed(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        py.detach(|| {
            Ok(self
                .0
                .write_collapsed(BufWriter::new(File::create(path)?))?)
        })
    }

    #[pyo3(signature = (title, *, subtitle = None, unit = "samples", standalone = true))]
    fn svg(
        &self,
        py: Python<'_>,
        title: &str,
        subtitle: Option<&str>,
        unit: &str,
        standalone: bool,
    ) -> PyResult<String> {
        let labels = labels(title, subtitle, unit, standalone);
        py.detach(|| core::svg(&self.0, &labels)).map_err(raise)
    }

    #[pyo3(signature = (title, *, unit = "samples"))]
    fn speedscope<'py>(
        &self,
        py: Python<'py>,
        title: &str,
        unit: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        export(py, |out| core::write_speedscope(&self.0, title, unit, out))
    }

    #[pyo3(signature = (title, *, unit = "samples"))]
    fn pprof<'py>(
        &self,
        py: Python<'py>,
        title: &str,
        unit: &str,
    ) -> PyResult<Bound<'py, PyBytes>> {
        export(py, |out| core::write_pprof(&self.0, title, unit, out))
    }

    #[pyo3(signature = (other, *, scale = None, unit = "µs per request", names = ("A".into(), "B".into())))]
    fn diff(
        &self,
        py: Python<'_>,
        other: &Self,
        scale: Option<(f64, f64)>,
        unit: &str,
        names: (String, String),
    ) -> PyResult<StackDiff> {
        let scale = scale.map(|(a, b)| core::Scale {
            a,
            b,
            unit: unit.into(),
        });
        py.detach(|| core::diff(&self.0, &other.0, scale.as_ref(), (&names.0, &names.1)))
            .map(StackDiff)
            .map_err(raise)
    }
}

fn labels(title: &str, subtitle: Option<&str>, unit: &str, standalone: bool) -> core::Labels {
    core::Labels {
        title: title.into(),
        subtitle: subtitle.map(Into::into),
        unit: unit.into(),
        standalone,
    }
}

fn export<'py>(
    py: Python<'py>,
    write: impl FnOnce(&mut Vec<u8>) -> core::Result<()> + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = py.detach(|| {
        let mut out = Vec::new();
        write(&mut out).map(|()| out)
    });
    bytes.map(|bytes| PyBytes::new(py, &bytes)).map_err(raise)
}

/// A function whose value changed.
#[pyclass(frozen, get_all, module = "hotlap._engine")]
struct ChangedFrame {
    name: String,
    kind: &'static str,
    self_a: f64,
    self_b: f64,
    total_a: f64,
    total_b: f64,
}

#[pymethods]
impl ChangedFrame {
    fn __repr__(&self) -> String {
        format!(
            "ChangedFrame({:?}, self {} -> {}, total {} -> {})",
            self.name, self.self_a, self.self_b, self.total_a, self.total_b
        )
    }
}

/// Two recordings, matched.
#[pyclass(frozen, module = "hotlap._engine")]
struct StackDiff(core::Diff);

#[pymethods]
impl StackDiff {
    #[getter]
    fn total(&self) -> (f64, f64) {
        let total = self.0.total();
        (total.a, total.b)
    }

    #[pyo3(signature = (count = 20))]
    fn top(&self, py: Python<'_>, count: usize) -> Vec<ChangedFrame> {
        let changed = |changed: core::Changed| ChangedFrame {
            name: changed.name,
            kind: changed.kind.as_str(),
            self_a: changed.own.a,
            self_b: changed.own.b,
            total_a: changed.total.a,
            total_b: changed.total.b,
        };
        py.detach(|| self.0.top(count).into_iter().map(changed).collect())
    }

    #[pyo3(signature = (title, *, subtitle = None, standalone = true))]
    fn svg(
        &self,
        py: Python<'_>,
        title: &str,
        subtitle: Option<&str>,
        standalone: bool,
    ) -> PyResult<String> {
        let labels = labels(title, subtitle, "", standalone);
        py.detach(|| self.0.svg(&labels)).map_err(raise)
    }
}

/// What a recording of the scheduler says.
#[pyclass(frozen, module = "hotlap._engine")]
struct OffCpu {
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
        let found = py
            .detach(|| core::read_offcpu(open(&path)?, &around))
            .map_err(raise)?;
        Self::new(py, found)
    }

    #[staticmethod]
    #[pyo3(signature = (data, *, pids = Vec::new(), blocked = Vec::new(), window_us = 0))]
    fn from_bytes(
        py: Python<'_>,
        data: &Bound<'_, PyBytes>,
        pids: Vec<u32>,
        blocked: Vec<(u32, Vec<String>)>,
        window_us: u64,
    ) -> PyResult<Self> {
        let data = data.as_bytes();
        let around = core::Around {
            pids,
            blocked,
            window_us,
        };
        let found = py
            .detach(|| core::read_offcpu(data, &around))
            .map_err(raise)?;
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
