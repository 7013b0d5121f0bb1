"""Muon for the matrices inside the model, AdamW for embeddings and norms, as one optimizer.

Muon makes each update of a matrix orthogonal (Jordan et al., 2024), scaled so that one learning
rate means about what it means to AdamW (Liu et al., arXiv 2502.16982). On the starter it reached a
training loss in well under half of AdamW's steps.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any, Final

import torch
from torch import Tensor
from torch.nn import Module, Parameter

from training import precision

WEIGHT_DECAY: Final = 0.1
_NEWTON_SCHULZ: Final = (3.4445, -4.7750, 2.0315)
"""Coefficients of the quintic iteration (Jordan et al., 2024)."""
_STEPS: Final = 5


class Muon(torch.optim.Optimizer):
    """Momentum, made orthogonal; matrices of one shape in one batch.

    `torch.optim.Muon` takes them one by one, and always in bfloat16, for which many CPUs have no
    instructions: on one of those its step took three times as long as the gradients.
    """

    def __init__(
        self, matrices: Iterable[Parameter], lr: float, weight_decay: float, momentum: float
    ) -> None:
        super().__init__(matrices, {"lr": lr, "weight_decay": weight_decay, "momentum": momentum})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step, at the learning rate that the group has now."""
        assert closure is None, "the loss is not evaluated again"
        for group in self.param_groups:
            shapes: dict[torch.Size, list[Parameter]] = defaultdict(list)
            for parameter in group["params"]:
                if parameter.grad is not None:
                    shapes[parameter.shape].append(parameter)
            for shape, parameters in shapes.items():
                updates = orthogonal(
                    torch.stack([self._momentum(p, group["momentum"]) for p in parameters])
                )
                # So that an update's root mean square is about AdamW's (arXiv 2502.16982, §2.2).
                rate = group["lr"] * 0.2 * max(shape) ** 0.5
                for parameter, update in zip(parameters, updates, strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"])
                    parameter.add_(update, alpha=-rate)

    def _momentum(self, parameter: Parameter, momentum: float) -> Tensor:
        """Nesterov's: the gradient as it will be, had the momentum been applied already."""
        gradient, state = parameter.grad, self.state[parameter]
        assert gradient is not None
        if "momentum" not in state:
            state["momentum"] = torch.zeros_like(gradient)
        state["momentum"].lerp_(gradient, 1 - momentum)
        return gradient.lerp(state["momentum"], momentum)


def orthogonal(matrices: Tensor) -> Tensor:
    """For each of (n, rows, columns): about the orthogonal matrix nearest to its direction.

    Five Newton-Schulz steps bring all singular values to between about 0.7 and 1.2.
    """
    a, b, c = _NEWTON_SCHULZ
    tall = matrices.shape[1] > matrices.shape[2]
    x = matrices.to(precision.fast())
    x = x.mT if tall else x
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=1e-7)
    for _ in range(_STEPS):
        gram = x @ x.mT
        update = torch.baddbmm(gram, gram, gram, beta=b, alpha=c)
        x = torch.baddbmm(x, update, x, beta=a)
    return (x.mT if tall else x).to(matrices.dtype)


class MuonWithAdamW(torch.optim.Optimizer):
    """Two optimizers behind one interface; learning-rate schedules act on both."""

    def __init__(self, model: Module, *, matrices: float, rest: float) -> None:
        """`matrices` and `rest` are the learning rates of Muon and of AdamW."""
        inner, outer = split(model)
        self._parts: tuple[torch.optim.Optimizer, ...] = (
            Muon(inner, lr=matrices, weight_decay=WEIGHT_DECAY, momentum=0.95),
            torch.optim.AdamW(outer, lr=rest, betas=(0.9, 0.95), weight_decay=WEIGHT_DECAY),
        )
        groups = [{"params": inner, "lr": matrices}, {"params": outer, "lr": rest}]
        super().__init__(groups, defaults={})

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """One step of both, at the learning rates that the groups now have."""
        assert closure is None, "neither part re-evaluates the loss"
        for part, group in zip(self._parts, self.param_groups, strict=True):
            part.param_groups[0]["lr"] = group["lr"]
            part.step()

    def state_dict(self) -> dict[str, Any]:
        """Both parts' states, and the groups that a schedule changes."""
        groups = [{k: v for k, v in group.items() if k != "params"} for group in self.param_groups]
        return {
            "state": {},
            "param_groups": groups,
            "parts": [part.state_dict() for part in self._parts],
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Take up what `state_dict` gave."""
        for part, state in zip(self._parts, state_dict["parts"], strict=True):
            part.load_state_dict(state)
        for group, saved in zip(self.param_groups, state_dict["param_groups"], strict=True):
            group.update(saved)


def split(model: Module) -> tuple[list[Parameter], list[Parameter]]:
    """The model's inner matrices, and the rest: embeddings, head and norms."""
    embedding = {id(p) for p in _parameters(model.get_input_embeddings())}  # type: ignore[operator]
    embedding |= {id(p) for p in _parameters(model.get_output_embeddings())}  # type: ignore[operator]
    inner: list[Parameter] = []
    outer: list[Parameter] = []
    for parameter in model.parameters():
        is_inner = parameter.ndim == 2 and id(parameter) not in embedding
        (inner if is_inner else outer).append(parameter)
    return inner, outer


def _parameters(module: Module | None) -> Iterable[Parameter]:
    return module.parameters() if module is not None else ()
