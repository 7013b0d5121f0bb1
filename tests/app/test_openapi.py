"""The OpenAPI description against the real server: what it says is what happens."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import httpx2
import jsonschema
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings as hypothesis_settings
from hypothesis.errors import Unsatisfiable
from schemathesis import GenerationMode

from app.engines.scripted import RECORDINGS, Script, ScriptedEngine, load_recordings
from tests.support.killing import THOROUGH
from tests.support.server import LocalServer, local_server

SCRIPT = Script(load_recordings(RECORDINGS), delay_s=0)


@pytest.fixture(scope="module")
def served() -> Iterator[LocalServer]:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        yield server


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_no_request_is_the_servers_fault(served: LocalServer) -> None:
    """What the schema allows, and much that it does not, gets an answer in our shape, no 500.

    At least 5,000 requests in `make test-all`.
    """
    schema = schemathesis.openapi.from_url(f"{served.url}/openapi.json")
    asked = set()
    sent = 0
    for found in schema.get_all_operations():
        operation = found.ok()
        for mode in GenerationMode:

            @hypothesis_settings(
                suppress_health_check=list(HealthCheck), max_examples=200 if THOROUGH else 15
            )
            @given(case=operation.as_strategy(generation_mode=mode))
            def check(case: schemathesis.Case) -> None:
                nonlocal sent
                sent += 1
                response = case.call(timeout=120)
                assert response.status_code < 500 or (
                    response.status_code == 503 and response.headers["Retry-After"]
                )
                if response.status_code >= 400:
                    assert response.json()["error"]["message"]

            with suppress(Unsatisfiable):  # a probe without parameters cannot be asked wrongly
                check()
                asked.add(operation.label)
    assert len(asked) >= 20
    assert sent >= (5000 if THOROUGH else 300)


def test_every_reference_in_the_description_is_there(served: LocalServer) -> None:
    description = httpx2.get(f"{served.url}/openapi.json").json()

    def references(value: Any) -> Iterator[str]:
        children = value.values() if isinstance(value, dict) else value
        if isinstance(value, dict) and isinstance(value.get("$ref"), str):
            yield value["$ref"]
        if isinstance(value, dict | list):
            for child in children:
                yield from references(child)

    found = set(references(description))
    assert found
    for reference in found:
        place = description
        for part in reference.removeprefix("#/").split("/"):
            assert part in place, reference
            place = place[part]


def test_every_example_in_the_description_works(served: LocalServer) -> None:
    description = httpx2.get(f"{served.url}/openapi.json").json()
    sent = 0
    made = httpx2.post(f"{served.url}/v1/solutions", json={"question": "What is 12 * 7?"}).json()
    for path, methods in description["paths"].items():
        if path == "/v1/adapters":  # refused without a folder: test_adapters_api.py sends it
            continue
        for method, operation in methods.items():
            content = operation.get("requestBody", {}).get("content", {})
            for example in content.get("application/json", {}).get("examples", {}).values():
                address = served.url + path.format(solution_id=made["id"])
                response = httpx2.request(method, address, json=example["value"])
                assert response.status_code == 200, response.text
                sent += 1
    assert sent >= 2


def test_it_says_how_requests_fail(served: LocalServer) -> None:
    description = httpx2.get(f"{served.url}/openapi.json").json()
    refused = httpx2.post(f"{served.url}/v1/solutions", json={}).json()
    jsonschema.validate(refused, description["components"]["schemas"]["Error"])
    for path, methods in description["paths"].items():
        for operation in methods.values():
            assert "422" not in operation["responses"]
            if path.startswith("/v1/"):
                assert {"400", "401", "429", "503"} <= operation["responses"].keys()
