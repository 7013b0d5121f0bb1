"""Starting and ending: ports, settings, engines that cannot start."""

from __future__ import annotations

import socket
import sys
from pathlib import Path

import pytest

from app.engines import cpu
from app.engines.checkpoint import check_folder
from app.engines.launch import build
from app.engines.scripted import Script
from app.errors import EngineStartError
from app.serve import bind
from app.settings import Settings


def test_a_taken_port_is_said_with_the_remedy() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(EngineStartError, match=rf"port {port} .* taken .*--port"):
            bind("127.0.0.1", port)


def test_an_address_that_is_not_ours_is_said() -> None:
    with pytest.raises(EngineStartError, match=r"cannot listen on 192\.0\.2\.1"):
        bind("192.0.2.1", 0)


@pytest.mark.parametrize(
    "options", [["--speed", "9"], ["--fault", "explode"], ["--delay-s", "soon"]]
)
def test_unknown_engine_options_are_refused(options: list[str]) -> None:
    with pytest.raises(EngineStartError, match="scripted engine does not"):
        build(Settings(engine="scripted"), options)


@pytest.mark.parametrize("content", ["", "{}", "[1]", '{"question": "x"}'])
def test_unusable_recordings_are_refused(tmp_path: Path, content: str) -> None:
    path = tmp_path / "recordings.jsonl"
    path.write_text(content)
    with pytest.raises(EngineStartError, match=r"recordings\.jsonl"):
        Script.from_options(["--recordings", str(path)])


@pytest.mark.parametrize("model", ["./nowhere", "/nowhere/at/all", "starter", "a/b/c"])
def test_a_missing_checkpoint_is_said_before_anything_is_loaded(model: str) -> None:
    with pytest.raises(EngineStartError, match="no checkpoint folder"):
        check_folder(model)


def test_a_folder_without_a_model_is_said(tmp_path: Path) -> None:
    with pytest.raises(EngineStartError, match=r"no config\.json"):
        check_folder(str(tmp_path))


def test_a_hub_id_is_left_to_the_engine() -> None:
    check_folder("org/model")


def test_too_little_memory_is_said_with_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cpu, "available_gib", lambda: 1.0)
    with pytest.raises(EngineStartError, match=r"1\.0 GiB of memory are free and about [3-9]"):
        cpu.check_memory(Settings())


AVX512 = "avx2 avx512f avx512dq avx512bw avx512vl"


@pytest.mark.parametrize(
    ("cpuinfo", "expected"),
    [
        (f"processor\t: 0\nflags\t\t: fpu {AVX512} avx512_bf16\n", "bfloat16"),
        (f"processor : 0\nflags : {AVX512}\n\nprocessor : 1\nflags : {AVX512}\n", "bfloat16"),
        ("flags\t\t: fpu avx avx2 fma bmi2\n", "float32"),
        ("flags\t\t: avx2 avx512f avx512cd avx512er avx512pf\n", "float32"),  # Xeon Phi
        (f"model name\t: {AVX512}\nflags\t\t: avx2\n", "float32"),
        (f"vmx flags\t: {AVX512}\n", "float32"),
        ("flags\n", "float32"),
        ("", "float32"),
        (None, "float32"),
    ],
)
def test_the_number_format_is_what_the_processor_is_quick_at(
    tmp_path: Path, cpuinfo: str | None, expected: str
) -> None:
    path = tmp_path / "cpuinfo"
    if cpuinfo is not None:
        path.write_text(cpuinfo)
    assert cpu.number_format(path) == expected


def test_the_profile_asks_for_that_format(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("bfloat16", "float32"):
        monkeypatch.setattr(cpu, "number_format", lambda name=name: name)
        assert f"--dtype={name}" in cpu.options(Settings())


def test_float32_takes_twice_the_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in "ab":
        with (tmp_path / f"{part}.safetensors").open("wb") as file:
            file.truncate(cpu.GIB // 4)
    monkeypatch.setattr(cpu, "number_format", lambda: "bfloat16")
    assert cpu.weights_gib(str(tmp_path)) == 0.5
    monkeypatch.setattr(cpu, "number_format", lambda: "float32")
    assert cpu.weights_gib(str(tmp_path)) == 1.0


def test_an_unsupported_platform_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(EngineStartError, match="--engine scripted"):
        cpu.check_platform()


def test_the_users_environment_wins_over_the_profile() -> None:
    found = cpu.environment(Settings(), {"OMP_NUM_THREADS": "8"})
    assert "OMP_NUM_THREADS" not in found
    assert found["VLLM_ENABLE_V1_MULTIPROCESSING"] == "0"


def test_settings_are_documented(repository: Path) -> None:
    """Every setting is in the table of docs/settings.md with its description, and no other."""
    rows = {}
    for line in (repository / "docs" / "settings.md").read_text("utf-8").splitlines():
        if line.startswith("| `STATEWISE_"):
            name, _, description = (cell.strip() for cell in line.strip("|").split("|"))
            rows[name.strip("`").removeprefix("STATEWISE_").lower()] = description
    fields = {name: field.description for name, field in Settings.model_fields.items()}
    assert rows == fields


def test_settings_refuse_what_they_do_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATEWISE_PORT", "99999")
    with pytest.raises(ValueError, match="port"):
        Settings()


@pytest.mark.parametrize("host", ["a" * 70, "..", "nosuchhost.invalid", "[::1]"])
def test_a_host_that_is_no_address_is_said(host: str) -> None:
    with pytest.raises(EngineStartError, match="cannot listen on"):
        bind(host, 0)


def test_an_empty_variable_is_an_unset_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """`STATEWISE_HOST=` in an env file would otherwise listen on every address."""
    monkeypatch.setenv("STATEWISE_HOST", "")
    assert Settings().host == "127.0.0.1"
    with pytest.raises(ValueError, match="host"):
        Settings(host="")


@pytest.mark.parametrize("name", ["shutdown_grace_s", "heartbeat_s", "default_timeout_s"])
def test_durations_are_finite(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        Settings(**{name: float("inf")})  # type: ignore[arg-type]
