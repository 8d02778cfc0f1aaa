//===- DataSet.cpp - inputs and expected outputs of a model ---------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Import/DataSet.h"
#include "lib/Import/OnnxTensor.h"
#include "mlir/IR/MLIRContext.h"
#include "onnx/onnx_pb.h"
#include "portolan/Support/File.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/Path.h"
#include <google/protobuf/stubs/logging.h>

using namespace portolan;
using namespace portolan::onnx_import;

namespace {

llvm::Error fail(const llvm::Twine &message) {
  return llvm::createStringError(message);
}

llvm::Expected<NamedTensor> parseTensor(llvm::StringRef bytes) {
  if (bytes.size() > size_t(std::numeric_limits<int32_t>::max()))
    return fail("expects a tensor of less than 2 GiB");
  if (llvm::Error error = checkWireFormat(bytes))
    return std::move(error);
  onnx::TensorProto proto;
  google::protobuf::LogSilencer silencer;
  if (bytes.empty() || !proto.ParseFromArray(bytes.data(), int(bytes.size())))
    return fail("expects an ONNX tensor");
  if (proto.data_location() == onnx::TensorProto::EXTERNAL)
    return fail("expects the elements of the tensor, got external data");
  mlir::MLIRContext context(mlir::MLIRContext::Threading::DISABLED);
  llvm::Expected<mlir::Type> element = elementType(proto.data_type(), &context);
  if (!element)
    return element.takeError();
  std::optional<ElementType> type = elementTypeOf(*element);
  if (!type || element->isUnsignedInteger())
    return fail("expects an element type that programs exchange, got " +
                llvm::Twine(proto.data_type()));
  llvm::Expected<std::vector<char>> contents = tensorBytes(proto, &context);
  if (!contents)
    return contents.takeError();
  NamedTensor named;
  named.name = proto.name();
  named.tensor.type = *type;
  named.tensor.shape.assign(proto.dims().begin(), proto.dims().end());
  named.tensor.bytes = std::move(*contents);
  return named;
}

std::string join(llvm::StringRef folder, const llvm::Twine &name) {
  llvm::SmallString<128> path(folder);
  llvm::sys::path::append(path, name);
  return path.str().str();
}

/// KIND_0.pb, KIND_1.pb, ... of `folder`, until one is not there.
llvm::Error readTensors(llvm::StringRef folder, llvm::StringRef kind,
                        std::vector<NamedTensor> &tensors) {
  for (unsigned i = 0;; ++i) {
    std::string path = join(folder, kind + "_" + llvm::Twine(i) + ".pb");
    if (!llvm::sys::fs::exists(path))
      return llvm::Error::success();
    llvm::Expected<NamedTensor> tensor = readTensor(path);
    if (!tensor)
      return tensor.takeError();
    tensors.push_back(std::move(*tensor));
  }
}

} // namespace

llvm::Expected<NamedTensor> portolan::readTensor(llvm::StringRef path) {
  auto buffer = readFile(path);
  if (!buffer)
    return fail(path + ": " + llvm::toString(buffer.takeError()));
  llvm::Expected<NamedTensor> tensor = parseTensor((*buffer)->getBuffer());
  if (!tensor)
    return fail(path + ": " + llvm::toString(tensor.takeError()));
  return tensor;
}

llvm::Expected<std::vector<DataSet>>
portolan::readDataSets(llvm::StringRef folder) {
  if (!llvm::sys::fs::exists(folder))
    return fail(folder + ": no such folder");
  if (!llvm::sys::fs::is_directory(folder))
    return fail(folder + ": expects a folder, got a file");
  std::vector<DataSet> sets;
  for (unsigned i = 0;; ++i) {
    std::string path = join(folder, "test_data_set_" + llvm::Twine(i));
    if (!llvm::sys::fs::is_directory(path))
      break;
    sets.push_back({path, {}, {}});
  }
  if (sets.empty())
    sets.push_back({folder.str(), {}, {}});
  for (DataSet &set : sets) {
    if (llvm::Error error = readTensors(set.folder, "input", set.inputs))
      return std::move(error);
    if (llvm::Error error = readTensors(set.folder, "output", set.outputs))
      return std::move(error);
    if (set.inputs.empty() && set.outputs.empty())
      return fail(set.folder + ": expects input_0.pb or output_0.pb");
  }
  return sets;
}
