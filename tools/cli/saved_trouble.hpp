/// What keeps a guest from being saved or restored, as the verbs that do it tell it.
#pragma once

#include <functional>

#include "conformance/runner/exit_code.hpp"
#include "conformance/runner/interruption.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay {

/// Ctrl-C: thrown where things can be given up.
struct Stopped {};

/// Runs `work`, and says on standard error what it throws: nothing is left of the guest, nor of its files.
ExitCode tell_saved_trouble(const std::function<ExitCode()>& work);

/// Both throw Stopped in place of moving bytes once a signal has arrived.
class StoppableSink final : public migration::ByteSink {
 public:
  StoppableSink(migration::ByteSink& to, const Interruption& interruption) : to_(to), interruption_(interruption) {}
  void write(std::span<const std::byte> bytes) override;

 private:
  migration::ByteSink& to_;
  const Interruption& interruption_;
};

class StoppableSource final : public migration::ByteSource {
 public:
  StoppableSource(migration::ByteSource& from, const Interruption& interruption)
      : from_(from), interruption_(interruption) {}
  size_t read(std::span<std::byte> out) override;

 private:
  migration::ByteSource& from_;
  const Interruption& interruption_;
};

}  // namespace assay
