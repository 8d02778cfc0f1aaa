// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 -o %t.mlir
// RUN: FileCheck %s < %t.mlir
// RUN: portolan-opt %t.mlir --switched-verify-machine=target=hgx-h100 | FileCheck %s
// RUN: portolan-opt %t.mlir --emit-bytecode | portolan-opt | diff %t.mlir -
// RUN: sed '/NVLink4/s/ in_network_reduction//; /reduction_gain/d' %source/dialects/Machine/Specs/hgx-h100.mlir > %t.sums.mlir
// RUN: not portolan-opt %t.mlir --switched-verify-machine=target=%t.sums.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-SUMS
// RUN: sed '/NVLink4/s/ multicast//' %source/dialects/Machine/Specs/hgx-h100.mlir > %t.copies.mlir
// RUN: not portolan-opt %t.mlir --switched-verify-machine=target=%t.copies.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-COPIES
// RUN: sed 's/<4 by 1>/<4 by 8>/' %t.mlir > %t.peers.mlir
// RUN: not portolan-opt %t.peers.mlir --switched-verify-machine=target=hgx-h100:4 2>&1 | FileCheck %s --check-prefix=CHECK-PEERS
// RUN: sed '/compute_tax <0.091/d' %source/dialects/Machine/Specs/hgx-h100.mlir > %t.tax.mlir
// RUN: not portolan-opt %s --switched-lower-to-kernels=target=%t.tax.mlir 2>&1 | FileCheck %s --check-prefix=CHECK-TAX

// kernel_multimem_c1
// CHECK-SUMS: 'switched.multimem_load_reduce' op expects links with in-network reduction (switched.kernel_multimem_c1)
// kernel_multimem_c2
// CHECK-COPIES: 'switched.multimem_store' op expects links with multicast (switched.kernel_multimem_c2)
// kernel_peers_c1: a board has 8 chips; 4 ranks that are 8 apart are on 4 boards.
// CHECK-PEERS: 'switched.for_peers' op expects peers inside of a domain of 8 chips, got 32 (switched.kernel_peers_c1)
// lower_transfer_c2
// CHECK-TAX: 'switched.all_reduce' op expects a link that says which share of the units a communication takes, got none (switched.lower_transfer_c2)

module attributes {plan.point = {instance = "all"}} {
  // 0.091 of 132 units are 12. A chunk is 128 threads of 8 elements. A signal of
  // each member says that its operand is there, 12 that all blocks are done.
  // CHECK-LABEL: func.func @in_network
  // CHECK: switched.kernel_transfer(%{{.*}}) covers "spmd.all_reduce"
  // CHECK: switched.kernel({{.*}}) units = 12 cluster = 1
  // CHECK-NEXT: ^bb0(%[[X:.*]]: memref<16x512xbf16>, %[[Y:.*]]: memref<16x512xbf16>)
  // CHECK-NEXT: %[[BEGUN:.*]] = switched.signals_alloc : <4>
  // CHECK-NEXT: switched.for_peers <4 by 1> parts = 1
  // CHECK: switched.signal %[[BEGUN]] at
  // CHECK: switched.each_peer <4 by 1>
  // CHECK: switched.signal_wait %[[BEGUN]][%{{.*}}] count = 1
  // CHECK: %[[TILE:.*]] = switched.register_alloc : <[128, 8], "bf16">
  // CHECK: switched.for_chunks %[[X]] chunk = 1024 over <4 by 1> : memref<16x512xbf16>
  // CHECK-NEXT: ^bb0(%[[FIRST:.*]]: index, %[[LEFT:.*]]: index)
  // CHECK-NEXT: switched.multimem_load_reduce %[[X]][%[[FIRST]]] left %[[LEFT]] to %[[TILE]]
  // CHECK-NEXT: switched.multimem_store %[[TILE]] to %[[Y]][%[[FIRST]]] left %[[LEFT]]
  // CHECK: %[[ENDED:.*]] = switched.signals_alloc : <4>
  // CHECK: switched.each_peer <4 by 1>
  // CHECK: switched.signal %[[ENDED]] at
  // CHECK: switched.for_peers <4 by 1> parts = 1
  // CHECK: switched.signal_wait %[[ENDED]][%{{.*}}] count = 12
  func.func @in_network(%x: tensor<16x512xbf16>) -> tensor<16x512xbf16> {
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<4 by 1>} {algorithm = "in_network", bottleneck_bytes = 1.0e4 : f64, hops = 2.0 : f64, starts = 1.0 : f64} : (tensor<16x512xbf16>) -> tensor<16x512xbf16>
    return %y : tensor<16x512xbf16>
  }

  // CHECK-LABEL: func.func @one_shot
  // CHECK: %[[TILE:.*]] = switched.register_alloc : <[128, 4], "f32">
  // CHECK: switched.for_chunks %[[X:.*]] chunk = 512 : memref<100xf32>
  // CHECK-NEXT: ^bb0(%[[FIRST:.*]]: index, %[[LEFT:.*]]: index)
  // CHECK-NEXT: switched.zero %[[TILE]]
  // CHECK-NEXT: switched.each_peer <8 by 1>
  // CHECK-NEXT: ^bb0(%[[PEER:.*]]: index)
  // CHECK-NEXT: switched.peer_add %[[X]][%[[FIRST]]] left %[[LEFT]] at %[[PEER]] to %[[TILE]]
  // CHECK: switched.chunk_store %[[TILE]] to %{{.*}}[%[[FIRST]]] left %[[LEFT]]
  func.func @one_shot(%x: tensor<100xf32>) -> tensor<100xf32> {
    %y = switched.all_reduce(%x) covers "spmd.all_reduce" {group = #spmd.group<8 by 1>} {algorithm = "one_shot", bottleneck_bytes = 1.0e4 : f64, hops = 1.0 : f64, starts = 1.0 : f64} : (tensor<100xf32>) -> tensor<100xf32>
    return %y : tensor<100xf32>
  }
}
