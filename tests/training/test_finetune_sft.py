"""Stage 1 on tiny models of the recipes' architectures: train, merge, re-load, resume."""

from __future__ import annotations

import json
import resource
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig
from typer.testing import CliRunner

from app.engines.checkpoint import check_folder, trained_card
from app.errors import EngineStartError
from statespace.actions import Action
from statespace.card import Card
from statespace.prompts import Prompt
from tests.support.tiny_models import FAMILIES, make
from tests.training.finetune import killed, losses, report, small, traces
from training import manifest
from training.commands import train
from training.errors import TrainingError
from training.finetune import chat, examples, export, loop, sft

CHAT = {"mistral": ("model.chat_template=null",)}


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("models")
    return {name: make(name, folder / name) for name in FAMILIES}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return traces(tmp_path_factory.mktemp("data") / "accepted.jsonl")


def logits(model: Any, ids: list[int]) -> torch.Tensor:
    """Of the last token."""
    with torch.no_grad():
        result: torch.Tensor = model(torch.tensor([ids])).logits[0, -1].float()
    return result


@pytest.mark.parametrize("name", FAMILIES)
def test_every_recipe_s_architecture_trains_merges_and_is_served(
    models: dict[str, Path], data: Path, tmp_path: Path, name: str
) -> None:
    recipe = small(FAMILIES[name].recipe, models[name], *CHAT.get(name, ()))
    stage, merged = tmp_path / "stage1", tmp_path / "merged"
    sft.run(recipe, [data], stage, report())
    learnt = losses(stage)
    assert len(learnt) == 4
    assert learnt[-1] < learnt[0]
    with pytest.raises(EngineStartError, match="statewise train export --adapter"):
        check_folder(str(stage))
    export.export(stage, merged)

    assert f"\n# {merged.name}\n" in (merged / "README.md").read_text("utf-8")
    check_folder(str(merged))
    tokenizer = AutoTokenizer.from_pretrained(merged)
    prompt = Prompt.from_tokenizer(tokenizer)
    trained_card(str(merged), prompt)
    card = Card.load(merged)
    # A small vocabulary of Mistral's make holds tokens that span the end of a header.
    assert card.opening is (None if name.startswith("mistral") else Action.FORMALIZE)
    assert card.stage == "fundamental"
    assert card.prompt == chat.load(recipe.model).prompt.fingerprint()
    assert card.recipe.hash == recipe.digest()
    assert card.data == {"sft/accepted.jsonl": manifest.file_digest(data)}

    model = AutoModelForCausalLM.from_pretrained(merged)
    assert model.dtype == torch.bfloat16
    base = AutoModelForCausalLM.from_pretrained(models[name], dtype=torch.bfloat16)
    ids = prompt.ids("Ann has 3 pens. She buys 4 more. How many pens does Ann have now?")
    before = logits(base, ids)
    adapted = logits(PeftModel.from_pretrained(base, stage), ids)
    torch.testing.assert_close(logits(model, ids), adapted, atol=0.02, rtol=0.05)
    assert not torch.allclose(logits(model, ids), before, atol=0.02)  # it did learn

    generation = GenerationConfig.from_pretrained(merged)
    assert tokenizer.convert_tokens_to_ids(FAMILIES[name].end) in generation.eos_token_id
    assert generation.do_sample is False
    assert generation.pad_token_id == tokenizer.pad_token_id
    assert (merged / "chat_template.jinja").is_file()
    assert not list(merged.glob("*.bin"))


def test_nothing_of_this_machine_is_published(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """Folders and user names have no place in what people upload."""
    stage = tmp_path / "stage1"
    sft.run(small("llama-3-8b", models["llama"]), [data], stage, report())
    for form in (False, True):
        output = export.export(stage, tmp_path / f"out{form}", keep_adapter=form)
        for path in output.iterdir():
            if path.suffix != ".safetensors":
                assert str(tmp_path.parent.parent) not in path.read_text(), path.name
    assert (
        json.loads((output / "adapter_config.json").read_text())["base_model_name_or_path"]
        == "llama"
    )


def test_a_checkpoint_from_scratch_is_exported_as_it_is(repository: Path, tmp_path: Path) -> None:
    starter = repository / "checkpoints" / "starter"
    output = export.export(starter, tmp_path / "out")
    check_folder(str(output))
    assert Card.load(output) == Card.load(starter)
    ids = [1, 5, 9, 200]
    before, after = (AutoModelForCausalLM.from_pretrained(path) for path in (starter, output))
    assert torch.equal(logits(before, ids), logits(after, ids))
    with pytest.raises(TrainingError, match="no adapter"):
        export.export(starter, tmp_path / "adapter", keep_adapter=True)


def test_whole_weights_packed_in_bfloat16(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    recipe = small(
        "llama-3-8b",
        models["llama"],
        "model.lora=null",
        "sft.packing=true",
        "sft.max_steps=2",
        "sft.gradient_checkpointing=false",
        "precision=bf16",
    )
    sft.run(recipe, [data], tmp_path / "stage1", report())
    trained = AutoModelForCausalLM.from_pretrained(tmp_path / "stage1")
    assert trained.dtype == torch.float32  # so that small steps are not lost between checkpoints
    export.export(tmp_path / "stage1", tmp_path / "out")
    check_folder(str(tmp_path / "out"))
    assert AutoModelForCausalLM.from_pretrained(tmp_path / "out").dtype == torch.bfloat16


def test_packed_examples_do_not_see_each_other(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """The loss of a packed row is that of its examples, each on its own."""
    recipe = small("llama-3-8b", models["llama"], "model.lora=null", "sft.packing=true")
    ready = chat.load(recipe.model)
    rows, _ = examples.sft_rows([data], ready, 512)
    few = rows.select(range(2))
    trainer = sft.build(recipe, ready, few, tmp_path / "packed")
    [packed] = list(trainer.get_train_dataloader())
    assert packed["input_ids"].shape == (1, sum(map(len, few["input_ids"])))
    model = trainer.model.eval()
    with torch.no_grad():
        together = trainer.compute_loss(model, dict(packed))
        alone = [
            model(torch.tensor([row["input_ids"]]), labels=torch.tensor([row["labels"]])).loss
            for row in few
        ]
    counts = [sum(label != -100 for label in row["labels"]) for row in few]
    expected = sum(float(loss) * n for loss, n in zip(alone, counts, strict=True)) / sum(counts)
    assert float(together) == pytest.approx(expected, rel=1e-4)


def test_a_run_killed_in_the_middle_ends_as_if_it_had_not_been(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    """kill -9, then the same command: the same losses and the same weights, to the bit."""
    steps = ("sft.max_steps=30", "sft.save_steps=5", "sft.logging_steps=5")
    recipe = small("qwen", models["qwen2.5"], *steps)
    whole = sft.run(recipe, [data], tmp_path / "whole", report())
    cut = tmp_path / "cut"
    killed("sft", "qwen", models["qwen2.5"], cut, f"--data={data}", *steps)
    torn = cut / "training" / "checkpoint-1000"
    torn.mkdir()  # as if it had been killed while saving
    sft.run(recipe, [data], cut, report())
    assert losses(cut) == losses(whole)
    weights = "adapter_model.safetensors"
    assert (cut / weights).read_bytes() == (whole / weights).read_bytes()
    assert not list((cut / "training").glob("checkpoint-*"))


def test_a_finished_stage_is_kept_and_others_are_not_mixed_in(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    recipe = small("llama-3-8b", models["llama"], "sft.max_steps=1")
    stage = tmp_path / "stage1"
    sft.run(recipe, [data], stage, report())
    before = (stage / "manifest.json").stat().st_mtime_ns
    sft.run(recipe, [data], stage, report())
    assert (stage / "manifest.json").stat().st_mtime_ns == before
    other = small("llama-3-8b", models["llama"], "sft.max_steps=2")
    with pytest.raises(TrainingError, match="another recipe, other data or another model"):
        sft.run(other, [data], stage, report())
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "thesis.txt").write_text("")
    with pytest.raises(TrainingError, match="no run has written"):
        sft.run(recipe, [data], foreign, report())
    with pytest.raises(TrainingError, match="is not overwritten"):
        export.export(stage, foreign)
    with pytest.raises(TrainingError, match="holds no finished stage"):
        export.export(foreign, tmp_path / "out")
    with pytest.raises(TrainingError, match="is what is exported"):
        export.export(stage, stage)


@pytest.mark.parametrize("limit", [2_000, 40_000, 120_000])
def test_a_full_disk_is_said_and_the_run_goes_on_afterwards(
    models: dict[str, Path], data: Path, tmp_path: Path, limit: int
) -> None:
    """Whichever file it is that no longer fits."""
    recipe = small("llama-3-8b", models["llama"], "model.lora.rank=8", "report_to=[]")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, before[1]))
    try:
        with pytest.raises(TrainingError, match="free space and run the same command again"):
            sft.run(recipe, [data], tmp_path / "full", report())
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    sft.run(recipe, [data], tmp_path / "full", report())
    whole = sft.run(recipe, [data], tmp_path / "whole", report())
    assert losses(tmp_path / "full") == losses(whole)


def test_memory_that_does_not_suffice_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(TrainingError, match="lower per_device_batch"),
        loop.failures(tmp_path),
    ):
        raise torch.OutOfMemoryError
    with pytest.raises(RuntimeError, match="a bug"), loop.failures(tmp_path):
        raise RuntimeError("a bug")


def test_losses_go_to_tensorboard_unless_told_otherwise(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    recipe = small("llama-3-8b", models["llama"], "sft.max_steps=1")
    sft.run(recipe, [data], tmp_path / "told", report())
    assert list((tmp_path / "told" / "training").rglob("events.out.tfevents.*"))
    silent = small("llama-3-8b", models["llama"], "sft.max_steps=1", "report_to=[]")
    sft.run(silent, [data], tmp_path / "silent", report())
    assert not list((tmp_path / "silent").rglob("events.out.tfevents.*"))


@pytest.mark.parametrize("arguments", [[], ["--adapter", "a", "--checkpoint", "b"]])
def test_export_takes_one_finished_stage(arguments: list[str]) -> None:
    result = CliRunner().invoke(train, ["export", "--output", "out", *arguments])
    assert result.exit_code == 2
    assert "name one finished stage" in result.output


def test_the_command_exports_what_the_function_does(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    stage = tmp_path / "stage1"
    sft.run(small("llama-3-8b", models["llama"], "sft.max_steps=1"), [data], stage, report())
    output = ["--output", str(tmp_path / "out")]
    done = CliRunner().invoke(train, ["export", "--adapter", str(stage), *output])
    assert done.exit_code == 0, done.output
    assert "statewise serve --model" in done.output
    check_folder(str(tmp_path / "out"))
    missing = CliRunner().invoke(train, ["export", "--adapter", str(tmp_path), *output])
    assert missing.exit_code == 1
    assert "holds no finished stage" in missing.output


def test_a_tokenizer_of_another_model_is_noticed_at_export(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    stage = tmp_path / "stage1"
    sft.run(small("llama-3-8b", models["llama"], "sft.max_steps=1"), [data], stage, report())
    (stage / "chat_template.jinja").write_text("{{ messages[0].content }}")
    with pytest.raises(TrainingError, match="other prompts than the checkpoint was trained on"):
        export.export(stage, tmp_path / "out")
    (stage / "chat_template.jinja").write_text(FAMILIES["llama"].template or "")
    with pytest.raises(TrainingError, match="was trained on other weights"):
        export.export(stage, tmp_path / "out", base=str(models["qwen3"]))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("model.quantization=nf4", "nf4 needs a GPU and `pip install bitsandbytes`"),
        ("sft.liger=true", "liger: true needs a GPU and `pip install liger-kernel`"),
        ("sft.batch=3", "set batch to a multiple of 2"),
        ("report_to=[wandb]", "report_to: wandb is not installed; `pip install wandb`"),
    ],
)
@pytest.mark.skipif(torch.cuda.is_available(), reason="says what is missing without a GPU")
def test_what_this_machine_cannot_do_is_said_before_any_work(
    models: dict[str, Path], data: Path, tmp_path: Path, override: str, message: str
) -> None:
    recipe = small("llama-3-8b", models["llama"], override)
    with pytest.raises(TrainingError, match=message):
        sft.run(recipe, [data], tmp_path / "out", report())


def test_four_bit_weights_need_adapters(
    models: dict[str, Path], data: Path, tmp_path: Path
) -> None:
    recipe = small("llama-3-8b", models["llama"], "model.quantization=nf4", "model.lora=null")
    with pytest.raises(TrainingError, match=r"set model\.lora too"):
        sft.run(recipe, [data], tmp_path / "out", report())
