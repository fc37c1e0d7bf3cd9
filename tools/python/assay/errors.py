"""Exceptions that the package defines in Python; the others come from the core: TargetDied, Refused, Violation."""

from __future__ import annotations

import re
from typing import Any, Dict, List

_PLACE = re.compile(r"^(?P<file>.*?):(?P<line>\d+):(?P<column>\d+): (?P<message>.*)$", re.DOTALL)


class ScenarioError(ValueError):
    """A scenario that will not do. `file`; `line` and `column`, from 1 on, or None when no place is known; `message`."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        place = _PLACE.match(text)
        self.file: str = place["file"] if place else text.split(":", 1)[0]
        self.line: int | None = int(place["line"]) if place else None
        self.column: int | None = int(place["column"]) if place else None
        self.message: str = place["message"] if place else text.split(": ", 1)[-1]


class Interrupted(KeyboardInterrupt):
    """Ctrl-C in a sweep. `results` holds what was finished before, in the order of the seeds."""

    def __init__(self, results: List[Dict[str, Any]]) -> None:
        super().__init__(f"interrupted after {len(results)} results")
        self.results = results


def message_of(error: Exception) -> str:
    """What is wrong, without the place in a text that nobody wrote."""
    place = _PLACE.match(str(error))
    return place["message"] if place else str(error)
