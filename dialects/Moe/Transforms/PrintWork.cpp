//===- PrintWork.cpp - print the work of each op --------------------------===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "dialects/Interfaces/WorkOpInterface.h"
#include "dialects/Moe/Transforms/Passes.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "portolan/Analysis/LocalOp.h"
#include "llvm/Support/raw_ostream.h"

namespace portolan::moe {
#define GEN_PASS_DEF_MOEPRINTWORK
#include "dialects/Moe/Transforms/MoePasses.h.inc"
} // namespace portolan::moe

using namespace mlir;
using namespace portolan;

namespace {

struct FieldPrinter {
  raw_ostream &os;

  void number(StringRef name, double value) {
    if (value != 0)
      os << " " << name << "=" << llvm::format("%.10g", value);
  }
  void flag(StringRef name, bool value) {
    if (value)
      os << " " << name;
  }
};

void printDecomposed(const LocalOp &op, FieldPrinter print) {
  DecomposedCounts counts = DecomposedCounts::of(op);
  print.number("rows", op.rows);
  print.number("width", counts.width);
  print.number("matmul_operations", counts.matmulOperations);
  print.number("vector_operations", counts.vectorOperations);
  print.number("transcendental_operations", counts.transcendentalOperations);
  print.number("bytes_read", counts.bytesRead);
  print.number("bytes_written", counts.bytesWritten);
  print.number("widest_bytes", counts.widestBytes);
  print.number("weight_bytes", counts.weightBytes);
  print.number("resident_bytes", counts.residentBytes);
  print.number("parameters", counts.parameters);
  print.number("kernels", counts.kernels);
  print.os << " activation=" << spell(op.activation)
           << " weight=" << spell(op.weight) << "\n";
}

void printLocalOp(const LocalOp &op, raw_ostream &os) {
  FieldPrinter print{os};
  os << "  op:";
  if (op.kind == OpKind::decomposed)
    return printDecomposed(op, print);
  print.number("rows", op.rows);
  if (op.meanRows != op.rows)
    print.number("mean_rows", op.meanRows);
  print.number("rows_out", op.rowsOut);
  print.number("inner", op.inner);
  print.number("outer", op.outer);
  print.number("heads", op.heads);
  print.number("kv_heads", op.kvHeads);
  print.number("key_width", op.keyWidth);
  print.number("rope_width", op.ropeWidth);
  print.number("sequences", op.sequences);
  print.number("context", op.context);
  print.number("new_tokens", op.newTokens);
  print.number("window", op.window);
  print.number("experts", op.experts);
  print.number("hit_experts", op.hitExperts);
  print.number("top_k", op.topK);
  print.number("index_heads", op.indexHeads);
  print.number("index_width", op.indexWidth);
  print.number("top_keys", op.topKeys);
  print.number("chunk", op.chunk);
  print.number("capped_parts", op.cappedParts);
  print.flag("gated", op.gated);
  print.flag("absorbed", op.absorbed);
  print.flag("expanded", op.expanded);
  print.flag("tabled", op.tabled);
  print.flag("borrows", op.borrows);
  print.flag("yields_choice", op.yieldsChoice);
  print.flag("causal_prefill", op.causalPrefill);
  print.flag("centered", op.centered);
  print.flag("soft_capped", op.softCapped);
  print.flag("weighted", op.weighted);
  os << " activation=" << spell(op.activation) << " weight=" << spell(op.weight)
     << " cache=" << spell(op.cache) << "\n";
}

void printWork(const Work &work, raw_ostream &os) {
  FieldPrinter print{os};
  os << "  work:";
  print.number("matmul", work.matmulOperations);
  if (work.matmulOperations != 0)
    os << " compute=" << spell(work.compute);
  print.number("vector", work.vectorOperations);
  print.number("transcendental", work.transcendentalOperations);
  print.number("weight_bytes", work.weightBytes);
  print.number("activation_in_bytes", work.activationInBytes);
  print.number("activation_out_bytes", work.activationOutBytes);
  print.number("cache_read_bytes", work.cacheReadBytes);
  print.number("cache_write_bytes", work.cacheWriteBytes);
  print.number("message_bytes", work.message.bytes);
  os << "\n";
}

struct MoePrintWork : public moe::impl::MoePrintWorkBase<MoePrintWork> {
  void runOnOperation() override {
    WalkResult result = getOperation().walk([](WorkOpInterface op) {
      FailureOr<LocalOp> local = op.describe();
      if (failed(local))
        return WalkResult::interrupt();
      auto function = op->getParentOfType<func::FuncOp>();
      llvm::outs() << (function ? function.getName() : StringRef("module"))
                   << " " << op->getName() << "\n";
      printLocalOp(*local, llvm::outs());
      printWork(workOf(*local), llvm::outs());
      return WalkResult::advance();
    });
    if (result.wasInterrupted())
      return signalPassFailure();
    markAllAnalysesPreserved();
  }
};

} // namespace
