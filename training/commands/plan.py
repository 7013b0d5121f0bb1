"""What `--dry-run` prints: the resolved recipe, and what it would take."""

from __future__ import annotations

from typing import TYPE_CHECKING

import yaml
from rich.console import Console

if TYPE_CHECKING:
    from training.finetune.recipe import FinetuneRecipe
    from training.recipe import Recipe


def plan(recipe: Recipe | FinetuneRecipe) -> None:
    """Prints a recipe with all its values as YAML, then the estimates as its comments."""
    from training.finetune import estimate  # noqa: PLC0415
    from training.recipe import Recipe  # noqa: PLC0415

    console = Console(soft_wrap=True)
    values = recipe.model_dump(mode="json")
    console.print(yaml.safe_dump(values, sort_keys=False), markup=False, highlight=False, end="")
    found = estimate.scratch(recipe) if isinstance(recipe, Recipe) else estimate.lines(recipe)
    for line in (f"digest: {recipe.digest()}", "Estimates, not measured:", *found):
        console.print(f"# {line}", markup=False, highlight=False)
