"""Machines that are played by hand."""

from pathlib import Path

import pytest

import assay
from assay import MS, US, Domain, Machine

BURSTS = {"kind": "interactive", "run": 300 * US, "sleep": 2 * MS, "variation": "50%"}


def machine(**more):
    return Machine(**{"pcpus": 2, "domains": [Domain("a", vcpus=3), Domain("b", workload=BURSTS)], "seed": 5, **more})


def test_run_lets_exactly_so_much_time_pass():
    with machine() as one:
        begun = one.now_ns
        one.run(10 * MS)
        assert 0 <= one.now_ns - begun - 10 * MS < 100 * US


def test_all_vcpus_of_a_busy_domain_share_the_pcpus():
    with machine(domains=[Domain("a", vcpus=4)], seed=0) as one:
        one.run(400 * MS)
        ran = [vcpu["ran_ns"] for vcpu in one.vcpus()]
        assert sum(ran) > 790 * MS
        assert max(ran) < 1.2 * min(ran)
        running = [vcpu for vcpu in one.vcpus() if vcpu["state"] == "running"]
        assert sorted(vcpu["pcpu"] for vcpu in running) == [0, 1]


def test_runstate_is_what_passed():
    with machine() as one:
        one.run(50 * MS)
        for vcpu in one.vcpus():
            total = sum(vcpu["runstate"].values())
            assert abs(total - one.now_ns) < 2 * MS
            assert abs(vcpu["runstate"]["running_ns"] - vcpu["ran_ns"]) < MS + vcpu["ran_ns"] // 20


def test_step_ends_at_the_next_event():
    with machine() as one:
        one.run(5 * MS)
        count = len(one.events())
        happened = one.step()
        assert happened and len(one.events()) == count + len(happened)
        assert one.events()[-len(happened):] == happened
        assert set(happened[0]) == {"now_ns", "kind", "domain", "vcpu", "pcpu", "pcpus"}


def test_step_on_a_machine_where_nothing_happens_ends_in_time():
    with machine(domains=[Domain("a", workload="idle")]) as one:
        one.run(5 * MS)
        before = one.now_ns
        assert one.step(3 * MS) == []
        assert one.now_ns == before + 3 * MS


def test_timeline_is_without_overlap_on_any_pcpu():
    with machine() as one:
        one.run(60 * MS)
        for pcpu in range(2):
            stays = [stay for stay in one.timeline() if stay["pcpu"] == pcpu]
            assert len(stays) > 2
            for earlier, later in zip(stays, stays[1:]):
                assert earlier["end_ns"] <= later["start_ns"]
        assert {stay["state"] for stay in one.timeline()} == {"running", "waiting"}


def test_same_seed_same_digest_and_another_seed_another():
    digests = []
    for seed in (5, 5, 6):
        with machine(seed=seed) as one:
            one.run(20 * MS)
            digests.append(one.digest)
    assert digests[0] == digests[1] != digests[2]


def test_snapshot_can_be_gone_back_to_and_leads_the_same_way():
    with machine() as one:
        one.run(7 * MS)
        one.step()
        here = one.snapshot()
        events = one.events()
        one.pause("a")
        one.run(20 * MS)
        first = one.digest
        one.go_back(here)
        assert (one.now_ns, one.digest, one.events()) == (here.now_ns, here.digest, events)
        one.run(20 * MS)
        assert one.digest != first
        one.go_back(here)
        one.pause("a")
        one.run(20 * MS)
        assert one.digest == first


def test_workload_that_is_different_each_time_is_found_out_by_going_back():
    forgotten = []

    def work(vcpu):
        forgotten.append(vcpu)
        while True:
            yield assay.compute(len(forgotten) * 100 * US)
            yield assay.sleep(100 * US)

    with machine(domains=[Domain("a", workload=work)]) as one:
        one.run(5 * MS)
        with pytest.raises(RuntimeError, match="led elsewhere"):
            one.go_back(one.snapshot())


def test_branch_plays_in_another_process():
    def work(vcpu):
        for turn in range(1000):
            yield assay.compute(1 * MS)
            yield assay.sleep(1 * MS)

    with machine(domains=[Domain("a", workload=work)]) as one:
        one.run(9 * MS)
        before = one.digest

        def explore(other):
            other.run(30 * MS)
            return other.digest

        there = one.branch(explore)
        assert one.digest == before
        one.run(30 * MS)
        assert one.digest == there
        with pytest.raises(ValueError, match="run: expected whole nanoseconds"):
            one.branch(lambda other: other.run(-1))


def test_pause_and_unpause():
    with machine() as one:
        one.run(5 * MS)
        one.pause("a")
        one.run(1 * MS)
        ran = one.vcpu("a")["ran_ns"]
        assert {vcpu["state"] for vcpu in one.vcpus() if vcpu["domain"] == "a"} == {"paused"}
        one.run(20 * MS)
        assert one.vcpu("a")["ran_ns"] == ran
        one.unpause("a")
        one.run(40 * MS)
        assert one.vcpu("a")["ran_ns"] > ran


def test_affinity_says_where_vcpus_run():
    with machine() as one:
        one.set_affinity("a", hard=[1])
        one.run(30 * MS)
        assert one.vcpu("a")["may_run_on"] == [1]
        assert {event["pcpu"] for event in one.events(1 * MS) if event["kind"] == "run" and event["domain"] == "a"} == {1}


def test_domains_come_and_go():
    with machine(domains=[Domain("a"), Domain("b", created=False)]) as one:
        assert one.vcpu("b")["state"] == "offline"
        one.create("b")
        one.run(10 * MS)
        assert one.vcpu("b")["ran_ns"] > 0
        one.destroy("b")
        assert one.vcpu("b")["state"] == "offline"


@pytest.mark.parametrize("wrong, text", [
    ({"pcpus": 0}, "'pcpus'"),
    ({"pcpus": 256}, "'pcpus'"),
    ({"domains": []}, "there must be at least one"),
    ({"domains": ["a"]}, "expected assay.Domain"),
    ({"domains": [Domain("a", vcpus=33)]}, "'vcpus'"),
    ({"domains": [Domain("a", workload="cpu-bund")]}, "did you mean cpu-bound"),
    ({"domains": [Domain("a", workload={"kind": "periodic", "work": -1, "period": 5})]}, "'work'"),
    ({"domains": [Domain("a", affinity=[7])]}, "affinity"),
    ({"domains": [Domain("a", workload=object())]}, "nothing that a scenario could have"),
    ({"scheduler": "credit3"}, "credit2"),
    ({"seed": -1}, "seed: expected a whole number"),
    ({"seed": "x"}, "seed: expected a whole number"),
    ({"fault": "sched.slice_never_end"}, "sched.slice_never_ends"),
    ({"fault": "sched.slice_never_ends", "core": "other.so"}, "only the bundled core"),
    ({"core": "no-such-core.so"}, "no-such-core.so"),
    ({"oracles": [3]}, "oracles: expected a class"),
])
def test_wrong_argument_is_a_value_error_that_names_it(wrong, text):
    with pytest.raises(ValueError) as raised:
        machine(**wrong)
    assert text in str(raised.value)
    assert "machine:1:" not in str(raised.value)


def test_wrong_calls_are_value_errors():
    with machine() as one:
        for call, text in [(lambda: one.run(0), "run:"), (lambda: one.run(1.5), "run:"),
                           (lambda: one.vcpu("c"), "no domain c"), (lambda: one.vcpu("a", 3), "no vCPU 3"),
                           (lambda: one.pause("c"), "no domain c"), (lambda: one.set_weight("a", 0), "'to'"),
                           (lambda: one.go_back("here"), "go_back:")]:
            with pytest.raises(ValueError, match=text):
                call()
        one.run(1 * MS)


def test_one_machine_at_a_time():
    with machine() as one:
        with pytest.raises(RuntimeError, match="close\\(\\) it first"):
            machine()
        one.run(1 * MS)
    with machine() as other:
        other.run(1 * MS)
    with pytest.raises(RuntimeError, match="closed"):
        other.run(1 * MS)


def test_core_without_domctls_is_refused_and_the_next_machine_lives():
    tiny = Path(assay.__file__).parents[2] / "bin" / "core_tiny.so"
    with pytest.raises(assay.Refused, match="ENOSYS"):
        machine(core=str(tiny))
    with machine() as next_one:
        next_one.run(1 * MS)


def test_core_that_does_not_boot_is_target_died():
    with pytest.raises(assay.TargetDied, match="sched=none: no such scheduler"):
        machine(options="sched=none")


def test_what_the_core_refuses_is_refused_and_the_machine_goes_on():
    with machine(domains=[Domain("a"), Domain("b", budget=1 * MS, period=5 * MS, created=False)]) as one:
        one.run(5 * MS)
        with pytest.raises(assay.Refused, match="knows no budget"):
            one.create("b")
        here = one.snapshot()
        one.run(5 * MS)
        assert one.vcpu("a")["ran_ns"] > 9 * MS
        one.go_back(here)
        assert one.digest == here.digest


def test_oracle_stops_the_machine_at_its_violation():
    class Never:
        kinds = {"block"}

        def on_event(self, event, view):
            if view.now_ns > 5 * MS:
                raise assay.Violation(f"{event.domain} blocks in state {view.vcpu(event.domain)['state']}")

    with machine(oracles=[Never]) as one:
        with pytest.raises(assay.Violation, match="Never: b blocks in state running"):
            one.run(100 * MS)
        assert 5 * MS < one.now_ns < 12 * MS
        assert "block" in [event["kind"] for event in one.events()[-3:]]
        one.run(10 * MS)


def test_exception_of_a_workload_comes_out_and_going_back_helps():
    def work(vcpu):
        yield assay.compute(2 * MS)
        raise KeyError("mine")

    with machine(domains=[Domain("a", workload=work)]) as one:
        here = one.snapshot()
        with pytest.raises(KeyError, match="mine"):
            one.run(10 * MS)
        with pytest.raises(RuntimeError, match="go_back"):
            one.run(1 * MS)
        one.go_back(here)
        one.run(1 * MS)
