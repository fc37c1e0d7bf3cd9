/// One machine at a time in a process: a core may keep state of its own, and its machine has fixed addresses.
#pragma once

#include <memory>
#include <stdexcept>
#include <utility>

namespace assay::python {

/// Somebody who holds the machine of this process.
class Occupant {
 public:
  Occupant() {
    if (current() != nullptr) {
      throw std::runtime_error(
          "there is a machine in this process already, and a core has room for one: close() it first (sweep() plays in "
          "processes of their own)");
    }
    current() = this;
  }
  Occupant(const Occupant&) = delete;
  Occupant& operator=(const Occupant&) = delete;
  virtual ~Occupant() { leave(); }

  /// Gives up the machine; nothing can be done with it afterwards.
  virtual void close() = 0;
  /// Whoever holds it, closes: for a forked process.
  static void close_any() {
    if (current() != nullptr) current()->close();
  }

 protected:
  void leave() {
    if (current() == this) current() = nullptr;
  }

 private:
  static Occupant*& current() {
    static Occupant* occupant = nullptr;
    return occupant;
  }
};

/// A T with a machine, until it is closed.
template <typename T>
class Occupying final : public Occupant {
 public:
  template <typename... Args>
  explicit Occupying(Args&&... args) : held_(std::make_unique<T>(std::forward<Args>(args)...)) {}
  void close() override {
    held_.reset();
    leave();
  }
  T& operator*() {
    if (held_ == nullptr) throw std::runtime_error("it is closed");
    return *held_;
  }

 private:
  std::unique_ptr<T> held_;
};

}  // namespace assay::python
