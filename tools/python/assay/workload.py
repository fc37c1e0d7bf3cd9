"""Workloads in Python: what a vCPU does next.

A workload is a function of a Vcpu. As a generator it yields one step after the other, and when it returns the vCPU sleeps
for good; as an ordinary function it is called for each step and returns it. It decides by `vcpu.now_ns` and
`vcpu.random` alone: then the same seed makes the same run.
"""

from __future__ import annotations

import random
from typing import Any, Callable, Dict, Iterator, Optional, Union

from ._core import Step
from .units import nanoseconds, whole

_VCPUS_MAX = 32
_STEPS_AT_ONCE_MAX = 10_000


def compute(ns: int) -> Step:
    """Has `ns` (from 1 on) of processor time, however long that takes on a pCPU that others want too."""
    return Step("compute", nanoseconds(ns, "compute", 1))


def spin() -> Step:
    """Computes forever."""
    return Step("spin")


def sleep_until(ns: int) -> Step:
    """Sets a timer to that time and blocks; a time that is over is none."""
    return Step("sleep_until", nanoseconds(ns, "sleep_until"))


def sleep(ns: int) -> Step:
    """As sleep_until, `ns` from now on."""
    return Step("sleep_until", nanoseconds(ns, "sleep", 1), 0, True)


def block() -> Step:
    """Blocks until another vCPU sends an event; at once when one is there that was not waited for."""
    return Step("block")


def yield_cpu() -> Step:
    """Lets others go first."""
    return Step("yield_cpu")


def poll(ns: int) -> Step:
    """Polls its own port for events, until that time at most."""
    return Step("poll", nanoseconds(ns, "poll"))


def send(vcpu: int) -> Step:
    """Sends an event to a vCPU of the same domain."""
    return Step("send", 0, whole(vcpu, "send", _VCPUS_MAX - 1))


def halt() -> Step:
    """Sleeps for good."""
    return Step("halt")


class Vcpu:
    """Who a workload works for.

    domain: name of the domain; vcpu: number, from 0 on; vcpus: how many the domain has; now_ns: the time when the next
    step is asked for; random: a stream of its own that follows from the seed of the run.
    """

    def __init__(self, domain: str, vcpu: int, vcpus: int, seed: int) -> None:
        self.domain = domain
        self.vcpu = vcpu
        self.vcpus = vcpus
        self.now_ns = 0
        self.random = random.Random(seed)

    def __repr__(self) -> str:
        return f"vCPU {self.vcpu} of {self.domain}"


Workload = Callable[[Vcpu], Union[Step, Iterator[Step]]]


class Driver:
    """Asks a workload for its steps, and checks them."""

    def __init__(self, workload: Workload, vcpu: Vcpu) -> None:
        self._workload = workload
        self._vcpu = vcpu
        self._steps: Optional[Iterator[Step]] = None
        self._begun = False
        self._steps_at_once = 0

    def next(self, now_ns: int) -> Step:
        self._steps_at_once = self._steps_at_once + 1 if now_ns == self._vcpu.now_ns else 0
        if self._steps_at_once > _STEPS_AT_ONCE_MAX:
            raise ValueError(f"the workload of {self._vcpu!r} took {_STEPS_AT_ONCE_MAX} steps at {now_ns} ns, and no time "
                             "passed: let it compute, or sleep until a time to come")
        self._vcpu.now_ns = now_ns
        step = self._take()
        if not isinstance(step, Step):
            raise ValueError(f"the workload of {self._vcpu!r} gave {step!r}; expected a step, such as assay.compute(ns)")
        if step.kind == "send" and step.peer >= self._vcpu.vcpus:
            raise ValueError(f"the workload of {self._vcpu!r} sends to vCPU {step.peer}; {self._vcpu.domain} has "
                             f"{self._vcpu.vcpus}, counted from 0")
        return step

    def _take(self) -> Any:
        if self._steps is not None:
            return next(self._steps, halt())
        first = self._workload(self._vcpu)
        if not self._begun and not isinstance(first, Step) and hasattr(first, "__next__"):
            self._steps = first
            return next(self._steps, halt())
        self._begun = True
        return first


DriverMaker = Callable[[str, int, int, int], Optional[Driver]]


def drivers_of(workloads: Dict[str, Any]) -> Dict[str, DriverMaker]:
    """From domains' names to what makes a Driver for a vCPU, or None for one that Python does not drive.

    A value is a workload for all vCPUs of the domain, or a list with one for each.
    """
    return {name: _maker(name, workload) for name, workload in workloads.items()}


def _maker(name: str, workload: Any) -> DriverMaker:
    parts = workload if isinstance(workload, (list, tuple)) else None
    if parts is None and not callable(workload):
        raise ValueError(f"workloads: that of {name} is a function of a vCPU, not {workload!r}")

    def make(domain: str, vcpu: int, vcpus: int, seed: int) -> Optional[Driver]:
        mine = workload if parts is None else parts[vcpu]
        return Driver(mine, Vcpu(domain, vcpu, vcpus, seed)) if callable(mine) else None

    return make
