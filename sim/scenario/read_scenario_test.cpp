#include "sim/scenario/read_scenario.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "sim/input/input_error.hpp"
#include "sim/scenario/units.hpp"

namespace assay::scenario {
namespace {

using ::testing::HasSubstr;

const std::string kHead = "machine: {pcpus: 2}\nduration: 1s\n";
const std::string kDomains = "domains:\n- {name: a, workload: cpu-bound}\n- {name: b, vcpus: 2, workload: idle}\n";

std::string complaint(const std::string& text) {
  try {
    static_cast<void>(read_scenario("s.yaml", text));
    return "none";
  } catch (const InputError& error) {
    return error.what();
  }
}

std::string with(const std::string& more) {
  return complaint(kHead + kDomains + more);
}

TEST(ReadScenario, Smallest_IsRead) {
  const Scenario scenario = read_scenario("folder/s.yaml", kHead + kDomains);
  EXPECT_EQ(scenario.name, "s");
  EXPECT_EQ(scenario.pcpus, 2u);
  EXPECT_EQ(scenario.duration_ns, kNsPerS);
  ASSERT_EQ(scenario.pools.size(), 1u);
  EXPECT_EQ(scenario.pools[0].pcpus.count(), 2u);
  ASSERT_EQ(scenario.domains.size(), 2u);
  EXPECT_EQ(scenario.domains[1].vcpus.size(), 2u);
}

TEST(ReadScenario, UnknownKey_HasItsPlaceAndTheNearest) {
  EXPECT_THAT(complaint("machine: {pcpu: 2}\nduration: 1s\n"),
              HasSubstr("s.yaml:1:11: unknown key 'pcpu'; did you mean pcpus"));
  EXPECT_THAT(with("expect:\n- {shares: {of: a}}\n"),
              HasSubstr("s.yaml:7:4: unknown key 'shares'; did you mean share"));
}

TEST(ReadScenario, ImpossibleTopology_IsRefused) {
  EXPECT_THAT(complaint("machine: {pcpus: 5, sockets: 2, cores: 2}\nduration: 1s\n"),
              HasSubstr("sockets x cores x threads are 4"));
  EXPECT_THAT(complaint("machine: {pcpus: 4, nodes: 3}\nduration: 1s\n"), HasSubstr("divided among 3 nodes"));
  EXPECT_THAT(complaint("machine: {pcpus: 300}\nduration: 1s\n"), HasSubstr("1 to 255"));
  EXPECT_THAT(complaint("machine: {sockets: 200, cores: 200}\nduration: 1s\n"), HasSubstr("at most 255"));
}

TEST(ReadScenario, Nodes_AreEqualPartsOfTheMachine_AndPoolsAndDomainsMayNameThem) {
  const Scenario scenario = read_scenario(
      "s.yaml",
      "machine: {sockets: 2, cores: 2, threads: 2, nodes: 2}\nduration: 1s\npools:\n- {name: near, nodes: 1}\n"
      "- {name: far, pcpus: 0-3}\ndomains:\n- {name: a, nodes: 1, workload: idle}\n"
      "- {name: b, nodes: 0-1, soft_affinity: 4, workload: idle}\n");
  EXPECT_EQ(scenario.nodes, 2u);
  EXPECT_EQ(show_pcpus(scenario.pools[0].pcpus), "4-7");
  EXPECT_EQ(show_pcpus(*scenario.domains[0].soft), "4-7");
  EXPECT_EQ(show_pcpus(*scenario.domains[1].soft), "4");
  const auto machine = [](const std::string& text) { return complaint("machine: {" + text + "}\nduration: 1s\n"); };
  EXPECT_THAT(machine("cores: 3, threads: 2, nodes: 2"), HasSubstr("the threads of a core cannot be on two nodes"));
  EXPECT_THAT(machine("sockets: 3, cores: 2, nodes: 2"), HasSubstr("nodes are whole sockets, or equal parts of one"));
  EXPECT_THAT(machine("pcpus: 200, nodes: 100"), HasSubstr("from 1 to 64"));
  EXPECT_THAT(with("pools:\n- {name: x, nodes: 1}\n"), HasSubstr("there is no node 1: the machine has nodes 0 to 0"));
  EXPECT_THAT(with("pools:\n- {name: x}\n"), HasSubstr("either 'pcpus' or 'nodes'"));
}

TEST(ReadScenario, GuestImage_IsOfAGivenFolder_OrRefused) {
  const std::filesystem::path folder = std::filesystem::temp_directory_path() / "assay-image-folders-test";
  std::filesystem::create_directories(folder / "inner");
  std::ofstream(folder / "kernel.elf") << "x";
  std::filesystem::remove(folder / "inner" / "link.elf");
  std::filesystem::create_symlink(folder / "kernel.elf", folder / "inner" / "link.elf");
  const auto guest = [&](const std::string& kernel, const ImageFolders& folders) -> std::string {
    try {
      const Scenario scenario =
          read_scenario("s.yaml", kHead + "domains:\n- {name: a, guest: {kernel: " + kernel + "}}\n", folders);
      return scenario.domains[0].kernel->path.string();
    } catch (const InputError& error) {
      return error.what();
    }
  };
  EXPECT_EQ(guest("kernel.elf", {folder / "inner", folder}),
            std::filesystem::canonical(folder / "kernel.elf").string());
  EXPECT_EQ(guest("inner/../kernel.elf", {folder}), std::filesystem::canonical(folder / "kernel.elf").string());
  EXPECT_THAT(guest("kernel.elf", {}), HasSubstr("4:29: 'kernel': no folder is given"));
  EXPECT_THAT(guest("../kernel.elf", {folder / "inner"}), HasSubstr("leads out of the folders"));
  EXPECT_THAT(guest("link.elf", {folder / "inner"}), HasSubstr("leads out of the folders"));
  EXPECT_THAT(guest("/etc/passwd", {folder}), HasSubstr("leads out of the folders"));
  EXPECT_THAT(guest("none.elf", {folder}), HasSubstr("there is no file none.elf in " + folder.string()));
  EXPECT_THAT(guest("inner", {folder}), HasSubstr("there is no file inner"));
  std::filesystem::remove_all(folder);
}

TEST(ReadScenario, GuestImage_ExcludesWorkloads_AndOnlyItHasAConsole) {
  EXPECT_THAT(complaint(kHead + "domains:\n- {name: a, guest: {kernel: k}, workload: idle}\n"),
              HasSubstr("or 'guest'"));
  EXPECT_THAT(with("expect:\n- console: {of: a, contains: x}\n"), HasSubstr("domain a runs no 'guest'"));
  EXPECT_THAT(with("expect:\n- shutdown: {of: a, reason: powerof}\n"), HasSubstr("did you mean poweroff?"));
}

TEST(ReadScenario, OverlappingPools_AreRefused) {
  EXPECT_THAT(with("pools:\n- {name: x, pcpus: 0-1}\n- {name: y, pcpus: 1}\n"),
              HasSubstr("s.yaml:8:20: 'pcpus': pools overlap"));
}

TEST(ReadScenario, NegativeTime_IsRefused) {
  EXPECT_THAT(with("actions:\n- {at: -5ms, pause: a}\n"), HasSubstr("-5ms is a negative time"));
  EXPECT_THAT(with("actions:\n- {at: 5, pause: a}\n"), HasSubstr("5 is no time"));
}

TEST(ReadScenario, ExpectationThatCanNeverBeTold_IsRefused) {
  EXPECT_THAT(with("expect:\n- share: {of: a}\n"), HasSubstr("nothing could miss it"));
  EXPECT_THAT(with("expect:\n- share: {at_least: 1%}\n"), HasSubstr("lacks 'of'"));
  EXPECT_THAT(with("expect:\n- share: {of: a, at_least: 9%, at_most: 8%}\n"), HasSubstr("nothing could meet it"));
  EXPECT_THAT(with("expect:\n- share: {of: a, at_least: 9%, until: 2s}\n"), HasSubstr("over at 1s"));
  EXPECT_THAT(with("expect:\n- no_starvation: {longer_than: 1s}\n"), HasSubstr("longer than the window"));
  EXPECT_THAT(with("expect:\n- deadline_misses: {of: a}\n"), HasSubstr("none of these vCPUs has a periodic workload"));
  EXPECT_THAT(with("expect:\n- supply: {of: a, budget: 1ms, period: 600ms}\n"), HasSubstr("at least two periods"));
  EXPECT_THAT(
      complaint(kHead + "domains:\n- {name: a, budget: 1ms, period: 9ms, extratime: true, workload: cpu-bound}\n"
                        "expect:\n- supply: {of: a, budget: 1ms, period: 9ms, exact: true}\n"),
      HasSubstr("domain a has extra time: it may have more"));
  EXPECT_THAT(with("actions:\n- {at: 2s, pause: a}\n"), HasSubstr("never happens"));
}

TEST(ReadScenario, AKeyThatTheKindHasNot_IsRefused) {
  EXPECT_THAT(with("expect:\n- share: {of: a, at_least: 1%, percentile: 9%}\n"), HasSubstr("unknown key 'percentile'"));
}

TEST(ReadScenario, WhatEverySchedulerOfThatNameWouldRefuse_IsRefused) {
  const auto file = [](const std::string& scheduler, const std::string& domain, const std::string& rest = "") {
    return complaint("machine: {pcpus: 1}\nduration: 1s\nscheduler: {" + scheduler +
                     "}\ndomains:\n- {name: a, workload: cpu-bound" + domain + "}\n" + rest);
  };
  EXPECT_THAT(file("name: rtds", ", weight: 7"), HasSubstr("5:42: 'weight': only credit and credit2 have one"));
  EXPECT_THAT(file("name: credit2", ", cap: 101"), HasSubstr("domain a has 1 vCPUs: at most 100"));
  EXPECT_THAT(file("name: credit2", ", budget: 1ms, period: 2ms"), HasSubstr("only rtds has one"));
  EXPECT_THAT(file("name: rtds", ", budget: 9us, period: 2ms"), HasSubstr("at least 10us"));
  EXPECT_THAT(file("name: rtds", "", "actions:\n- {at: 1ms, cap: {domain: a, to: 5}}\n"),
              HasSubstr("no pool has a scheduler that knows a cap"));
  EXPECT_THAT(file("name: credit, timeslice: 1500us", ""), HasSubstr("whole milliseconds"));
  EXPECT_THAT(file("name: credit2, ratelimit: 99us", ""), HasSubstr("0, or from 100us to 500ms"));
  EXPECT_THAT(file("name: credit, timeslice: 1ms, ratelimit: 2ms", ""), HasSubstr("longer than the time slice, 1ms"));
}

TEST(ReadScenario, Interleaving_IsNone_ChangesOrAPace) {
  const auto spec = [](const std::string& text) {
    return read_scenario("s.yaml", kHead + "domains:\n- {name: a, workload: idle}\ninterleaving: " + text).interleaving;
  };
  EXPECT_FALSE(spec("none")->changes || spec("none")->one_in);
  EXPECT_EQ(spec("{changes: [7, 9000]}")->changes, (std::vector<uint64_t>{7, 9000}));
  EXPECT_EQ(spec("{one_in: 64}")->one_in, 64u);
  EXPECT_THAT(with("interleaving: some\n"), HasSubstr("expected none, {changes: [...]} or {one_in: N}"));
  EXPECT_THAT(with("interleaving: {one_in: 0}\n"), HasSubstr("0 is not a whole number from 1"));
  EXPECT_THAT(with("interleaving: {changes: [x]}\n"), HasSubstr("expected the number of a scheduling point"));
  EXPECT_THAT(with("interleaving: {changes: [1], one_in: 2}\n"), HasSubstr("either 'changes'"));
}

TEST(ReadScenario, WorkloadThatNeverYields_IsRefused) {
  const auto workload = [](const std::string& text) {
    return complaint(kHead + "domains:\n- {name: a, workload: " + text + "}\n");
  };
  EXPECT_THAT(workload("{kind: timer-storm, period: 1us}"), HasSubstr("it would never yield"));
  EXPECT_THAT(workload("{kind: lock, hold: 0ms, think: 1ms}"), HasSubstr("longer than 0"));
  EXPECT_THAT(workload("{kind: periodic, work: 5ms, period: 4ms}"), HasSubstr("no job could ever meet it"));
  EXPECT_THAT(workload("ping-pong"), HasSubstr("needs times"));
  EXPECT_THAT(workload("cpubound"), HasSubstr("did you mean cpu-bound?"));
  EXPECT_THAT(workload("{kind: ping-pong, work: 1us}"), HasSubstr("takes two"));
}

TEST(ReadScenario, NamesThatAreNotThere_AreRefusedWithTheNearest) {
  EXPECT_THAT(with("actions:\n- {at: 1ms, pause: aa}\n"), HasSubstr("there is no domain aa; did you mean a"));
  EXPECT_THAT(with("actions:\n- {at: 1ms, move: {domain: a, pool: al}}\n"),
              HasSubstr("there is no pool al; did you mean all?"));
  EXPECT_THAT(with("actions:\n- {at: 1ms, affinity: {domain: b, vcpu: 2, hard: 0}}\n"),
              HasSubstr("domain b has 2 vCPUs"));
  EXPECT_THAT(with("actions:\n- {at: 1ms, affinity: {domain: b, hard: 2}}\n"), HasSubstr("there is no pCPU 2"));
}

TEST(ReadScenario, HotPlugAndSleep_AreActions) {
  const Scenario scenario = read_scenario("test.yaml", kHead +
                                                           "domains:\n- {name: a, workload: idle}\nactions:\n"
                                                           "- {at: 1ms, offline: 1}\n- {at: 2ms, online: 1}\n"
                                                           "- {at: 3ms, suspend: {for: 5ms}}\n");
  ASSERT_EQ(scenario.actions.size(), 3u);
  EXPECT_EQ(scenario.actions[0].kind, Action::Kind::kOffline);
  EXPECT_EQ(scenario.actions[1].kind, Action::Kind::kOnline);
  EXPECT_EQ(scenario.actions[1].value, 1u);
  EXPECT_EQ(scenario.actions[2].kind, Action::Kind::kSuspend);
  EXPECT_EQ(scenario.actions[2].for_ns, 5 * kNsPerMs);
  EXPECT_THAT(complaint(kHead + "domains:\n- {name: a, workload: idle}\nactions:\n- {at: 1ms, offline: 0}\n"),
              HasSubstr("pCPU 0 is always online"));
  EXPECT_THAT(complaint(kHead + "domains:\n- {name: a, workload: idle}\nactions:\n- {at: 1ms, online: 2}\n"),
              HasSubstr("online"));
  EXPECT_THAT(complaint(kHead + "domains:\n- {name: a, workload: idle}\nactions:\n- {at: 1ms, suspend: {for: 2s}}\n"),
              HasSubstr("at most 1s"));
}

TEST(ReadScenario, Topology_IsKept) {
  const Scenario scenario = read_scenario(
      "test.yaml",
      "machine: {sockets: 2, cores: 3, threads: 2}\nduration: 1s\ndomains:\n- {name: a, workload: idle}\n");
  EXPECT_EQ(scenario.pcpus, 12u);
  EXPECT_EQ(scenario.cores_per_socket, 3u);
  EXPECT_EQ(scenario.threads_per_core, 2u);
}

TEST(ReadScenario, AffinityOutsideThePool_IsRefused) {
  EXPECT_THAT(complaint(kHead + "pools:\n- {name: x, pcpus: 0}\n- {name: y, pcpus: 1}\n"
                                "domains:\n- {name: a, pool: x, affinity: 1, workload: idle}\n"),
              HasSubstr("nothing could ever run"));
}

TEST(ReadScenario, WhatIsNoYaml_IsToldInWordsThatSayWhatToLookFor) {
  EXPECT_EQ(complaint("machine: {pcpus: 2\nduration: 1s\n"),
            "s.yaml:2:9: a '{' before has no '}', or a ',' lacks between two of its entries");
  EXPECT_THAT(complaint("machine:\n\tpcpus: 2\n"), HasSubstr("2:7: a tab in the indentation; use spaces"));
  EXPECT_THAT(complaint("about: a: b\n"), HasSubstr("1:9: a ':' where none can be; put a text"));
  EXPECT_THAT(complaint("about: %\n"), HasSubstr("1:8: a character with which nothing can begin"));
  EXPECT_THAT(complaint("about: *x\n"), HasSubstr("an '*' that refers to nothing"));
  EXPECT_THAT(complaint("%YAML 9\n---\n"), HasSubstr("this is not YAML ("));
}

TEST(ReadScenario, ClocksAndMemory_AreFaults_WithinBounds) {
  const Scenario scenario = read_scenario(
      "s.yaml", kHead + "faults: {clock_jitter: 50us, free_frames: 40}\n" + "domains:\n- {name: a, workload: idle}\n");
  EXPECT_EQ(scenario.faults.clock_jitter_ns, 50 * kNsPerUs);
  EXPECT_EQ(scenario.faults.free_frames, 40u);
  EXPECT_TRUE(scenario.faults.touches_hardware());
  EXPECT_THAT(with("faults: {clock_jitter: 2ms}\n"), HasSubstr("'clock_jitter': at most 1ms"));
  EXPECT_THAT(with("faults: {free_frames: few}\n"), HasSubstr("few is not a whole number"));
  EXPECT_THAT(with("faults: {clock_jiter: 2us}\n"), HasSubstr("did you mean clock_jitter?"));
}

TEST(ReadScenario, RefusalsThatCanNeverBe_AreRefused) {
  const std::string created = "actions:\n- {at: 1ms, create: a}\n";
  EXPECT_THAT(with(created + "expect:\n- refusals: {of: a, at_least: 1}\n"),
              HasSubstr("'faults' has no 'free_frames'"));
  EXPECT_THAT(with("faults: {free_frames: 1}\nexpect:\n- refusals: {of: a, at_least: 1}\n"),
              HasSubstr("no action creates these domains, and none has a grant-table"));
  EXPECT_THAT(with("faults: {free_frames: 1}\n" + created + "expect:\n- refusals: {of: a}\n"),
              HasSubstr("nothing could miss it"));
  EXPECT_EQ(with("faults: {free_frames: 1}\n" + created + "expect:\n- refusals: {of: a, at_least: 1}\n"), "none");
}

TEST(ReadScenario, MemoryWriter_HasRatePagesAndPattern_AndNobodyElseHas) {
  const auto workload = [](const std::string& text) {
    return complaint(kHead + "domains:\n- {name: a, workload: {kind: " + text + "}}\n");
  };
  EXPECT_EQ(workload("memory-writer, rate: 1000, pages: 10, pattern: random"), "none");
  EXPECT_THAT(workload("memory-writer, rate: 1000"), HasSubstr("lacks 'pages'"));
  EXPECT_THAT(workload("memory-writer, rate: 0, pages: 1"), HasSubstr("from 1 to 1000000"));
  EXPECT_THAT(workload("memory-writer, rate: 1, pages: 1, pattern: randon"), HasSubstr("did you mean random?"));
  EXPECT_THAT(workload("memory-writer, rate: 1, pages: 1, variation: 5%"), HasSubstr("a memory-writer has none"));
  EXPECT_THAT(workload("lock, hold: 1ms, think: 1ms, rate: 5"), HasSubstr("'rate': only a memory-writer has one"));
  EXPECT_THAT(complaint(kHead + "domains:\n- {name: a, vcpus: 2, workload: {kind: memory-writer, rate: 1, pages: "
                                "9000}}\n"),
              HasSubstr("have 18000 pages; at most 16384"));
  EXPECT_THAT(with("expect:\n- pages_written: {of: a, at_least: 1}\n"),
              HasSubstr("none of these vCPUs has a memory-writer"));
}

TEST(ReadScenario, MissingFile_IsInputError) {
  EXPECT_THROW(static_cast<void>(read_scenario_file("no-such-file.yaml")), InputError);
}

TEST(Units, AreExact) {
  EXPECT_EQ(parse_duration("1.5ms"), 1'500'000u);
  EXPECT_EQ(parse_duration("2h"), std::nullopt);
  EXPECT_EQ(parse_duration("3601s"), std::nullopt);
  EXPECT_EQ(parse_percent("45.5%"), 4550u);
  EXPECT_EQ(parse_percent("45"), std::nullopt);
  EXPECT_EQ(parse_pcpus("3-1"), std::nullopt);
  EXPECT_EQ(parse_pcpus(""), std::nullopt);
  EXPECT_EQ(show_pcpus(*parse_pcpus("0-3,8")), "0-3,8");
  EXPECT_EQ(show_duration(1'500'000), "1.5ms");
  EXPECT_EQ(show_percent(4550), "45.5%");
}

}  // namespace
}  // namespace assay::scenario
