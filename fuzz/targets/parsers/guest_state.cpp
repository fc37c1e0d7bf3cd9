/// What guests leave in registers and memory for the simulator to read: page tables, arguments, code, mailboxes.
#include <algorithm>
#include <array>
#include <memory>

#include "fuzz/targets/entropy.hpp"
#include "fuzz/targets/fuzz_target.hpp"
#include "sim/abi/describe.hpp"
#include "sim/abi/describe_call.hpp"
#include "sim/guest/memory/guest_memory.hpp"
#include "sim/guest/unicorn/decoder.hpp"
#include "sim/guest/unicorn/disassembly.hpp"
#include "sim/target/agent/mailbox_memory.hpp"

namespace assay::fuzz {
namespace {

constexpr uint64_t kFrames = 8;
constexpr uint64_t kNumbers = 64;
constexpr uint64_t kCommands = 128;

/// Page tables of the input in a few frames, most entries of which lead to one of them.
std::vector<uint64_t> tables_of(InputReader& input) {
  constexpr uint64_t kEntries = kPageSize / sizeof(uint64_t);
  std::vector<uint64_t> memory(kFrames * kEntries);
  for (auto left = input.number<uint8_t>(); left != 0 && !input.is_empty(); --left) {
    const uint64_t place = input.number<uint8_t>() % kFrames * kEntries + input.number<uint8_t>() % 8 * 73 % kEntries;
    const uint64_t wild = input.number<uint8_t>() == 0 ? input.number<uint64_t>() : 0;
    memory[place] = wild ^ (uint64_t{input.number<uint8_t>()} % (kFrames + 2) << kPageShift | input.number<uint16_t>());
  }
  return memory;
}

/// Reads and writes through whatever tables there are stay within memory, and a translation that says so holds.
void walk(std::string_view bytes) {
  InputReader input(bytes);
  std::vector<uint64_t> tables = tables_of(input);
  auto* const memory = reinterpret_cast<uint8_t*>(tables.data());
  assay_regs regs{};
  regs.cr3 = input.number<uint8_t>() % (kFrames + 1) << kPageShift;
  regs.cr0 = (input.number<uint8_t>() & 1 ? 1ull << 31 : 0) | 1ull << 16;
  regs.cpl = input.number<uint8_t>() & 1 ? 3 : 0;
  assay_run run{};
  run.mode = input.number<uint8_t>() & 1 ? ASSAY_MODE_HVM : ASSAY_MODE_PV64;
  run.stage2_root = input.number<uint8_t>() % (kFrames + 1);
  run.regs = &regs;
  GuestMemory guest(memory, kFrames);
  guest.use(run);
  while (!input.is_empty()) {
    const uint64_t va = input.number<uint16_t>() * 0x8040'2010'0800ull + input.number<uint16_t>();
    const auto access = static_cast<assay_access>(1u << input.number<uint8_t>() % 3);
    MemoryMiss miss;
    const uint8_t* const at = guest.reach(va, access, miss);
    must(at == nullptr || (at >= memory && at < memory + kFrames * kPageSize), "an address leads into memory");
    uint64_t word = 0;
    static_cast<void>(guest.load(va, word, miss));
    static_cast<void>(guest.store(va, ~word, miss));
  }
}

void describe(std::string_view bytes) {
  InputReader input(bytes);
  const uint64_t number = input.number<uint8_t>();
  std::array<uint64_t, 6> arguments{};
  for (uint64_t& each : arguments)
    each = input.number<uint8_t>() & 1 ? input.number<uint64_t>() : input.number<uint8_t>();
  const std::string_view rest = input.rest();
  const std::span<const std::byte> argument = std::as_bytes(std::span(rest));
  must(!describe_call(number, arguments, argument).empty(), "every call has a description");
  must(argument_count(number) <= arguments.size(), "no more registers than there are");
  static_cast<void>(argument_bytes(number, arguments));
  static_cast<void>(describe_argument(number, arguments[0], argument));
}

void decode(std::string_view bytes) {
  InputReader input(bytes);
  assay_regs regs{};
  regs.rip = 0x1000;
  regs.rax = input.number<uint64_t>();
  regs.code_bits = std::array<uint8_t, 3>{16, 32, 64}[input.number<uint8_t>() % 3];
  const std::string_view code = input.rest();
  static unicorn::Decoder decoder;
  const auto* const start = reinterpret_cast<const uint8_t*>(code.data());
  if (const auto instruction = decoder.decode({start, code.size()}, regs)) {
    must(instruction->bytes <= code.size(), "an instruction lies in its code");
  }
  size_t length = 0;
  for (const auto& line : unicorn::disassemble(std::as_bytes(std::span(code)), regs.rip, regs.code_bits)) {
    length += line.bytes;
  }
  must(length <= code.size(), "instructions lie in the code");
}

/// An agent that writes whatever it likes into its mailbox, while the harness uses it.
void read_mailbox(std::string_view bytes) {
  InputReader input(bytes);
  std::vector<std::byte> mailbox(ASSAY_MAILBOX_BYTES);
  agents::MailboxMemory::Frames frames{};
  for (size_t i = 0; i < frames.size(); ++i) frames[i] = reinterpret_cast<uint8_t*>(mailbox.data() + i * kPageSize);
  agents::MailboxMemory memory(frames);
  std::vector<std::byte> out(input.number<uint16_t>());
  while (!input.is_empty()) {
    GuestRequest request;
    request.op = ASSAY_OP_READ;
    request.out = out;
    memory.post(request);
    const size_t at = 128 + input.number<uint8_t>() % 128;
    const std::string_view text = input.text(input.number<uint8_t>() % 64);
    std::copy_n(reinterpret_cast<const std::byte*>(text.data()), text.size(),
                mailbox.begin() + static_cast<ptrdiff_t>(at));
    static_cast<void>(memory.has_replied());
    GuestReply reply;
    try {
      memory.take(reply);
    } catch (const TargetDied&) {  // it says that the agent is no agent
    }
    must(!memory.in_flight(), "a reply ends an operation");
  }
}

/// Every number and sub-operation of the ABI, as `describe` reads them.
std::vector<std::string> calls() {
  std::vector<std::string> all;
  for (uint64_t number = 0; number < kNumbers; ++number) {
    for (uint64_t command = 0; command < kCommands; ++command) {
      if (!operation_name(number, command)) continue;
      all.push_back({static_cast<char>(number), 0, static_cast<char>(command)});
    }
  }
  return all;
}

const FuzzTarget kWalk{{
    .name = "page_walk",
    .reads = "page tables of guests, of both stages",
    .run = walk,
    .bytes_max = 1024,
}};

const FuzzTarget kDescribe{{
    .name = "call_text",
    .reads = "hypercalls and their arguments, to be put into words",
    .run = describe,
    .bytes_max = 512,
    .words = calls,
}};

const FuzzTarget kDecode{{
    .name = "code",
    .reads = "instructions that are emulated, or shown",
    .run = decode,
    .bytes_max = 64,
}};

const FuzzTarget kMailbox{{
    .name = "mailbox",
    .reads = "mailboxes of agents that have gone mad",
    .run = read_mailbox,
    .bytes_max = 1024,
}};

}  // namespace
}  // namespace assay::fuzz
