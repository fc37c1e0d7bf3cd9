"""Scenarios: files or texts that are played, seed by seed."""

from __future__ import annotations

import os
from typing import Any, Callable, Dict, List, Optional, Sequence, Union

from . import _core, cores
from .errors import ScenarioError
from .oracle import makers_of
from .units import text, whole
from .workload import drivers_of


class Player:
    """A scenario on its machine, for any number of seeds."""

    def __init__(self, scenario: _core.Scenario, core: str, fault: str, options: str, workloads: Dict[str, Any],
                 oracles: Sequence[Callable[[], Any]], record: bool) -> None:
        self._drivers = drivers_of(workloads)
        self._oracles = makers_of(oracles)
        self._record = bool(record)
        self._runner = _core.Runner(scenario, *cores.choose(core, fault, options))

    def play(self, seed: int) -> Dict[str, Any]:
        return self._runner.run(seed, self._drivers, self._oracles, self._record)

    def close(self) -> None:
        self._runner.close()


class Scenario:
    """A scenario, read and found possible: name, about, pcpus, duration_ns, domains (dicts of name and vcpus).

    ScenarioError: it cannot be read, or says what cannot be, with file, line, column and message.
    """

    def __init__(self, path: Union[str, "os.PathLike[str]"]) -> None:
        self._take(lambda: _core.read_scenario_file(os.fspath(path)))

    @classmethod
    def from_text(cls, source: str, name: str = "scenario.yaml") -> "Scenario":
        """From YAML in a text; `name` is what messages call it, and, without its ending, the scenario."""
        self = cls.__new__(cls)
        self._take(lambda: _core.read_scenario(text(name, "name"), text(source, "source")))
        return self

    def _take(self, read: Callable[[], _core.Scenario]) -> None:
        try:
            self._core = read()
        except _core.InputError as error:
            raise ScenarioError(str(error)) from None

    @property
    def name(self) -> str:
        return self._core.name

    @property
    def about(self) -> str:
        return self._core.about

    @property
    def pcpus(self) -> int:
        return self._core.pcpus

    @property
    def duration_ns(self) -> int:
        return self._core.duration_ns

    @property
    def domains(self) -> List[Dict[str, Any]]:
        return self._core.domains

    def __repr__(self) -> str:
        return f"<scenario {self.name}: {len(self.domains)} domains on {self.pcpus} pCPUs>"

    def player(self, *, core: str = "hv", fault: str = "", options: str = "",
               workloads: Optional[Dict[str, Any]] = None, oracles: Sequence[Callable[[], Any]] = (),
               record: bool = False) -> Player:
        """A machine that plays this scenario with seed after seed; close() it."""
        return Player(self._core, core, fault, options, workloads or {}, oracles, record)

    def run(self, seed: int = 0, *, core: str = "hv", fault: str = "", options: str = "",
            workloads: Optional[Dict[str, Any]] = None, oracles: Sequence[Callable[[], Any]] = (),
            record: bool = False) -> Dict[str, Any]:
        """Plays it in this process, and returns a plain dict:

        scenario, seed, verdict ("pass", "fail", "crash", "timeout", "skip": the core cannot do what it needs), reason
        (the name of the oracle), message (in words, with time, vCPU and pCPU), others (further messages), evidence (text:
        the last exits), failed_ns (of a fail; otherwise None), digest (as `assay run` has it), virtual_ns, exits,
        switches; with `record` also events and timeline, as Machine has them (empty when the core died).

        workloads: from a domain's name to a Python workload that takes the place of its own. oracles: see assay.oracle.
        ValueError: an argument will not do. What a workload or an oracle raises is raised, Violation excepted.
        """
        whole(seed, "seed")
        player = self.player(core=core, fault=fault, options=options, workloads=workloads, oracles=oracles, record=record)
        try:
            return player.play(seed)
        finally:
            player.close()
