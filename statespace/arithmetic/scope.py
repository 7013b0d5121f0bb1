"""What the trace has said so far: names and the values they took on the current path."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from fractions import Fraction
from typing import ClassVar

from statespace.arithmetic.limits import MAX_NAME_LENGTH, MAX_NAMES


class Scope(Mapping[str, Fraction]):
    """An immutable mapping from a name to its value; `Scope.EMPTY` knows nothing.

    Single-word names keep their case (`m` and `M` differ); longer ones are compared without it.
    At most `limits.MAX_NAMES` are held. `rounded` lists the names whose value the text rounded: a
    claim that rests on one of them is never refuted.
    """

    __slots__ = ("_values", "rounded")
    EMPTY: ClassVar[Scope]

    def __init__(
        self, values: Mapping[str, Fraction] | None = None, rounded: frozenset[str] = frozenset()
    ) -> None:
        named = [item for item in (values or {}).items() if len(item[0]) <= MAX_NAME_LENGTH]
        self._values = dict(named[-MAX_NAMES:])
        self.rounded = rounded.intersection(self._values)

    def __getitem__(self, name: str) -> Fraction:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, name: object) -> bool:
        return name in self._values

    def __hash__(self) -> int:
        return hash(frozenset(self._values.items()))

    def __repr__(self) -> str:
        return f"Scope({self._values!r})"

    def bind(self, name: str, value: Fraction, *, rounded: bool = False) -> Scope:
        """A scope in which `name` has `value`; it becomes the newest name."""
        if len(name) > MAX_NAME_LENGTH:
            return self.forget(name)
        values = self._values.copy()
        values.pop(name, None)
        values[name] = value
        if len(values) > MAX_NAMES:
            del values[next(iter(values))]
        return self._with(values, name, rounded)

    def forget(self, name: str) -> Scope:
        """A scope in which `name` has no value."""
        if name not in self._values:
            return self
        values = self._values.copy()
        del values[name]
        return self._with(values, name, rounded=False)

    def _with(self, values: dict[str, Fraction], name: str, rounded: bool) -> Scope:
        """A scope of `values` that already keep the limits."""
        scope = Scope.__new__(Scope)
        scope._values = values
        if rounded or self.rounded:
            others = self.rounded - {name}
            scope.rounded = (others | {name} if rounded else others).intersection(values)
        else:
            scope.rounded = self.rounded
        return scope


Scope.EMPTY = Scope()
