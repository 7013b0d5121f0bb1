"""Many items on all cores: the same as one after the other."""

from __future__ import annotations

from itertools import count, islice

import pytest

from training import workers
from training.traces import generated


def test_processes_give_what_one_gives_in_the_same_order_and_can_be_left() -> None:
    drawn = [(7, index, 1 + index % 3) for index in range(600)]
    alone = list(workers.mapped(generated.example, drawn, processes=1))
    endless = ((7, index, 1 + index % 3) for index in count())
    together = workers.mapped(generated.example, endless, processes=2)
    assert list(islice(together, len(drawn))) == alone
    together.close()  # type: ignore[attr-defined]


def test_items_may_end_and_their_number_need_fill_no_chunk() -> None:
    drawn = [(7, index) for index in range(300)]
    made = list(workers.mapped(generated.question, drawn, processes=2))
    assert len(made) == 300
    assert made[299] == generated.question(drawn[299])


def test_what_is_raised_in_a_process_is_raised_here() -> None:
    drawn = [(7, 0, 1), (7, 1, 99)]
    with pytest.raises(ValueError, match="operations must lie within 1 and 6"):
        list(workers.mapped(generated.example, drawn, processes=2))
