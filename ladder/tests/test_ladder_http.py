"""The ladder's app over HTTP: what its lanes answer, and what its document promises."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, settings
from serving import Service

from ladder.scenarios import SCENARIOS
from pyapp.app import STORES
from pyapp.openapi import document
from pyapp.settings import Settings

PATHS = [
    (path, scenario.expected(Settings(iterations=1000)))
    for scenario in SCENARIOS
    for path in (f"/{scenario.name}", *map(scenario.path, scenario.variants))
]
# The clients are the service's, and are held against its document there.
schema = schemathesis.openapi.from_dict(document(SCENARIOS, list(STORES), Settings())).exclude(
    path_regex="/clients"
)


@pytest.mark.parametrize(("path", "expected"), PATHS)
def test_a_lane_answers_html(ladder: Service, path: str, expected: str) -> None:
    response = ladder.client.get(path)
    assert (response.status_code, response.text) == (200, expected)
    assert response.headers["content-type"] == "text/html; charset=utf-8"


@schema.parametrize()
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
def test_the_ladder_keeps_what_its_document_says(case: Any, ladder: Service) -> None:
    case.call_and_validate(base_url=ladder.url)
