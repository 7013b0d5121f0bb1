"""Manifests: keys that change with what they cover, files that are never half written."""

from __future__ import annotations

from pathlib import Path

import pytest

from training import manifest


def test_a_key_depends_on_every_part_and_on_their_order() -> None:
    keys = {manifest.key("a", "b"), manifest.key("b", "a"), manifest.key("ab"), manifest.key("a")}
    assert len(keys) == 4
    assert manifest.key("a", {"x": 1, "y": 2}) == manifest.key("a", {"y": 2, "x": 1})


def test_sources_are_covered_wherever_they_lie(tmp_path: Path) -> None:
    (tmp_path / "inner").mkdir()
    inner, single = tmp_path / "inner" / "one.py", tmp_path / "two.py"
    inner.write_text("1")
    single.write_text("2")
    places = [tmp_path / "inner", single]
    digest = manifest.source_digest(places)
    (tmp_path / "inner" / "notes.txt").write_text("not code")
    assert manifest.source_digest(places) == digest
    for path in (inner, single):
        path.write_text(path.read_text() + " ")
        changed = manifest.source_digest(places)
        assert changed != digest
        digest = changed


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "done.json"
    manifest.write(path, {"steps": 1})
    with pytest.raises(TypeError):
        manifest.write(path, {"steps": object()})
    assert manifest.read(path) == {"steps": 1}
    assert manifest.read(tmp_path / "absent.json") is None


def test_versions_name_what_decides_the_numbers() -> None:
    found = manifest.versions()
    assert found.keys() == {"python", *manifest.PACKAGES}
    assert all(found.values())
