//===- TrainiumOps.td - system ops of trainium -------------*- tablegen -*-===//
//
// Part of Portolan, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMOPS_TD
#define PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMOPS_TD

include "dialects/Interfaces/SystemOps.td"
include "dialects/Trainium/IR/TrainiumDialect.td"

//===----------------------------------------------------------------------===//
// Kernels
//===----------------------------------------------------------------------===//

def Trainium_EmbeddingLoadOp
    : System_KernelOp<Trainium_Dialect, "embedding_load", ["embedding"]> {
  let summary = "Rows of the embedding table, loaded by indirect DMA, a row "
                "per partition.";
}

def Trainium_RmsNormOp
    : System_KernelOp<Trainium_Dialect, "rms_norm", ["rmsNorm"]> {
  let summary = "A row-wise normalization on the scalar and vector engines.";
}

def Trainium_NcMatmulOp
    : System_KernelOp<Trainium_Dialect, "nc_matmul", ["linear"]> {
  let summary = "Matmuls on the tensor engine: contraction on the "
                "partitions, weights stationary, tokens moving, sums in a "
                "PSUM bank.";
}

def Trainium_RopeOp : System_KernelOp<Trainium_Dialect, "rope", ["rope"]> {
  let summary = "The rotation of queries or keys on the vector engine.";
}

def Trainium_AttentionOp
    : System_KernelOp<Trainium_Dialect, "attention", ["attention"]> {
  let summary = "Attention with heads, cache blocks loaded to SBUF.";
}

def Trainium_LatentAttentionOp
    : System_KernelOp<Trainium_Dialect, "latent_attention",
                      ["latentAttention"]> {
  let summary = "Multi-head latent attention over a cached latent.";
}

def Trainium_GateOp : System_KernelOp<Trainium_Dialect, "gate", ["gate"]> {
  let summary = "A tensor multiplied with an activated gate, on the vector engine.";
}

def Trainium_ShortConvolutionOp
    : System_KernelOp<Trainium_Dialect, "short_convolution", ["shortConvolution"]> {
  let summary = "Each channel over its last few tokens, on the vector engine.";
}

def Trainium_RecurrenceOp
    : System_KernelOp<Trainium_Dialect, "recurrence", ["recurrence"]> {
  let summary = "A step of the states on the vector engine, or a prompt in chunks on "
                "the tensor engine.";
}

def Trainium_DepthAttentionOp
    : System_KernelOp<Trainium_Dialect, "depth_attention", ["depthAttention"]> {
  let summary = "A token's streams, mixed by their scores, on the vector engine.";
}

def Trainium_ReadStreamsOp
    : System_KernelOp<Trainium_Dialect, "read_streams", ["readStreams"]> {
  let summary = "A token's streams collapsed to one, with how they mix, by "
                "one thin matmul.";
}

def Trainium_WriteStreamsOp
    : System_KernelOp<Trainium_Dialect, "write_streams", ["writeStreams"]> {
  let summary = "A result spread over a token's streams, which are mixed, on "
                "the vector engine.";
}

def Trainium_PoolKeysOp
    : System_KernelOp<Trainium_Dialect, "pool_keys", ["poolKeys"]> {
  let summary = "Keys of finished windows, summed by a softmax over their "
                "tokens.";
}

def Trainium_PooledAttentionOp
    : System_KernelOp<Trainium_Dialect, "pooled_attention", ["pooledAttention"]> {
  let summary = "Attention to a window and to pooled keys, heads of one key "
                "as rows of the tensor engine.";
}

def Trainium_TensorAddOp
    : System_KernelOp<Trainium_Dialect, "tensor_add", ["add"]> {
  let summary = "A residual sum on the vector engine.";
}

def Trainium_DecomposedOp
    : System_KernelOp<Trainium_Dialect, "decomposed", ["decomposed"]> {
  let summary = "Nodes of a graph that were not raised, a kernel each.";
}

def Trainium_MlpOp : System_KernelOp<Trainium_Dialect, "mlp", ["mlp"]> {
  let summary = "Two matmuls with a gated activation between them.";
}

def Trainium_RouterTopkOp
    : System_KernelOp<Trainium_Dialect, "router_topk", ["route"]> {
  let summary = "Router logits, scores and the choice of experts.";
}

def Trainium_DmaGatherOp
    : System_KernelOp<Trainium_Dialect, "dma_gather", ["dispatch"]> {
  let summary = "Rows gathered into the order of their experts, by transfers of "
                "`transfer_bytes`; whole rows are transposed on the tensor engine.";
}

def Trainium_BlockwiseMatmulOp
    : System_KernelOp<Trainium_Dialect, "blockwise_matmul", ["experts"]> {
  let summary = "The experts one after another, each with its rows in tiles; the "
                "next one may be prefetched to SBUF.";
}

def Trainium_DmaScatterAddOp
    : System_KernelOp<Trainium_Dialect, "dma_scatter_add", ["combine"]> {
  let summary = "Expert results added to token rows.";
}

def Trainium_DmaPackOp
    : System_KernelOp<Trainium_Dialect, "dma_pack", ["pack"]> {
  let summary = "Rows copied once per destination chip.";
}

def Trainium_DmaUnpackOp
    : System_KernelOp<Trainium_Dialect, "dma_unpack", ["unpack"]> {
  let summary = "Returned rows added to tokens.";
}

def Trainium_MergePartialsOp
    : System_KernelOp<Trainium_Dialect, "merge_partials", ["mergePartials"]> {
  let summary = "Attention parts of a spread context merged.";
}

//===----------------------------------------------------------------------===//
// Collectives
//===----------------------------------------------------------------------===//

def Trainium_CcAllReduceOp
    : System_TransferOp<Trainium_Dialect, "cc_all_reduce", ["allReduce"]> {
  let summary = "A reduction by mesh, recursive doubling, KangaRing or ring, "
                "in stages of equally fast links.";
}

def Trainium_CcAllGatherOp
    : System_TransferOp<Trainium_Dialect, "cc_all_gather", ["allGather"]> {
  let summary = "A gather by the algorithm that is fastest for its size.";
}

def Trainium_CcReduceScatterOp
    : System_TransferOp<Trainium_Dialect, "cc_reduce_scatter",
                      ["reduceScatter"]> {
  let summary = "A scattered reduction by the algorithm that is fastest for "
                "its size.";
}

def Trainium_CcAllToAllOp
    : System_TransferOp<Trainium_Dialect, "cc_all_to_all", ["allToAll"]> {
  let summary = "Row counts of a ragged exchange.";
}

def Trainium_CcAllToAllVOp
    : System_TransferOp<Trainium_Dialect, "cc_all_to_all_v", ["allToAllV"]> {
  let summary = "Rows exchanged with run-time counts inside static buffers.";
}

def Trainium_CcSendOp
    : System_TransferOp<Trainium_Dialect, "cc_send", ["send"]> {
  let summary = "Activations to the same place of the next stage.";
}

def Trainium_CcReceiveOp
    : System_TransferOp<Trainium_Dialect, "cc_receive", ["receive"]> {
  let summary = "Waits for the activations of the stage before.";
}

def Trainium_ViewOp : System_ViewOp<Trainium_Dialect>;

#endif // PORTOLAN_DIALECTS_TRAINIUM_IR_TRAINIUMOPS_TD
