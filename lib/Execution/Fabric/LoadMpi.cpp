//===- LoadMpi.cpp - the module with the MPI fabric -----------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "portolan/Execution/MpiFabric.h"
#include "llvm/Support/DynamicLibrary.h"
#include "llvm/Support/Path.h"
#include <dlfcn.h>

using namespace portolan;

/// Where this library is: the module is beside it, built or installed.
static llvm::SmallString<256> modulePath() {
  Dl_info info{};
  dladdr(reinterpret_cast<const void *>(&createMpiFabric), &info);
  llvm::SmallString<256> path(
      llvm::sys::path::parent_path(info.dli_fname ? info.dli_fname : ""));
  llvm::sys::path::append(path, "PortolanMpi.so");
  return path;
}

llvm::Expected<std::unique_ptr<Fabric>>
portolan::createMpiFabric(std::chrono::milliseconds limit) {
  llvm::SmallString<256> path = modulePath();
  std::string error;
  auto module =
      llvm::sys::DynamicLibrary::getPermanentLibrary(path.c_str(), &error);
  if (!module.isValid())
    return llvm::createStringError(
        "MPI: expects a build with MPI (MPICH), got " + error);
  auto *make = reinterpret_cast<MpiFabricMaker *>(
      module.getAddressOfSymbol(kMpiFabricMakerName));
  if (!make)
    return llvm::createStringError("MPI: expects " + path + " to export " +
                                   kMpiFabricMakerName);
  std::unique_ptr<Fabric> fabric(make(limit.count(), &error));
  if (!fabric)
    return llvm::createStringError("MPI: " + error);
  return fabric;
}
