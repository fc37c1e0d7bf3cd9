"""Workloads in Python."""

import pytest

import assay
from assay import MS, US, Domain, Machine


def play(*workloads, pcpus=1, ns=50 * MS):
    with Machine(pcpus=pcpus, domains=[Domain("a", workloads=list(workloads))]) as one:
        one.run(ns)
        return one.vcpus(), one.events()


def test_compute_is_processor_time_however_long_it_takes():
    done = []

    def work(vcpu):
        yield assay.compute(20 * MS)
        done.append(vcpu.now_ns)

    vcpus, _ = play(work, "cpu-bound", ns=100 * MS)
    assert done and done[0] > 30 * MS
    assert 20 * MS <= vcpus[0]["ran_ns"] < 21 * MS
    assert vcpus[0]["state"] == "blocked"


def test_sleep_until_wakes_at_that_time():
    woken = []

    def work(vcpu):
        for turn in range(1, 5):
            yield assay.sleep_until(turn * 10 * MS)
            woken.append(vcpu.now_ns)

    play(work)
    assert len(woken) == 4
    for turn, now_ns in enumerate(woken, 1):
        assert 0 <= now_ns - turn * 10 * MS < 100 * US


def test_send_wakes_who_blocks():
    heard = []

    def listener(vcpu):
        while True:
            yield assay.block()
            heard.append(vcpu.now_ns)

    def speaker(vcpu):
        for _ in range(3):
            yield assay.sleep(5 * MS)
            yield assay.send(0)

    play(listener, speaker)
    assert len(heard) == 3
    assert all(later - earlier > 4 * MS for earlier, later in zip(heard, heard[1:]))


def test_ordinary_function_is_called_for_each_step():
    asked = []

    def work(vcpu):
        asked.append(vcpu.now_ns)
        return assay.compute(1 * MS) if len(asked) % 2 else assay.sleep(1 * MS)

    play(work, ns=20 * MS)
    assert 18 <= len(asked) <= 22


def test_yield_lets_the_other_go_first():
    def work(vcpu):
        while True:
            yield assay.compute(100 * US)
            yield assay.yield_cpu()

    vcpus, events = play(work, work)
    runs = [event["vcpu"] for event in events if event["kind"] == "run"]
    assert len(runs) > 300
    assert min(vcpu["ran_ns"] for vcpu in vcpus) > 20 * MS


def test_poll_ends_in_time():
    ends = []

    def work(vcpu):
        yield assay.poll(10 * MS)
        ends.append(vcpu.now_ns)
        yield assay.halt()

    play(work)
    assert 0 <= ends[0] - 10 * MS < 100 * US


def test_random_follows_from_the_seed():
    def work(vcpu):
        while True:
            yield assay.compute(vcpu.random.randrange(1 * MS))
            yield assay.sleep(1 * MS)

    digests = []
    for seed in (4, 4, 8):
        with Machine(domains=[Domain("a", workload=work)], seed=seed) as one:
            one.run(30 * MS)
            digests.append(one.digest)
    assert digests[0] == digests[1] != digests[2]


def hurry(vcpu):
    while True:
        yield assay.sleep_until(0)


def nonsense(vcpu):
    yield "compute"


def stranger(vcpu):
    yield assay.send(7)


@pytest.mark.parametrize("work, text", [(hurry, "no time passed"), (nonsense, "expected a step"),
                                        (stranger, "a has 1, counted from 0")])
def test_workload_that_cannot_be_is_a_value_error(work, text):
    with pytest.raises(ValueError, match=text):
        play(work)


@pytest.mark.parametrize("make", [lambda: assay.compute(0), lambda: assay.sleep(-1), lambda: assay.sleep_until(1.5),
                                  lambda: assay.send(32)])
def test_step_that_cannot_be_is_a_value_error(make):
    with pytest.raises(ValueError, match="expected"):
        make()
