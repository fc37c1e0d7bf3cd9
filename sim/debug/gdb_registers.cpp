#include "sim/debug/gdb_registers.hpp"

#include <array>
#include <span>

#include "sim/debug/gdb_text.hpp"

namespace assay::debug {

namespace {

struct Row {
  const char* name;
  size_t bytes;
  const char* type;
  uint64_t Registers::*value;  ///< null: a register that we lack
};

constexpr const char* kInteger = "int64";
constexpr const char* kSmall = "int32";
constexpr const char* kCode = "code_ptr";
constexpr const char* kData = "data_ptr";
constexpr const char* kFloat = "i387_ext";

// The order within a feature and the order of the features are gdb's numbering.
constexpr std::array kCore = {
    Row{"rax", 8, kInteger, &Registers::rax}, Row{"rbx", 8, kInteger, &Registers::rbx},
    Row{"rcx", 8, kInteger, &Registers::rcx}, Row{"rdx", 8, kInteger, &Registers::rdx},
    Row{"rsi", 8, kInteger, &Registers::rsi}, Row{"rdi", 8, kInteger, &Registers::rdi},
    Row{"rbp", 8, kData, &Registers::rbp},    Row{"rsp", 8, kData, &Registers::rsp},
    Row{"r8", 8, kInteger, &Registers::r8},   Row{"r9", 8, kInteger, &Registers::r9},
    Row{"r10", 8, kInteger, &Registers::r10}, Row{"r11", 8, kInteger, &Registers::r11},
    Row{"r12", 8, kInteger, &Registers::r12}, Row{"r13", 8, kInteger, &Registers::r13},
    Row{"r14", 8, kInteger, &Registers::r14}, Row{"r15", 8, kInteger, &Registers::r15},
    Row{"rip", 8, kCode, &Registers::rip},    Row{"eflags", 4, "i386_eflags", &Registers::eflags},
    Row{"cs", 4, kSmall, &Registers::cs},     Row{"ss", 4, kSmall, &Registers::ss},
    Row{"ds", 4, kSmall, &Registers::ds},     Row{"es", 4, kSmall, &Registers::es},
    Row{"fs", 4, kSmall, &Registers::fs},     Row{"gs", 4, kSmall, &Registers::gs},
    Row{"st0", 10, kFloat, nullptr},          Row{"st1", 10, kFloat, nullptr},
    Row{"st2", 10, kFloat, nullptr},          Row{"st3", 10, kFloat, nullptr},
    Row{"st4", 10, kFloat, nullptr},          Row{"st5", 10, kFloat, nullptr},
    Row{"st6", 10, kFloat, nullptr},          Row{"st7", 10, kFloat, nullptr},
    Row{"fctrl", 4, "int", nullptr},          Row{"fstat", 4, "int", nullptr},
    Row{"ftag", 4, "int", nullptr},           Row{"fiseg", 4, "int", nullptr},
    Row{"fioff", 4, "int", nullptr},          Row{"foseg", 4, "int", nullptr},
    Row{"fooff", 4, "int", nullptr},          Row{"fop", 4, "int", nullptr},
};
constexpr std::array kSegments = {
    Row{"fs_base", 8, "int", &Registers::fs_base},
    Row{"gs_base", 8, "int", &Registers::gs_base},
};

/// The flags that have a name for gdb.
constexpr const char* kFlags = R"(<flags id="i386_eflags" size="4">
<field name="CF" start="0" end="0"/><field name="" start="1" end="1"/><field name="PF" start="2" end="2"/>
<field name="AF" start="4" end="4"/><field name="ZF" start="6" end="6"/><field name="SF" start="7" end="7"/>
<field name="TF" start="8" end="8"/><field name="IF" start="9" end="9"/><field name="DF" start="10" end="10"/>
<field name="OF" start="11" end="11"/><field name="NT" start="14" end="14"/><field name="RF" start="16" end="16"/>
<field name="VM" start="17" end="17"/><field name="AC" start="18" end="18"/><field name="VIF" start="19" end="19"/>
<field name="VIP" start="20" end="20"/><field name="ID" start="21" end="21"/>
</flags>
)";

const Row* row_of(uint64_t number) {
  if (number < kCore.size()) return &kCore[number];
  number -= kCore.size();
  return number < kSegments.size() ? &kSegments[number] : nullptr;
}

std::string encode(const Row& row, const Registers& registers) {
  if (row.value == nullptr) return std::string(2 * row.bytes, 'x');
  return hex_little_endian(registers.*row.value, row.bytes);
}

std::string describe(std::span<const Row> rows) {
  std::string text;
  for (const Row& row : rows) {
    text += std::string("<reg name=\"") + row.name + "\" bitsize=\"" + std::to_string(8 * row.bytes) + "\" type=\"" +
            row.type + "\"/>\n";
  }
  return text;
}

}  // namespace

std::string target_description() {
  return std::string(
             "<?xml version=\"1.0\"?>\n<!DOCTYPE target SYSTEM \"gdb-target.dtd\">\n<target version=\"1.0\">\n") +
         "<architecture>i386:x86-64</architecture>\n<osabi>none</osabi>\n" +
         "<feature name=\"org.gnu.gdb.i386.core\">\n" + kFlags + describe(kCore) + "</feature>\n" +
         "<feature name=\"org.gnu.gdb.i386.segments\">\n" + describe(kSegments) + "</feature>\n</target>\n";
}

std::string encode_registers(const Registers& registers) {
  std::string text;
  for (uint64_t number = 0; const Row* row = row_of(number); ++number) text += encode(*row, registers);
  return text;
}

std::optional<std::string> encode_register(const Registers& registers, uint64_t number) {
  const Row* row = row_of(number);
  if (row == nullptr) return std::nullopt;
  return encode(*row, registers);
}

bool decode_registers(std::string_view digits, Registers& registers) {
  Registers decoded = registers;
  for (uint64_t number = 0; const Row* row = row_of(number); ++number) {
    const std::string_view mine = digits.substr(0, 2 * row->bytes);
    if (mine.size() != 2 * row->bytes) return false;
    digits.remove_prefix(mine.size());
    if (row->value != nullptr && !decode_register(mine, number, decoded)) return false;
  }
  if (!digits.empty()) return false;
  registers = decoded;
  return true;
}

bool decode_register(std::string_view digits, uint64_t number, Registers& registers) {
  const Row* row = row_of(number);
  if (row == nullptr || row->value == nullptr || digits.size() != 2 * row->bytes) return false;
  const auto value = little_endian_of_hex(digits);
  if (!value) return false;
  registers.*row->value = *value;
  return true;
}

}  // namespace assay::debug
