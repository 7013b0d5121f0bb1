"""Which package may import which, and how large a module may be."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGES = ["statespace", "app", "training", "statewise"]
MAX_LINES = 400

IMPORT_ALL = """
import importlib, importlib.abc, importlib.machinery, json, pkgutil, sys

class Blocked(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "vllm":
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def create_module(self, spec):
        raise ImportError(f"{spec.name} is blocked", name=spec.name)

    def exec_module(self, module):
        pass

sys.meta_path.insert(0, Blocked())
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for found in pkgutil.walk_packages(package.__path__, name + "."):
        if not found.name.endswith(".__main__"):
            importlib.import_module(found.name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
"""


def loaded_by(repository: Path, *arguments: str) -> set[str]:
    """The modules that a fresh Python, run with `arguments`, names in its last line."""
    done = subprocess.run(
        [sys.executable, *arguments], cwd=repository, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return set(json.loads(done.stdout.splitlines()[-1]))


def modules(repository: Path) -> list[Path]:
    return [path for package in PACKAGES for path in sorted((repository / package).rglob("*.py"))]


def imported(path: Path) -> set[str]:
    """Top-level names that a module imports anywhere in it, by statement or by name."""
    names = set()
    for node in ast.walk(ast.parse(path.read_bytes())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            names.add(node.module or "")
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {
            "__import__", "import_module", "importlib.import_module",
        }:  # fmt: skip
            names |= {str(arg.value) for arg in node.args[:1] if isinstance(arg, ast.Constant)}
    return {name.partition(".")[0] for name in names}


def test_the_vocabulary_is_light(repository: Path) -> None:
    """Clients and trainers import it: it must load no framework, engine or package of ours."""
    loaded = loaded_by(repository, "-c", IMPORT_ALL, "statespace")
    assert "statespace" in loaded
    heavy = {"fastapi", "starlette", "uvicorn", "torch", "transformers", "vllm", "numpy", "httpx2"}
    assert not loaded & heavy
    assert not loaded & {"app", "training", "statewise"}


def test_the_vocabulary_imports_the_standard_library_and_pydantic_only(repository: Path) -> None:
    allowed = {"statespace", "pydantic", *sys.stdlib_module_names}
    for path in (repository / "statespace").rglob("*.py"):
        # What a process of its own runs, the vocabulary does not import.
        own = {"math_verify"} if path.name == "symbolic_worker.py" else set()
        assert imported(path) <= allowed | own, path


def test_the_service_loads_no_training_and_no_engine(repository: Path) -> None:
    loaded = loaded_by(repository, "-c", IMPORT_ALL, "app")
    assert "app" in loaded
    assert not loaded & {"training", "statewise", "vllm", "torch"}


@pytest.mark.slow
def test_training_loads_no_service_and_no_engine(repository: Path) -> None:
    pytest.importorskip("trl")
    loaded = loaded_by(repository, "-c", IMPORT_ALL, "training")
    assert "training" in loaded
    assert not loaded & {"app", "statewise", "vllm"}


def test_the_command_line_starts_light(repository: Path) -> None:
    """`statewise --help` must not wait for a web framework or for torch."""
    script = "import json, sys, statewise.cli; print(json.dumps([*sys.modules]))"
    loaded = loaded_by(repository, "-c", script)
    assert "statewise.cli" in loaded
    assert not loaded & {"app", "fastapi", "torch", "transformers", "trl", "vllm"}


@pytest.mark.parametrize(
    ("package", "forbidden"),
    [
        ("statespace", {"app", "training", "statewise"}),
        ("app", {"training", "statewise"}),
        ("training", {"app", "statewise"}),
    ],
)
def test_no_statement_imports_against_the_order(
    repository: Path, package: str, forbidden: set[str]
) -> None:
    """Also those inside functions, which no import of the module runs."""
    for path in (repository / package).rglob("*.py"):
        assert not imported(path) & forbidden, path


def test_one_module_imports_the_engine(repository: Path) -> None:
    importers = [path for path in modules(repository) if "vllm" in imported(path)]
    assert importers == [repository / "app" / "engines" / "vllm.py"]


def test_modules_are_small(repository: Path) -> None:
    sizes = {path: len(path.read_text().splitlines()) for path in modules(repository)}
    too_large = {str(path): lines for path, lines in sizes.items() if lines > MAX_LINES}
    assert not too_large
