#include "sim/engine/core_trap.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <memory>
#include <stdexcept>
#include <vector>

namespace assay {
namespace {

constexpr size_t kPageBytes = 4096;

/// One read-only page that becomes writable when somebody writes to it.
class Page final : public WriteFaultTarget {
 public:
  Page() : data_(static_cast<uint8_t*>(mmap(nullptr, kPageBytes, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0))) {}
  Page(const Page&) = delete;
  Page& operator=(const Page&) = delete;
  ~Page() override { munmap(data_, kPageBytes); }

  bool on_write_fault(uintptr_t address) noexcept override {
    if (address - reinterpret_cast<uintptr_t>(data_) >= kPageBytes) return false;
    ++faults_;
    return mprotect(data_, kPageBytes, PROT_READ | PROT_WRITE) == 0;
  }
  void write() { *static_cast<volatile uint8_t*>(data_) = 1; }
  void close() { mprotect(data_, kPageBytes, PROT_READ); }
  [[nodiscard]] unsigned faults() const { return faults_; }

 private:
  uint8_t* data_;
  unsigned faults_ = 0;
};

/// The signal that ends a process which does `act`.
template <typename Act>
int fatal_signal_of(Act&& act) {
  const pid_t child = fork();
  if (child == 0) {
    const rlimit no_core{0, 0};
    setrlimit(RLIMIT_CORE, &no_core);
    if (freopen("/dev/null", "w", stderr) == nullptr) _exit(0);
    act();
    _exit(0);
  }
  int status = 0;
  waitpid(child, &status, 0);
  return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

TEST(WriteFaultScope, Write_IsSeenOnceAndGoesOn) {
  Page page;
  const WriteFaultScope scope(page);
  page.write();
  page.write();
  EXPECT_EQ(page.faults(), 1u);
}

TEST(WriteFaultScope, ManyFaults_AreAllSeen) {
  Page page;
  Page other;
  const WriteFaultScope scope(page);
  const WriteFaultScope other_scope(other);
  for (int i = 0; i < 1000; ++i) {
    page.write();
    page.close();
    other.write();
    other.close();
  }
  EXPECT_EQ(page.faults(), 1000u);
  EXPECT_EQ(other.faults(), 1000u);
}

TEST(WriteFaultScope, Errno_IsKept) {
  Page page;
  const WriteFaultScope scope(page);
  errno = ENOENT;
  page.write();
  EXPECT_EQ(errno, ENOENT);
}

TEST(WriteFaultScope, MoreThanItsLimit_IsRefused) {
  Page page;
  std::vector<std::unique_ptr<WriteFaultScope>> scopes;
  for (size_t i = 0; i < WriteFaultScope::kScopesMax; ++i) scopes.push_back(std::make_unique<WriteFaultScope>(page));
  EXPECT_THROW(const WriteFaultScope one_more(page), std::length_error);
  scopes.pop_back();
  const WriteFaultScope another(page);
}

TEST(WriteFaultScope, NobodysPage_StillEndsTheProcess) {
  Page page;
  Page nobodys;
  const WriteFaultScope scope(page);
  EXPECT_NE(fatal_signal_of([&] { nobodys.write(); }), 0);
  EXPECT_EQ(fatal_signal_of([&] { page.write(); }), 0);
}

}  // namespace
}  // namespace assay
