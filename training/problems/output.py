"""What stands beside a step's output: a manifest, by which a finished one is known.

`problems.jsonl` has `problems.manifest.json`. The output is written first and the manifest last,
both atomically: after kill -9 the step has either ended or is done again.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training import manifest
from training.errors import DataError


def manifest_of(output: Path) -> Path:
    """Where the manifest of an output is."""
    return output.with_suffix(".manifest.json")


def finished(output: Path, key: str) -> dict[str, Any] | None:
    """The manifest, if the outputs were made with this key and are unchanged since; else None."""
    record = _read(manifest_of(output))
    if record is None or record.get("key") != key:
        return None
    digests = {name: noted["digest"] for name, noted in record["outputs"].items()}
    whole = all(_digest(output.parent / name) == digest for name, digest in digests.items())
    return record if whole else None


def finish(output: Path, rows: Mapping[Path, int], **record: Any) -> dict[str, Any]:
    """Writes the manifest: `record`, rows and digests of the outputs, and versions; returns it.

    Raises DataError if it cannot be written.
    """
    outputs = {
        path.name: {"rows": count, "digest": manifest.file_digest(path)}
        for path, count in rows.items()
    }
    whole = {**record, "outputs": outputs, "versions": manifest.versions()}
    try:
        manifest.write(manifest_of(output), whole)
    except OSError as error:
        raise DataError(
            f"cannot write {manifest_of(output)}: {error.strerror}; free space, run again"
        ) from error
    return whole


def check_whole(output: Path) -> None:
    """Raises DataError if a file is not what a manifest beside it says; none is fine."""
    for path in (manifest_of(output), *sorted(output.parent.glob("*.manifest.json"))):
        noted = ((_read(path) or {}).get("outputs") or {}).get(output.name)
        if not noted:
            continue
        if _digest(output) not in (None, noted["digest"]):
            raise DataError(
                f"{output} is not what its manifest says ({noted['rows']} rows): it was cut short "
                f"or changed; make it again, or delete {path} if you changed it on purpose"
            )
        return


def check_apart(output: Path, *inputs: Path) -> None:
    """Raises DataError if the output would replace an input."""
    for path in inputs:
        if path.resolve() == output.resolve():
            raise DataError(f"--output {output} would replace what is read; name another file")


def _read(path: Path) -> dict[str, Any] | None:
    try:
        record = manifest.read(path)
    except ValueError as error:
        raise DataError(f"{path} is damaged ({error}); delete it and run again") from error
    return record if isinstance(record, dict) else None


def _digest(path: Path) -> str | None:
    return manifest.file_digest(path) if path.is_file() else None
