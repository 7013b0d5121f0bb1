"""Adapters over HTTP with the scripted engine: their names, who may change them, and from where."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx2
import pytest
from pydantic import ValidationError

from app.access.keys import Key, digest, write
from app.engines.scripted import Script, ScriptedEngine
from app.openai.model_names import names
from app.settings import Settings
from tests.support.server import LocalServer, local_server

SCRIPT = Script({"q": "State 1:\nAction: Summarize\nOutput: \\boxed{1}"}, delay_s=0)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of adapters, with a link that leads out of it."""
    folder = tmp_path_factory.mktemp("adapters")
    (folder / "algebra" / "v2").mkdir(parents=True)
    (folder / "out").symlink_to(folder.parent)
    (folder / "loop").symlink_to(folder / "loop")
    return folder


@pytest.fixture(scope="module")
def server(folder: Path) -> Iterator[LocalServer]:
    with local_server(
        ScriptedEngine(SCRIPT), Settings(engine="scripted", adapters_dir=folder)
    ) as server:
        yield server


def add(server: LocalServer, key: str = "", **body: Any) -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx2.post(f"{server.url}/v1/adapters", json=body, headers=headers)


def remove(server: LocalServer, name: str, key: str = "") -> httpx2.Response:
    headers = {"authorization": f"Bearer {key}"} if key else {}
    return httpx2.delete(f"{server.url}/v1/adapters/{name}", headers=headers)


def test_an_adapter_is_a_model_until_it_is_removed(server: LocalServer) -> None:
    assert add(server, name="algebra", path="algebra/v2").json() == {
        "id": "algebra",
        "object": "adapter",
    }
    listed = httpx2.get(f"{server.url}/v1/models").json()["data"]
    assert [model["id"] for model in listed] == [*names("scripted"), *names("algebra")]
    assert httpx2.get(f"{server.url}/v1/models/algebra:vote-3").status_code == 200
    body = {"question": "q", "model": "algebra"}
    solution = httpx2.post(f"{server.url}/v1/solutions", json=body).json()
    assert (solution["model"], solution["answer"]) == ("algebra", "1")
    kept = httpx2.get(f"{server.url}/v1/solutions/{solution['id']}").json()
    assert kept["model"] == "algebra"
    chat = {"model": "algebra:guided", "messages": [{"role": "user", "content": "1?"}]}
    completion = httpx2.post(f"{server.url}/v1/chat/completions", json=chat).json()
    assert completion["model"] == "algebra:guided"
    assert add(server, name="algebra", path="algebra/v2").status_code == 409
    assert remove(server, "algebra").json()["deleted"] is True
    refused = httpx2.post(f"{server.url}/v1/solutions", json=body)
    assert refused.status_code == 404
    assert refused.json()["error"]["code"] == "model_not_found"
    assert remove(server, "algebra").status_code == 404


@pytest.mark.parametrize(
    ("body", "status", "param"),
    [
        ({"name": "a", "path": "nothing"}, 400, "path"),
        ({"name": "a", "path": "../elsewhere"}, 400, "path"),
        ({"name": "a", "path": "/etc"}, 400, "path"),
        ({"name": "a", "path": "out"}, 400, "path"),
        ({"name": "a", "path": "loop"}, 400, "path"),
        ({"name": "a", "path": "."}, 400, "path"),
        ({"name": "a", "path": ""}, 400, "path"),
        ({"name": "a", "path": "x" * 1000}, 400, "path"),
        ({"name": "a", "path": "x\x00"}, 400, "path"),
        ({"name": "a:b", "path": "algebra"}, 400, "name"),
        ({"name": "", "path": "algebra"}, 400, "name"),
        ({"name": "a\n", "path": "algebra"}, 400, "name"),
        ({"name": "scripted", "path": "algebra"}, 409, "name"),
        ({"name": "a"}, 400, "path"),
    ],
)
def test_what_is_no_adapter_of_the_folder_is_refused(
    server: LocalServer, body: dict[str, Any], status: int, param: str
) -> None:
    refused = add(server, **body)
    assert (refused.status_code, refused.json()["error"]["param"]) == (status, param)
    listed = httpx2.get(f"{server.url}/v1/models").json()["data"]
    assert [model["id"] for model in listed] == names("scripted")


def test_without_a_folder_nobody_may_load_adapters(folder: Path) -> None:
    with local_server(ScriptedEngine(SCRIPT)) as server:
        for refused in (add(server, name="a", path=str(folder / "algebra")), remove(server, "a")):
            assert refused.status_code == 403
            assert refused.json()["error"]["code"] == "adapters_are_fixed"


def test_with_keys_only_an_admin_may_load_adapters(folder: Path, tmp_path: Path) -> None:
    file = tmp_path / "keys.json"
    keys = [
        Key(name="ann", sha256=digest("sw-ann")),
        Key(name="root", sha256=digest("sw-root"), admin=True),
    ]
    write(file, keys)
    settings = Settings(engine="scripted", adapters_dir=folder, keys_file=file)
    with local_server(ScriptedEngine(SCRIPT), settings) as server:
        asked = {"name": "a", "path": "algebra"}
        assert add(server, **asked).status_code == 401
        assert add(server, "sw-ann", **asked).json()["error"]["code"] == "not_admin"
        assert add(server, "sw-root", **asked).status_code == 200
        assert remove(server, "a", "sw-ann").status_code == 403
        assert remove(server, "a", "sw-root").status_code == 200


def test_adapters_of_the_settings() -> None:
    found = Settings(adapters="algebra=/a, fractions=b=c").adapters
    assert {name: str(path) for name, path in found.items()} == {
        "algebra": "/a",
        "fractions": "b=c",
    }
    for wrong in ("algebra", "algebra=", "=x", "a=1,a=2", "a:b=x"):
        with pytest.raises(ValidationError):
            Settings(adapters=wrong)
