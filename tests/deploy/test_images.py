"""The scripts that make an image: what they read, and what they make again."""

from __future__ import annotations

from pathlib import Path

import pytest

from scripts.images.context import export
from scripts.images.dockerfile import instructions, stages
from scripts.images.rootfs import DOCKERFILE, stage_key


def test_context_is_what_is_committed_and_let_in(tmp_path: Path) -> None:
    """An image would hold what nobody has reviewed, or lack what it copies."""
    count = export(tmp_path)
    files = [path.relative_to(tmp_path) for path in tmp_path.rglob("*") if path.is_file()]
    assert len(files) == count
    assert {"app", "checkpoints", "statespace", "statewise", "training"} < {
        p.parts[0] for p in files
    }
    assert not {"tests", "docs", ".git"} & {path.parts[0] for path in files}


def test_unknown_instructions_are_refused(tmp_path: Path) -> None:
    """What is carried out without Docker would drift from what Docker does."""
    file = tmp_path / "Dockerfile"
    file.write_text("FROM base:1\nONBUILD RUN true\n")
    with pytest.raises(ValueError, match="ONBUILD is not known"):
        instructions(file)


def test_a_commit_changes_the_last_layer_alone(tmp_path: Path) -> None:
    """Every update would fetch 2 GB again."""
    export(tmp_path)
    before = _keys(tmp_path)
    (tmp_path / "app" / "main.py").write_text("# changed")
    after = _keys(tmp_path)
    same = {name for name, key in before.items() if after[name] == key}
    assert same == {"builder", "torch", "packages"}


def test_build_arguments_reach_copies(tmp_path: Path) -> None:
    """The training image would be made from the lock of serving."""
    (packages,) = (s for s in stages(DOCKERFILE, {"LOCK": "cpu"}) if s.name == "packages")
    assert packages.last("COPY").words == ["requirements/cpu.lock", "requirements/"]


def _keys(context: Path) -> dict[str, str]:
    keys: dict[str, str] = {}
    for stage in stages(DOCKERFILE):
        keys[stage.name] = stage_key(stage, context, keys, {})
    return keys
