//===- MachinesCommand.cpp - portolan machines ----------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Lists the machines that ship with their shapes, or prints one with every
// figure and its source.
//
//===----------------------------------------------------------------------===//

#include "Command.h"
#include "portolan/Machine/Sheet.h"
#include "llvm/Support/FormatVariadic.h"
#include "llvm/Support/raw_ostream.h"

using namespace portolan;
namespace cl = llvm::cl;
namespace json = llvm::json;

namespace {

void printList(llvm::raw_ostream &stream, llvm::ArrayRef<Machine> machines) {
  stream << llvm::formatv("{0,-18}{1,-10}{2}\n", "machine", "family",
                          "what follows the colon");
  for (const Machine &machine : machines)
    stream << llvm::formatv("{0,-18}{1,-10}{2}{3}\n",
                            splitTarget(machine.name).name, machine.family,
                            spellShapeRule(machine.shapeRule),
                            machine.isDefaultTarget ? "; default target" : "");
}

json::Value listJson(llvm::ArrayRef<Machine> machines) {
  json::Array list;
  for (const Machine &machine : machines)
    list.push_back(json::Object{{"name", splitTarget(machine.name).name},
                                {"family", machine.family},
                                {"title", machine.title},
                                {"sha256", machine.sha256},
                                {"default", machine.isDefaultTarget}});
  return json::Object{{"schema_version", 1}, {"machines", std::move(list)}};
}

int runMachines(llvm::StringRef target, llvm::StringRef jsonPath) {
  std::vector<std::string> targets{target.str()};
  if (target.empty()) {
    targets.clear();
    for (llvm::StringRef name : shippedMachineNames())
      targets.push_back(name.str());
  }
  std::vector<Machine> machines;
  for (const std::string &name : targets) {
    llvm::Expected<Machine> machine = describeMachine(name);
    if (!machine)
      return reportError(machine.takeError());
    machines.push_back(std::move(*machine));
  }
  if (jsonPath != "-") {
    if (target.empty())
      printList(llvm::outs(), machines);
    else
      printMachineSheet(machines.front(), llvm::outs());
  }
  if (jsonPath.empty())
    return kExitDone;
  if (llvm::Error error =
          writeJson(jsonPath, target.empty() ? listJson(machines)
                                             : machineToJson(machines.front())))
    return reportError(std::move(error));
  return kExitDone;
}

} // namespace

Command portolan::machinesCommand() {
  static cl::SubCommand sub("machines",
                            "List the machines that ship, or show one");
  static cl::opt<std::string> target(cl::Positional, cl::sub(sub),
                                     cl::desc("[NAME]"),
                                     cl::value_desc("name or file"));
  static cl::opt<std::string> jsonPath(
      "json", cl::sub(sub),
      cl::desc("Write JSON to a file, or - for standard output"),
      cl::value_desc("FILE|-"));
  return {&sub, [] { return runMachines(target, jsonPath); }};
}
