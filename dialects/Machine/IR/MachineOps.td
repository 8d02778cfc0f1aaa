//===- MachineOps.td - operations of the machine dialect ---*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The rules that the verifiers check, with their labels, are in
// dialects/Machine/README.md.
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_MACHINE_OPS_TD
#define PORTOLAN_MACHINE_OPS_TD

include "dialects/Machine/IR/MachineAttrs.td"
include "dialects/Machine/IR/MachineDialect.td"
include "dialects/Machine/IR/MachineEnums.td"
include "mlir/IR/CommonAttrConstraints.td"
include "mlir/IR/OpBase.td"
include "mlir/IR/SymbolInterfaces.td"

class Machine_Op<string mnemonic, list<Trait> traits = []>
    : Op<Machine_Dialect, mnemonic, traits> {
  let hasVerifier = 1;
}

class Machine_ChildOp<string mnemonic, list<Trait> traits = []>
    : Machine_Op<mnemonic, [HasParent<"SystemOp">] # traits>;

def Machine_SystemOp
    : Machine_Op<"system", [Symbol, NoTerminator, SingleBlock, NoRegionArguments,
                            IsolatedFromAbove]> {
  let summary = "A system of chips.";
  let description = [{
    The symbol is the canonical name. `default = true` makes it one of the
    default targets. Where a shape is required, `default_shape` is the one of the
    default target and of the printed sheet.

    ```mlir
    machine.system @example family = switched title = "Example" default = true {
      machine.shape_rule counts "GPUs" chips_per_unit = 1 rank = 1 default = [8]
        maximum = [8]
      machine.topology full_switch domain = 8
    }
    ```
  }];
  let arguments = (ins SymbolNameAttr:$sym_name, Machine_FamilyKind:$family,
    StrAttr:$title, OptionalAttr<BoolAttr>:$default_target,
    OptionalAttr<DenseI64ArrayAttr>:$default_shape);
  let hasVerifier = 0;
  let hasRegionVerifier = 1;
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $sym_name `family` `=` $family `title` `=` $title
    (`default` `=` $default_target^)? (`default_shape` `=` $default_shape^)?
    attr-dict-with-keyword $body
  }];
}

def Machine_ShapeRuleOp : Machine_ChildOp<"shape_rule"> {
  let summary = "States how the part of a target after the colon is read.";
  let description = [{
    `counts` names what the numbers count, `rank` how many there are (AxBxC).
    Without `default` the shape is required. `maximum` bounds each axis, `legal`
    lists the sizes an axis may have, `cube = N` says that a shape with an axis
    above N is made of whole cubes of that side, and `maximum_chips` bounds the
    product.
  }];
  let arguments = (ins StrAttr:$counts, I64Attr:$chips_per_unit, I64Attr:$rank,
    OptionalAttr<DenseI64ArrayAttr>:$default_shape,
    OptionalAttr<DenseI64ArrayAttr>:$maximum,
    OptionalAttr<DenseI64ArrayAttr>:$legal, OptionalAttr<I64Attr>:$cube,
    OptionalAttr<I64Attr>:$maximum_chips);
  let assemblyFormat = [{
    `counts` $counts `chips_per_unit` `=` $chips_per_unit `rank` `=` $rank
    (`default` `=` $default_shape^)? (`maximum` `=` $maximum^)?
    (`legal` `=` $legal^)? (`cube` `=` $cube^)?
    (`maximum_chips` `=` $maximum_chips^)? attr-dict
  }];
}

def Machine_TopologyOp : Machine_ChildOp<"topology"> {
  let summary = "States how the chips are connected.";
  let description = [{
    `domain` is the number of chips of one switch, `server` that of one of the
    servers behind it. `grid` folds a plain number of chips onto the axes of a
    torus, first axis first. `wrap` says when an axis closes to a ring. `units` is
    the grid of processing elements of a wafer.
  }];
  let arguments = (ins Machine_TopologyClass:$kind,
    OptionalAttr<I64Attr>:$domain, OptionalAttr<I64Attr>:$server,
    OptionalAttr<DenseI64ArrayAttr>:$grid,
    OptionalAttr<Machine_Wrap>:$wrap, OptionalAttr<I64Attr>:$wrap_multiple,
    OptionalAttr<DenseI64ArrayAttr>:$units);
  let assemblyFormat = [{
    $kind (`domain` `=` $domain^)? (`server` `=` $server^)?
    (`grid` `=` $grid^)?
    (`wrap` `=` $wrap^ ($wrap_multiple^)?)? (`units` `=` $units^)? attr-dict
  }];
}

def Machine_EngineOp
    : Machine_ChildOp<"engine", [NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "One kind of execution unit of a chip.";
  let description = [{
    Holds one `machine.rate` per native format. `units` counts the instances that
    share one tile grid. A matmul engine states its tile: the token tiles that
    kernels exist for, the output columns and the contraction. A gather engine may
    state `saturating_bytes`, the smallest transfer that reaches its rate: one of
    half the size reaches half of it. `partitions` is the number of parts that
    the memory of a core is divided into, each written by transfers of its own.
  }];
  let arguments = (ins StrAttr:$engine_name, Machine_EngineClass:$kind,
    OptionalAttr<I64Attr>:$units, OptionalAttr<I64Attr>:$partitions,
    OptionalAttr<Machine_QuantityAttr>:$saturating_bytes,
    OptionalAttr<DenseI64ArrayAttr>:$token_tiles,
    OptionalAttr<I64Attr>:$column_tile,
    OptionalAttr<I64Attr>:$contraction_tile);
  let hasRegionVerifier = 1;
  let regions = (region SizedRegion<1>:$body);
  let assemblyFormat = [{
    $engine_name $kind (`units` `=` $units^)? (`partitions` `=` $partitions^)?
    (`saturating_bytes` $saturating_bytes^)?
    (`token_tiles` `=` $token_tiles^)? (`column_tile` `=` $column_tile^)?
    (`contraction_tile` `=` $contraction_tile^)? attr-dict-with-keyword $body
  }];
}

def Machine_CoreOp : Machine_ChildOp<"core"> {
  let summary = "What a kernel may use of one unit of the matmul engine.";
  let description = [{
    `warpgroup_mma`: four warps issue a product and keep its sums in registers.
    `tmem_mma`: one thread issues it, the sums are in a memory of their own, and
    two neighbouring units can issue one product together. `shared_memory` is
    what one block of threads may allocate, `accumulator_memory` that of a
    tmem_mma. `largest_cluster` counts the units whose blocks can read each
    other's shared memory. `target` names the instruction set that the units
    run, as the back end that writes it spells it (PTX: "sm_90a"); without it
    no kernel is emitted. A machine without this op has no kernel stratum.
  }];
  let arguments = (ins Machine_MatrixUnit:$matrix_unit, I64Attr:$largest_cluster,
    Machine_QuantityAttr:$shared_memory,
    OptionalAttr<Machine_QuantityAttr>:$accumulator_memory,
    OptionalAttr<StrAttr>:$target);
  let assemblyFormat = [{
    $matrix_unit (`target` `=` $target^)? `largest_cluster` `=` $largest_cluster
    `shared_memory` $shared_memory
    (`accumulator_memory` $accumulator_memory^)? attr-dict
  }];
}

def Machine_RateOp : Machine_Op<"rate", [HasParent<"EngineOp">]> {
  let summary = "The speed of an engine in one format.";
  let description = [{
    `peak` is of the whole chip: flop/s of a matmul engine, results/s of a vector
    or transcendental one, bytes/s of a gather engine. `efficiency` is the
    fraction that well-shaped kernels reach. `row_granule` is the number of rows
    that a tile is padded to; `contraction_step` the contraction of one
    instruction in this format, where it is more than the engine's tile. The
    format `any` stands for all.
  }];
  let arguments = (ins StrAttr:$format, Machine_QuantityAttr:$peak,
    OptionalAttr<Machine_QuantityAttr>:$efficiency,
    OptionalAttr<I64Attr>:$row_granule,
    OptionalAttr<I64Attr>:$contraction_step);
  let assemblyFormat = [{
    custom<FormatName>($format) `peak` $peak (`efficiency` $efficiency^)?
    (`row_granule` `=` $row_granule^)?
    (`contraction_step` `=` $contraction_step^)? attr-dict
  }];
}

def Machine_MemoryOp
    : Machine_ChildOp<"memory", [NoTerminator, SingleBlock, NoRegionArguments]> {
  let summary = "A memory level of a chip.";
  let description = [{
    The first one holds weights and cache; the others are nearer to the engines.
    Holds one `machine.stream` per storage format.
  }];
  let arguments = (ins StrAttr:$memory_name, Machine_QuantityAttr:$capacity,
    OptionalAttr<Machine_QuantityAttr>:$bandwidth);
  let hasRegionVerifier = 1;
  let regions = (region MaxSizedRegion<1>:$body);
  let assemblyFormat = [{
    $memory_name `capacity` $capacity (`bandwidth` $bandwidth^)?
    attr-dict-with-keyword $body
  }];
}

def Machine_StreamOp : Machine_Op<"stream", [HasParent<"MemoryOp">]> {
  let summary = "The fraction of a memory's bandwidth that streaming reaches.";
  let description = [{ The format `any` stands for all. }];
  let arguments = (ins StrAttr:$format, Machine_QuantityAttr:$efficiency);
  let assemblyFormat = [{
    custom<FormatName>($format) `efficiency` $efficiency attr-dict
  }];
}

def Machine_LinkOp : Machine_ChildOp<"link"> {
  let summary = "A tier of links between chips.";
  let description = [{
    The first one is the scale-up domain, the second the scale-out network.
    `bandwidth` is one direction of a chip's whole port on a switch, or of one
    link of one axis on a torus; `axis_bandwidth` states it per axis where axes
    differ. Where a domain is no switch but has a link between each two chips,
    the one `axis_bandwidth` is of such a link, the `bandwidth` of all links of a
    chip. `latency` is per hop, `start` per collective step, `message_gap` per
    further message of a burst. While a collective runs, `compute_tax` of the
    compute units and `memory_tax` of the memory bandwidth serve it.
  }];
  let arguments = (ins StrAttr:$link_name, Machine_QuantityAttr:$bandwidth,
    OptionalAttr<TypedArrayAttrBase<Machine_QuantityAttr,
                                    "array of quantities">>:$axis_bandwidth,
    Machine_QuantityAttr:$efficiency, Machine_QuantityAttr:$latency,
    Machine_QuantityAttr:$start, Machine_QuantityAttr:$message_gap,
    OptionalAttr<Machine_QuantityAttr>:$reduction_gain,
    OptionalAttr<Machine_QuantityAttr>:$compute_tax,
    OptionalAttr<Machine_QuantityAttr>:$memory_tax,
    UnitAttr:$in_network_reduction, UnitAttr:$multicast);
  let assemblyFormat = [{
    $link_name (`in_network_reduction` $in_network_reduction^)?
    (`multicast` $multicast^)? `bandwidth` $bandwidth
    (`axis_bandwidth` $axis_bandwidth^)? `efficiency` $efficiency
    `latency` $latency `start` $start `message_gap` $message_gap
    (`reduction_gain` $reduction_gain^)? (`compute_tax` $compute_tax^)?
    (`memory_tax` $memory_tax^)? attr-dict
  }];
}

def Machine_CollectivesOp : Machine_ChildOp<"collectives"> {
  let summary = "What the runtime of the machine knows of collectives.";
  let description = [{
    `ranks` is the number of ranks that the runtime sees on one chip, `groups` the
    number of communicators that one program may have. Below `mesh_limit` bytes
    the runtime exchanges between all pairs at once, below `doubling_limit` by
    recursive doubling, above that in rings.
  }];
  let arguments = (ins I64Attr:$ranks, I64Attr:$groups,
    Machine_QuantityAttr:$mesh_limit, Machine_QuantityAttr:$doubling_limit);
  let assemblyFormat = [{
    `ranks` `=` $ranks `groups` `=` $groups `mesh_limit` $mesh_limit
    `doubling_limit` $doubling_limit attr-dict
  }];
}

def Machine_StorageFormatOp : Machine_ChildOp<"storage_format"> {
  let summary = "A storage format that kernels of the machine can read.";
  let description = [{
    `dequantize` is the number of vector operations per element that widening it
    before the matmul takes: 0 if it is native. `encoding` names the 8-bit float
    that the machine takes for fp8 where it is not OCP's e4m3fn, in which
    checkpoints ship: "e4m3b11fnuz", "e5m2", ...
  }];
  let arguments = (ins StrAttr:$format, Machine_QuantityAttr:$dequantize,
                       OptionalAttr<StrAttr>:$encoding);
  let assemblyFormat = [{
    custom<FormatName>($format) `dequantize` $dequantize attr-dict
  }];
}

def Machine_OverheadsOp : Machine_ChildOp<"overheads"> {
  let summary = "What a step costs beside its work.";
  let arguments = (ins OptionalAttr<Machine_QuantityAttr>:$kernel_launch,
    OptionalAttr<Machine_QuantityAttr>:$step,
    OptionalAttr<Machine_QuantityAttr>:$reserve);
  let assemblyFormat = [{
    (`kernel_launch` $kernel_launch^)? (`step` $step^)? (`reserve` $reserve^)?
    attr-dict
  }];
}

def Machine_PowerOp : Machine_ChildOp<"power"> {
  let summary = "The power of the whole system, per chip.";
  let arguments = (ins Machine_QuantityAttr:$per_chip);
  let assemblyFormat = "`per_chip` $per_chip attr-dict";
}

def Machine_PriceOp : Machine_ChildOp<"price"> {
  let summary = "The price of a chip for an hour.";
  let arguments = (ins Machine_QuantityAttr:$per_chip);
  let assemblyFormat = "`per_chip` $per_chip attr-dict";
}

#endif // PORTOLAN_MACHINE_OPS_TD
