//===- HfConfigBuilder.h - decoder modules from their parts ----*- C++ -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What all decoders have in common: `@main` with embedding, rotary tables,
// calls of the layer functions, final norm and head. A model type adds its
// layer classes: their weights, their caches and a callback for the body.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_LIB_IMPORT_HFCONFIGBUILDER_H
#define PORTOLAN_LIB_IMPORT_HFCONFIGBUILDER_H

#include "dialects/Moe/IR/Moe.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/OwningOpRef.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/Support/Error.h"
#include <functional>
#include <string>
#include <vector>

namespace portolan {

/// A weight of a layer: `layers.N.NAME` of the model.
struct WeightSpec {
  std::string name;
  llvm::SmallVector<int64_t, 3> shape;
  mlir::Type element;
};

/// A cache of a layer: `past_key_values.N.NAME` -> `present.N.NAME`. The first
/// dimension is the batch, `tokens` is the one that grows.
struct CacheSpec {
  std::string name;
  llvm::SmallVector<int64_t, 4> shape;
  unsigned tokens;
};

class LayerBody;

/// A distinct layer.
struct LayerClass {
  std::string name; ///< of the function
  std::vector<WeightSpec> weights;
  std::vector<CacheSpec> caches;
  /// Builds the body: takes the hidden state, returns it with the grown caches.
  std::function<llvm::SmallVector<mlir::Value>(LayerBody &)> body;
};

struct RotarySpec {
  int64_t width = 0; ///< rotated elements of a head
  int64_t positions = 0;
  double theta = 0;
  double yarnFactor = 0; ///< 0: plain
  int64_t yarnOriginalPositions = 0;
  double yarnBetaFast = 0;
  double yarnBetaSlow = 0;
  double magnitude = 1;
};

/// How the checkpoint keeps its matrices.
struct FormatSpec {
  mlir::Type plain;  ///< embedding, norms, router, head, caches
  mlir::Type matrix; ///< projections and experts
  bool quantized = false;
};

struct DecoderSpec {
  std::string name;
  int64_t hidden = 0;
  int64_t vocabulary = 0;
  double epsilon = 0;
  FormatSpec formats;
  RotarySpec rotary;
  std::vector<LayerClass> classes;
  std::vector<unsigned> sequence; ///< class of each layer
};

/// Builds ops in the body of a layer function.
class LayerBody {
public:
  LayerBody(mlir::OpBuilder &builder, const DecoderSpec &spec,
            const LayerClass &layer, mlir::func::FuncOp function);

  mlir::OpBuilder &builder;
  const DecoderSpec &spec;
  mlir::Value hidden, positions, cosine, sine;

  mlir::Value weight(llvm::StringRef name) const;
  mlir::Value cache(unsigned index) const { return caches[index]; }
  /// Type of cache `index` after the step.
  mlir::Type grownType(unsigned index) const;
  /// `function.NAME`, the location of an op.
  mlir::Location at(llvm::StringRef name) const;
  /// [batch, new tokens, width] of activations.
  mlir::RankedTensorType tokens(int64_t width) const;
  /// Format attributes of ops on quantized matrices, or null.
  moe::FormatAttr matrixFormat() const;

  /// Ops that are named after their weight.
  mlir::Value norm(mlir::Value input, llvm::StringRef gain);
  mlir::Value linear(mlir::Value input, llvm::StringRef matrix);
  mlir::Value add(llvm::StringRef name, mlir::Value lhs, mlir::Value rhs);
  mlir::Value rope(llvm::StringRef name, mlir::Value input, int64_t headWidth,
                   int64_t offset, bool interleaved);

private:
  llvm::StringRef layerName;
  llvm::StringMap<mlir::Value> weights;
  llvm::SmallVector<mlir::Value> caches;
  llvm::SmallVector<mlir::Type> grown;
};

/// What a router does with its logits.
struct RoutingSpec {
  int64_t experts = 0;
  int64_t topK = 0;
  moe::Scoring scoring = moe::Scoring::softmax;
  bool correction = false; ///< weight `router_correction`
  int64_t groups = 1;
  int64_t topGroups = 1;
  bool normalize = false;
  double scale = 1;
};

/// route, dispatch, experts, combine with the weights `router`, `experts_gate`,
/// `experts_up` and `experts_down`.
mlir::Value buildExperts(LayerBody &body, mlir::Value input,
                         const RoutingSpec &routing,
                         moe::Activation activation);

/// The weights that buildExperts() needs.
void addExpertWeights(LayerClass &layer, const DecoderSpec &spec,
                      const RoutingSpec &routing, int64_t intermediate);

/// Builds the module. Fails, with `file` in the message, on a weight of more
/// than kMaxElements elements.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
buildDecoder(const DecoderSpec &spec, llvm::StringRef file,
             mlir::MLIRContext &context);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGBUILDER_H
