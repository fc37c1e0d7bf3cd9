"""Many seeds of a scenario in worker processes.

Workers are forked: a core keeps state of its own, so a process has one machine at a time; and what is forked needs no
pickling, so that workloads and oracles may be any functions and classes, of a notebook too.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import signal
import time
import traceback
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Sequence

from . import _core
from .errors import Interrupted
from .scenario import Scenario
from .units import whole

_JOBS_MAX = 1024


def sweep(scenario: Scenario, seeds: Iterable[int], *, jobs: Optional[int] = None, limit_s: float = 60,
          core: str = "hv", fault: str = "", options: str = "", workloads: Optional[Dict[str, Any]] = None,
          oracles: Sequence[Callable[[], Any]] = (), record: bool = False,
          until: Optional[Callable[[Dict[str, Any]], bool]] = None) -> List[Dict[str, Any]]:
    """Plays all seeds, and returns their results in the order of the seeds: dicts as Scenario.run() returns them.

    jobs: worker processes, by default one for each processor; limit_s: seconds for one seed, then its worker is ended and
    the verdict is "timeout"; until: called with each result as it comes, True ends the sweep, and what was not finished is
    left out. The verdict "error" means that a workload or an oracle raised something; message has its trace.

    ValueError: an argument will not do. Ctrl-C ends the workers and raises Interrupted, which has the results so far.
    """
    if not isinstance(scenario, Scenario):
        raise ValueError(f"sweep: expected a Scenario, not {scenario!r}")
    todo = [whole(seed, "seeds") for seed in seeds]
    if jobs is not None and whole(jobs, "jobs", _JOBS_MAX) == 0:
        raise ValueError("jobs: at least one")
    if limit_s <= 0:
        raise ValueError(f"limit_s: expected more than 0 seconds, not {limit_s!r}")

    def start() -> Any:
        return scenario.player(core=core, fault=fault, options=options, workloads=workloads, oracles=oracles,
                               record=record)

    crew = _Crew(scenario.name, start, min(jobs or os.cpu_count() or 1, max(1, len(todo))), limit_s)
    results: Dict[int, Dict[str, Any]] = {}
    try:
        for place, result in crew.play(todo):
            results[place] = result
            if until is not None and until(result):
                break
    except KeyboardInterrupt:
        raise Interrupted([results[place] for place in sorted(results)]) from None
    finally:
        crew.end()
    return [results[place] for place in sorted(results)]


class _Worker:
    def __init__(self, start: Callable[[], Any]) -> None:
        context = multiprocessing.get_context("fork")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=_work, args=(theirs, start), daemon=True)
        self.process.start()
        theirs.close()
        self.place = 0
        self.since = 0.0

    def give(self, place: int, seed: int) -> None:
        self.place = place
        self.since = time.monotonic()
        self.pipe.send(seed)

    def end(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _work(pipe: Any, start: Callable[[], Any]) -> None:
    """In the worker: one result, or what was raised instead, for each seed that comes."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # whoever started it ends it
    _core.close_any()
    player = None
    while True:
        try:
            seed = pipe.recv()
        except EOFError:
            return
        try:
            player = player or start()
            pipe.send(player.play(seed))
        except ValueError as error:
            pipe.send(error if player is None else traceback.format_exc())
        except Exception:
            pipe.send(traceback.format_exc())


class _Crew:
    """Workers, and who of them does what."""

    def __init__(self, name: str, start: Callable[[], Any], jobs: int, limit_s: float) -> None:
        self._name = name
        self._start = start
        self._jobs = jobs
        self._limit_s = limit_s
        self._busy: List[_Worker] = []
        self._free: List[_Worker] = []

    def play(self, seeds: List[int]) -> Iterator[Any]:
        waiting = list(enumerate(seeds))[::-1]
        while waiting or self._busy:
            while waiting and len(self._busy) < self._jobs:
                worker = self._free.pop() if self._free else _Worker(self._start)
                worker.give(*waiting.pop())
                self._busy.append(worker)
            for worker in self._wait():
                self._busy.remove(worker)
                yield worker.place, self._answer(worker, seeds[worker.place])

    def end(self) -> None:
        for worker in self._busy + self._free:
            worker.end()

    def _wait(self) -> List[_Worker]:
        """Those that have an answer, or no time left."""
        latest = min(worker.since for worker in self._busy) + self._limit_s
        ready = multiprocessing.connection.wait([worker.pipe for worker in self._busy],
                                                max(0.0, latest - time.monotonic()))
        now = time.monotonic()
        return [worker for worker in self._busy if worker.pipe in ready or now - worker.since >= self._limit_s]

    def _answer(self, worker: _Worker, seed: int) -> Dict[str, Any]:
        try:
            if not worker.pipe.poll():
                worker.end()
                return self._without(seed, "timeout", f"no end within {self._limit_s} s")
            answer = worker.pipe.recv()
        except EOFError:
            worker.end()
            return self._without(seed, "error", f"the worker ended, exit code {worker.process.exitcode}")
        self._free.append(worker)
        if isinstance(answer, ValueError):
            raise answer
        if isinstance(answer, str):
            return self._without(seed, "error", answer)
        result: Dict[str, Any] = answer
        return result

    def _without(self, seed: int, verdict: str, message: str) -> Dict[str, Any]:
        """A result of a run that came to none; what only a run can tell is None."""
        return {"scenario": self._name, "seed": seed, "verdict": verdict, "reason": verdict, "message": message,
                "others": [], "evidence": "", "failed_ns": None, "digest": None, "virtual_ns": None, "exits": None,
                "switches": None}
