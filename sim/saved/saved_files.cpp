#include "sim/saved/saved_files.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "sim/input/input_error.hpp"

namespace assay {

namespace {

constexpr uint64_t kNoteBytesMax = 1 << 20;
constexpr size_t kChunkBytes = 1 << 20;
constexpr mode_t kMode = 0644;

std::filesystem::path with_suffix(std::filesystem::path path, const std::string& suffix) {
  path += suffix;
  return path;
}

std::filesystem::path folder_of(const std::filesystem::path& file) {
  const std::filesystem::path folder = file.parent_path();
  return folder.empty() ? "." : folder;
}

/// The names in a folder are on the disk, too.
bool sync_folder(const std::filesystem::path& folder) {
  const int fd = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) return false;
  const bool is_done = ::fsync(fd) == 0;
  ::close(fd);
  return is_done;
}

/// What is read is read again, and opening a pipe would wait for whoever writes to it.
void require_regular(const std::filesystem::path& file) {
  std::error_code error;
  if (std::filesystem::is_regular_file(file, error)) return;
  throw InputError(
      fmt::format("{}: cannot be read twice, as it is no file but a folder, a pipe or a device", file.string()));
}

std::string read_note(const std::filesystem::path& note) {
  const std::filesystem::path stream = std::filesystem::path(note).replace_extension();
  std::error_code error;
  if (!std::filesystem::exists(note, error)) {
    throw InputError(
        fmt::format("{}: not there; it says what the stream does not, and `assay save` writes it beside {}. Copy both",
                    note.string(), stream.string()));
  }
  require_regular(note);
  FileSource source(note);
  std::string text(kNoteBytesMax + 1, '\0');
  text.resize(source.read(std::as_writable_bytes(std::span(text))));
  if (text.size() > kNoteBytesMax)
    throw InputError(fmt::format("{}: larger than 1 MiB; it is no note of `assay save`", note.string()));
  return text;
}

}  // namespace

StreamHash::StreamHash() : state_(XXH3_createState()) {
  if (state_ == nullptr || XXH3_128bits_reset(state_.get()) != XXH_OK) throw std::bad_alloc();
}

void StreamHash::add(std::span<const std::byte> bytes) {
  XXH3_128bits_update(state_.get(), bytes.data(), bytes.size());
  bytes_ += bytes.size();
}

std::string StreamHash::text() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(state_.get());
  return fmt::format("{:016x}{:016x}", hash.high64, hash.low64);
}

std::filesystem::path note_of(const std::filesystem::path& file) {
  return with_suffix(file, ".json");
}

SavedFilesWriter::SavedFilesWriter(std::filesystem::path file, bool replace)
    : file_(std::move(file)),
      partial_(with_suffix(file_, ".partial")),
      partial_note_(with_suffix(note_of(file_), ".partial")) {
  std::error_code error;
  for (const std::filesystem::path& path : {file_, note_of(file_), partial_, partial_note_}) {
    if (!std::filesystem::is_directory(path, error)) continue;
    throw InputError(fmt::format("{}: a folder; name a file that can have this one beside it", path.string()));
  }
  for (const std::filesystem::path& path : {file_, note_of(file_)}) {
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error)) {
      throw InputError(
          fmt::format("{}: there already, and no file that could be replaced; name another", path.string()));
    }
    if (!replace && std::filesystem::exists(std::filesystem::symlink_status(path, error))) {
      throw InputError(fmt::format("{}: there already; --force replaces it", path.string()));
    }
  }
  fd_ = ::open(partial_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (fd_ < 0) {
    throw InputError(fmt::format("{}: cannot be written: {}; check the folder and its rights", partial_.string(),
                                 std::strerror(errno)));
  }
}

SavedFilesWriter::~SavedFilesWriter() {
  if (fd_ < 0) return;
  ::close(fd_);
  std::error_code error;
  std::filesystem::remove(partial_, error);
  std::filesystem::remove(partial_note_, error);
}

void SavedFilesWriter::fail(const std::filesystem::path& path) const {
  throw CannotWrite(fmt::format("{}: {}; nothing is kept of it: make room there, or name another folder", path.string(),
                                std::strerror(errno)));
}

void SavedFilesWriter::put(int fd, std::span<const std::byte> bytes, const std::filesystem::path& path) const {
  while (!bytes.empty()) {
    const ssize_t put = ::write(fd, bytes.data(), bytes.size());
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) fail(path);
    bytes = bytes.subspan(static_cast<size_t>(put));
  }
}

void SavedFilesWriter::write(std::span<const std::byte> bytes) {
  put(fd_, bytes, partial_);
  hash_.add(bytes);
}

void SavedFilesWriter::commit(SavedGuest guest) {
  guest.stream_bytes = hash_.bytes();
  guest.stream_xxh128 = hash_.text();
  if (::fsync(fd_) != 0) fail(partial_);
  const std::string text = guest.to_json();
  const int note = ::open(partial_note_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, kMode);
  if (note < 0) fail(partial_note_);
  try {
    put(note, std::as_bytes(std::span(text)), partial_note_);
    if (::fsync(note) != 0) fail(partial_note_);
  } catch (...) {
    ::close(note);
    throw;
  }
  ::close(note);
  // A stream without its note is refused, as is one with the note of another: the note comes last.
  if (::rename(partial_.c_str(), file_.c_str()) != 0) fail(file_);
  if (::rename(partial_note_.c_str(), note_of(file_).c_str()) != 0) fail(note_of(file_));
  if (!sync_folder(folder_of(file_))) fail(folder_of(file_));
  ::close(std::exchange(fd_, -1));
}

SavedGuest read_saved(const std::filesystem::path& file) {
  std::error_code error;
  if (!std::filesystem::exists(file, error)) {
    throw InputError(
        fmt::format("{}: there is no such file; `assay save --out FILE` makes one, and FILE.json", file.string()));
  }
  if (std::filesystem::is_directory(file, error)) {
    throw InputError(fmt::format("{}: a folder; name a file that `assay save --out FILE` has written", file.string()));
  }
  require_regular(file);
  const std::filesystem::path guest_of_note = std::filesystem::path(file).replace_extension();
  if (file.extension() == ".json" && std::filesystem::is_regular_file(guest_of_note, error)) {
    throw InputError(
        fmt::format("{0}: what belongs to a saved guest, and not the guest itself; name {1}, beside which it "
                    "is looked for",
                    file.string(), guest_of_note.string()));
  }
  const std::filesystem::path note = note_of(file);
  SavedGuest guest = SavedGuest::parse(read_note(note), note.string());
  FileSource source(file);
  StreamHash hash;
  std::vector<std::byte> chunk(kChunkBytes);
  while (const size_t got = source.read(chunk)) hash.add(std::span(chunk).first(got));
  if (hash.bytes() != guest.stream_bytes) {
    throw InputError(fmt::format("{}: {} bytes; {} says {}. It was cut or is another one: copy both files again",
                                 file.string(), hash.bytes(), note.string(), guest.stream_bytes));
  }
  if (hash.text() != guest.stream_xxh128) {
    throw InputError(
        fmt::format("{}: its checksum is {}; {} says {}. It is damaged or another one: copy both files again",
                    file.string(), hash.text(), note.string(), guest.stream_xxh128));
  }
  return guest;
}

FileSource::FileSource(const std::filesystem::path& file)
    : name_(file.string()), fd_(::open(file.c_str(), O_RDONLY | O_CLOEXEC)) {
  if (fd_ < 0) throw InputError(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
}

FileSource::~FileSource() {
  ::close(fd_);
}

size_t FileSource::read(std::span<std::byte> out) {
  size_t done = 0;
  while (done < out.size()) {
    const ssize_t got = ::read(fd_, out.data() + done, out.size() - done);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw InputError(fmt::format("{}: cannot be read: {}", name_, std::strerror(errno)));
    if (got == 0) break;
    done += static_cast<size_t>(got);
  }
  return done;
}

}  // namespace assay
