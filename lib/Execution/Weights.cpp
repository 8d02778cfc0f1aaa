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
  if (!data.getFile())
    return fail("expects a file, got none (the model ships no weights)");
  uint64_t bytes = bytesPerElement(*element);
  for (int64_t dim : type.getShape())
    if (__builtin_mul_overflow(bytes, uint64_t(dim), &bytes))
      return fail("expects fewer than 2^64 bytes");
  uint64_t offset = *data.getOffset(), length = *data.getLength();
  if (length != bytes)
    return fail("expects " + llvm::Twine(bytes) + " bytes, got a length of " +
                llvm::Twine(length));
  llvm::Expected<llvm::StringRef> file = contents(*data.getFile());
  if (!file)
    return file.takeError();
  // Not offset + length, which may wrap around.
  if (offset > file->size() || length > file->size() - offset)
    return fail("expects bytes " + llvm::Twine(offset) + " to " +
                llvm::Twine(offset + length) + " of '" + *data.getFile() +
                "', got a file of " + llvm::Twine(file->size()));
  const char *at = file->data() + offset;
  if (reinterpret_cast<uintptr_t>(at) % bytesPerElement(*element) == 0)
    return TensorView(*element, type.getShape(), at);
  copies.push_back(std::make_unique<Tensor>(*element, type.getShape()));
  std::memcpy(copies.back()->bytes.data(), at, bytes);
  return TensorView(*element, type.getShape(), copies.back()->bytes.data());
}
