"""`statewise train`, as typed: errors end in exit status 1 and one message, no traceback."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from typer.testing import CliRunner

from training.commands import train as cli


def test_a_typo_in_a_recipe_is_explained(starter: Path) -> None:
    done = CliRunner().invoke(cli, ["--recipe", str(starter), "--set", "sft.lenght=3"])
    assert done.exit_code == 1
    assert "did you mean sft.length?" in " ".join(done.stderr.split())
    assert "Traceback" not in done.output


def test_a_missing_data_file_is_explained(starter: Path, tmp_path: Path) -> None:
    arguments = ["--recipe", str(starter), "--work", str(tmp_path), "--set", "gsm8k.path=nowhere"]
    done = CliRunner().invoke(cli, arguments)
    assert done.exit_code == 1
    assert "gsm8k.path: there is no file nowhere" in " ".join(done.stderr.split())


def test_the_command_line_loads_no_torch_until_it_trains(repository: Path) -> None:
    """`statewise --help` would take ten seconds."""
    code = "import sys, training.commands; sys.exit('torch' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], cwd=repository, check=True)
