/// The verbs of the program.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "conformance/runner/exit_code.hpp"
#include "sim/saved/save_way.hpp"

namespace assay {

struct GradeFlags {
  std::vector<std::string> targets;  ///< empty: hv, then xen
  std::vector<std::string> select;
  std::string expect;
  std::string restart;           ///< connect: a shell command that resets the subject
  std::string guest = "direct";  ///< a core: how its guests run, "direct" or "unicorn"
  std::string fault;             ///< hv: the name of a planted fault
  std::string out;               ///< empty: assay-out/TARGET, and assay-out/selected/TARGET for a part of the suite
  unsigned jobs = 0;             ///< 0: as many as suit the target
  uint64_t seed = 1;
  unsigned case_limit_s = 0;          ///< 0: as suits the target
  unsigned repeat_failures = 2;       ///< tries more; only of what cannot repeat itself bit for bit
  std::vector<std::string> profiles;  ///< ids, or files; empty: what the target claims by itself, and the whole suite
  std::string command;                ///< the whole line, for the report
};

struct CheckFlags {
  bool answers = false;  ///< at most one of the two; neither: properties
  bool faults = false;
  std::string target = "hv";
  std::string fault;                   ///< properties, of hv: the name of a planted fault
  std::string differential;            ///< properties: two to compare, a comma between; then not `target`
  std::vector<std::string> select;     ///< beginnings of ids of cases, or of names of faults
  std::vector<std::string> families;   ///< properties; empty: all
  std::vector<std::string> detectors;  ///< faults; empty: all
  std::string reference = "xen";       ///< faults: the target whose traces the differential detector compares with
  std::string play;                    ///< properties: one sequence, instead of random ones
  size_t sequences = 200;              ///< properties: of each family and type of guest
  size_t length = 1000;                ///< properties: operations of each
  std::string out;    ///< answers: a file for what each case noticed; the others: a folder; empty: none
  unsigned jobs = 0;  ///< 0: as many as suit the target
  uint64_t seed = 1;
  std::string command;  ///< the whole line, for the report
};

struct FuzzFlags {
  std::vector<std::string> names;  ///< of targets; empty: all but the canary
  bool list = false;
  std::string replay;         ///< a reproducer; empty: fuzz
  std::string target = "hv";  ///< another: raw hypercalls on what grade takes
  std::string fault;          ///< hv: with this planted fault, raw hypercalls as well
  bool is_blind = false;      ///< xen: without coverage
  unsigned time_s = 60;
  std::optional<uint64_t> runs;  ///< in place of the time
  unsigned jobs = 1;
  unsigned seed = 1;
  std::string out;
};

struct RunFlags {
  std::string kernel;              ///< or a scenario
  std::vector<std::string> named;  ///< run: a kernel, or scenarios and folders of them
  std::string target = "hv";
  std::string type = "auto";  ///< "pv64", "pvh", or whatever the kernel speaks
  std::string initrd;
  std::string command_line;
  uint64_t memory_mib = 128;
  uint32_t vcpus = 1;
  uint64_t seed = 1;
  uint64_t limit_ms = 60'000;  ///< of virtual time
  std::string record;          ///< file for a recording; empty: none

  // Of scenarios.
  std::vector<std::string> images;  ///< folders of guest images
  std::string seeds;                ///< "A..B"; empty: `seed`
  std::string fault;                ///< hv: the name of a planted fault
  std::string out;                  ///< folder for results; empty: none
  bool force = false;               ///< what is in the way of `generate` and `minimize` is replaced
  unsigned jobs = 0;                ///< 0: as many as there are processors
  std::string command;              ///< the whole line, for the report
};

struct MigrateFlags {
  std::string target = "hv";
  std::string onto;   ///< the core of the second host; empty: the same
  std::string fault;  ///< hv: the name of a planted fault, on both hosts unless something is said of the second one
  std::string onto_fault;  ///< hv: on the second host
  std::string guest;       ///< "pv64" or "pvh"; empty: both
  bool is_live = false;
  bool is_suspended = false;  ///< neither: both
  bool is_sweep = false;
  uint64_t every = 1;  ///< sweep: each so many-th point
  uint64_t random = 0;  ///< so many moves of each kind with whatever chance has go wrong; 0: none
  uint64_t moves = 1;
  std::string point;   ///< what goes wrong in the first move; empty: nothing
  uint32_t vcpus = 2;  ///< that run
  uint32_t pages = 1024;
  uint64_t dirty_rate = 10;  ///< pages per millisecond of virtual time
  uint32_t rounds = 5;
  bool no_traffic = false;
  bool is_abrupt = false;  ///< domains do not let go of what they share
  uint64_t seed = 1;
  unsigned jobs = 0;  ///< 0: as many as there are processors
  std::string out;    ///< folder for a page; empty: none
  std::string command;
  bool is_unicorn = false;  ///< guests execute the agent's machine code

  // Of a kernel.
  RunFlags kernel;          ///< none: its `kernel` is empty
  std::string until;        ///< it is moved once its console has said this; empty: after interval_ms
  uint64_t interval_ms = 100;  ///< of virtual time, between two moves
};

struct ReplayFlags {
  std::string recording;
  std::string target;  ///< a core in the place of the recorded one; empty: that
  int gdb_port = -1;   ///< -1: no debugger; 0: any free port
};

struct TraceFlags {
  RunFlags run;
  std::string file;      ///< a trace that was kept; empty: the kernel is run
  std::string out;       ///< file for the trace; empty: none
  std::string perfetto;  ///< file for ui.perfetto.dev; empty: none
  uint64_t last = UINT64_MAX;
  std::optional<uint16_t> domain;  ///< none: all
  uint64_t from_ns = 0;
  uint64_t to_ns = UINT64_MAX;
  std::optional<uint64_t> around_ns;
};

struct SaveFlags {
  RunFlags run;       ///< of a kernel; target, vCPUs and seed of an agent, too
  std::string guest;  ///< in place of a kernel, the agent: "pv64" or "pvh"
  std::string until;  ///< text on the console; empty: the limit
  SaveWay way;
  std::string out;
  bool force = false;  ///< `out` may be there already
};

struct RestoreFlags {
  std::string file;
  std::string target = "hv";
  uint64_t limit_ms = 0;  ///< of the target's time; 0: until a kernel ends, and 10 ms of an agent
  std::string until;      ///< as for SaveFlags
  std::string out;        ///< empty: it is not saved again
  bool force = false;
};

struct RequirementFlags {
  bool uncovered = false;
  std::string format = "text";
  std::vector<std::string> results;  ///< folders of results.json, for the last verdicts
};

struct ReportFlags {
  std::vector<std::string> folders;
  std::string earlier;  ///< of --diff
  std::string out;
};

/// Each prints what it has to say, and throws InputError for what the user gave it.
ExitCode run_grade(const GradeFlags& flags);
ExitCode check_answers(const CheckFlags& flags);
ExitCode check_faults(const CheckFlags& flags);
ExitCode check_properties(const CheckFlags& flags);
ExitCode run_fuzz(const FuzzFlags& flags);
ExitCode run_guest(const RunFlags& flags);
/// A folder, or a YAML file.
bool names_scenarios(const std::string& path);
/// Of all files and folders that `named` are.
ExitCode run_scenarios(const RunFlags& flags, const std::vector<std::string>& named);
/// Writes what is left of a scenario that fails to the file `out`.
ExitCode minimize_scenario(const RunFlags& flags);
/// Writes a scenario for each of the seeds into the folder `out`.
ExitCode generate_scenarios(const RunFlags& flags);
/// Runs a guest, has it suspend itself, and writes it into a file; or goes on with it there.
ExitCode save_guest(const SaveFlags& flags);
ExitCode restore_guest(const RestoreFlags& flags);
/// Domains move between simulated hosts.
ExitCode run_migrate(const MigrateFlags& flags);
/// The same of a kernel: it is moved to and fro, and its console is printed.
ExitCode migrate_kernel(const MigrateFlags& flags);
ExitCode run_trace(const TraceFlags& flags);
ExitCode replay_run(const ReplayFlags& flags);
ExitCode list_cases(const std::vector<std::string>& select);
ExitCode list_requirements(const RequirementFlags& flags);
ExitCode list_profiles();
ExitCode list_faults(const std::string& format);
ExitCode list_differences();
ExitCode list_targets();
ExitCode run_doctor();
ExitCode run_report(const ReportFlags& flags);

/// Parses and runs. Never throws.
int run_command_line(int argc, const char* const* argv);

}  // namespace assay
