"""Oracles in Python: objects that watch a run, and raise assay.Violation when a promise is broken.

An oracle may have
  on_event(event, view)  called just before an event takes effect: event.now_ns, kind, domain, vcpu, pcpu, pcpus; `view`
                         tells the state before it: view.now_ns, view.pcpus, view.vcpu(domain, vcpu), view.vcpus()
  at_end(view)           called when the run is over
  kinds                  of events that it wants to see, such as {"run", "leave"}; all without it; fewer are faster
  name                   what results call it; otherwise its class's
and is made anew for each run, by its class or by a function without arguments. Any other exception is its own mistake,
and ends the run.
"""

from __future__ import annotations

from typing import Any, Callable, List, Sequence


def makers_of(oracles: Sequence[Callable[[], Any]]) -> List[Callable[[], Any]]:
    """`oracles` as a list; ValueError for one that cannot be called."""
    makers = list(oracles)
    for make in makers:
        if not callable(make):
            raise ValueError(f"oracles: expected a class, or a function that makes an oracle, not {make!r}: each run has "
                             "one of its own")
    return makers
