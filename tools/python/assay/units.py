"""Virtual time, and arguments as the scenario language has them."""

from __future__ import annotations

from typing import Any

US = 1_000
MS = 1_000_000
S = 1_000_000_000

_NS_MAX = 3600 * S
_SEED_MAX = 2**64 - 1

#: Keys of the language whose values are times: an int there is nanoseconds.
_TIMES = frozenset({
    "work", "period", "deadline", "run", "sleep", "hold", "think", "timeout", "budget", "ratelimit", "timeslice", "frame",
    "runtime", "signal_delay", "timer_lateness", "clock_jitter", "until",
})


def nanoseconds(value: Any, what: str, least: int = 0) -> int:
    """`value` if it is a time, otherwise ValueError that says what it is of."""
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= _NS_MAX:
        raise ValueError(f"{what}: expected whole nanoseconds from {least} to an hour, such as 10 * assay.MS, not {value!r}")
    return value


def whole(value: Any, what: str, most: int = _SEED_MAX) -> int:
    """`value` if it is a number from 0 to `most`, otherwise ValueError."""
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= most:
        raise ValueError(f"{what}: expected a whole number from 0 to {most}, not {value!r}")
    return value


def text(value: Any, what: str) -> str:
    """`value` if it is a text, otherwise ValueError."""
    if not isinstance(value, str):
        raise ValueError(f"{what}: expected a text, not {value!r}")
    return value


def in_words(value: Any, key: str = "") -> Any:
    """The same in the language of scenarios: times in ns get their unit, sets of pCPUs become "0,2"."""
    if isinstance(value, dict):
        return {name: in_words(inner, name) for name, inner in value.items() if inner is not None}
    if key in ("affinity", "soft_affinity", "pcpus", "slow_pcpus", "nodes", "hard", "soft") and isinstance(
            value, (list, tuple, set, frozenset, range)):
        return ",".join(str(pcpu) for pcpu in sorted(value))
    if isinstance(value, (list, tuple)):
        return [in_words(inner) for inner in value]
    if key in _TIMES and isinstance(value, int) and not isinstance(value, bool):
        return f"{value}ns"
    return value
