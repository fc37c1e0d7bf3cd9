"""Assay in Python: machines with a hypervisor core on them, scenarios, oracles and workloads, in virtual time.

Times are whole nanoseconds of virtual time (int) that count from the beginning of the scenario; US, MS and S are so many
of them. The same seed makes the same run, and the same digest as `assay run`.

A process has one machine at a time (a core keeps state of its own); sweep() and Machine.branch() play in processes of
their own. Everything runs in the calling thread, which keeps the interpreter lock.
"""

from ._core import Event, Refused, Snapshot, Step, TargetDied, View, Violation, faults
from .errors import Interrupted, ScenarioError
from .machine import Domain, Machine
from .scenario import Scenario
from .sweep import sweep
from .units import MS, S, US
from .workload import Vcpu, block, compute, halt, poll, send, sleep, sleep_until, spin, yield_cpu

__all__ = [
    "MS", "S", "US",
    "Domain", "Event", "Interrupted", "Machine", "Refused", "Scenario", "ScenarioError", "Snapshot", "Step",
    "TargetDied", "Vcpu", "View", "Violation",
    "block", "compute", "faults", "halt", "poll", "send", "sleep", "sleep_until", "spin", "sweep", "yield_cpu",
]
