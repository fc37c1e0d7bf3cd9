#include "tools/cli/command_line.hpp"

#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <set>
#include <string_view>

#include "conformance/runner/assemble.hpp"
#include "sim/input/input_error.hpp"
#include "sim/input/nearest.hpp"

namespace assay {
namespace {

constexpr unsigned kJobsMax = 256;
constexpr uint64_t kSeedMax = INT64_MAX;  // what every reader of JSON can hold
constexpr unsigned kCaseLimitMaxSeconds = 24 * 3600;
constexpr unsigned kRepeatsMax = 100;
constexpr const char* kFooter =
    "Exit codes: 0 all as expected; 1 unexpected result; 2 nothing worse than inconclusive; 64 bad usage or input "
    "file;\n"
    "69 target not available; 70 harness fault; 130 interrupted, with the results so far kept.";

struct Flags {
  GradeFlags grade;
  CheckFlags check;
  FuzzFlags fuzz;
  RunFlags run;
  RunFlags minimize;
  RunFlags generate;
  SaveFlags save;
  RestoreFlags restore;
  MigrateFlags migrate;
  TraceFlags trace;
  ReplayFlags replay;
  std::vector<std::string> list_select;
  RequirementFlags requirements;
  std::string fault_format = "text";
  ReportFlags report;
};

void add_grade(CLI::App& app, Flags& flags, ExitCode& code) {
  auto* grade = app.add_subcommand("grade", "Grade hypervisors: run the conformance cases and report");
  grade->add_option("--target", flags.grade.targets,
                    "hv (the bundled core), xen (the real one, under QEMU), FILE.so (a core) or connect:ADDRESS (a "
                    "running hypervisor's "
                    "console: HOST:PORT, or the path of a socket or terminal); repeatable. Default: hv, xen");
  grade->add_option("--restart", flags.grade.restart, "connect: shell command that resets the subject");
  grade
      ->add_option("--guest", flags.grade.guest,
                   "how guests run on a core: direct (fastest), or unicorn (the agent's machine code is executed)")
      ->capture_default_str()
      ->check(CLI::IsMember({"direct", "unicorn"}));
  grade->add_option("--fault", flags.grade.fault,
                    "hv: switch on a planted fault; `assay list faults` prints their names");
  grade->add_option("--select", flags.grade.select, "only cases whose id begins with this; repeatable");
  grade->add_option("--profile", flags.grade.profiles,
                    "what the target claims: grade the cases of this profile, none of which may be skipped; NAME or "
                    "FILE.yaml, repeatable");
  grade->add_option("--expect", flags.grade.expect, "file of known failures: case, verdict, reason, link");
  grade->add_option("--jobs", flags.grade.jobs, "worker processes per target")->check(CLI::Range(1u, kJobsMax));
  grade->add_option("--seed", flags.grade.seed, "root of every choice")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kSeedMax));
  grade->add_option("--case-limit", flags.grade.case_limit_s, "seconds of the host's time for one case, then TIMEOUT")
      ->check(CLI::Range(1u, kCaseLimitMaxSeconds));
  grade
      ->add_option(
          "--repeat-failures", flags.grade.repeat_failures,
          "xen, connect: play a case that fails unexpectedly so many times more, each on a fresh start; one that "
          "does not fail every time is INCONCLUSIVE (exit code 2 when nothing is worse) and listed as one that "
          "does not repeat. 0: never. Cores repeat themselves bit for bit, and nothing is played again there")
      ->capture_default_str()
      ->check(CLI::Range(0u, kRepeatsMax));
  grade->add_option("--out", flags.grade.out,
                    "folder for results.json, junit.xml, index.html and evidence; default assay-out/TARGET, "
                    "and assay-out/selected/TARGET with --select");
  grade->callback([&flags, &code] { code = run_grade(flags.grade); });
}

ExitCode run_check(const CheckFlags& flags) {
  if (flags.answers) return check_answers(flags);
  return flags.faults ? check_faults(flags) : check_properties(flags);
}

void add_check_of_properties(CLI::App& check, CheckFlags& given) {
  constexpr size_t kSequencesMax = 1'000'000, kLengthMax = 100'000;
  constexpr const char* kGroup = "Properties";
  check.add_option("--fault", given.fault, "hv: switch on a planted fault")->group(kGroup);
  check.add_option("--differential", given.differential, "A,B: two targets, on which the same must come of it")
      ->group(kGroup);
  check.add_option("--family", given.families, "only this one; repeatable")->group(kGroup);
  check.add_option("--sequences", given.sequences, "of each family and type of guest")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, kSequencesMax))
      ->group(kGroup);
  check.add_option("--length", given.length, "operations of a sequence")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, kLengthMax))
      ->group(kGroup);
  check.add_option("--play", given.play, "this sequence, as a failure prints it")->group(kGroup);
}

void add_check_of_faults(CLI::App& check, CheckFlags& given) {
  constexpr const char* kGroup = "Faults";
  check
      .add_option("--detectors", given.detectors,
                  "what looks for them, commas between: cases, properties, scenarios, fuzz, differential; default: all")
      ->delimiter(',')
      ->group(kGroup);
  check
      .add_option("--reference", given.reference,
                  "as for grade; one: the differential detector compares what cores do with what this one does")
      ->capture_default_str()
      ->group(kGroup);
}

void add_check(CLI::App& app, Flags& flags, ExitCode& code) {
  auto* check = app.add_subcommand("check",
                                   "Play random sequences of guest operations and compare with a model; or check the "
                                   "checkers: falsify answers, or plant faults, and see who notices");
  auto* answers = check->add_flag("--answers", flags.check.answers,
                                  "falsify one answer of the hypervisor at a time: which case notices?");
  check
      ->add_flag("--faults", flags.check.faults,
                 "switch on one planted fault of the bundled core at a time: what finds it?")
      ->excludes(answers);
  check->add_option("--target", flags.check.target, "as for grade; one")->capture_default_str();
  check->add_option("--select", flags.check.select,
                    "only cases whose id, or faults whose name, begins with this; repeatable");
  check->add_option("--jobs", flags.check.jobs, "worker processes")->check(CLI::Range(1u, kJobsMax));
  check->add_option("--seed", flags.check.seed, "root of every choice")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kSeedMax));
  check->add_option("--out", flags.check.out,
                    "answers: JSON file, case by case what was not noticed; faults: folder for faults.json and "
                    "faults.html; properties: folder for what fails as cases, ready to paste");
  add_check_of_properties(*check, flags.check);
  add_check_of_faults(*check, flags.check);
  check->callback([&flags, &code] { code = run_check(flags.check); });
}

void add_fuzz(CLI::App& app, Flags& flags, ExitCode& code) {
  FuzzFlags& mine = flags.fuzz;
  auto* fuzz =
      app.add_subcommand("fuzz", "Fuzz what reads foreign bytes, guided by coverage; goes on where it stopped");
  fuzz->add_option("TARGET", mine.names, "of --list; default: all, one after the other");
  fuzz->add_flag("--list", mine.list, "print the targets");
  fuzz->add_option(
          "--target", mine.target,
          "hv: all targets, guided by coverage; xen, FILE.so or connect:ADDRESS: raw hypercalls of guests there")
      ->capture_default_str();
  auto* coverage = fuzz->add_flag("--no-coverage", mine.is_blind,
                                  "--target xen: do not ask QEMU which of the hypervisor's code runs");
  fuzz->add_option("--fault", mine.fault, "raw hypercalls on hv with this planted fault switched on")
      ->excludes(coverage);
  fuzz->add_option("--replay", mine.replay, "run the input of a reproducer again");
  auto* time = fuzz->add_option("--time", mine.time_s, "seconds for each target")
                   ->capture_default_str()
                   ->check(CLI::Range(1u, 30u * 24 * 3600));
  fuzz->add_option("--runs", mine.runs, "inputs to try on each target, in place of the time")->excludes(time);
  fuzz->add_option("--jobs", mine.jobs, "fuzzers at a time, on one corpus")
      ->capture_default_str()
      ->check(CLI::Range(1u, kJobsMax));
  fuzz->add_option("--seed", mine.seed, "root of every choice")->capture_default_str()->check(CLI::Range(1u, 1u << 31));
  fuzz->add_option("--out", mine.out, "folder for corpora and reproducers; default assay-out/fuzz");
  fuzz->callback([&flags, &code] { code = run_fuzz(flags.fuzz); });
}

/// What the verbs that run a kernel have in common.
void add_kernel_options(CLI::App& verb, RunFlags& flags, const std::string& memory_words = "MiB of the guest") {
  constexpr uint64_t kMemoryMinMib = 4, kMemoryMaxMib = 1024;
  constexpr uint32_t kVcpusOfAKernel = 32;
  verb.add_option("--target", flags.target, "hv, or FILE.so (a core); for scenarios and agents, also xen")
      ->capture_default_str();
  verb.add_option("--type", flags.type, "boot protocol: pv64, pvh, or auto: what the kernel speaks, PVH first")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "pv64", "pvh"}));
  verb.add_option("--initrd", flags.initrd, "file that the kernel finds in its memory");
  verb.add_option("--cmdline", flags.command_line, "of the kernel");
  verb.add_option("--memory", flags.memory_mib, memory_words)
      ->capture_default_str()
      ->check(CLI::Range(kMemoryMinMib, kMemoryMaxMib));
  verb.add_option("--vcpus", flags.vcpus, "of the guest")
      ->capture_default_str()
      ->check(CLI::Range(1u, kVcpusOfAKernel));
  verb.add_option("--seed", flags.seed, "root of every choice")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kSeedMax));
  verb.add_option("--limit", flags.limit_ms, "ms of virtual time, after which the guest is left")
      ->capture_default_str();
}

constexpr const char* kWhatToRun =
    "`assay run` takes a kernel (an ELF file with Xen notes), or scenarios: FILE.yaml, several of them, or folders";

bool is_elf(const std::string& path) {
  constexpr std::string_view kMagic =
      "\x7f"
      "ELF";
  std::array<char, kMagic.size()> start{};
  std::ifstream file(path, std::ios::binary);
  return file.read(start.data(), start.size()) && std::string_view(start.data(), start.size()) == kMagic;
}

ExitCode run_kernel(const RunFlags& flags) {
  try {
    return run_guest(flags);
  } catch (const InputError& error) {
    if (is_elf(flags.kernel)) throw;
    throw InputError(fmt::format("{}; {}", error.what(), kWhatToRun));
  }
}

ExitCode run_named(RunFlags& flags) {
  const bool has_scenarios = std::ranges::any_of(flags.named, names_scenarios);
  if (has_scenarios) {
    if (!flags.record.empty()) throw InputError("--record is for a kernel; a scenario's seed is all that repeats it");
    const auto kernel = std::ranges::find_if_not(flags.named, names_scenarios);
    if (kernel != flags.named.end()) throw InputError(fmt::format("{}: no scenario; {}", *kernel, kWhatToRun));
    return run_scenarios(flags, flags.named);
  }
  if (flags.named.size() > 1) {
    throw InputError(fmt::format("{} and {}: one kernel at a time; {}", flags.named[0], flags.named[1], kWhatToRun));
  }
  flags.kernel = flags.named.front();
  const bool has_others =
      !flags.seeds.empty() || !flags.fault.empty() || !flags.out.empty() || flags.jobs != 0 || !flags.images.empty();
  if (has_others)
    throw InputError("--seeds, --fault, --out, --jobs and --images are for scenarios: FILE.yaml, or a folder of them");
  return run_kernel(flags);
}

void add_run(CLI::App& app, Flags& flags, ExitCode& code) {
  constexpr const char* kGroup = "Scenarios";
  RunFlags& mine = flags.run;
  auto* run = app.add_subcommand("run",
                                 "Boot a guest kernel: its console is printed, the same in every run; or play "
                                 "scenarios, and see whether the scheduler keeps what they promise");
  run->add_option("KERNEL-or-SCENARIO", mine.named,
                  "KERNEL: an ELF file with Xen notes. SCENARIO: FILE.yaml, several of them, or folders of them")
      ->required();
  add_kernel_options(*run, mine);
  run->add_option("--record", mine.record, "file from which `assay replay` repeats the run of a kernel");
  run->add_option("--images", mine.images,
                  "folder from which a scenario may take guest images, beside its own; repeatable")
      ->allow_extra_args(false)
      ->group(kGroup);
  run->add_option("--seeds", mine.seeds, "A..B: each of these seeds")->group(kGroup);
  run->add_option("--fault", mine.fault, "hv: switch on a planted fault")->group(kGroup);
  run->add_option("--jobs", mine.jobs, "worker processes")->check(CLI::Range(1u, kJobsMax))->group(kGroup);
  run->add_option("--out", mine.out, "folder for results.json, junit.xml, index.html and evidence")->group(kGroup);
  run->callback([&flags, &code] { code = run_named(flags.run); });
}

void add_minimize(CLI::App& app, Flags& flags, ExitCode& code) {
  RunFlags& mine = flags.minimize;
  auto* minimize =
      app.add_subcommand("minimize",
                         "Make a scenario that fails smaller, for as long as it fails for the same reason; exit code "
                         "64 when it does not fail at all");
  minimize->add_option("FILE", mine.kernel, "the scenario, FILE.yaml")->required();
  minimize->add_option("--seed", mine.seed, "with which it fails")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kSeedMax));
  minimize->add_option("--target", mine.target, "hv, or FILE.so (a core)")->capture_default_str();
  minimize->add_option("--fault", mine.fault, "hv: switch on a planted fault");
  minimize->add_option("--images", mine.images, "as for run")->allow_extra_args(false);
  minimize->add_option("--jobs", mine.jobs, "worker processes")->check(CLI::Range(1u, kJobsMax));
  minimize->add_option(
      "--out", mine.out,
      "FILE.yaml for what is left, or a folder for NAME.min.yaml and its picture; default: NAME.min.yaml");
  minimize->add_flag("--force", mine.force, "replace a file that is there");
  minimize->callback([&flags, &code] { code = minimize_scenario(flags.minimize); });
}

void add_generate(CLI::App& app, Flags& flags, ExitCode& code) {
  RunFlags& mine = flags.generate;
  auto* generate =
      app.add_subcommand("generate", "Write scenarios that nobody wrote: a machine of any size for each seed");
  generate->add_option("FOLDER", mine.out, "where to: generated-SEED.yaml")->required();
  generate->add_option("--seeds", mine.seeds, "A..B, both included; default: 1");
  generate->add_flag("--force", mine.force, "replace files that are there");
  generate->callback([&flags, &code] { code = generate_scenarios(flags.generate); });
}

constexpr uint64_t kAgentMemoryMib = 4, kAgentLimitMs = 10, kCheckpointsMax = 1000;

/// The agent needs no more, and each ms is one of the host's on the real Xen.
void set_agent_defaults(const CLI::App& verb, RunFlags& flags) {
  if (verb.count("--memory") == 0) flags.memory_mib = kAgentMemoryMib;
  if (verb.count("--limit") == 0) flags.limit_ms = kAgentLimitMs;
}

void add_save(CLI::App& app, Flags& flags, ExitCode& code) {
  SaveFlags& mine = flags.save;
  auto* save = app.add_subcommand(
      "save", "Run a guest, have it suspend itself, and save it as a migration stream, with which `restore` goes on");
  auto* kernel =
      save->add_option("KERNEL", mine.run.kernel, "ELF file with Xen notes, which can suspend itself: hv only");
  add_kernel_options(*save, mine.run,
                     fmt::format("MiB of the guest; with --guest {} when it is not given", kAgentMemoryMib));
  save->add_option("--guest", mine.guest, "in place of a KERNEL, our agent: pv64 or pvh; on any target")
      ->excludes(kernel)
      ->check(CLI::IsMember({"pv64", "pvh"}));
  save->add_option("--until", mine.until, "save it once its console has said this; otherwise when --limit has passed");
  auto* live =
      save->add_flag("--live", mine.way.is_live,
                     "with --guest pvh: send memory while it runs, then what it wrote meanwhile, and suspend it then");
  save->add_option("--checkpoints", mine.way.checkpoints,
                   "with --guest: so many states before the last one, after each of which it goes on")
      ->check(CLI::Range(uint64_t{1}, kCheckpointsMax))
      ->excludes(live)
      ->excludes(kernel);
  save->add_option("--out", mine.out, "file for the stream; what that does not say goes into FILE.json")->required();
  save->add_flag("--force", mine.force, "replace a file that is there");
  save->callback([&flags, &code, save] {
    if (!flags.save.guest.empty()) set_agent_defaults(*save, flags.save.run);
    code = save_guest(flags.save);
  });
}

void add_restore(CLI::App& app, Flags& flags, ExitCode& code) {
  RestoreFlags& mine = flags.restore;
  auto* restore = app.add_subcommand("restore", "Go on with a guest that was saved, on the same target or another one");
  restore->add_option("FILE", mine.file, "what `assay save` has written")->required();
  restore->add_option("--target", mine.target, "hv, xen, or FILE.so (a core)")->capture_default_str();
  restore->add_option("--limit", mine.limit_ms, "ms of the target's time, after which the guest is left");
  restore->add_option("--until", mine.until, "with --out: once its console has said this");
  restore->add_option("--out", mine.out, "save it again, when the time has passed");
  restore->add_flag("--force", mine.force, "replace a file that is there");
  restore->callback([&flags, &code] { code = restore_guest(flags.restore); });
}

constexpr uint64_t kMovesMax = 1'000'000;
/// Those that run, where two of the agent's do not.
constexpr uint32_t kMovedVcpusMax = 6;
/// The agent and a few pages that it writes need as many.
constexpr uint32_t kMovedPagesMin = 544, kMovedPagesMax = 32'768;

void add_moved_kernel(CLI::App& migrate, MigrateFlags& mine) {
  constexpr const char* kGroup = "A kernel";
  migrate.add_option(
      "KERNEL", mine.kernel.kernel,
      "in place of our agents, an ELF file with Xen notes that suspends itself when the store asks it to");
  migrate.add_option("--type", mine.kernel.type, "boot protocol: pv64, pvh, or auto")
      ->capture_default_str()
      ->check(CLI::IsMember({"auto", "pv64", "pvh"}))
      ->group(kGroup);
  migrate.add_option("--initrd", mine.kernel.initrd, "file that the kernel finds in its memory")->group(kGroup);
  migrate.add_option("--cmdline", mine.kernel.command_line, "of the kernel")->group(kGroup);
  migrate.add_option("--memory", mine.kernel.memory_mib, "MiB of the guest")->capture_default_str()->group(kGroup);
  migrate.add_option("--until", mine.until, "move it once its console has said this; otherwise after --interval")
      ->group(kGroup);
  migrate.add_option("--interval", mine.interval_ms, "ms of virtual time between two moves")
      ->capture_default_str()
      ->group(kGroup);
  migrate
      .add_option("--limit", mine.kernel.limit_ms, "ms of virtual time until it has said so, and after the last move")
      ->capture_default_str()
      ->group(kGroup);
}

void add_migrate(CLI::App& app, Flags& flags, ExitCode& code) {
  MigrateFlags& mine = flags.migrate;
  auto* migrate = app.add_subcommand("migrate",
                                     "Move busy domains between two simulated hosts, to and fro or with everything "
                                     "that can go wrong; without flags one "
                                     "move of each kind");
  migrate->add_option("--target", mine.target, "hv, or FILE.so (a core), of both hosts")->capture_default_str();
  migrate->add_option("--onto", mine.onto, "another core for the second host: hv or FILE.so");
  migrate->add_option("--fault", mine.fault,
                      "hv: switch on a planted fault, on both hosts unless --onto or --onto-fault says another thing");
  migrate->add_option("--onto-fault", mine.onto_fault, "hv: switch on a planted fault, on the second host");
  migrate->add_option("--guest", mine.guest, "pv64 or pvh; default: both")->check(CLI::IsMember({"pv64", "pvh"}));
  auto* live = migrate->add_flag("--live", mine.is_live, "domains that run meanwhile; default: both ways");
  migrate->add_flag("--suspended", mine.is_suspended, "domains that suspended themselves before")->excludes(live);
  auto* sweep = migrate->add_flag("--sweep", mine.is_sweep,
                                  "every fault at every part of the stream and every hypercall, one move each");
  migrate->add_option("--every", mine.every, "with --sweep: each so many-th point only")
      ->check(CLI::Range(uint64_t{1}, kMovesMax))
      ->needs(sweep);
  auto* random = migrate->add_option("--random", mine.random, "so many domains, each with another load and fault")
                     ->check(CLI::Range(uint64_t{1}, kMovesMax))
                     ->excludes(sweep);
  migrate->add_option("--moves", mine.moves, "so many moves, to and fro")
      ->check(CLI::Range(uint64_t{1}, kMovesMax))
      ->excludes(sweep)
      ->excludes(random);
  migrate
      ->add_option(
          "--point", mine.point,
          "what goes wrong in the first move, as a sweep names it; the domain moves once more afterwards, without")
      ->excludes(sweep)
      ->excludes(random);
  migrate
      ->add_option("--vcpus", mine.vcpus, "so many run; beyond one, another goes down meanwhile, and one never is up")
      ->capture_default_str()
      ->check(CLI::Range(1u, kMovedVcpusMax));
  migrate->add_option("--pages", mine.pages, "memory of the domain")
      ->capture_default_str()
      ->check(CLI::Range(kMovedPagesMin, kMovedPagesMax));
  migrate->add_option("--dirty-rate", mine.dirty_rate, "pages that it writes anew, per millisecond")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, uint64_t{100'000}));
  migrate->add_option("--rounds", mine.rounds, "live: rounds of pre-copy at most")
      ->capture_default_str()
      ->check(CLI::Range(0u, 100u));
  migrate->add_flag("--unicorn", mine.is_unicorn, "guests execute the agent's machine code");
  migrate->add_flag("--no-traffic", mine.no_traffic, "no third domain that shares events and memory with it");
  migrate->add_flag("--abrupt", mine.is_abrupt, "it suspends itself without letting go of what it shares");
  migrate->add_option("--seed", mine.seed, "root of every choice")
      ->capture_default_str()
      ->check(CLI::Range(uint64_t{0}, kSeedMax));
  migrate->add_option("--jobs", mine.jobs, "worker processes")->check(CLI::Range(1u, kJobsMax));
  migrate->add_option(
      "--out", mine.out,
      "folder for results.json, junit.xml, index.html and migration.html, which draws one of the moves");
  add_moved_kernel(*migrate, mine);
  migrate->callback([&flags, &code, migrate] {
    MigrateFlags& given = flags.migrate;
    given.kernel.vcpus = migrate->count("--vcpus") == 0 ? 1 : given.vcpus;
    given.kernel.target = given.target;
    given.kernel.seed = given.seed;
    code = given.kernel.kernel.empty() ? run_migrate(given) : migrate_kernel(given);
  });
}

void add_trace(CLI::App& app, Flags& flags, ExitCode& code) {
  TraceFlags& mine = flags.trace;
  auto* trace = app.add_subcommand(
      "trace", "Boot a guest kernel and print what happens between it and the hypervisor: a line an event");
  auto* kernel = trace->add_option("KERNEL", mine.run.kernel, "ELF file with Xen notes");
  add_kernel_options(*trace, mine.run);
  trace->add_option("--file", mine.file, "read the trace that --out has written, and run nothing")->excludes(kernel);
  trace->add_option("--out", mine.out, "file that keeps the trace");
  trace->add_option("--perfetto", mine.perfetto, "file for ui.perfetto.dev");
  trace->add_option("--last", mine.last, "print so many events only, the last ones");
  trace->add_option("--domain", mine.domain, "events of this domain only");
  trace->add_option("--from", mine.from_ns, "events from this time on only, in ns of virtual time");
  trace->add_option("--to", mine.to_ns, "events before this time only, in ns of virtual time");
  trace->add_option("--around", mine.around_ns,
                    "print the events around this time, in ns of virtual time, and the code that the nearest one left");
  trace->callback([&flags, &code] { code = run_trace(flags.trace); });
}

void add_replay(CLI::App& app, Flags& flags, ExitCode& code) {
  constexpr int kPortMax = 65535;
  auto* replay = app.add_subcommand(
      "replay", "Repeat a recorded run, and say where it differs; or look at it with gdb, forwards and backwards");
  replay->add_option("FILE", flags.replay.recording, "what `assay run --record` has written")->required();
  replay->add_option("--target", flags.replay.target, "hv, or FILE.so: another core than the recorded one");
  replay->add_option("--gdb", flags.replay.gdb_port, "port on 127.0.0.1 for gdb's `target remote`; 0: any")
      ->check(CLI::Range(0, kPortMax));
  replay->callback([&flags, &code] { code = replay_run(flags.replay); });
}

void add_list(CLI::App& app, Flags& flags, ExitCode& code) {
  auto* list = app.add_subcommand("list", "Print what there is");
  list->require_subcommand(1);
  auto* cases = list->add_subcommand("cases", "Every case, one a line");
  cases->add_option("--select", flags.list_select, "only cases whose id begins with this; repeatable");
  cases->callback([&flags, &code] { code = list_cases(flags.list_select); });
  auto* requirements = list->add_subcommand("requirements", "What the ABI demands, and how many cases answer to each");
  requirements->add_flag("--uncovered", flags.requirements.uncovered,
                         "only those that no case answers to, and why none can");
  requirements->add_option("--format", flags.requirements.format, "text, csv or openfasttrace (Markdown)")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "csv", "openfasttrace"}));
  requirements
      ->add_option("--results", flags.requirements.results,
                   "folders that `assay grade --out` has written: the last verdict of each case")
      ->expected(1, -1);
  requirements->callback([&flags, &code] { code = list_requirements(flags.requirements); });
  list->add_subcommand("profiles", "What a target may claim")->callback([&code] { code = list_profiles(); });
  auto* faults = list->add_subcommand("faults", "The planted faults of the bundled core");
  faults->add_option("--format", flags.fault_format, "text, csv or json")
      ->capture_default_str()
      ->check(CLI::IsMember({"text", "csv", "json"}));
  faults->callback([&flags, &code] { code = list_faults(flags.fault_format); });
  list->add_subcommand("differences", "Where the bundled core, models and requirements did not agree with the real Xen")
      ->callback([&code] { code = list_differences(); });
  list->add_subcommand("targets", "What can be graded here")->callback([&code] { code = list_targets(); });
}

void add_others(CLI::App& app, Flags& flags, ExitCode& code) {
  app.add_subcommand("doctor", "What this machine can run, and the command that installs what it lacks")
      ->callback([&code] { code = run_doctor(); });
  auto* report = app.add_subcommand("report", "Make index.html (and junit.xml, of one folder) from results.json");
  report->add_option("DIR", flags.report.folders, "folders that `assay grade --out` has written; several: side by side")
      ->required();
  report->add_option("--diff", flags.report.earlier,
                     "an earlier run: what regressed, was fixed, is new or gone; exit code 1 when something regressed");
  report->add_option("--out", flags.report.out,
                     "folder for index.html; default: DIR, assay-out/report for several, assay-out/diff with --diff");
  report->callback([&flags, &code] { code = run_report(flags.report); });
}

/// A word in the place of a verb that is none. The library would only say that one is required.
std::string unknown_verb(const CLI::App& app, int argc, const char* const* argv) {
  const CLI::App* verbs = &app;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word.empty() || word.front() == '-' || verbs->get_subcommands({}).empty()) return "";
    std::set<std::string> known;
    for (const CLI::App* verb : verbs->get_subcommands({})) known.insert(verb->get_name());
    if (!known.contains(word)) {
      return fmt::format("no such verb: {}; known are {}{}", word, fmt::join(known, ", "),
                         did_you_mean(nearest(known, word)));
    }
    verbs = verbs->get_subcommand(word);
  }
  return "";
}

/// The verb of the line, and the verb of that.
const CLI::App& parsed_verb(const CLI::App& app) {
  const std::vector<CLI::App*> verbs = app.get_subcommands();
  return verbs.empty() ? app : parsed_verb(*verbs.front());
}

std::string verb_in_words(const CLI::App& verb) {
  return verb.get_parent() == nullptr ? "assay" : verb_in_words(*verb.get_parent()) + " " + verb.get_name();
}

/// What is left of the line when all that the verb knows is taken.
std::string unknown_words(const CLI::App& app) {
  const CLI::App& verb = parsed_verb(app);
  std::set<std::string> known;
  for (const CLI::Option* option : verb.get_options()) {
    for (const std::string& name : option->get_lnames()) known.insert("--" + name);
  }
  const std::string word = app.remaining(true).front();
  const std::string what = verb_in_words(verb);
  if (!word.starts_with('-')) return fmt::format("{}: {}: one argument too many; {} --help", what, word, what);
  const std::string name = word.substr(0, word.find('='));
  return fmt::format("{}: no such option: {}{}; {} --help lists them", what, name, did_you_mean(nearest(known, name)),
                     what);
}

std::string whole_line(int argc, const char* const* argv) {
  std::string line = "tools/assay";
  for (int i = 1; i < argc; ++i) line += fmt::format(" {}", argv[i]);
  return line;
}

}  // namespace

int run_command_line(int argc, const char* const* argv) {
  CLI::App app(
      "Assay grades hypervisors: the same conformance cases against any implementation of the Xen hypercall ABI.",
      "assay");
  app.set_version_flag("--version", "assay " + suite_version());
  app.require_subcommand(1);
  app.footer(kFooter);
  Flags flags;
  flags.grade.command = flags.check.command = flags.run.command = flags.migrate.command = whole_line(argc, argv);
  ExitCode code = kExitExpected;
  add_grade(app, flags, code);
  add_check(app, flags, code);
  add_fuzz(app, flags, code);
  add_run(app, flags, code);
  add_minimize(app, flags, code);
  add_generate(app, flags, code);
  add_save(app, flags, code);
  add_restore(app, flags, code);
  add_migrate(app, flags, code);
  add_trace(app, flags, code);
  add_replay(app, flags, code);
  add_list(app, flags, code);
  add_others(app, flags, code);
  if (const std::string unknown = unknown_verb(app, argc, argv); !unknown.empty()) {
    fmt::print(stderr, "assay: {}\n", unknown);
    return kExitBadInput;
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ExtrasError&) {
    fmt::print(stderr, "{}\n", unknown_words(app));
    return kExitBadInput;
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kExitExpected : kExitBadInput;
  } catch (const InputError& error) {
    fmt::print(stderr, "assay: {}\n", error.what());
    return kExitBadInput;
  } catch (const std::exception& error) {
    fmt::print(stderr, "assay: harness fault: {}\n", error.what());
    return kExitHarness;
  }
  return code;
}

}  // namespace assay
