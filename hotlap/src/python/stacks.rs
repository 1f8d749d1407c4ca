//! `hotlap._engine.Stacks`.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::detach::{Error, detached};
use super::diff::StackDiff;
use super::frames::{HeavyFrame, HeavyFunction};
use super::readers::{self, Counting, open, pattern, read};
use super::writers::{create, export, labels};
use crate::stacks as core;

/// Stacks with their values. Nothing changes them: each method gives new ones.
#[pyclass(frozen, module = "hotlap._engine")]
pub struct Stacks(Arc<core::Stacks>);

impl Stacks {
    pub fn new(stacks: core::Stacks) -> Self {
        Self(Arc::new(stacks))
    }
}

#[pymethods]
impl Stacks {
    #[staticmethod]
    #[pyo3(signature = (path, format = "collapsed", *, periods = false, event = None))]
    fn read(
        py: Python<'_>,
        path: PathBuf,
        format: &str,
        periods: bool,
        event: Option<String>,
    ) -> PyResult<Self> {
        let counting = Counting { periods, event };
        detached(py, || Ok(Self::new(read(format, &counting, open(&path)?)?)))
    }

    #[staticmethod]
    #[pyo3(signature = (data, format = "collapsed"))]
    fn from_bytes(py: Python<'_>, data: &[u8], format: &str) -> PyResult<Self> {
        detached(py, || {
            Ok(Self::new(read(format, &Counting::default(), data)?))
        })
    }

    #[staticmethod]
    fn from_counts(py: Python<'_>, counts: Vec<(Vec<String>, u64)>) -> PyResult<Self> {
        detached(py, || {
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
            Ok(Self::new(stacks))
        })
    }

    #[getter]
    fn total(&self) -> u64 {
        self.0.total()
    }

    #[getter]
    fn parts(&self) -> u64 {
        self.0.parts
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
            .map(|(text, role)| Ok((pattern(&text)?, role)))
            .collect::<Result<_, Error>>()?;
        let options = core::Clean {
            drop_waiting,
            fold,
            threads,
            roles,
            tids,
        };
        detached(py, || Ok(Self::new(core::clean(&self.0, &options))))
    }

    fn merge(&self, py: Python<'_>, others: Vec<PyRef<'_, Self>>) -> PyResult<Self> {
        let others: Vec<_> = others.iter().map(|other| Arc::clone(&other.0)).collect();
        detached(py, || {
            let mut merged = (*self.0).clone();
            for other in &others {
                merged.merge(other);
            }
            Ok(Self::new(merged))
        })
    }

    fn under(&self, py: Python<'_>, pattern: &str) -> PyResult<f64> {
        detached(py, || Ok(self.0.under(&readers::pattern(pattern)?)))
    }

    fn within(&self, py: Python<'_>, pattern: &str) -> PyResult<Self> {
        detached(py, || {
            Ok(Self::new(self.0.within(&readers::pattern(pattern)?)))
        })
    }

    fn texts(&self) -> Vec<String> {
        let frames = self.0.frames().iter();
        frames.map(|frame| frame.text.to_string()).collect()
    }

    fn renamed(&self, py: Python<'_>, texts: HashMap<String, String>) -> PyResult<Self> {
        detached(py, || Ok(Self::new(self.0.renamed(&texts))))
    }

    fn below_role(&self, py: Python<'_>, role: &str) -> PyResult<Self> {
        detached(py, || Ok(Self::new(self.0.below_role(role))))
    }

    fn roots(&self, py: Python<'_>) -> PyResult<Vec<(String, u64)>> {
        detached(py, || {
            let name = |(frame, value)| (self.0.frame(frame).text.to_string(), value);
            Ok(self.0.roots().into_iter().map(name).collect())
        })
    }

    #[pyo3(signature = (count = 20))]
    fn top(&self, py: Python<'_>, count: usize) -> PyResult<Vec<HeavyFrame>> {
        detached(py, || {
            Ok(self.0.top(count).into_iter().map(Into::into).collect())
        })
    }

    #[pyo3(signature = (count = 20))]
    fn functions(&self, py: Python<'_>, count: usize) -> PyResult<Vec<HeavyFunction>> {
        detached(py, || {
            let found = self.0.functions(count);
            Ok(found.into_iter().map(Into::into).collect())
        })
    }

    fn collapsed(&self, py: Python<'_>) -> PyResult<String> {
        detached(py, || {
            let mut out = Vec::new();
            self.0.write_collapsed(&mut out)?;
            Ok(String::from_utf8_lossy(&out).into_owned())
        })
    }

    fn write_collapsed(&self, py: Python<'_>, path: PathBuf) -> PyResult<()> {
        detached(py, || Ok(self.0.write_collapsed(create(&path)?)?))
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
        detached(py, || Ok(core::svg(&self.0, &labels)?))
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
        detached(py, || {
            let names = (names.0.as_str(), names.1.as_str());
            Ok(StackDiff(core::diff(
                &self.0,
                &other.0,
                scale.as_ref(),
                names,
            )?))
        })
    }
}
