//===- UnrolledGraph.h - one expert block in many forms --------*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Writes the graph of one router and its experts node by node as exporters do:
// all experts at once, or a subgraph per expert. Whatever the form, the numbers
// are those of `expertWeight`, so that forms can be compared with each other
// and with a reference.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_TEST_UNIT_CONVERSION_UNROLLEDGRAPH_H
#define PORTOLAN_TEST_UNIT_CONVERSION_UNROLLEDGRAPH_H

#include "llvm/ADT/StringMap.h"
#include "llvm/ADT/StringRef.h"
#include <cstdint>
#include <string>
#include <vector>

namespace portolan::test {

enum class Dispatch {
  Dense,   ///< all experts at once on all tokens
  Masked,  ///< each expert on all tokens, weights from a comparison
  Listed,  ///< each expert on its tokens, one op per step
  Traced,  ///< the same as a tracing exporter spells it
  Indexed, ///< each expert on its tokens, which it adds to by index
  Summed   ///< as Masked, with one sum of all
};
enum class Layout {
  Separate,    ///< gate and up of each expert are two weights
  Sliced,      ///< halves of one product
  Interleaved, ///< even and odd columns of one product
  Gemm,        ///< two weights [out, in]
  Gathered     ///< element e of weights that are stacked
};
/// What is wrong with one expert.
enum class Fault { None, Activation, Shape, Twice, Overwrites, Missing, Bias };

struct ExpertGraphForm {
  Dispatch dispatch = Dispatch::Dense;
  Layout layout = Layout::Separate;
  bool isBiased = false;   ///< biases of all three products
  bool isClamped = false;  ///< as gpt-oss: limits, alpha and offset
  bool hasEqual = false;   ///< masks by Equal instead of OneHot
  bool isShuffled = false; ///< experts in another order
  bool isOpen = false;     ///< sums start from the tokens, not from zeros
  Fault fault = Fault::None;
  int64_t experts = 4, blocks = 1;
  int64_t hidden = 4, inner = 3, topK = 2;
};

/// A graph, and the bytes of its file "weights.bin".
struct ExpertGraph {
  explicit ExpertGraph(const ExpertGraphForm &form);
  std::string text;
  std::vector<char> bytes;

private:
  struct Branches {
    std::string gate, up;
  };
  std::string node(llvm::StringRef op, std::vector<std::string> operands,
                   llvm::StringRef attributes = "", int results = 1);
  /// A weight of these dimensions; `at` gives its elements in row order.
  template <typename At> std::string weight(std::vector<int64_t> shape, At at);
  std::string constant(llvm::StringRef type, llvm::StringRef value);
  std::string indices(llvm::StringRef list, int64_t count);
  std::string addBlock(std::string x);
  std::string addRouter(std::string rows);
  std::string addDense(std::string rows);
  std::string addEach(std::string rows);
  std::string addMask(int64_t expert);
  void addColumns(std::string rows);
  std::string addMasked(std::string rows, int64_t expert);
  std::string addIndexed(std::string sum, std::string rows, int64_t expert);
  /// The results of an expert whose tokens are `rows`.
  std::string addExpert(std::string rows, int64_t expert);
  Branches addBranches(std::string rows, int64_t expert);
  std::string addActivation(Branches branches, bool isOther);
  std::string addBias(std::string value, int64_t expert, int kind);
  std::string addTraced(std::string sum, std::string rows, int64_t expert);
  std::string addListed(std::string sum, std::string rows, int64_t expert);

  ExpertGraphForm form;
  int64_t block = 0, count = 0;
  std::string data, weights, body, choice, slots, oneHot;
  llvm::StringMap<std::string> types, known;
};

/// Element (i, j) of a weight of an expert of a block; `kind`: 0 gate, 1 up,
/// 2 down, 3 to 5 their biases (i = 0), 6 the router (expert 0).
float expertWeight(int64_t block, int64_t expert, int kind, int64_t i,
                   int64_t j);

} // namespace portolan::test

#endif // PORTOLAN_TEST_UNIT_CONVERSION_UNROLLEDGRAPH_H
