//! What graphs are labelled with, and how files and bytes are written.

use std::fs::File;
use std::io::BufWriter;
use std::path::Path;

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::detach::detached;
use crate::stacks::{Labels, Result};

/// The labels of a graph.
pub fn labels(title: &str, subtitle: Option<&str>, unit: &str, standalone: bool) -> Labels {
    Labels {
        title: title.into(),
        subtitle: subtitle.map(Into::into),
        unit: unit.into(),
        standalone,
    }
}

/// A new file, to be written as a stream.
pub fn create(path: &Path) -> Result<BufWriter<File>> {
    Ok(BufWriter::new(File::create(path)?))
}

/// What `write` writes, as Python's bytes.
pub fn export<'py>(
    py: Python<'py>,
    write: impl FnOnce(&mut Vec<u8>) -> Result<()> + Send,
) -> PyResult<Bound<'py, PyBytes>> {
    let bytes = detached(py, || {
        let mut out = Vec::new();
        write(&mut out)?;
        Ok(out)
    })?;
    Ok(PyBytes::new(py, &bytes))
}
