//===- ConfigFixture.h - configurations with a field changed ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The configurations that ship are the good ones; a bad one changes one field.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_IMPORT_CONFIGFIXTURE_H
#define PORTOLAN_TEST_UNIT_IMPORT_CONFIGFIXTURE_H

#include "dialects/Moe/IR/Moe.h"
#include "portolan/Import/HfConfig.h"
#include "portolan/Import/Model.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/JSON.h"
#include "llvm/Support/MemoryBuffer.h"
#include "gtest/gtest.h"

namespace portolan::test {

using namespace mlir;
using JsonValue = llvm::json::Value;

class ConfigFixture : public testing::Test {
protected:
  OwningOpRef<ModuleOp> load(llvm::StringRef name) {
    llvm::Expected<OwningOpRef<ModuleOp>> module = loadModel(name, context);
    if (module)
      return std::move(*module);
    ADD_FAILURE() << llvm::toString(module.takeError());
    return {};
  }

  llvm::json::Object read(llvm::StringRef name) {
    auto buffer = llvm::MemoryBuffer::getFile(
        llvm::Twine(PORTOLAN_SHIPPED_CONFIGS "/") + name + ".json");
    return *llvm::cantFail(llvm::json::parse((*buffer)->getBuffer()))
                .getAsObject();
  }

  std::string import(llvm::json::Object config) {
    std::string text = llvm::formatv("{0}", JsonValue(std::move(config))).str();
    auto module = importHfConfigText(text, "c.json", "m", context);
    return module ? "imported" : llvm::toString(module.takeError());
  }

  /// The error with `field` of the shipped model `name` changed (null is as if
  /// it were absent), or "imported".
  std::string with(llvm::StringRef name, llvm::StringRef field,
                   JsonValue value) {
    llvm::json::Object config = read(name);
    config[field] = std::move(value);
    return import(std::move(config));
  }
  /// The same of a field of the object `outer`.
  std::string within(llvm::StringRef name, llvm::StringRef outer,
                     llvm::StringRef field, JsonValue value) {
    llvm::json::Object config = read(name);
    (*config.getObject(outer))[field] = std::move(value);
    return import(std::move(config));
  }
  std::string without(llvm::StringRef name, llvm::StringRef field) {
    llvm::json::Object config = read(name);
    config.erase(field);
    return import(std::move(config));
  }

  MLIRContext context;
};

/// The op of a kind in the layer function `function`.
template <typename OpT>
inline OpT only(ModuleOp module, llvm::StringRef function) {
  OpT found;
  auto layer = module.lookupSymbol<func::FuncOp>(function);
  EXPECT_TRUE(layer) << function.str();
  if (layer)
    layer.walk([&](OpT op) { found = op; });
  EXPECT_TRUE(found) << function.str();
  return found;
}

inline unsigned callsOf(ModuleOp module, llvm::StringRef function) {
  unsigned calls = 0;
  module.walk(
      [&](func::CallOp call) { calls += call.getCallee() == function; });
  return calls;
}

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_IMPORT_CONFIGFIXTURE_H
