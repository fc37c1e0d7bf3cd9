"""Data of schedules for pages to show: made up, by a round robin of vCPUs that run, sleep and wake. The same every time."""

import base64
import heapq
import json
import re
import zlib
from pathlib import Path

ONLINE, OFFLINE, WAKE, BLOCK, PAUSE, UNPAUSE, RUN, LEAVE, SIGNAL, TIMER, YIELD, SIGNAL_LATE, TIMER_LATE = range(13)
SLICE_NS = 1_000_000


class Draw:
    """Numbers that follow from each other."""

    def __init__(self):
        self.state = 12345

    def below(self, bound: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % 2**64
        return (self.state >> 33) % bound


def happenings(pcpus: int, vcpus: int, runs: int):
    """Yields (ns, what, who, how much): every vCPU is created, and pCPUs run them in turn `runs` times in all."""
    draw = Draw()
    for vcpu in range(vcpus):
        yield 0, ONLINE, vcpu, 0
        yield 0, WAKE, vcpu, 0
    waiting = list(range(vcpus))
    todo = [(pcpu, "idle", pcpu, -1) for pcpu in range(pcpus)]  # (ns, what, pCPU, vCPU)
    heapq.heapify(todo)
    left = runs
    while todo:
        ns, what, pcpu, vcpu = heapq.heappop(todo)
        if what == "wakes":
            by = SIGNAL if draw.below(3) == 0 else TIMER
            yield ns, by, vcpu, 0
            yield ns, WAKE, vcpu, 0
            waiting.append(vcpu)
            continue
        if what == "ends":
            if draw.below(4) == 0:
                yield ns, BLOCK, vcpu, 0
                heapq.heappush(todo, (ns + 1 + draw.below(3 * SLICE_NS), "wakes", -1, vcpu))
            else:
                waiting.append(vcpu)
            yield ns, LEAVE, vcpu, 0
        if left == 0:
            continue
        if not waiting:
            heapq.heappush(todo, (ns + SLICE_NS // 10, "idle", pcpu, -1))
            continue
        left -= 1
        chosen = waiting.pop(0)
        if draw.below(50) == 0:
            yield ns, SIGNAL_LATE, pcpu, 1 + draw.below(20_000)
        yield ns, RUN, chosen, pcpu
        heapq.heappush(todo, (ns + SLICE_NS // 2 + draw.below(SLICE_NS), "ends", pcpu, chosen))


def schedule(pcpus: int, domains: list[tuple[str, int]], runs: int) -> dict:
    """As sim/scenario/schedule_recorder.hpp writes it; who is last is violated three quarters into it."""
    vcpus = sum(count for _, count in domains)
    events = list(happenings(pcpus, vcpus, runs))
    columns = {"ns": [], "what": [], "who": [], "how_much": []}
    last = 0
    for ns, what, who, how_much in events:
        for name, value in zip(columns, (ns - last, what, who, how_much)):
            columns[name].append(value)
        last = ns
    actions = [{"ns": last * i // 10, "vcpu": -1, "pcpu": -1, "words": f"pause {domains[0][0]}"} for i in range(1, 10)]
    return {"pcpus": pcpus, "domains": [{"name": name, "vcpus": count, "pool": "default"} for name, count in domains],
            "from_ns": 0, "to_ns": last + 1, "end_ns": last + 1, "left_out": [0, 0],
            "at_start": [[0, -1, 0] for _ in range(vcpus)], **columns,
            "actions": actions,
            "violations": [{"ns": last * 3 // 4, "vcpu": vcpus - 1, "pcpu": -1,
                            "words": "no starvation: it has waited for 50ms"}]}


def with_data(page: str, data: dict) -> str:
    """The page, with other data in it."""
    packed = base64.b64encode(zlib.compress(json.dumps(data, separators=(",", ":")).encode())).decode()
    return re.sub(r'(id="data">)[^<]*', lambda match: match.group(1) + packed, page, count=1)


def write(file: Path, page: str, data: dict) -> Path:
    file.write_text(with_data(page, data))
    return file
