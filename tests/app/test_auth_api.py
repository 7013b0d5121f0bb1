"""Keys, limits and request ids over a real socket, with the scripted engine."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import openai
import pytest
import structlog
from prometheus_client import CollectorRegistry
from pydantic import ValidationError
from structlog.testing import capture_logs

from app.access.keys import Key, digest, write
from app.engines.scripted import Script, ScriptedEngine
from app.errors import KeysError
from app.host import Host
from app.main import create_app
from app.metrics import Metrics
from app.settings import Settings
from tests.support.server import LocalServer, local_server

SCRIPT = Script({"q": "State 1:\nAction: Summarize\nOutput: \\boxed{1}"}, delay_s=0)
ORIGIN = "https://pages.example.org"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    file = tmp_path_factory.mktemp("keys") / "keys.json"
    write(
        file,
        [
            Key(name="ann", sha256=digest("sw-ann")),
            Key(name="few", sha256=digest("sw-few"), requests_per_minute=1),
            Key(name="many", sha256=digest("sw-many"), requests_per_minute=60),
            Key(name="some", sha256=digest("sw-some"), tokens_per_minute=3000),
        ],
    )
    settings = Settings(
        engine="scripted", keys_file=file, metrics_need_key=True, cors_origins=(ORIGIN,)
    )
    with local_server(ScriptedEngine(SCRIPT), settings) as server:
        yield server


def solve(server: LocalServer, key: str, **headers: str) -> httpx2.Response:
    sent = {"authorization": f"Bearer {key}", **headers}
    return httpx2.post(f"{server.url}/v1/solutions", json={"question": "q"}, headers=sent)


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": "Bearer sw-ann"},
        {"authorization": "bearer  sw-ann"},
        {"x-api-key": "sw-ann"},
        {"Authorization": "Basic eDp5", "x-api-key": "sw-ann"},
    ],
)
def test_a_known_key_is_let_in(server: LocalServer, headers: dict[str, str]) -> None:
    assert httpx2.get(f"{server.url}/v1/models", headers=headers).status_code == 200


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({}, "no API key was sent"),
        ({"Authorization": ""}, "no API key was sent"),
        ({"Authorization": "Bearer"}, "no API key was sent"),
        ({"Authorization": "sw-ann"}, "no API key was sent"),
        ({"Authorization": "Bearer sw-an"}, "is not known"),
        ({"Authorization": "Bearer sw-ann sw-ann"}, "is not known"),
        ({"Authorization": f"Bearer {digest('sw-ann')}"}, "is not known"),
        ({"x-api-key": "sw-other"}, "is not known"),
    ],
)
@pytest.mark.parametrize("route", ["v1/models", "v1/solutions", "metrics", "version", "v1", "new"])
def test_anything_else_is_401(
    server: LocalServer, headers: dict[str, str], told: str, route: str
) -> None:
    response = httpx2.get(f"{server.url}/{route}", headers=headers)
    assert response.status_code == 401
    assert response.headers["www-authenticate"] == "Bearer"
    error = response.json()["error"]
    assert (error["type"], error["code"]) == ("invalid_request_error", "invalid_api_key")
    assert told in error["message"]
    assert "Authorization: Bearer" in error["message"]
    assert response.json()["request_id"] == response.headers["x-request-id"]
    assert "sw-" not in response.text


@pytest.mark.parametrize("route", ["livez", "readyz", "startupz", "openapi.json", "docs"])
def test_probes_and_descriptions_need_no_key(server: LocalServer, route: str) -> None:
    assert httpx2.get(f"{server.url}/{route}").status_code == 200


@pytest.mark.parametrize(
    "path",
    ["/static/../v1/models", "/static/%2e%2e/v1/models", "//v1/models", "/docs/../v1/models"],
)
def test_no_way_round_leads_to_a_route_that_needs_a_key(server: LocalServer, path: str) -> None:
    """The path is sent as it stands: clients would shorten it."""
    address = httpx2.URL(server.url)
    with httpx2.Client() as client:
        request = client.build_request("GET", address)
        request.url = address.copy_with(raw_path=path.encode())
        assert client.send(request).status_code in {401, 404}


def test_metrics_and_version_are_open_unless_the_setting_says_otherwise(tmp_path: Path) -> None:
    write(tmp_path / "keys.json", [])
    settings = Settings(engine="scripted", keys_file=tmp_path / "keys.json")
    with local_server(ScriptedEngine(SCRIPT), settings) as server:
        for route in ("metrics", "version"):
            assert httpx2.get(f"{server.url}/{route}").status_code == 200
        assert httpx2.get(f"{server.url}/v1/models").status_code == 401


def test_without_a_file_nobody_needs_a_key() -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        assert solve(server, "anything").status_code == 200
        schema = httpx2.get(f"{server.url}/openapi.json").json()
        assert "securitySchemes" not in schema["components"]


def test_the_description_names_the_scheme(server: LocalServer) -> None:
    schema = httpx2.get(f"{server.url}/openapi.json").json()
    assert schema["components"]["securitySchemes"]["HTTPBearer"]["scheme"] == "bearer"
    assert schema["paths"]["/v1/solutions"]["post"]["security"] == [{"HTTPBearer": []}]
    assert "security" not in schema["paths"]["/livez"]["get"]


def test_a_server_whose_keys_cannot_be_read_does_not_start(tmp_path: Path) -> None:
    """Without them it would serve nobody or, worse, everybody."""
    settings = Settings(engine="scripted", keys_file=tmp_path / "keys.json")
    with pytest.raises(KeysError, match=r"keys\.json"):
        create_app(settings, Host(ScriptedEngine(SCRIPT)), Metrics(CollectorRegistry()))


def test_the_official_client_sees_what_it_knows(server: LocalServer) -> None:
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="sw-ann", max_retries=0)
    assert client.models.list().data
    with pytest.raises(openai.AuthenticationError) as refused:
        client.with_options(api_key="sw-wrong").models.list()
    assert refused.value.code == "invalid_api_key"


def test_a_key_over_its_limit_gets_429_until_it_may_again(server: LocalServer) -> None:
    first = solve(server, "sw-few")
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-requests"] == "1"
    assert first.headers["x-ratelimit-remaining-requests"] == "0"
    refused = solve(server, "sw-few")
    assert refused.status_code == 429
    error = refused.json()["error"]
    assert (error["type"], error["code"]) == ("rate_limit_error", "rate_limit_exceeded")
    assert "requests per minute" in error["message"]
    assert 1 <= int(refused.headers["retry-after"]) <= 60
    assert 0 < int(refused.headers["retry-after-ms"]) <= 60_000
    assert refused.headers["x-ratelimit-remaining-requests"] == "0"
    assert solve(server, "sw-ann").status_code == 200


def test_the_official_client_comes_back_when_it_is_told_to(server: LocalServer) -> None:
    """It reads `retry-after-ms` of a 429 and tries again; nothing reaches its caller."""
    client = openai.OpenAI(base_url=f"{server.url}/v1", api_key="sw-many", max_retries=2)
    labels = {"code": "rate_limit_requests"}

    def refused() -> float:
        found = server.metrics.registry.get_sample_value("statewise_refused_total", labels)
        return found or 0

    before = refused()
    asked = 0
    while refused() == before:
        client.post("/solutions", body={"question": "q"}, cast_to=object)
        asked += 1
    assert asked >= 60  # what may be asked at once


def test_tokens_that_were_not_used_are_given_back(server: LocalServer) -> None:
    """Each request counts as 2048 at first: the second one would have to wait."""
    for _ in range(5):
        answered = solve(server, "sw-some")
        assert answered.status_code == 200
        assert answered.headers["x-ratelimit-limit-tokens"] == "3000"


def test_keys_without_limits_get_no_headers_of_limits(server: LocalServer) -> None:
    assert not [name for name in solve(server, "sw-ann").headers if "ratelimit" in name]


def test_a_listed_origin_may_ask_and_no_other(server: LocalServer) -> None:
    wanted = {"access-control-request-method": "POST"}
    wanted["access-control-request-headers"] = "authorization,content-type,x-stainless-os"
    for origin, status, allowed in ((ORIGIN, 200, ORIGIN), ("https://evil.example", 400, None)):
        asked = httpx2.options(f"{server.url}/v1/solutions", headers={"origin": origin, **wanted})
        assert asked.status_code == status
        assert asked.headers.get("access-control-allow-origin") == allowed
        refused = httpx2.get(f"{server.url}/v1/models", headers={"origin": origin})
        assert refused.status_code == 401
        assert refused.headers.get("access-control-allow-origin") == allowed
    answered = solve(server, "sw-ann", origin=ORIGIN)
    assert "retry-after" in answered.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answered.headers


def test_no_origin_is_allowed_by_default() -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        answered = httpx2.get(f"{server.url}/v1/models", headers={"origin": ORIGIN})
        assert not [name for name in answered.headers if name.startswith("access-control")]


@pytest.mark.parametrize("origin", ["example.org", "https://example.org/", "https://a@b", "**"])
def test_an_origin_that_no_browser_sends_is_refused(origin: str) -> None:
    with pytest.raises(ValidationError, match="is no origin"):
        Settings(cors_origins=(origin,))


def test_origins_are_read_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATEWISE_CORS_ORIGINS", "https://a.example, http://localhost:3000,")
    assert Settings().cors_origins == ("https://a.example", "http://localhost:3000")


def until_logged(logs: list[Any], count: int) -> None:
    """The line is written after the client has its answer."""
    deadline = time.monotonic() + 5
    while sum(line["event"] == "request" for line in logs) < count:
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_each_request_has_one_line_in_the_log_without_secrets(server: LocalServer) -> None:
    with capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs:
        answers = [solve(server, key) for key in ("sw-ann", "sw-wrong")]
        httpx2.get(f"{server.url}/v1/models?key=sw-ann")
        httpx2.get(f"{server.url}/livez")
        until_logged(logs, 4)
    lines = [line for line in logs if line["event"] == "request"]
    told = [(line["path"], line["status"], line["owner"], line["log_level"]) for line in lines]
    assert told == [
        ("/v1/solutions", 200, "ann", "info"),
        ("/v1/solutions", 401, None, "info"),
        ("/v1/models", 401, None, "info"),
        ("/livez", 200, "anonymous", "debug"),
    ]
    for answer, line in zip(answers, lines, strict=False):
        assert line["request_id"] == answer.headers["x-request-id"]
    written = json.dumps(logs, default=repr)
    assert "sw-" not in written
    assert "question" not in written


class BrokenEngine(ScriptedEngine):
    def prompt(
        self, question: str, *, plain: bool = False, adapter: str | None = None
    ) -> list[int]:
        raise RuntimeError("broken")


def test_an_unforeseen_error_is_logged_with_the_id_that_the_client_got() -> None:
    with (
        local_server(BrokenEngine(SCRIPT)) as server,
        capture_logs(processors=[structlog.contextvars.merge_contextvars]) as logs,
    ):
        response = httpx2.post(f"{server.url}/v1/solutions", json={"question": "q"})
        until_logged(logs, 1)
    assert response.status_code == 500
    assert response.json()["request_id"] == response.headers["x-request-id"]
    said: list[Any] = [line for line in logs if line.get("request_id")]
    assert [line["event"] for line in said] == ["internal_error", "request"]
    assert {line["request_id"] for line in said} == {response.json()["request_id"]}
    assert said[1]["status"] == 500


def test_a_clients_id_is_not_taken_over(server: LocalServer) -> None:
    answered = solve(server, "sw-ann", **{"x-request-id": "req_mine"})
    assert answered.headers["x-request-id"] != "req_mine"


def test_what_nobody_waits_for_is_counted_when_it_is_posted(tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    write(file, [Key(name="one", sha256=digest("sw-one"), requests_per_minute=1)])
    settings = Settings(engine="scripted", keys_file=file)
    sent = {"authorization": "Bearer sw-one"}
    bodies = {"solutions": {"question": "q"}, "responses": {"input": "2 + 2"}}
    with local_server(ScriptedEngine(SCRIPT), settings) as server:
        statuses = [
            httpx2.post(
                f"{server.url}/v1/{path}", json={**body, "background": True}, headers=sent
            ).status_code
            for path, body in [*bodies.items(), *bodies.items()]
        ]
    assert statuses == [200, 429, 429, 429]


def test_another_keys_solutions_cannot_be_seen_or_ended(server: LocalServer) -> None:
    def call(method: str, path: str, key: str) -> int:
        sent = {"authorization": f"Bearer {key}"}
        return httpx2.request(method, f"{server.url}/v1/solutions{path}", headers=sent).status_code

    made = solve(server, "sw-ann").json()["id"]
    for method, path in (("GET", ""), ("GET", "/events"), ("POST", "/cancel"), ("DELETE", "")):
        assert call(method, f"/{made}{path}", "sw-many") == 404
    sent = {"authorization": "Bearer sw-many"}
    listed = httpx2.get(f"{server.url}/v1/solutions?limit=100", headers=sent).json()["data"]
    assert made not in [solution["id"] for solution in listed]
    assert call("GET", f"/{made}", "sw-ann") == 200
