//===- BytecodeVersion.cpp - the version of our bytecode ------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/BytecodeVersion.h"
#include "llvm/ADT/StringSet.h"

using namespace mlir;
using namespace portolan;

namespace {

struct VersionInterface : BytecodeDialectInterface {
  explicit VersionInterface(Dialect *dialect)
      : BytecodeDialectInterface(dialect) {}

  void writeVersion(DialectBytecodeWriter &writer) const override {
    uint64_t number = kBytecodeVersion;
    FailureOr<const DialectVersion *> asked =
        writer.getDialectVersion(getDialect()->getNamespace());
    if (succeeded(asked))
      number = static_cast<const BytecodeVersion *>(*asked)->number;
    writer.writeVarInt(number);
  }

  std::unique_ptr<DialectVersion>
  readVersion(DialectBytecodeReader &reader) const override {
    uint64_t number;
    if (failed(reader.readVarInt(number)))
      return nullptr;
    if (number != kBytecodeVersion) {
      reader.emitError() << "dialect '" << getDialect()->getNamespace()
                         << "': expects bytecode version " << kBytecodeVersion
                         << ", got " << number;
      return nullptr;
    }
    return std::make_unique<BytecodeVersion>(number);
  }
};

/// Required of no dialect, so that it is applied to each one when it is loaded.
struct VersionExtension : DialectExtensionBase {
  explicit VersionExtension(llvm::StringSet<> names)
      : DialectExtensionBase({}), names(std::move(names)) {}

  void apply(MLIRContext *,
             MutableArrayRef<Dialect *> dialects) const override {
    for (Dialect *dialect : dialects)
      if (names.contains(dialect->getNamespace()) &&
          !dialect->getRegisteredInterface<BytecodeDialectInterface>())
        dialect->addInterfaces<VersionInterface>();
  }

  std::unique_ptr<DialectExtensionBase> clone() const override {
    return std::make_unique<VersionExtension>(*this);
  }

  llvm::StringSet<> names;
};

} // namespace

void portolan::addBytecodeVersions(DialectRegistry &registry) {
  llvm::StringSet<> names;
  for (StringRef name : registry.getDialectNames())
    names.insert(name);
  registry.addExtension(TypeID::get<VersionExtension>(),
                        std::make_unique<VersionExtension>(std::move(names)));
}
