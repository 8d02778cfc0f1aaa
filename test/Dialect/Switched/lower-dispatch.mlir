// RUN: portolan-opt %s --switched-lower-to-kernels=target=gb300-nvl72 -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: portolan-opt %t.mlir | diff %t.mlir -
// RUN: portolan-opt %t.mlir --emit-bytecode | portolan-opt | diff %t.mlir -
// RUN: portolan-opt %t.mlir --switched-verify-machine=target=gb300-nvl72 | FileCheck %s
// RUN: sed 's/parts = 5/parts = 4/' %t.mlir > %t.signals.mlir
// RUN: not portolan-opt %t.signals.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-SIGNALS

// A put without its signal would be waited for in vain.
// CHECK-SIGNALS: 'switched.signals_alloc' op expects signals of 4 members, and waits for all 4 that each of them gives

module attributes {plan.point = {instance = "all"}} {
  // A row of 512 elements in mxfp4 is 512 * 4.25 / 8 = 272 bytes. A rank's block
  // counts for itself where its rows stand, reads a token once and stores it at
  // each rank that has one of its experts.
  // CHECK-LABEL: func.func @packed
  // CHECK: switched.kernel_step(%{{.*}}) covers "spmd.pack"
  // CHECK: switched.kernel({{.*}}) units = 148 cluster = 1
  // CHECK-NEXT: ^bb0(%[[X:.*]]: memref<16x512xbf16>, %[[W:.*]]: memref<16x4xf32>, %[[I:.*]]: memref<16x4xi32>, %[[ROWS:.*]]: memref<?x512xbf16>, %[[RW:.*]]: memref<?x4xf32>, %[[RI:.*]]: memref<?x4xi32>, %[[TOKENS:.*]]: memref<?xi32>, %[[COUNTS:.*]]: memref<4xi32>)
  // CHECK: %[[ZERO:.*]] = arith.constant 0 : index
  // CHECK: %[[BAR:.*]] = switched.mbarrier_init arrivals = 1 : <1>
  // CHECK: %[[TILE:.*]] = switched.smem_alloc : <[1, 1, 512], "mxfp4">
  // CHECK: %[[NEXT:.*]] = switched.counters_alloc : <4>
  // CHECK: switched.count_rows %[[I]] to %[[NEXT]], %[[COUNTS]] over <experts = 10, first = 0, ranks = 4, spread = 2>
  // CHECK: switched.for_rows %[[I]] tile = 1
  // CHECK-NEXT: ^bb0(%[[TOKEN:.*]]: index, %{{.*}}: index)
  // CHECK-NEXT: switched.mbarrier_expect %[[BAR]][%[[ZERO]]] bytes = 272
  // CHECK-NEXT: switched.row_load %[[X]][%[[TOKEN]]] to %[[TILE]][%[[ZERO]]] signals %[[BAR]]
  // CHECK-NEXT: switched.mbarrier_wait %[[BAR]][%[[ZERO]]]
  // CHECK-NEXT: switched.for_destinations %[[I]][%[[TOKEN]]] next %[[NEXT]] over <experts = 10, first = 0, ranks = 4, spread = 2>
  // CHECK-NEXT: ^bb0(%[[RANK:.*]]: index, %[[PLACE:.*]]: index)
  // CHECK-NEXT: switched.row_store %[[TILE]][%[[ZERO]]] to %[[ROWS]][%[[PLACE]]] :
  // CHECK-NEXT: switched.row_metadata %[[W]], %[[I]][%[[TOKEN]]] for %[[RANK]] to %[[RW]], %[[RI]], %[[TOKENS]][%[[PLACE]]]
  func.func @packed(%x: tensor<16x512xbf16>, %w: tensor<16x4xf32>, %i: tensor<16x4xi32>) -> tensor<4xi32> {
    %r:5 = switched.pack(%x, %w, %i) covers "spmd.pack" {expert_tensor = 2 : i64, experts = 10 : i64, format = #moe.format<"mxfp4", "mxfp4">, group = #spmd.group<4 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x512xbf16>, tensor<16x4xf32>, tensor<16x4xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>, tensor<?x4xi32>, tensor<?xi32>, tensor<4xi32>)
    return %r#4 : tensor<4xi32>
  }

  // Experts are destinations too, of each choice.
  // CHECK-LABEL: func.func @permuted
  // CHECK: switched.counters_alloc : <3>
  // CHECK: switched.count_rows %{{.*}} over <experts = 3, first = 6, ranks = 0, spread = 1> : memref<?x4xi32> to <3>, memref<3xi32>
  // CHECK: switched.for_rows %{{.*}} tile = 1 : memref<?x4xi32>
  // CHECK: switched.row_store
  // CHECK-NOT: switched.row_metadata
  func.func @permuted(%x: tensor<?x512xbf16>, %i: tensor<?x4xi32>) -> tensor<3xi32> {
    %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {first_expert = 6 : i64, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<?x512xbf16>, tensor<?x4xi32>) -> (tensor<?x512xbf16>, tensor<3xi32>)
    return %r#1 : tensor<3xi32>
  }

  // A link takes 0.162 of 148 units: 23, so that 5 parts of 4 peers have one each.
  // CHECK-LABEL: func.func @put
  // CHECK: switched.kernel_transfer(%{{.*}}) covers "spmd.all_to_all_v"
  // CHECK: switched.kernel({{.*}}) units = 23 cluster = 1
  // CHECK-NEXT: ^bb0(%[[X:.*]]: memref<?x512xbf16>, %[[W:.*]]: memref<?x4xf32>, %[[SENT:.*]]: memref<4xi32>, %[[RECEIVED:.*]]: memref<4xi32>, %[[Y:.*]]: memref<?x512xbf16>, %[[YW:.*]]: memref<?x4xf32>)
  // CHECK: %[[READY:.*]] = switched.signals_alloc : <4>
  // CHECK: %[[ARRIVED:.*]] = switched.signals_alloc : <4>
  // CHECK: %[[PLACES:.*]] = switched.words_alloc : memref<4xi32>
  // CHECK: switched.for_peers <4 by 1> parts = 1
  // CHECK-NEXT: ^bb0(%[[PEER:.*]]: index, %{{.*}}: index)
  // CHECK-NEXT: %[[BEGIN:.*]] = switched.prefix %[[RECEIVED]][%[[PEER]]]
  // CHECK-NEXT: switched.put_word %[[BEGIN]] to %[[PLACES]] at %[[PEER]]
  // CHECK-NEXT: switched.signal %[[READY]] at %[[PEER]]
  // CHECK: switched.for_peers <4 by 1> parts = 5
  // CHECK-NEXT: ^bb0(%[[PEER:.*]]: index, %[[PART:.*]]: index)
  // CHECK-NEXT: switched.signal_wait %[[READY]][%[[PEER]]] count = 1
  // CHECK-NEXT: %[[WORD:.*]] = memref.load %[[PLACES]][%[[PEER]]]
  // CHECK-NEXT: %[[FIRST:.*]] = arith.index_cast %[[WORD]]
  // CHECK-NEXT: switched.for_sent %[[SENT]][%[[PEER]]] part %[[PART]]
  // CHECK-NEXT: ^bb0(%[[ROW:.*]]: index, %[[NUMBER:.*]]: index)
  // CHECK-NEXT: %[[TO:.*]] = arith.addi %[[FIRST]], %[[NUMBER]]
  // CHECK: switched.row_load %[[X]][%[[ROW]]]
  // CHECK: switched.row_store %{{.*}} to %[[Y]][%[[TO]]] at %[[PEER]]
  // CHECK-NEXT: switched.copy_row %[[W]][%[[ROW]]] to %[[YW]][%[[TO]]] at %[[PEER]]
  // CHECK: switched.signal %[[ARRIVED]] at %[[PEER]]
  // CHECK: switched.for_peers <4 by 1> parts = 1
  // CHECK: switched.signal_wait %[[ARRIVED]][%{{.*}}] count = 5
  func.func @put(%x: tensor<?x512xbf16>, %w: tensor<?x4xf32>, %s: tensor<4xi32>, %r: tensor<4xi32>) -> tensor<?x512xbf16> {
    %y:2 = switched.row_put(%x, %w, %s, %r) covers "spmd.all_to_all_v" {format = #moe.format<"mxfp4", "mxfp4">, group = #spmd.group<4 by 1>, load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 0.0>} {algorithm = "direct", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<?x512xbf16>, tensor<?x4xf32>, tensor<4xi32>, tensor<4xi32>) -> (tensor<?x512xbf16>, tensor<?x4xf32>)
    return %y#0 : tensor<?x512xbf16>
  }
}
