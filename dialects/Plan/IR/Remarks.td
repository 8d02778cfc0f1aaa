//===- Remarks.td - why a decision does not carry over -----*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The closed catalogue of reasons. An id is what JSON reports as `reason` and
// what an MLIR remark is named; the sentence explains it to a reader; the
// suggestion says what to try.
//
//===----------------------------------------------------------------------===//

class Remark<string remarkCategory, string remarkSentence,
             string remarkSuggestion> {
  string id = NAME;
  string category = remarkCategory;
  string sentence = remarkSentence;
  string suggestion = remarkSuggestion;
}

class FormatRemark<string sentence, string suggestion>
    : Remark<"format", sentence, suggestion>;
class CapacityRemark<string sentence, string suggestion>
    : Remark<"capacity", sentence, suggestion>;
class TopologyRemark<string sentence, string suggestion>
    : Remark<"topology", sentence, suggestion>;
class KernelRemark<string sentence, string suggestion>
    : Remark<"kernel", sentence, suggestion>;
class CostRemark<string sentence, string suggestion>
    : Remark<"cost", sentence, suggestion>;

// Formats.
def format_not_native : FormatRemark<
  "no matmul engine of the target computes in this format",
  "ship weights in a format that every target computes">;
def format_not_readable : FormatRemark<
  "no published kernel of the target reads this storage format",
  "use the next wider format, or write a dequantising kernel">;

// Capacity and limits.
def capacity_exceeded : CapacityRemark<
  "the plan does not fit into the target's memory",
  "use more chips per model copy, or narrower formats">;
def slo_violated : CapacityRemark<
  "no concurrency meets the latency limit",
  "relax the limit, or spread the model over more chips">;

// Topology.
def no_in_network_reduction : TopologyRemark<
  "the network of the target does not add",
  "choose a plan without large reductions on the critical path">;
def group_shape_not_expressible : TopologyRemark<
  "the topology of the target has no group of this shape",
  "choose degrees that are products of whole axes">;
def not_divisible : TopologyRemark<
  "the degree does not divide what it splits on the target",
  "choose a degree that divides on every target">;
def no_wraparound : TopologyRemark<
  "the axis of the target does not wrap around",
  "use a slice whose axes close into rings">;
def scale_out_cliff : TopologyRemark<
  "the group leaves the scale-up domain of the target",
  "keep the group inside one domain">;
def data_dependent_counts : TopologyRemark<
  "the target exchanges a static capacity, not run-time counts",
  "bound the rows per rank, or balance the experts">;

// Kernels and choices.
def tile_padding : KernelRemark<
  "rows are padded to the tile of the target's matmul engine",
  "batch more tokens per expert">;
def unavailable_decision : KernelRemark<
  "the target or the rest of the plan leaves no such choice",
  "leave the choice to the target">;
def retuned_across_families : KernelRemark<
  "kernel shapes of another family do not transfer and were tuned anew",
  "nothing to do: kernels are tuned per family">;

// Cost of what is legal.
def bisection_bound : CostRemark<
  "the exchange is bound by the cut of the topology",
  "exchange fewer bytes per token, or over fewer axes">;
def link_bound : CostRemark<
  "more bytes per token pass the most loaded link",
  "exchange fewer bytes per token">;
def hop_latency : CostRemark<
  "more message latency per token",
  "use fewer or larger messages, or fewer hops">;
def overlap_contends : CostRemark<
  "what overlaps contends for the same units or bytes",
  "overlap less, or where engines other than the busy ones communicate">;
def not_overlapped : CostRemark<
  "communication waits where the target could hide it",
  "overlap communication with computation">;
def load_imbalance : CostRemark<
  "more waiting for the most loaded rank",
  "spread experts over fewer ranks, or replicate hot ones">;
def more_compute : CostRemark<
  "more operations per token and chip",
  "choose formats and degrees that share the operations">;
def more_memory_traffic : CostRemark<
  "more bytes of weights and cache per token and chip",
  "batch more tokens per weight read, or narrow the formats">;
def launch_bound : CostRemark<
  "more kernel launches and framework time per token",
  "launch fewer, larger kernels">;
