//===- BytecodeVersionTest.cpp - bytecode of another version --------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Support/BytecodeVersion.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/Parser/Parser.h"
#include "portolan/RegisterAll.h"
#include "llvm/ADT/StringSet.h"
#include "gtest/gtest.h"

using namespace mlir;
using namespace portolan;

namespace {

constexpr llvm::StringLiteral kModule = R"(
moe.weight_data @w {file = "w.bin", offset = 0 : i64, length = 64 : i64} : tensor<4x4xf32>
)";

struct BytecodeVersionTest : ::testing::Test {
  BytecodeVersionTest() {
    DialectRegistry registry;
    registerAllDialects(registry);
    context.appendDialectRegistry(registry);
  }

  std::string bytecodeOf(const BytecodeWriterConfig &config) {
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(kModule, ParserConfig(&context));
    std::string bytes;
    llvm::raw_string_ostream stream(bytes);
    EXPECT_TRUE(succeeded(writeBytecodeToFile(*module, stream, config)));
    return bytes;
  }

  /// The error of reading `bytes`, or "".
  std::string errorOfReading(llvm::StringRef bytes) {
    std::string message;
    ScopedDiagnosticHandler handler(
        &context, [&](Diagnostic &diagnostic) { message += diagnostic.str(); });
    OwningOpRef<ModuleOp> module =
        parseSourceString<ModuleOp>(bytes, ParserConfig(&context));
    EXPECT_EQ(bool(module), message.empty());
    return message;
  }

  MLIRContext context;
};

TEST_F(BytecodeVersionTest, OwnVersionIsRead) {
  EXPECT_EQ(errorOfReading(bytecodeOf(BytecodeWriterConfig())), "");
}

TEST_F(BytecodeVersionTest, OtherVersionIsRefused) {
  BytecodeWriterConfig config;
  config.setDialectVersion(
      "moe", std::make_unique<BytecodeVersion>(kBytecodeVersion + 1));
  EXPECT_NE(errorOfReading(bytecodeOf(config))
                .find("dialect 'moe': expects bytecode version 1, got 2"),
            std::string::npos);
}

TEST_F(BytecodeVersionTest, EveryDialectOfOursHasAVersion) {
  DialectRegistry registry;
  registerAllDialects(registry);
  // The dialects that ours depend on come from MLIR and have versions of
  // their own, or none.
  for (StringRef name : registry.getDialectNames())
    EXPECT_TRUE(context.getOrLoadDialect(name)
                    ->getRegisteredInterface<BytecodeDialectInterface>())
        << name.str();
}

} // namespace
