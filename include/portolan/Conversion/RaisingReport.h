//===- RaisingReport.h - what a raising did --------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The record of one run of the raising: what each layer became and which nodes
// stay as they are, with the reasons.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_CONVERSION_RAISINGREPORT_H
#define PORTOLAN_CONVERSION_RAISINGREPORT_H

#include "llvm/ADT/MapVector.h"
#include "llvm/ADT/StringRef.h"
#include "llvm/Support/raw_ostream.h"
#include <string>
#include <vector>

namespace portolan {

/// A node that stays in the graph dialect.
struct KeptNode {
  std::string name, opType, domain;
  /// Why no rule raised it; empty if it only serves or reads such nodes.
  std::string reason;
};

/// Ops of one kind, and the nodes of the file that they stand for. A node that
/// serves several ops, as a mask does, is counted at the first of them.
struct RaisedKind {
  unsigned ops = 0, nodes = 0;
};

/// What became of a layer, or of what is outside of all layers.
struct RaisedPart {
  std::string function; ///< the function of the layer; empty outside
  /// By the name of the op, in the order of first appearance.
  llvm::MapVector<llvm::StringRef, RaisedKind> raised;
  std::vector<KeptNode> kept;
};

struct RaisingReport {
  unsigned nodes = 0; ///< of @main, as imported
  std::vector<RaisedPart> layers;
  RaisedPart outside;
  /// What is suspicious in the graph, though it could be raised.
  std::vector<std::string> warnings;

  unsigned keptCount() const;
  /// One sentence on the nodes that stay, naming their layers; empty if there
  /// are none.
  std::string summary() const;
  /// The whole report as text.
  void print(llvm::raw_ostream &stream) const;
};

} // namespace portolan

#endif // PORTOLAN_CONVERSION_RAISINGREPORT_H
