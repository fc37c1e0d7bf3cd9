/// One instruction, taken apart: for those that are emulated.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>

#include "sim/port/port.h"

namespace assay::unicorn {

enum class Operation : uint8_t {
  kOther,
  kReadControl,   ///< general <- control register `number`
  kWriteControl,  ///< control register `number` <- general
  kReadDebug,
  kWriteDebug,
  kLoadSegment,   ///< segment `number` <- operand
  kStoreSegment,  ///< operand <- segment `number`
  kPushFlags,
  kPopFlags,
  kLoadGdt,
  kLoadIdt,
  kLoadTask,
  kInterruptReturn,
  kFarReturn,
  kFarJump,  ///< to `selector`:`target`
  kHalt,
  kClearTaskSwitched,
  kInvalidatePage,
  kWriteBack,  ///< also what else has no effect here: lldt  ///< wbinvd, invd
  kReadMsr,
  kWriteMsr,
  kReadTime,  ///< rdtsc, rdtscp (then `number` is 1)
  kSwapGs,
  kIn,
  kOut,
  kPopCount,      ///< from `source`, or from memory, to `general`
  kSystemReturn,  ///< sysret; operand_bytes: 8 into 64-bit code
  kOutString,     ///< `number`: repeated; the data is at `address`
  kCpuid,
};

enum Segment : uint8_t { kEs, kCs, kSs, kDs, kFs, kGs };

struct Instruction {
  Operation operation = Operation::kOther;
  uint8_t bytes = 0;
  uint8_t number = 0;
  uint8_t operand_bytes = 0;
  uint64_t assay_regs::*general = nullptr;  ///< a register operand; null: memory at `address`
  uint64_t assay_regs::*source = nullptr;
  uint64_t address = 0;
  uint64_t target = 0;
  uint16_t selector = 0;
  uint16_t port = 0;
};

class Decoder {
 public:
  Decoder();
  Decoder(const Decoder&) = delete;
  Decoder& operator=(const Decoder&) = delete;
  ~Decoder();

  /// Nothing when the bytes are no whole instruction.
  std::optional<Instruction> decode(std::span<const uint8_t> code, const assay_regs& regs);

 private:
  struct Engine;
  std::unique_ptr<Engine> engine_;
};

}  // namespace assay::unicorn
