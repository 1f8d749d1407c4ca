"""Files that are given as an authority and hold no certificate, or that are not there."""

from __future__ import annotations

from pathlib import Path

import pytest
import trustme

from hotlap._engine import Swarm
from hotlap.experiment import Experiment, ExperimentError
from hotlap.experiment.config import load_experiment
from hotlap.serving.server import served
from hotlap.serving.ways import ServeError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A file without a certificate, and one that is there."""
    (tmp_path / "secret.py").write_text("def app(environ, start): ...\n")
    trustme.CA().cert_pem.write_to_path(tmp_path / "ca.pem")
    return tmp_path


def test_a_file_without_a_certificate_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"secret\.py holds no certificate"):
        Swarm("https://127.0.0.1:1", ca_file=str(folder / "secret.py"))


def experiment(folder: Path, url: str, ca_file: str) -> Experiment:
    """An experiment on a server with that authority, read from its file."""
    text = f'url = "{url}"\nca_file = "{ca_file}"\n[scenarios.secret]\npath = "/"\n'
    (folder / "hotlap.toml").write_text(text)
    return load_experiment(folder)[0]


@pytest.mark.parametrize(
    ("url", "ca_file", "why"),
    [
        ("https://127.0.0.1:1", "none.pem", r"hotlap\.toml:2: ca_file: there is no file none\.pem"),
        ("http://127.0.0.1:1", "ca.pem", r"ca_file: it is for a server .* https"),
    ],
)
def test_an_authority_that_cannot_be_is_refused(folder: Path, url: str, ca_file: str, why: str) -> None:
    with pytest.raises(ExperimentError, match=why):
        experiment(folder, url, ca_file)


def test_an_authority_without_a_certificate_is_refused(folder: Path) -> None:
    made = experiment(folder, "https://127.0.0.1:1", "secret.py")
    with pytest.raises(ServeError, match=r"secret\.py holds no certificate"), served(made):
        pass
