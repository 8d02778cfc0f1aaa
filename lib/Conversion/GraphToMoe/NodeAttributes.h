//===- NodeAttributes.h - checked reading of node attributes ---*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Reads the attributes of a graph.node by name and remembers which ones were
// read, so that a rule cannot overlook one.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEATTRIBUTES_H
#define PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEATTRIBUTES_H

#include "dialects/Graph/IR/Graph.h"
#include "llvm/ADT/StringSet.h"
#include <cmath>

namespace portolan::graph_to_moe {

/// No model has as many heads, and their products with a width fit in 64 bits.
inline constexpr int64_t kMaxHeads = int64_t(1) << 20;

/// Whether `value` can scale: a finite number that is not negative.
inline bool isFactor(double value) {
  return value >= 0 && std::isfinite(value);
}

class NodeAttributes {
public:
  explicit NodeAttributes(graph::NodeOp node) : node(node) {}

  int64_t integer(llvm::StringRef name, int64_t absent);
  /// The value in double precision whose shortest spelling is that of the f32
  /// in the file: 1e-5 is meant as 1e-5.
  double number(llvm::StringRef name, double absent);
  llvm::StringRef string(llvm::StringRef name, llvm::StringRef absent);
  bool has(llvm::StringRef name) { return bool(node.attribute(name)); }

  /// Demands that an attribute, if there, has this value.
  void expect(llvm::StringRef name, int64_t value);

  /// The first problem: an attribute of another kind or value than read, or
  /// one that was not read. Empty if there is none.
  std::string problem();

private:
  template <typename T> T read(llvm::StringRef name, llvm::StringRef kind);
  void fail(const llvm::Twine &message);

  graph::NodeOp node;
  llvm::StringSet<> known;
  std::string firstProblem;
};

} // namespace portolan::graph_to_moe

#endif // PORTOLAN_LIB_CONVERSION_GRAPHTOMOE_NODEATTRIBUTES_H
