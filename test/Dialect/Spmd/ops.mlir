// Every spmd op prints as it parses.
// RUN: portolan-opt %s | portolan-opt | FileCheck %s

// CHECK: spmd.mesh @mesh {context = 1 : i64, data = 2 : i64, expert = 8 : i64, expert_tensor = 1 : i64, stage = 2 : i64, tensor = 4 : i64}
spmd.mesh @mesh {stage = 2 : i64, data = 2 : i64, context = 1 : i64,
                 tensor = 4 : i64, expert = 8 : i64, expert_tensor = 1 : i64}

// CHECK-LABEL: func @sharded_argument
// CHECK-SAME: spmd.shard = #spmd.shard<parts = [1, 4], strides = [1, 1], units = [1, 128]>
func.func @sharded_argument(%w: tensor<64x256xf32> {
    spmd.shard = #spmd.shard<parts = [1, 4], strides = [1, 1], units = [1, 128]>}) {
  return
}

// CHECK-LABEL: func @all_reduce
func.func @all_reduce(%x: tensor<2x64xbf16>) -> tensor<2x64xbf16> {
  // CHECK: spmd.all_reduce %{{.*}} over <4 by 1> : tensor<2x64xbf16>
  %0 = spmd.all_reduce %x over <4 by 1> : tensor<2x64xbf16>
  return %0 : tensor<2x64xbf16>
}

// CHECK-LABEL: func @all_gather_uneven
func.func @all_gather_uneven(%x: tensor<5x8xf32>, %i: tensor<5x2xi32>) -> tensor<18x8xf32> {
  // CHECK: spmd.all_gather %{{.*}}, %{{.*}} over <4 by 1> {dim = 0 : i64, format = #moe.format<"fp8", "fp8">, sizes = array<i64: 5, 5, 4, 4>}
  %0:2 = spmd.all_gather %x, %i over <4 by 1>
    {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>, format = #moe.format<"fp8", "fp8">}
    : (tensor<5x8xf32>, tensor<5x2xi32>) -> (tensor<18x8xf32>, tensor<18x2xi32>)
  return %0#0 : tensor<18x8xf32>
}

// CHECK-LABEL: func @reduce_scatter_uneven
func.func @reduce_scatter_uneven(%x: tensor<18x8xf32>) -> tensor<4x8xf32> {
  // CHECK: spmd.reduce_scatter %{{.*}} over <4 by 2>
  %0 = spmd.reduce_scatter %x over <4 by 2> {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>}
    : (tensor<18x8xf32>) -> tensor<4x8xf32>
  return %0 : tensor<4x8xf32>
}

// CHECK-LABEL: func @exchange
func.func @exchange(%x: tensor<6x8xf32>, %w: tensor<6x2xf32>, %i: tensor<6x2xi32>) -> tensor<6x8xf32> {
  // CHECK: spmd.pack %{{.*}}, %{{.*}}, %{{.*}} over <4 by 1> {experts = 6 : i64
  %rows, %rw, %ri, %tokens, %counts = spmd.pack %x, %w, %i over <4 by 1>
    {experts = 6 : i64, load = #moe.load<mean = 8.0, max = 9.5, capacity = 24, hit = 0.0>}
    : (tensor<6x8xf32>, tensor<6x2xf32>, tensor<6x2xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<?xi32>, tensor<4xi32>)
  // CHECK: spmd.all_to_all %{{.*}} over <4 by 1> : tensor<4xi32>
  %back = spmd.all_to_all %counts over <4 by 1> : tensor<4xi32>
  // CHECK: spmd.all_to_all_v %{{.*}}, %{{.*}}, %{{.*}} send %{{.*}} receive %{{.*}} over <4 by 1>
  %r:3 = spmd.all_to_all_v %rows, %rw, %ri send %counts receive %back over <4 by 1>
    : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4xi32>, tensor<4xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>)
  %b = spmd.all_to_all_v %r#0 send %back receive %counts over <4 by 1>
    : (tensor<?x8xf32>, tensor<4xi32>, tensor<4xi32>) -> tensor<?x8xf32>
  // CHECK: spmd.unpack
  %y = spmd.unpack %b, %tokens : (tensor<?x8xf32>, tensor<?xi32>) -> tensor<6x8xf32>
  return %y : tensor<6x8xf32>
}

// CHECK-LABEL: func @pipeline
func.func @pipeline() {
  // CHECK: spmd.receive {distance = 4 : i64} : tensor<2x1x8xf32>
  %0 = spmd.receive {distance = 4 : i64} : tensor<2x1x8xf32>
  // CHECK: spmd.send %{{.*}} {distance = 4 : i64} : tensor<2x1x8xf32>
  spmd.send %0 {distance = 4 : i64} : tensor<2x1x8xf32>
  return
}

// CHECK-LABEL: func @local
func.func @local(%x: tensor<18x8xf32>, %i: tensor<18x2xi32>, %v: tensor<4x1x8xf32>,
                 %l: tensor<4x1x2xf32>) -> tensor<2x1x8xf32> {
  // CHECK: spmd.slice %{{.*}} over <4 by 1>
  %0 = spmd.slice %x over <4 by 1> {dim = 0 : i64, sizes = array<i64: 5, 5, 4, 4>}
    : (tensor<18x8xf32>) -> tensor<5x8xf32>
  // CHECK: spmd.localize %{{.*}} over <2 by 2> {experts = 5 : i64}
  %1 = spmd.localize %i over <2 by 2> {experts = 5 : i64} : tensor<18x2xi32>
  // CHECK: spmd.choose_copy %{{.*}} {experts = 2 : i64, slots = array<i64: 0, 1, 0>}
  %3 = spmd.choose_copy %i {experts = 2 : i64, slots = array<i64: 0, 1, 0>} : tensor<18x2xi32>
  // CHECK: spmd.merge_partials %{{.*}}, %{{.*}} {parts = 2 : i64}
  %2 = spmd.merge_partials %v, %l {parts = 2 : i64}
    : (tensor<4x1x8xf32>, tensor<4x1x2xf32>) -> tensor<2x1x8xf32>
  return %2 : tensor<2x1x8xf32>
}

// A collective whose result is not used still takes part.
// RUN: portolan-opt %s --canonicalize --cse | FileCheck %s --check-prefix=KEPT
// KEPT-LABEL: func @unused_collective
func.func @unused_collective(%x: tensor<4xi32>) {
  // KEPT: spmd.all_to_all
  %0 = spmd.all_to_all %x over <4 by 1> : tensor<4xi32>
  return
}
