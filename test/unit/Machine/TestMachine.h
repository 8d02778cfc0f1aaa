//===- TestMachine.h - a small machine file for tests ---------------*- C++ -*-
//===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A machine file with one figure of each kind, and writing variants of it to
// temporary files.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_MACHINE_TESTMACHINE_H
#define PORTOLAN_TEST_UNIT_MACHINE_TESTMACHINE_H

#include "llvm/ADT/SmallString.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <utility>
#include <vector>

namespace portolan {

inline std::string testMachineText(const std::string &name) {
  return "machine.system @" + name + R"( family = switched title = "Test" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [8]
  machine.topology full_switch domain = 8
  machine.memory "hbm" capacity <1.0e9 "bytes", V, "sheet"> {}
}
)";
}

/// Writes a temporary .mlir file and returns its path.
inline std::string writeText(const std::string &name, const std::string &text) {
  llvm::SmallString<128> path;
  if (llvm::sys::fs::createTemporaryFile(name, "mlir", path))
    return "";
  std::error_code error;
  llvm::raw_fd_ostream(path, error) << text;
  return path.str().str();
}

/// Writes the test machine with the first occurrence of each text replaced.
inline std::string
writeMachine(const std::string &name,
             const std::vector<std::pair<std::string, std::string>> &edits) {
  std::string text = testMachineText(name);
  for (const auto &[from, to] : edits)
    text.replace(text.find(from), from.size(), to);
  return writeText(name, text);
}

} // namespace portolan

#endif // PORTOLAN_TEST_UNIT_MACHINE_TESTMACHINE_H
