//===- Weights.cpp - the bytes of weights ---------------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/Weights.h"
#include "portolan/Support/File.h"
#include <cstring>

using namespace portolan;
llvm::Expected<llvm::StringRef> WeightFiles::contents(llvm::StringRef file) {
  auto known = files.find(file);
  if (known != files.end())
    return known->second->getBuffer();
  auto buffer = readFileInside(folder, file);
  if (!buffer)
    return llvm::createStringError("weight file '" + file +
                                   "': " + llvm::toString(buffer.takeError()));
  return (files[file] = std::move(*buffer))->getBuffer();
}

llvm::Expected<TensorView> WeightFiles::view(moe::WeightDataOp data) {
  auto type = llvm::cast<mlir::RankedTensorType>(data.getType());
  auto fail = [&](const llvm::Twine &why) -> llvm::Error {
    return llvm::createStringError("weight '" + data.getSymName() +
                                   "': " + why);
  };
  std::optional<ElementType> element = storageTypeOf(type.getElementType());
  if (!element) {
    std::string text;
    llvm::raw_string_ostream(text) << type.getElementType();
    return fail("expects f64, f32, bf16, f16, i64, i32, i8 or i1 elements to "
                "be run, got " +
                text);
  }
  if (!data.getLength())
    return fail("expects a file, got none (the model ships no weights)");
  uint64_t bytes = bytesPerElement(*element);
  for (int64_t dim : type.getShape())
    if (__builtin_mul_overflow(bytes, uint64_t(dim), &bytes))
      return fail("expects fewer than 2^64 bytes");
  uint64_t length = *data.getLength();
  if (length != bytes)
    return fail("expects " + llvm::Twine(bytes) + " bytes, got a length of " +
                llvm::Twine(length));
  // The `count` bytes of `name` from `offset` on.
  auto bytesAt = [&](llvm::StringRef name, uint64_t offset,
                     uint64_t count) -> llvm::Expected<const char *> {
    llvm::Expected<llvm::StringRef> file = contents(name);
    if (!file)
      return file.takeError();
    // Not offset + count, which may wrap around.
    if (offset > file->size() || count > file->size() - offset)
      return fail("expects bytes " + llvm::Twine(offset) + " to " +
                  llvm::Twine(offset + count) + " of '" + name +
                  "', got a file of " + llvm::Twine(file->size()));
    return file->data() + offset;
  };
  if (std::optional<llvm::ArrayRef<int64_t>> offsets = data.getOffsets()) {
    // Parts are put one behind the other; memory starts out as zeros, which a
    // part that the model lacks stays.
    auto stacked = std::make_unique<Tensor>(*element, type.getShape());
    uint64_t each = offsets->empty() ? 0 : bytes / offsets->size();
    for (auto [i, offset] : llvm::enumerate(*offsets)) {
      if (offset == -1)
        continue;
      llvm::StringRef name =
          data.getFiles()
              ? llvm::cast<mlir::StringAttr>((*data.getFiles())[i]).getValue()
              : *data.getFile();
      llvm::Expected<const char *> at = bytesAt(name, offset, each);
      if (!at)
        return at.takeError();
      std::memcpy(stacked->bytes.data() + i * each, *at, each);
    }
    copies.push_back(std::move(stacked));
    return TensorView(*element, type.getShape(), copies.back()->bytes.data());
  }
  llvm::Expected<const char *> at =
      bytesAt(*data.getFile(), *data.getOffset(), length);
  if (!at)
    return at.takeError();
  if (reinterpret_cast<uintptr_t>(*at) % bytesPerElement(*element) == 0)
    return TensorView(*element, type.getShape(), *at);
  copies.push_back(std::make_unique<Tensor>(*element, type.getShape()));
  std::memcpy(copies.back()->bytes.data(), *at, bytes);
  return TensorView(*element, type.getShape(), copies.back()->bytes.data());
}
