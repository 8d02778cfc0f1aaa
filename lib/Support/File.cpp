//===- File.cpp - files that are safe to read -----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A file is opened as a place first (O_PATH), which has no effect on what is
// there; only if it is a regular file, that very file is opened for reading.
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/File.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace portolan;
using llvm::StringRef;
namespace path = llvm::sys::path;

namespace {

/// A file descriptor that closes itself.
class Descriptor {
public:
  Descriptor(const char *path, int flags) : fd(::open(path, flags)) {}
  ~Descriptor() {
    if (fd >= 0)
      ::close(fd);
  }
  Descriptor(const Descriptor &) = delete;
  Descriptor &operator=(const Descriptor &) = delete;
  explicit operator bool() const { return fd >= 0; }
  int get() const { return fd; }
  /// Where the kernel keeps the open file: opens it again, whatever the path
  /// has become.
  std::string link() const { return "/proc/self/fd/" + std::to_string(fd); }

private:
  int fd;
};

llvm::Error systemError() {
  return llvm::createStringError(
      std::error_code(errno, std::generic_category()).message());
}

/// The path of an open file, its links resolved.
llvm::Expected<std::string> pathOf(const Descriptor &file) {
  llvm::SmallString<256> target;
  if (std::error_code code = llvm::sys::fs::real_path(file.link(), target))
    return llvm::createStringError(code.message());
  return target.str().str();
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
read(const Descriptor &place, StringRef name, bool isText, uint64_t maxBytes) {
  struct stat status;
  if (::fstat(place.get(), &status) != 0)
    return systemError();
  if (!S_ISREG(status.st_mode))
    return llvm::createStringError(
        llvm::Twine("expects a file, got ") +
        (S_ISDIR(status.st_mode) ? "a directory" : "a special file"));
  if (maxBytes != 0 && uint64_t(status.st_size) > maxBytes)
    return llvm::createStringError("expects a file of at most " +
                                   llvm::Twine(maxBytes) + " bytes, got " +
                                   llvm::Twine(uint64_t(status.st_size)));
  Descriptor file(place.link().c_str(), O_RDONLY | O_CLOEXEC);
  if (!file)
    return systemError();
  auto buffer = llvm::MemoryBuffer::getOpenFile(
      file.get(), name, uint64_t(status.st_size),
      /*RequiresNullTerminator=*/isText);
  if (!buffer)
    return llvm::createStringError(buffer.getError().message());
  return std::move(*buffer);
}

} // namespace

bool portolan::staysInside(StringRef file) {
  if (file.empty() || file.contains('\0') || path::is_absolute(file))
    return false;
  return !llvm::is_contained(
      llvm::make_range(path::begin(file), path::end(file)), "..");
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
portolan::readFile(StringRef path, bool isText, uint64_t maxBytes) {
  Descriptor place(path.str().c_str(), O_PATH | O_CLOEXEC);
  if (!place)
    return systemError();
  return read(place, path, isText, maxBytes);
}

llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
portolan::readFileInside(StringRef folder, StringRef file) {
  if (!staysInside(file))
    return llvm::createStringError("expects a path inside the model's folder");
  std::string base = folder.empty() ? "." : folder.str();
  Descriptor outer(base.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (!outer)
    return llvm::createStringError("expects the folder '" + base +
                                   "': " + llvm::toString(systemError()));
  llvm::SmallString<256> joined(base);
  path::append(joined, file);
  Descriptor place(joined.c_str(), O_PATH | O_CLOEXEC);
  if (!place)
    return llvm::createStringError("cannot be opened: " +
                                   llvm::toString(systemError()));
  llvm::Expected<std::string> root = pathOf(outer);
  if (!root)
    return root.takeError();
  llvm::Expected<std::string> target = pathOf(place);
  if (!target)
    return target.takeError();
  // "/models/a-b" is not inside "/models/a".
  StringRef inside(*target);
  if (*root != "/" &&
      (!inside.consume_front(*root) || !inside.starts_with("/")))
    return llvm::createStringError("expects a file inside the model's folder, "
                                   "got a link that leaves it");
  return read(place, *target, /*isText=*/false, /*maxBytes=*/0);
}
