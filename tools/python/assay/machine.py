"""Machines that are played by hand."""

from __future__ import annotations

import json
import os
import pickle
import sys
import traceback
from dataclasses import dataclass, fields
from types import TracebackType
from typing import Any, Callable, Dict, Iterable, List, Optional, Sequence, Type, TypeVar, Union

from . import _core, cores
from ._core import Snapshot
from .errors import message_of
from .oracle import makers_of
from .units import S, in_words, nanoseconds, text, whole
from .workload import drivers_of

T = TypeVar("T")
Pcpus = Union[str, int, Iterable[int]]


@dataclass
class Domain:
    """A domain of `vcpus` vCPUs (1 to 32), and what they do.

    workload: a name of the scenario language ("cpu-bound", "idle"), a dict of it ({"kind": "periodic", "work": 1 * MS,
    "period": 10 * MS}), or a Python workload; workloads: a list of those, one for each vCPU, instead.
    count: makes so many, called NAME-0, NAME-1, ...; weight: 1 to 65535; cap: percent of one pCPU, 0 is none; budget and
    period: RTDS, in ns; affinity, soft_affinity: pCPUs, as "0-3", 2 or [0, 2]; pool: its name; created: False leaves it
    to Machine.create().
    """

    name: str
    vcpus: int = 1
    workload: Any = None
    workloads: Optional[Sequence[Any]] = None
    count: int = 1
    weight: Optional[int] = None
    cap: Optional[int] = None
    budget: Union[int, str, None] = None
    period: Union[int, str, None] = None
    extratime: bool = False
    affinity: Optional[Pcpus] = None
    soft_affinity: Optional[Pcpus] = None
    pool: Optional[str] = None
    created: bool = True

    def __post_init__(self) -> None:
        if self.workloads is not None:
            self.vcpus = len(self.workloads)
        elif self.workload is None:
            self.workload = "cpu-bound"

    def driven(self) -> Any:
        """What of it Python drives; None for nothing."""
        if self.workloads is not None:
            return list(self.workloads) if any(callable(one) for one in self.workloads) else None
        return self.workload if callable(self.workload) else None

    def in_words(self) -> Dict[str, Any]:
        """The entry of a scenario. What Python drives is idle there."""
        entry = {field.name: getattr(self, field.name) for field in fields(self)}
        if callable(self.workload):
            entry["workload"] = "idle"
        if self.workloads is not None:
            entry["workloads"] = ["idle" if callable(one) else one for one in self.workloads]
        return entry


class Machine:
    """A machine with a core on it, pools and domains; it stands at time 0, and everybody is ready to run.

    pcpus: 1 to 255 that are the domains' (the privileged domain has one more); domains: a list of Domain; scheduler: its
    name ("credit", "credit2", "rtds", "arinc653", "null", "any") or a dict of the scenario language, or pools: a list of
    dicts; faults: what hardware does, a dict; core: "hv" or the path of a core; options: the core's boot command line;
    fault: a planted one of the bundled core, see assay.faults(); seed: all that is chosen follows from it; oracles:
    classes or functions that make one each, see Scenario.run().

    ValueError: an argument will not do. TargetDied: the core does not boot. Refused: it does not do what domains or
    scheduler need. RuntimeError: this process has a machine already.

    Each of run(), step() and the actions raises Violation as soon as an oracle has raised it (and can be called again),
    TargetDied when the core dies, and whatever a workload raises. After the last two only go_back() and close() are of
    use. Ctrl-C stops between two events, and nothing is lost.
    """

    def __init__(self, *, pcpus: int = 1, domains: Sequence[Domain], scheduler: Union[str, Dict[str, Any], None] = None,
                 pools: Optional[Sequence[Dict[str, Any]]] = None, faults: Optional[Dict[str, Any]] = None,
                 core: str = "hv", options: str = "", fault: str = "", seed: int = 0,
                 oracles: Sequence[Callable[[], Any]] = ()) -> None:
        for domain in domains:
            if not isinstance(domain, Domain):
                raise ValueError(f"domains: expected assay.Domain, not {domain!r}")
        self._setup: Dict[str, Any] = {
            "machine": {"pcpus": pcpus},
            "duration": f"{3600 * S}ns",
            "scheduler": {"name": scheduler} if isinstance(scheduler, str) else scheduler,
            "pools": list(pools) if pools is not None else None,
            "faults": faults,
            "domains": [domain.in_words() for domain in domains],
        }
        driven = {domain.name: domain.driven() for domain in domains if domain.driven() is not None}
        path, command_line = cores.choose(core, fault, options)
        self._core = _plainly(lambda: _core.Machine(self._text(), path, command_line, whole(seed, "seed"),
                                                    drivers_of(driven), makers_of(oracles)))

    def __enter__(self) -> "Machine":
        return self

    def __exit__(self, kind: Optional[Type[BaseException]], error: Optional[BaseException],
                 trace: Optional[TracebackType]) -> None:
        self.close()

    def close(self) -> None:
        """Makes room for another machine. Nothing else is of use afterwards (RuntimeError)."""
        self._core.close()

    # Time.

    def run(self, ns: int) -> None:
        """Lets `ns` pass (1 ns to an hour)."""
        self._core.run(nanoseconds(ns, "run", 1))

    def step(self, within_ns: int = S) -> List[Dict[str, Any]]:
        """To the next scheduling event; returns what happened at it, and nothing when within_ns pass before."""
        return self._core.step(nanoseconds(within_ns, "step", 1))

    def snapshot(self) -> Snapshot:
        """This moment. It is kept as the way here, so it costs nothing, and `digest` and `now_ns` of it can be read."""
        return self._core.snapshot()

    def go_back(self, snapshot: Snapshot) -> None:
        """To that moment, from anywhere, a dead core included, by playing from the beginning; workloads and oracles in
        Python begin anew with it. RuntimeError when that leads elsewhere: a workload is not the same each time."""
        if not isinstance(snapshot, Snapshot):
            raise ValueError(f"go_back: expected what snapshot() returned, not {snapshot!r}")
        self._core.go_back(snapshot)

    def branch(self, explore: Callable[["Machine"], T]) -> T:
        """What explore(machine) returns, called in a forked process: here the machine stays where it is.

        Everything goes on there from this very moment, generators included, and no time is played again. The result is
        pickled. An exception there is raised here: itself when it can be pickled, otherwise RuntimeError with its trace.
        """
        ours, theirs = os.pipe()
        sys.stdout.flush()
        sys.stderr.flush()
        child = os.fork()
        if child == 0:
            os.close(ours)
            with os.fdopen(theirs, "wb") as out:
                out.write(_outcome_of(lambda: explore(self)))
            os._exit(0)
        os.close(theirs)
        try:
            with os.fdopen(ours, "rb") as answer:
                data = answer.read()
        finally:
            os.waitpid(child, 0)
        if not data:
            raise RuntimeError("branch: the forked process ended without an answer")
        good, value = pickle.loads(data)
        if not good:
            raise value
        result: T = value
        return result

    # Questions.

    @property
    def now_ns(self) -> int:
        """Virtual time since the beginning."""
        return self._core.now_ns

    @property
    def pcpus(self) -> int:
        """Those of the domains."""
        return self._core.pcpus

    @property
    def digest(self) -> str:
        """Of everything that has happened: the same for the same seed and the same calls."""
        return self._core.digest

    @property
    def exits(self) -> int:
        """How often pCPUs went into the core."""
        return self._core.exits

    @property
    def switches(self) -> int:
        """How often a pCPU went from one vCPU, or from idle, to another."""
        return self._core.switches

    @property
    def console(self) -> str:
        """What the core has printed since it booted."""
        return self._core.console

    @property
    def events_dropped(self) -> int:
        """Events that events() no longer has: it keeps the last 1048576."""
        return self._core.events_dropped

    def describe(self) -> str:
        """What each pCPU runs, and the last exits, in lines."""
        return self._core.describe()

    def vcpu(self, domain: str, vcpu: int = 0) -> Dict[str, Any]:
        """A vCPU: domain, vcpu, state ("running", "runnable", "blocked", "paused", "offline"), pcpu (None: it runs
        nowhere), may_run_on (list), ran_ns, waiting_ns (how long it has been able to run and has not), and runstate: what
        the core says of its time, a dict of running_ns, runnable_ns, blocked_ns and offline_ns, None before the guest
        has asked. ValueError: there is no such domain or vCPU."""
        return self._core.vcpu(text(domain, "domain"), whole(vcpu, "vcpu", 2**32 - 1))

    def vcpus(self) -> List[Dict[str, Any]]:
        """All of them, as vcpu() has each."""
        return self._core.vcpus()

    def events(self, since_ns: int = 0) -> List[Dict[str, Any]]:
        """What happened from since_ns on, in order: now_ns, kind, domain, vcpu, pcpu, pcpus. Kinds: "run" and "leave"
        (pcpu says where), "wake", "block", "pause", "unpause", "online", "offline", "may_run_on" (pcpus says where)."""
        return self._core.events(nanoseconds(since_ns, "since_ns"))

    def timeline(self) -> List[Dict[str, Any]]:
        """Who ran where, and who waited, from when to when: domain, vcpu, state ("running", "waiting"), pcpu, start_ns,
        end_ns, in the order of the ends; what goes on ends now."""
        return self._core.timeline()

    # Actions. Each raises ValueError for what cannot be, Refused when the core refuses it.

    def pause(self, domain: str) -> None:
        """Holds all vCPUs of a domain; pauses count."""
        self._act({"pause": domain})

    def unpause(self, domain: str) -> None:
        """Takes one pause back."""
        self._act({"unpause": domain})

    def set_affinity(self, domain: str, *, vcpu: Optional[int] = None, hard: Optional[Pcpus] = None,
                     soft: Optional[Pcpus] = None) -> None:
        """Where a vCPU, or all of the domain, may run and rather runs. A mask without a pCPU of the pool does nothing."""
        self._act({"affinity": {"domain": domain, "vcpu": vcpu, "hard": hard, "soft": soft}})

    def set_weight(self, domain: str, weight: int) -> None:
        """1 to 65535."""
        self._act({"weight": {"domain": domain, "to": weight}})

    def set_cap(self, domain: str, cap: int) -> None:
        """In percent of one pCPU; 0: none."""
        self._act({"cap": {"domain": domain, "to": cap}})

    def move(self, domain: str, pool: str) -> None:
        """To another pool of pCPUs."""
        self._act({"move": {"domain": domain, "pool": pool}})

    def add_pcpu(self, pool: str, pcpu: int) -> None:
        """Gives a pool a pCPU that is nobody's; nothing happens when it is somebody's."""
        self._act({"add_pcpu": {"pool": pool, "pcpu": pcpu}})

    def remove_pcpu(self, pool: str, pcpu: int) -> None:
        """Takes a pCPU from a pool that has another one; otherwise nothing happens."""
        self._act({"remove_pcpu": {"pool": pool, "pcpu": pcpu}})

    def offline(self, pcpu: int) -> None:
        """Takes a pCPU from its pool, and then offline, unless the pool has no other one. Not pCPU 0."""
        self._act({"offline": pcpu})

    def online(self, pcpu: int) -> None:
        """Brings a pCPU that is offline back to the pool that it came from."""
        self._act({"online": pcpu})

    def create(self, domain: str) -> None:
        """Builds a domain that was declared and is not there, and lets it run."""
        self._act({"create": domain})

    def destroy(self, domain: str) -> None:
        """Destroys a domain; it can be created again."""
        self._act({"destroy": domain})

    def _text(self, action: Optional[Dict[str, Any]] = None) -> str:
        # JSON is YAML: what the machine is made of is read, and checked, as any scenario.
        setup = dict(self._setup)
        if action is not None:
            setup["actions"] = [{"at": "0ns", **action}]
        try:
            return json.dumps(in_words(setup))
        except TypeError as error:
            raise ValueError(f"an argument is nothing that a scenario could have: {error}") from None

    def _act(self, action: Dict[str, Any]) -> None:
        _plainly(lambda: self._core.perform(self._text(action)))


def _plainly(call: Callable[[], T]) -> T:
    try:
        return call()
    except _core.InputError as error:
        raise ValueError(message_of(error)) from None


def _outcome_of(call: Callable[[], Any]) -> bytes:
    try:
        return pickle.dumps((True, call()))
    except BaseException as error:  # noqa: B902: whatever it is, the other process has to hear of it
        try:
            data = pickle.dumps((False, error))
            pickle.loads(data)
            return data
        except Exception:
            return pickle.dumps((False, RuntimeError("".join(traceback.format_exception(error)))))
