/// A saved guest as two files: FILE, a migration stream as everybody reads it, and FILE.json, what the stream does not
/// say and a checksum over it.
#pragma once

#include <xxhash.h>

#include <filesystem>
#include <memory>

#include "sim/saved/saved_guest.hpp"
#include "sim/toolstack/migration/byte_channel.hpp"

namespace assay {

/// The files cannot be written: says which, why and what to do.
class CannotWrite : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

class StreamHash {
 public:
  StreamHash();
  void add(std::span<const std::byte> bytes);
  /// 32 hexadecimal digits.
  [[nodiscard]] std::string text() const;
  [[nodiscard]] uint64_t bytes() const { return bytes_; }

 private:
  struct Free {
    void operator()(XXH3_state_t* state) const { XXH3_freeState(state); }
  };
  std::unique_ptr<XXH3_state_t, Free> state_;
  uint64_t bytes_ = 0;
};

/// Takes a stream, in a file of another name in the same folder, which is gone with the object unless commit() has
/// given both files their names.
class SavedFilesWriter final : public migration::ByteSink {
 public:
  /// InputError: there is such a file already and `replace` is false, or its folder is not there or not writable.
  SavedFilesWriter(std::filesystem::path file, bool replace);
  SavedFilesWriter(const SavedFilesWriter&) = delete;
  SavedFilesWriter& operator=(const SavedFilesWriter&) = delete;
  ~SavedFilesWriter() override;

  /// CannotWrite, as for commit().
  void write(std::span<const std::byte> bytes) override;
  /// Size and checksum are filled in. On the disk afterwards; the files that were there before stay until then.
  void commit(SavedGuest guest);

 private:
  void put(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) const;
  [[noreturn]] void fail(const std::filesystem::path& path) const;

  std::filesystem::path file_, partial_, partial_note_;
  int fd_ = -1;
  StreamHash hash_;
};

/// FILE.json.
std::filesystem::path note_of(const std::filesystem::path& file);

/// Reads the note and checks the whole stream against it. InputError says what is missing, damaged or cut.
SavedGuest read_saved(const std::filesystem::path& file);

/// The stream of read_saved, from its beginning.
class FileSource final : public migration::ByteSource {
 public:
  /// InputError when it cannot be read.
  explicit FileSource(const std::filesystem::path& file);
  FileSource(const FileSource&) = delete;
  FileSource& operator=(const FileSource&) = delete;
  ~FileSource() override;
  size_t read(std::span<std::byte> out) override;

 private:
  std::string name_;
  int fd_;
};

}  // namespace assay
