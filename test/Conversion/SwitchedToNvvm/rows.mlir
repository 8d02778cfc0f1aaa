// RUN: portolan-opt %s --switched-lower-to-kernels=target=hgx-h100 --convert-switched-kernels-to-nvvm=target=hgx-h100 -o %t.mlir
// RUN: portolan-opt %t.mlir --canonicalize | FileCheck %s
// RUN: portolan-translate --export-ptx %t.mlir | FileCheck %s --check-prefix=CHECK-PTX

// 16 tokens of 64 bf16 to the experts 0 to 2 that their 4 indices name, on 132
// blocks: a row is 128 bytes, then a barrier and 3 * 3 counters, 172 bytes.
// CHECK: llvm.func @rows_0(%[[X:.*]]: !llvm.ptr<1>, %[[INDICES:.*]]: !llvm.ptr<1>, %[[OUT:.*]]: !llvm.ptr<1>, %[[COUNTS:.*]]: !llvm.ptr<1>)
// CHECK-SAME: nvvm.reqntid = array<i32: 128>
// CHECK-SAME: grid = 132 : i64
// CHECK-SAME: shared_memory_bytes = 172 : i64
// Each thread counts its part of the 64 indices, in all tokens and in those
// before this block's.
// CHECK: nvvm.barrier0
// CHECK: scf.for %{{.*}} = %{{.*}} to %c64_i32 step %c128_i32
// CHECK: llvm.load %{{.*}} : !llvm.ptr<1> -> i32
// CHECK-COUNT-2: llvm.atomicrmw add {{.*}} monotonic
// CHECK: nvvm.barrier0
// One thread copies the row of a token once, then to each of its experts.
// CHECK: nvvm.cp.async.bulk.wait_group 0 {read}
// CHECK: nvvm.mbarrier.arrive.expect_tx %{{.*}}, %c128_i32
// CHECK: nvvm.cp.async.bulk.shared.cluster.global
// CHECK: nvvm.mbarrier.try_wait
// CHECK: scf.for %{{.*}} = %c0_i32 to %c4_i32
// CHECK: nvvm.cp.async.bulk.global.shared.cta
// CHECK: nvvm.cp.async.bulk.commit.group
// CHECK: nvvm.cp.async.bulk.wait_group 0

// CHECK-PTX: .visible .entry rows_0(
// CHECK-PTX-DAG: atom.{{.*}}shared{{.*}}add
// CHECK-PTX-DAG: cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes
// CHECK-PTX-DAG: cp.async.bulk.global.shared::cta.bulk_group

module attributes {plan.point = {instance = "all"}} {
  func.func @rows(%x: tensor<16x64xbf16>, %i: tensor<16x4xi32>) -> (tensor<?x64xbf16>, tensor<3xi32>) {
    %r:2 = switched.permute(%x, %i) covers "moe.dispatch" {load = #moe.load<mean = 20.0, max = 25.0, capacity = 64, hit = 3.0>} {engine = "gather", kernels = 1.0 : f64} : (tensor<16x64xbf16>, tensor<16x4xi32>) -> (tensor<?x64xbf16>, tensor<3xi32>)
    return %r#0, %r#1 : tensor<?x64xbf16>, tensor<3xi32>
  }
}
