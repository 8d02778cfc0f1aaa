//===- SystemOps.td - shape of the system ops --------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// What the system ops of all hardware dialects have in common: the operands and
// results of the op that they cover, and the attributes of a step. A dialect
// defines its ops from these classes; names and rules are its own.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_INTERFACES_SYSTEMOPS_TD
#define PORTOLAN_DIALECTS_INTERFACES_SYSTEMOPS_TD

include "mlir/IR/OpBase.td"
include "mlir/Interfaces/SideEffectInterfaces.td"
include "dialects/Interfaces/StepOpInterface.td"

/// An op that covers an op of one of `kinds` ("linear", ...).
class System_Op<Dialect dialect, string mnemonic, list<string> kinds,
                list<Trait> traits>
    : Op<dialect, mnemonic, !listconcat([StepOpInterface], traits)> {
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    `(` $inputs `)` `covers` $covers $of attr-dict
    `:` functional-type($inputs, results)
  }];
  let extraClassDeclaration = [{
    static ::llvm::ArrayRef<::portolan::OpKind> coveredKinds() {
      static constexpr ::portolan::OpKind kinds[] = }]
    # "{" # !interleave(!foreach(kind, kinds, "::portolan::OpKind::" # kind), ", ")
    # "}" # [{;
      return kinds;
    }
  }];
}

/// One kernel launch (or a few that are launched together).
class System_KernelOp<Dialect dialect, string mnemonic, list<string> kinds>
    : System_Op<dialect, mnemonic, kinds, [Pure]> {
  let arguments = (ins
    Variadic<AnyType>:$inputs,
    StrAttr:$covers,          // name of the covered op
    DictionaryAttr:$of,       // its attributes
    StrAttr:$engine,          // engine of the dominant operations
    DefaultValuedAttr<I64Attr, "0">:$token_tile,   // rows of a matmul tile
    DefaultValuedAttr<F64Attr, "0.0">:$issued_operations, // with padding
    DefaultValuedAttr<F64Attr, "0.0">:$dequantize_operations,
    DefaultValuedAttr<I64Attr, "0">:$memory_level, // weights and cache
    UnitAttr:$prefetched,     // weights stream during communication
    F64Attr:$kernels,         // kernels launched
    DefaultValuedAttr<F64Attr, "0.0">:$transfer_bytes, // of one DMA, if it counts
    DefaultValuedAttr<F64Attr, "1.0">:$share, // of the chip's units
    DefaultValuedAttr<F64Attr, "0.0">:$resident_bytes, // not to or from memory
    UnitAttr:$streamed,       // transfers are beside the computation
    // Transfers between the units of the chip, as of a communication step.
    OptionalAttr<StrAttr>:$algorithm,
    DefaultValuedAttr<I64Attr, "0">:$link_tier,
    DefaultValuedAttr<F64Attr, "0.0">:$starts,
    DefaultValuedAttr<F64Attr, "0.0">:$hops,
    DefaultValuedAttr<F64Attr, "0.0">:$bottleneck_bytes,
    DefaultValuedAttr<F64Attr, "0.0">:$extra_messages,
    DefaultValuedAttr<I64Attr, "0">:$micro_batch); // half of two_batch
}

/// One communication step between chips.
class System_TransferOp<Dialect dialect, string mnemonic, list<string> kinds>
    : System_Op<dialect, mnemonic, kinds, [MemoryEffects<[MemWrite]>]> {
  let arguments = (ins
    Variadic<AnyType>:$inputs,
    StrAttr:$covers,
    DictionaryAttr:$of,
    StrAttr:$algorithm,
    DefaultValuedAttr<I64Attr, "0">:$link_tier,
    F64Attr:$starts,            // starts on the critical path
    F64Attr:$hops,              // serial message latencies
    F64Attr:$bottleneck_bytes,  // on the most loaded link direction
    // The same per axis, where axes have a bandwidth of their own.
    OptionalAttr<DenseF64ArrayAttr>:$axis_bytes,
    DefaultValuedAttr<F64Attr, "0.0">:$extra_messages,
    DefaultValuedAttr<F64Attr, "0.0">:$outer_starts, // the same on the next tier
    DefaultValuedAttr<F64Attr, "0.0">:$outer_hops,
    DefaultValuedAttr<F64Attr, "0.0">:$outer_bottleneck_bytes,
    DefaultValuedAttr<F64Attr, "0.0">:$outer_extra_messages,
    DefaultValuedAttr<I64Attr, "0">:$micro_batch);
}

/// What costs nothing in a step: a slice of equal rows, an index shift, a table
/// that is prepared once. It covers an op that states no work.
class System_ViewOp<Dialect dialect>
    : Op<dialect, "view", [Pure]> {
  let summary = "An op without work: a view, or a value prepared once.";
  let arguments = (ins Variadic<AnyType>:$inputs, StrAttr:$covers,
                       DictionaryAttr:$of);
  let results = (outs Variadic<AnyType>:$results);
  let assemblyFormat = [{
    `(` $inputs `)` `covers` $covers $of attr-dict
    `:` functional-type($inputs, results)
  }];
}

#endif // PORTOLAN_DIALECTS_INTERFACES_SYSTEMOPS_TD
