//===- Residue.h - nodes that no rule raises -------------------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What cannot be raised stays: the residue are the nodes that the outputs of
// @main or raised ops need and that nothing raised stands for. They read what
// was raised where they can, and the rest of the graph where they cannot.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RESIDUE_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RESIDUE_H

#include "lib/Conversion/GraphToMoe/ExpertFusion.h"
#include "lib/Conversion/GraphToMoe/Raiser.h"
#include "portolan/Conversion/RaisingReport.h"
#include "llvm/ADT/SetVector.h"

namespace portolan::graph_to_moe {

class Residue {
public:
  Residue(Raiser &raiser, const ExpertFusion &fusion)
      : raiser(raiser), fusion(fusion) {}

  /// Takes the results of `node`, which was not raised, for activations where
  /// their shapes say that they are: what follows can be raised then.
  void adopt(graph::NodeOp node);
  /// States why a rule did not raise `node`.
  void explain(graph::NodeOp node, std::string why) {
    reasons.try_emplace(node, std::move(why));
  }
  /// States that the ops from `first` on were emitted for `node`.
  void count(graph::NodeOp node, mlir::Operation *first);

  /// Finds the nodes that stay, makes them read what was raised, and makes
  /// @main return raised values where there are such.
  void settle();
  /// Erases all other nodes, and the ops that served nothing in the end.
  void eraseRest();

  bool empty() const { return kept.empty(); }
  /// Adds `ops` to `part`.
  void report(llvm::ArrayRef<mlir::Operation *> ops, RaisedPart &part) const;

private:
  /// The raised value that stands for `value`, if it dominates `reader`.
  mlir::Value standIn(mlir::Value value, mlir::Operation *reader) const;
  /// The view that stands for `value`, if its base dominates `reader`.
  const View *viewFor(mlir::Value value, mlir::Operation *reader) const;
  /// Marks what `op` reads as needed.
  void needOperands(mlir::Operation *op);
  void rewire(mlir::Operation *op);
  /// Nodes that arrange the elements of `view` as `value` has them.
  mlir::Value arrange(mlir::Value value, const View &view,
                      mlir::Operation *reader);
  void restoreFused();
  void countServants();

  Raiser &raiser;
  const ExpertFusion &fusion;
  llvm::SetVector<mlir::Operation *> kept;
  llvm::DenseSet<mlir::Operation *> needed;
  llvm::SmallVector<mlir::Operation *> pending;
  llvm::DenseMap<mlir::Operation *, std::string> reasons;
  llvm::DenseMap<mlir::Value, mlir::Value> arranged;
  /// Raised nodes in order, and the op that stands for each.
  llvm::SmallVector<std::pair<graph::NodeOp, mlir::Operation *>> anchors;
  llvm::DenseMap<mlir::Operation *, unsigned> nodesOf;
};

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_RESIDUE_H
