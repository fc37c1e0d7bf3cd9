#include "sim/saved/saved_files.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>
#include <fstream>

#include "sim/input/input_error.hpp"

namespace assay {
namespace {

using ::testing::HasSubstr;
namespace fs = std::filesystem;

class SavedFiles : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string name = (fs::temp_directory_path() / "assay-saved-XXXXXX").string();
    ASSERT_NE(::mkdtemp(name.data()), nullptr);
    folder_ = name;
  }
  void TearDown() override { fs::remove_all(folder_); }

  [[nodiscard]] fs::path file() const { return folder_ / "guest"; }
  [[nodiscard]] const fs::path& folder() const { return folder_; }
  static SavedGuest guest() {
    SavedGuest saved;
    saved.agent = SavedAgent{1, 70, 0, 0};
    saved.saved_on = saved.made_by = "test";
    return saved;
  }
  static std::vector<std::byte> content(uint8_t value) { return std::vector<std::byte>(100'000, std::byte{value}); }
  void save(uint8_t value, bool replace = false) {
    SavedFilesWriter writer(file(), replace);
    writer.write(content(value));
    writer.commit(guest());
  }
  [[nodiscard]] std::vector<std::string> names() const {
    std::vector<std::string> all;
    for (const auto& entry : fs::directory_iterator(folder_)) all.push_back(entry.path().filename().string());
    std::ranges::sort(all);
    return all;
  }
  std::string refusal() {
    try {
      static_cast<void>(read_saved(file()));
    } catch (const InputError& error) {
      return error.what();
    }
    return "";
  }

 private:
  fs::path folder_;
};

TEST_F(SavedFiles, Committed_IsReadBack) {
  save(7);
  EXPECT_EQ(names(), (std::vector<std::string>{"guest", "guest.json"}));
  EXPECT_EQ(read_saved(file()).stream_bytes, 100'000u);
  FileSource source(file());
  std::vector<std::byte> got(100'001);
  EXPECT_EQ(source.read(got), 100'000u);
  got.pop_back();
  EXPECT_EQ(got, content(7));
}

TEST_F(SavedFiles, NotCommitted_LeavesNothing) {
  {
    SavedFilesWriter writer(file(), false);
    writer.write(content(1));
    EXPECT_EQ(names().size(), 1u);
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(SavedFiles, FileThatIsThere_StaysUnlessForced) {
  save(1);
  EXPECT_THROW(SavedFilesWriter(file(), false), InputError);
  fs::remove(file());
  EXPECT_THROW(SavedFilesWriter(file(), false), InputError) << "the note alone";
  save(2, true);
  {
    SavedFilesWriter given_up(file(), true);
    given_up.write(content(3));
  }
  EXPECT_EQ(refusal(), "") << "what was there stays until there is another";
  save(4, true);
  FileSource source(file());
  std::vector<std::byte> got(100'000);
  source.read(got);
  EXPECT_EQ(got, content(4));
}

TEST_F(SavedFiles, PlacesThatWillNotDo_AreRefused) {
  EXPECT_THROW(SavedFilesWriter(folder() / "none" / "guest", false), InputError);
  EXPECT_THROW(SavedFilesWriter(folder(), true), InputError);
  for (const char* const beside : {".json", ".partial", ".json.partial"}) {
    const fs::path in_the_way = file().string() + beside;
    fs::create_directory(in_the_way);
    EXPECT_THROW(SavedFilesWriter(file(), true), InputError) << beside;
    fs::remove(in_the_way);
  }
  EXPECT_TRUE(names().empty());
}

TEST_F(SavedFiles, WhatIsNoSavedGuest_IsToldWithWhatToDo) {
  save(1);
  const auto told = [](const fs::path& path) {
    try {
      static_cast<void>(read_saved(path));
    } catch (const InputError& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  EXPECT_THAT(told(note_of(file())), HasSubstr("name " + file().string()));
  const auto pipe = folder() / "pipe";
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  EXPECT_THAT(told(pipe), HasSubstr("no file but a folder, a pipe or a device"));
  EXPECT_THAT(told(folder()), HasSubstr("a folder; name a file that `assay save --out FILE` has written"));
}

TEST_F(SavedFiles, FullDisk_IsToldAndLeavesNothing) {
  const auto ignored = std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ASSERT_EQ(getrlimit(RLIMIT_FSIZE, &before), 0);
  const rlimit small{.rlim_cur = 4096, .rlim_max = before.rlim_max};
  ASSERT_EQ(setrlimit(RLIMIT_FSIZE, &small), 0);
  try {
    save(1);
    ADD_FAILURE() << "there was room";
  } catch (const CannotWrite& error) {
    EXPECT_THAT(error.what(), HasSubstr("guest.partial: File too large"));
  }
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, ignored);
  EXPECT_TRUE(names().empty());
}

TEST_F(SavedFiles, DamagedOnes_AreRefusedByWhatIsWrong) {
  EXPECT_THAT(refusal(), HasSubstr("there is no such file"));
  save(1);
  fs::resize_file(file(), 99'000);
  EXPECT_THAT(refusal(), HasSubstr("99000 bytes"));
  save(1, true);
  std::fstream(file(), std::ios::in | std::ios::out | std::ios::binary).seekp(5000).put('x');
  EXPECT_THAT(refusal(), HasSubstr("its checksum is"));
  fs::remove(note_of(file()));
  EXPECT_THAT(refusal(), HasSubstr("guest.json: not there"));
  std::ofstream(note_of(file())) << std::string(2 << 20, ' ');
  EXPECT_THAT(refusal(), HasSubstr("larger than 1 MiB"));
  fs::remove(note_of(file()));
  fs::create_directory(note_of(file()));
  EXPECT_THAT(refusal(), HasSubstr("cannot be read twice"));
}

}  // namespace
}  // namespace assay
