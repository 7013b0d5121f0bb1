"""Reading event streams in tests."""

from __future__ import annotations

import json
from typing import Any

from statespace.events import event_adapter


def events(body: str) -> list[dict[str, Any]]:
    """The events of a whole stream; checks that `event:` and `id:` agree with the data."""
    found = []
    for frame in body.replace(": ping\n", "").split("\n\n"):
        if not frame.strip():
            continue
        fields = dict(line.split(": ", 1) for line in frame.splitlines())
        data = json.loads(fields["data"])
        event_adapter.validate_json(fields["data"])  # every frame is of its type's model
        assert fields["event"] == data["type"]
        assert fields.get("id") == (
            str(data["sequence_number"]) if "sequence_number" in data else None
        )
        found.append(data)
    return found


def check_order(found: list[dict[str, Any]], *, deltas_whole: bool = True) -> None:
    """What holds for every stream: no gaps, states opened before they close, exactly one end.

    A reader that lags behind gets a transition when it is complete, and no more of its deltas.
    """
    numbers = [event["sequence_number"] for event in found if "sequence_number" in event]
    assert numbers == list(range(len(numbers)))
    types = [event["type"] for event in found]
    assert types[:2] == ["solution.created", "solution.in_progress"]
    ends = [kind for kind in types if kind in END_TYPES]
    assert ends == [types[-1]]
    opened: dict[int, str] = {}
    for event in found:
        match event["type"]:
            case "transition.started":
                assert event["id"] not in opened
                assert event["parent"] == 0 or event["parent"] in opened
                opened[event["id"]] = ""
            case "transition.delta":
                assert event["offset"] == len(opened[event["id"]])
                opened[event["id"]] += event["delta"]
            case "transition.completed":
                transition = event["transition"]
                assert transition["output"].startswith(opened[transition["id"]])
                if deltas_whole and any(other["type"] == "transition.delta" for other in found):
                    assert opened[transition["id"]] == transition["output"]


END_TYPES = {
    "solution.completed",
    "solution.incomplete",
    "solution.failed",
    "solution.cancelled",
}
