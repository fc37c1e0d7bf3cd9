"""Scenarios, and sweeps over their seeds."""

import json
import os
import signal
import subprocess
import sys
import time

import pytest

import assay
from assay import MS, Scenario

BUSY = """
about: For tests.
machine: {pcpus: 2}
duration: 50ms
liveness: 100ms
domains:
  - {name: bursts, vcpus: 3, workload: {kind: interactive, run: 300us, sleep: 700us, variation: 50%}}
  - {name: pair, vcpus: 2, workload: {kind: ping-pong, work: 20us}}
actions:
  - {within: 10ms, until: 40ms, pause: pair}
  - {at: 45ms, unpause: pair}
"""


@pytest.fixture
def busy():
    return Scenario.from_text(BUSY, "busy.yaml")


def test_file_and_text_are_the_same(tmp_path, busy):
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY)
    other = Scenario(file)
    assert (other.name, other.about, other.pcpus, other.duration_ns) == ("busy", "For tests.", 2, 50 * MS)
    assert other.domains == [{"name": "bursts", "vcpus": 3}, {"name": "pair", "vcpus": 2}]
    assert other.run(3)["digest"] == busy.run(3)["digest"]


def test_error_has_its_place(tmp_path):
    file = tmp_path / "wrong.yaml"
    file.write_text("machine: {pcpus: 2}\nduration: 10ms\ndomains:\n  - {name: a, workloud: cpu-bound}\n")
    with pytest.raises(assay.ScenarioError) as raised:
        Scenario(file)
    error = raised.value
    assert (error.file, error.line, error.column) == (str(file), 4, 15)
    assert error.message.startswith("unknown key 'workloud'; did you mean workload")


def test_file_that_is_not_there_is_a_scenario_error():
    with pytest.raises(assay.ScenarioError, match="cannot be read") as raised:
        Scenario("no-such.yaml")
    assert raised.value.line is None


@pytest.mark.parametrize("seed", [0, 1, 7])
def test_same_digest_as_the_program(tmp_path, build, busy, seed):
    file = tmp_path / "busy.yaml"
    file.write_text(BUSY)
    subprocess.run([build / "bin" / "assay", "run", file, "--seed", str(seed), "--out", tmp_path / "out"], check=True,
                   capture_output=True)
    case, = json.loads((tmp_path / "out" / "results.json").read_text())["cases"]
    assert case["digest"] == busy.run(seed)["digest"]


def test_watching_changes_nothing(busy):
    class Looks:
        def on_event(self, event, view):
            view.vcpus()

    assert busy.run(2, oracles=[Looks], record=True)["digest"] == busy.run(2)["digest"]


def test_result_is_plain(busy):
    result = busy.run(1, record=True)
    assert result["verdict"] == "pass" and result["failed_ns"] is None
    assert json.loads(json.dumps(result)) == result
    assert result["switches"] > 100 and result["virtual_ns"] >= 150 * MS
    assert len(result["events"]) > 100 and len(result["timeline"]) > 100


def test_oracle_fails_the_run_with_its_text(busy):
    class Tired:
        name = "tired"

        def at_end(self, view):
            raise assay.Violation(f"enough after {view.now_ns // MS} ms")

    result = busy.run(1, oracles=[Tired])
    assert (result["verdict"], result["reason"]) == ("fail", "tired")
    assert result["message"].endswith("enough after 150 ms")
    assert 150 * MS <= result["failed_ns"] < 151 * MS


def test_oracle_may_keep_nothing_of_the_view(busy):
    kept = []

    class Keeps:
        def at_end(self, view):
            kept.append(view)

    busy.run(1, oracles=[Keeps])
    with pytest.raises(RuntimeError, match="the run is over"):
        kept[0].vcpus()


def test_oracle_with_a_mistake_ends_the_run_and_the_next_one_works(busy):
    class Broken:
        def on_event(self, event, view):
            view.vcpu("nobody")

    with pytest.raises(ValueError, match="no domain nobody"):
        busy.run(1, oracles=[Broken])
    assert busy.run(1)["verdict"] == "pass"


@pytest.mark.parametrize("oracle, text", [(type("Blind", (), {}), "neither on_event"),
                                          (type("Odd", (), {"kinds": ["runs"], "on_event": print}), "'runs'")])
def test_oracle_that_cannot_see_is_a_value_error(busy, oracle, text):
    with pytest.raises(ValueError, match=text):
        busy.run(1, oracles=[oracle])


def test_workload_takes_the_place_of_a_domains_own(busy):
    asked = []

    def work(vcpu):
        asked.append((vcpu.domain, vcpu.vcpu))
        yield assay.spin()

    assert busy.run(1, workloads={"bursts": work})["verdict"] == "pass"
    assert sorted(asked) == [("bursts", 0), ("bursts", 1), ("bursts", 2)]
    with pytest.raises(ValueError, match="no domain burst; did you mean bursts"):
        busy.run(1, workloads={"burst": work})


def test_core_that_cannot_is_a_skip():
    text = ("machine: {pcpus: 1}\nduration: 10ms\n"
            "domains:\n- {name: a, budget: 1ms, period: 5ms, workload: cpu-bound}\n")
    assert Scenario.from_text(text).run()["verdict"] == "skip"


def test_sweep_is_in_order_and_the_same_as_single_runs(busy):
    results = assay.sweep(busy, range(6, 0, -1), jobs=2)
    assert [result["seed"] for result in results] == [6, 5, 4, 3, 2, 1]
    assert results[3] == busy.run(3)


def test_sweep_ends_when_it_is_told(busy):
    results = assay.sweep(busy, range(1000), jobs=1, until=lambda result: result["seed"] == 3)
    assert [result["seed"] for result in results] == [0, 1, 2, 3]


def test_sweep_beside_a_machine(busy):
    with assay.Machine(domains=[assay.Domain("a")]) as one:
        assert assay.sweep(busy, [1], jobs=1)[0]["verdict"] == "pass"
        one.run(5 * MS)


def test_sweep_bounds_what_comes_to_no_end(busy):
    def work(vcpu):
        if vcpu.random.random() >= 0:
            time.sleep(60)
        yield assay.spin()

    begun = time.monotonic()
    result, = assay.sweep(busy, [1], limit_s=0.5, workloads={"pair": work})
    assert result["verdict"] == "timeout" and "0.5 s" in result["message"]
    assert time.monotonic() - begun < 10


def test_sweep_tells_what_a_workload_raised(busy):
    def work(vcpu):
        raise KeyError("mine")

    results = assay.sweep(busy, [1, 2], jobs=1, workloads={"pair": work})
    assert [result["verdict"] for result in results] == ["error", "error"]
    assert "KeyError: 'mine'" in results[0]["message"]


def test_sweep_whose_worker_is_killed_goes_on(busy):
    def work(vcpu):
        os.kill(os.getpid(), signal.SIGKILL)
        yield assay.spin()

    results = assay.sweep(busy, [1, 2], jobs=1, workloads={"pair": work})
    assert [result["verdict"] for result in results] == ["error", "error"]


@pytest.mark.parametrize("wrong", [{"seeds": [-1]}, {"jobs": 0}, {"limit_s": 0}, {"fault": "no.such"},
                                   {"scenario": "file.yaml"}])
def test_sweep_with_a_wrong_argument_is_a_value_error(busy, wrong):
    with pytest.raises(ValueError):
        assay.sweep(**{"scenario": busy, "seeds": [1], **wrong})


def interrupted(code):
    """What a program printed that got Ctrl-C once it had said that it is ready."""
    child = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    try:
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.5)
        child.send_signal(signal.SIGINT)
        return child.communicate(timeout=10)[0]
    finally:
        child.kill()
        child.wait()


def test_interrupted_machine_stops_and_goes_on():
    code = """
import assay
with assay.Machine(pcpus=2, domains=[assay.Domain("a", vcpus=4, workload={"kind": "timer-storm", "period": 20000})]) as one:
    print("ready", flush=True)
    try:
        while True:
            one.run(3600 * assay.S)
    except KeyboardInterrupt:
        here = one.snapshot()
        one.run(assay.MS)
        print(one.now_ns - here.now_ns >= assay.MS)
"""
    assert interrupted(code) == "True\n"


def test_interrupted_run_of_a_scenario_stops():
    text = ("machine: {pcpus: 1}\\nduration: 3600s\\n"
            "domains:\\n- {name: a, vcpus: 4, workload: {kind: timer-storm, period: 20us}}\\n")
    code = f"""
import assay
one = assay.Scenario.from_text("{text}")
print("ready", flush=True)
try:
    one.run()
except KeyboardInterrupt:
    print("stopped")
"""
    assert interrupted(code) == "stopped\n"


def test_interrupted_sweep_has_what_was_finished():
    code = f'''
import assay
busy = assay.Scenario.from_text("""{BUSY}""")
print("ready", flush=True)
try:
    assay.sweep(busy, range(100000), jobs=2)
except assay.Interrupted as interrupted:
    seeds = [result["seed"] for result in interrupted.results]
    print(0 < len(seeds) < 100000 and seeds == sorted(seeds))
'''
    assert interrupted(code) == "True\n"
