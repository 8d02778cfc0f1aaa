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
#include <optional>
#include <string>
#include <vector>

namespace portolan {

/// How the checkpoint keeps a matrix. Without the pairs it is computed with in
/// the format of its elements.
struct WeightFormat {
  WeightFormat() = default;
  WeightFormat(mlir::Type element) : element(element) {}
  WeightFormat(mlir::Type element, FormatPair weight, FormatPair activation)
      : element(element), weight(weight), activation(activation) {}

  mlir::Type element;
  std::optional<FormatPair> weight;
  /// What activations are quantized to on their way into the matmul.
  std::optional<FormatPair> activation;
};

/// A weight of a layer: `layers.N.NAME` of the model.
struct WeightSpec {
  std::string name;
  llvm::SmallVector<int64_t, 3> shape;
  WeightFormat format;
  /// What the weight of layer N holds, if that follows from N.
  std::function<mlir::ElementsAttr(int64_t)> values = nullptr;
  /// Nothing that was learned: a table, or what the architecture fixes.
  bool isBuffer = false;
};

/// A cache of a layer: `past_key_values.N.NAME` -> `present.N.NAME`. The first
/// dimension is the batch, `tokens` is the one that grows; a state of fixed
/// size has none.
struct CacheSpec {
  std::string name;
  llvm::SmallVector<int64_t, 4> shape;
  std::optional<unsigned> tokens;
  mlir::Type element = nullptr; ///< null: the plain type
  int64_t tokensPerEntry = 1;
};

class LayerBody;

/// A distinct layer.
struct LayerClass {
  std::string name; ///< of the function
  std::vector<WeightSpec> weights;
  std::vector<CacheSpec> caches;
  /// Builds the body: takes the hidden state, returns it with the grown caches.
  std::function<llvm::SmallVector<mlir::Value>(LayerBody &)> body;
  /// The tables that the layer rotates by, an index into `rotaries`; none if
  /// it does not rotate.
  std::optional<unsigned> rotary = 0;
  /// Streams of the model's width that it takes and that it returns, side by
  /// side.
  int64_t streamsIn = 1, streamsOut = 1;
  bool takesIds = false; ///< reads the tokens' ids too
  /// Keys per token whose positions it takes from the layer before, and that it
  /// hands on (`LayerBody::chosen`), for attention to the same ones.
  int64_t keysIn = 0, keysOut = 0;
  /// Layers that stand in one function, as later ones read what the first keeps
  /// (`LayerBody::kept`). All rotate alike. Empty: the class is one layer, else
  /// it has nothing of its own but what passes between functions.
  std::vector<LayerClass> parts;

  /// The layers of a function: its parts, or itself.
  llvm::ArrayRef<LayerClass> layers() const {
    return parts.empty() ? llvm::ArrayRef<LayerClass>(*this)
                         : llvm::ArrayRef<LayerClass>(parts);
  }
};

/// Streams side by side that hyper-connections mix.
struct StreamsSpec {
  int64_t count = 0; ///< 0: none
  double floor = 0;
  int64_t rounds = 0; ///< in which a mixing matrix is balanced
};

struct RotarySpec {
  int64_t width = 0; ///< rotated elements of a head
  int64_t positions = 0;
  double theta = 0;
  double yarnFactor = 0; ///< 0: plain
  int64_t yarnOriginalPositions = 0;
  double yarnBetaFast = 0;
  double yarnBetaSlow = 0;
  bool yarnExactBounds = false;
  double magnitude = 1;
  double llamaFactor = 0; ///< 0: not scaled as Llama 3 does
  int64_t llamaOriginalPositions = 0;
  double llamaLow = 0, llamaHigh = 0; ///< turns at the ends of the ramp
};

/// How the checkpoint keeps its matrices, by what they belong to.
struct FormatSpec {
  mlir::Type plain; ///< embedding, norms, router, head, caches
  WeightFormat attention;
  WeightFormat mlp; ///< dense blocks and shared experts
  WeightFormat experts;

  void setMatrices(const WeightFormat &format) {
    attention = mlp = experts = format;
  }
};

struct DecoderSpec {
  mlir::MLIRContext *context = nullptr;
  std::string name;
  int64_t hidden = 0;
  int64_t vocabulary = 0;
  double epsilon = 0;
  /// Norms subtract the mean (layer normalization), and add NAME_bias.
  bool centeredNorms = false;
  bool normBias = false;
  bool headBias = false;
  double logitsScale = 1;
  double gainOffset = 0;     ///< added to the gains of norms
  double embeddingScale = 1; ///< of the embedded tokens
  bool tiedHead = false;     ///< the head is the embedding, transposed
  double logitsCap = 0;      ///< soft cap of the logits; 0: none
  /// The last layer's streams are mixed by attention over depth, with the
  /// weights `final_depth_norm` and `final_depth_query`.
  bool mixesDepth = false;
  /// The embedding starts all streams, and those of the last layer are read
  /// with the weights `final_read`, `final_read_scale` and `final_read_base`.
  StreamsSpec streams;
  FormatSpec formats;
  std::vector<RotarySpec> rotaries = {RotarySpec()};
  std::vector<LayerClass> classes;
  std::vector<unsigned> sequence; ///< class of each layer

  /// Appends a layer of the class `name`, which `make` makes the first time.
  void addLayer(llvm::StringRef name, llvm::function_ref<LayerClass()> make);
};

/// Adds the weights of the norm `name` of `width` elements, as the model's
/// norms have them.
void addNormWeights(LayerClass &layer, const DecoderSpec &spec,
                    llvm::StringRef name, int64_t width);

/// Adds the weights of what a block reads of the streams.
void addReadWeights(LayerClass &layer, const DecoderSpec &spec,
                    llvm::StringRef name);

/// Builds ops in the body of a layer function.
class LayerBody {
public:
  /// What all layers of a function share.
  struct Shared {
    mlir::Value positions, cosine, sine;
    mlir::Value ids; ///< null unless the function takes them
  };
  /// Takes the weights and caches of `layer` from the arguments, from `next`
  /// on.
  LayerBody(mlir::OpBuilder &builder, const DecoderSpec &spec,
            const LayerClass &layer, mlir::func::FuncOp function,
            const Shared &shared, unsigned &next);

  mlir::OpBuilder &builder;
  const DecoderSpec &spec;
  mlir::Value hidden, positions, cosine, sine;
  mlir::Value ids;
  /// Positions of chosen keys: those of the layer before, until the body sets
  /// its own; what is handed on.
  mlir::Value chosen;
  /// The grown caches of the layers before it in the function.
  llvm::SmallVector<mlir::Value> kept;

  bool hasWeight(llvm::StringRef name) const { return weights.contains(name); }
  mlir::Value weight(llvm::StringRef name) const;
  /// The weight, or null if the layer has none of this name.
  mlir::Value optionalWeight(llvm::StringRef name) const {
    return weights.lookup(name);
  }
  mlir::Value cache(unsigned index) const { return caches[index]; }
  /// Type of cache `index` after the step.
  mlir::Type grownType(unsigned index) const { return grown[index]; }
  /// `function.NAME`, the location of an op.
  mlir::Location at(llvm::StringRef name) const;
  /// [batch, new tokens, width] of activations.
  mlir::RankedTensorType tokens(int64_t width) const;
  /// Format attributes of an op on the matrix `name`, or null.
  moe::FormatAttr weightFormat(llvm::StringRef name) const;
  moe::FormatAttr activationFormat(llvm::StringRef name) const;

  /// The streams `first` to `first + count` of several side by side.
  mlir::Value streams(llvm::StringRef name, mlir::Value side, int64_t first,
                      int64_t count);
  /// `sealed` and `current` side by side.
  mlir::Value append(llvm::StringRef name, mlir::Value sealed,
                     mlir::Value current);
  /// Attention over depth with the weights NAME_norm and NAME_query.
  mlir::Value mixDepth(llvm::StringRef name, mlir::Value sealed,
                       mlir::Value current);

  /// Ops that are named after their weight. linear() adds the bias
  /// `MATRIX_bias` if the layer has one.
  mlir::Value norm(mlir::Value input, llvm::StringRef gain);
  /// A norm of each of `groups` parts of what a gain covers.
  mlir::Value norm(mlir::Value input, llvm::StringRef gain, int64_t groups,
                   double gainOffset);
  mlir::Value linear(mlir::Value input, llvm::StringRef matrix);
  mlir::Value add(llvm::StringRef name, mlir::Value lhs, mlir::Value rhs);
  /// input * factor, limited to [-limit, limit] if `limit` is not 0.
  mlir::Value scale(llvm::StringRef name, mlir::Value input, double factor,
                    double limit = 0);
  mlir::Value gate(llvm::StringRef name, mlir::Value input, mlir::Value gate,
                   moe::Activation activation);
  mlir::Value rope(llvm::StringRef name, mlir::Value input, int64_t headWidth,
                   int64_t offset, bool interleaved, bool inverse = false);
  mlir::Value groupedLinear(mlir::Value input, llvm::StringRef matrices);
  /// What a block reads of the streams, by the weights NAME, NAME_scales and
  /// NAME_base, and how its result is written back.
  std::pair<mlir::Value, mlir::Value> readStreams(llvm::StringRef name,
                                                  mlir::Value streams);

private:
  const LayerClass &layer;
  llvm::StringMap<mlir::Value> weights;
  llvm::StringMap<const WeightSpec *> specs;
  llvm::SmallVector<mlir::Value> caches;
  llvm::SmallVector<mlir::Type> grown;
};

/// Builds the module. Fails, with `file` in the message, on a weight of more
/// than kMaxElements elements.
llvm::Expected<mlir::OwningOpRef<mlir::ModuleOp>>
buildDecoder(const DecoderSpec &spec, llvm::StringRef file,
             mlir::MLIRContext &context);

} // namespace portolan

#endif // PORTOLAN_LIB_IMPORT_HFCONFIGBUILDER_H
