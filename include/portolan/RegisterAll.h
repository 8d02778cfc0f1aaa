//===- RegisterAll.h - every dialect and pass of Portolan ------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The two calls that a tool needs to have all of Portolan.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_REGISTERALL_H
#define PORTOLAN_REGISTERALL_H

namespace mlir {
class DialectRegistry;
} // namespace mlir

namespace portolan {

/// Adds Portolan's dialects and their extensions to `registry`.
void registerAllDialects(mlir::DialectRegistry &registry);

/// Registers Portolan's passes and pipelines.
void registerAllPasses();

/// Adds the upstream dialects and extensions that Portolan's pipelines use.
void registerUpstream(mlir::DialectRegistry &registry);

/// Registers all upstream passes (for the opt-style driver).
void registerUpstreamPasses();

} // namespace portolan

#endif // PORTOLAN_REGISTERALL_H
