// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 | FileCheck %s --check-prefix=CHECK-WARPGROUP
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 | portolan-opt --switched-verify-machine=target=gb300-nvl72 | FileCheck %s --check-prefix=CHECK-TENSOR
// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 -o %t.mlir
// RUN: portolan-opt %t.mlir --emit-bytecode | portolan-opt | diff %t.mlir -

// 40 tokens of width 512 and 160 experts in bf16: a stage has 64 elements, so
// there are 8 steps. With sums in registers 160 columns are 3 tiles of 64: a
// stage is 128 * (16 + 3 * 64) = 26624 bytes; 3 tiles of 4096 bytes are for the
// logits, so (232448 - 12288) / (26624 + 16) = 8 stages fit. In tensor memory
// they are 2 tiles of 128: 128 * (16 + 2 * 128) = 34816 bytes, logits 2 * 8192,
// (232448 - 16384) / 34832 = 6.

module attributes {plan.point = {instance = "all"}} {
// CHECK-WARPGROUP-LABEL: func.func @grouped
// CHECK-WARPGROUP: switched.kernel_step(%{{.*}}) covers "moe.route" {{.*}} {engine = "matmul", issued_operations = 5.000000e+07 : f64, kernels = 1.000000e+00 : f64, token_tile = 16 : i64}
// CHECK-WARPGROUP: switched.kernel({{.*}}) units = 132 cluster = 1 : (tensor<40x512xbf16>, tensor<512x160xbf16>, tensor<160xf32>) -> (tensor<40x6xf32>, tensor<40x6xi32>)
// CHECK-WARPGROUP: ^bb0(%[[X:.*]]: memref<40x512xbf16>, %[[W:.*]]: memref<512x160xbf16>, %[[B:.*]]: memref<160xf32>, %[[WEIGHTS:.*]]: memref<40x6xf32>, %[[INDICES:.*]]: memref<40x6xi32>)
// CHECK-WARPGROUP: %[[C2:.*]] = arith.constant 128 : index
// CHECK-WARPGROUP: %[[W2:.*]] = switched.smem_alloc : <[8, 64, 64], "bf16">
// CHECK-WARPGROUP: %[[S2:.*]] = switched.register_alloc : <[64, 16], "f32">
// CHECK-WARPGROUP: %[[L2:.*]] = switched.smem_alloc : <[1, 16, 64], "f32">
// CHECK-WARPGROUP: switched.for_rows %[[X]] tile = 16 : memref<40x512xbf16>
// CHECK-WARPGROUP-NEXT: ^bb0(%[[ROW:.*]]: index, %[[LEFT:.*]]: index)
// CHECK-WARPGROUP-NEXT: switched.pipeline contraction = 512 block = 64 stages = 8
// CHECK-WARPGROUP: switched.mbarrier_expect {{.*}} bytes = 26624
// CHECK-WARPGROUP: switched.tma_load %[[X]][%[[ROW]], %[[STEP:.*]]] to
// CHECK-WARPGROUP-COUNT-2: switched.tma_load
// CHECK-WARPGROUP: switched.tma_load %[[W]][%[[STEP]], %[[C2]]] to %[[W2]]
// CHECK-WARPGROUP-COUNT-3: switched.wgmma
// CHECK-WARPGROUP-COUNT-2: switched.epilogue
// CHECK-WARPGROUP: switched.epilogue %[[S2]] into %[[L2]]
// CHECK-WARPGROUP-NEXT: switched.choose %{{.*}}, %{{.*}}, %[[L2]] rows %[[ROW]], %[[LEFT]] correction %[[B]] to %[[WEIGHTS]], %[[INDICES]] {experts = 160 : i64, groups = 8 : i64, normalize, scale = 2.500000e+00 : f64, scoring = #moe<scoring sigmoid>, top_groups = 3 : i64, top_k = 6 : i64}

// CHECK-TENSOR-LABEL: func.func @grouped
// CHECK-TENSOR: switched.kernel({{.*}}) units = 148 cluster = 1
// CHECK-TENSOR: switched.tmem_alloc columns = 32 : <[128, 16], "f32">
// CHECK-TENSOR: switched.pipeline contraction = 512 block = 64 stages = 6
// CHECK-TENSOR: switched.mbarrier_expect {{.*}} bytes = 34816
// CHECK-TENSOR-COUNT-2: switched.tcgen05_mma
// CHECK-TENSOR-COUNT-2: switched.epilogue
// CHECK-TENSOR-NEXT: switched.choose
func.func @grouped(%x: tensor<40x512xbf16>, %router: tensor<512x160xbf16>, %correction: tensor<160xf32>) -> (tensor<40x6xf32>, tensor<40x6xi32>) {
  %r:2 = switched.router_topk(%x, %router, %correction) covers "moe.route" {groups = 8 : i64, normalize, operandSegmentSizes = array<i32: 1, 1, 0, 1, 0, 0>, scale = 2.5 : f64, scoring = #moe<scoring sigmoid>, top_groups = 3 : i64, top_k = 6 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<40x512xbf16>, tensor<512x160xbf16>, tensor<160xf32>) -> (tensor<40x6xf32>, tensor<40x6xi32>)
  return %r#0, %r#1 : tensor<40x6xf32>, tensor<40x6xi32>
}

// Weights of another format are converted between the barrier and the product.
// CHECK-WARPGROUP-LABEL: func.func @looked_up
// CHECK-WARPGROUP: switched.convert %{{.*}} to %[[WIDE:.*]] : <[8, 64, 64], "f32"> to !switched.registers<[64, 64], "bf16">
// CHECK-WARPGROUP-NEXT: switched.wgmma %[[WIDE]]
// CHECK-WARPGROUP: switched.choose %{{.*}} rows %{{.*}}, %{{.*}} bias %{{.*}} ids %{{.*}} table %{{.*}} to
// CHECK-TENSOR-LABEL: func.func @looked_up
// CHECK-TENSOR: switched.convert {{.*}} to !switched.tmem<[128, 64], "bf16">
func.func @looked_up(%x: tensor<16x512xbf16>, %router: tensor<512x8xf32>, %bias: tensor<8xf32>, %ids: tensor<16xi64>, %table: tensor<100x2xi32>) -> (tensor<16x2xf32>, tensor<16x2xi32>) {
  %r:2 = switched.router_topk(%x, %router, %bias, %ids, %table) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 1, 0, 1, 1>, scoring = #moe<scoring sqrt_softplus>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<16x512xbf16>, tensor<512x8xf32>, tensor<8xf32>, tensor<16xi64>, tensor<100x2xi32>) -> (tensor<16x2xf32>, tensor<16x2xi32>)
  return %r#0, %r#1 : tensor<16x2xf32>, tensor<16x2xi32>
}

// The other half of a batch of one token.
// CHECK-TENSOR-LABEL: func.func @empty
// CHECK-TENSOR: switched.router_topk
func.func @empty(%x: tensor<0x512xbf16>, %router: tensor<512x8xbf16>) -> (tensor<0x2xf32>, tensor<0x2xi32>) {
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "vector", kernels = 0.0 : f64} : (tensor<0x512xbf16>, tensor<512x8xbf16>) -> (tensor<0x2xf32>, tensor<0x2xi32>)
  return %r#0, %r#1 : tensor<0x2xf32>, tensor<0x2xi32>
}

// A batch of sequences is as many tokens.
// CHECK-WARPGROUP-LABEL: func.func @sequences
// CHECK-WARPGROUP: %[[FLAT:.*]] = tensor.collapse_shape
// CHECK-WARPGROUP: %[[R:.*]]:2 = switched.kernel(%[[FLAT]], {{.*}} -> (tensor<12x2xf32>, tensor<12x2xi32>)
// CHECK-WARPGROUP: tensor.expand_shape %[[R]]#0 {{.*}} into tensor<3x4x2xf32>
func.func @sequences(%x: tensor<3x4x512xbf16>, %router: tensor<512x8xbf16>) -> (tensor<3x4x2xf32>, tensor<3x4x2xi32>) {
  %r:2 = switched.router_topk(%x, %router) covers "moe.route" {operandSegmentSizes = array<i32: 1, 1, 0, 0, 0, 0>, scoring = #moe<scoring softmax>, top_k = 2 : i64} {engine = "matmul", issued_operations = 5.0e7 : f64, kernels = 1.0 : f64, token_tile = 16 : i64} : (tensor<3x4x512xbf16>, tensor<512x8xbf16>) -> (tensor<3x4x2xf32>, tensor<3x4x2xi32>)
  return %r#0, %r#1 : tensor<3x4x2xf32>, tensor<3x4x2xi32>
}
}
