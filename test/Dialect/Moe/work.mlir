// RUN: portolan-opt %s --moe-print-work -o /dev/null | FileCheck %s

// 6 rows: 2*6*8*4 = 384 operations; weight 8*4*2 = 64 B; in 6*8*2 = 96 B; out 6*4*2 = 48 B.
// CHECK-LABEL: linear moe.linear
// CHECK-NEXT: op: rows=6 inner=8 outer=4 activation=bf16 weight=bf16
// CHECK-NEXT: work: matmul=384 compute=bf16 weight_bytes=64 activation_in_bytes=96 activation_out_bytes=48
func.func @linear(%x: tensor<2x3x8xbf16>, %w: tensor<8x4xbf16>) {
  %0 = moe.linear %x, %w : (tensor<2x3x8xbf16>, tensor<8x4xbf16>) -> tensor<2x3x4xbf16>
  return
}

// nvfp4 holds 4.5 bits per element: weight 32*4.5/8 = 18 B; the input is read as fp8, 6*8 = 48 B; the result stays bf16.
// CHECK-LABEL: quantized moe.linear
// CHECK-NEXT: activation=fp8 weight=nvfp4
// CHECK-NEXT: work: matmul=384 compute=fp8 weight_bytes=18 activation_in_bytes=48 activation_out_bytes=48
func.func @quantized(%x: tensor<2x3x8xbf16>, %w: tensor<8x4xbf16>) {
  %0 = moe.linear %x, %w {weight_format = #moe.format<"nvfp4", "fp8">, activation_format = #moe.format<"fp8", "fp8">}
    : (tensor<2x3x8xbf16>, tensor<8x4xbf16>) -> tensor<2x3x4xbf16>
  return
}

// 2 sequences, one new token, 5 past: 2*(5+1)*4 heads = 48 scores, each 2*(4+4) operations. A token's cache entry has
// 2*(4+4) = 16 elements of 2 B: read 2*5*32 = 320 B, written 2*32 = 64 B. In: 2*(16+16)*2 = 128 B; out: 2*16*2 = 64 B.
// CHECK-LABEL: attention moe.attention
// CHECK-NEXT: op: rows=2 inner=4 outer=4 heads=4 kv_heads=2 sequences=2 context=5 new_tokens=1 activation=bf16
// CHECK-NEXT: work: matmul=768 compute=bf16 vector=192 transcendental=48 activation_in_bytes=128 activation_out_bytes=64 cache_read_bytes=320 cache_write_bytes=64
func.func @attention(%q: tensor<2x1x16xbf16>, %k: tensor<2x1x8xbf16>, %p: tensor<2x2x5x4xbf16>) {
  %0:3 = moe.attention %q, %k, %k cache %p, %p {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
    : (tensor<2x1x16xbf16>, tensor<2x1x8xbf16>, tensor<2x1x8xbf16>, tensor<2x2x5x4xbf16>, tensor<2x2x5x4xbf16>)
    -> (tensor<2x1x16xbf16>, tensor<2x2x6x4xbf16>, tensor<2x2x6x4xbf16>)
  return
}

// The slowest rank has 12.5 rows on 3 of 4 experts: 2*12.5*8*5*3 = 3000 operations; weight 3*8*5*3*2 = 720 B.
// CHECK-LABEL: experts moe.experts
// CHECK-NEXT: op: rows=12.5 mean_rows=10 inner=8 outer=5 experts=4 hit_experts=3 gated
// CHECK-NEXT: work: matmul=3000 compute=bf16 {{.*}} weight_bytes=720
func.func @experts(%x: tensor<?x8xbf16>, %c: tensor<4xi32>, %w: tensor<4x8x5xbf16>, %d: tensor<4x5x8xbf16>) {
  %0 = moe.experts %x, %c gate %w up %w down %d
    {activation = #moe<activation silu>, load = #moe.load<mean = 10.0, max = 12.5, capacity = 24, hit = 3.0>}
    : (tensor<?x8xbf16>, tensor<4xi32>, tensor<4x8x5xbf16>, tensor<4x8x5xbf16>, tensor<4x5x8xbf16>) -> tensor<?x8xbf16>
  return
}

// 6 rows of nodes that were not raised; their weights are 5 x 10 bf16 (100 bytes), their table 7 x 8 i8 (56 bytes more).
// CHECK-LABEL: decomposed moe.decomposed
// CHECK-NEXT: op: rows=6 width=4 matmul_operations=100 vector_operations=10 transcendental_operations=5 bytes_read=24 bytes_written=40 widest_bytes=44 weight_bytes=100 resident_bytes=156 parameters=106 kernels=3 activation=bf16 weight=bf16
// CHECK: work: matmul=600 compute=bf16 vector=60 transcendental=30 weight_bytes=100 activation_in_bytes=144 activation_out_bytes=240
func.func @decomposed(%x: tensor<2x3x8xbf16>, %w: tensor<5x10xbf16>, %t: tensor<7x8xi8>) {
  %0 = moe.decomposed(%x) weights(%w) tables(%t) {matmul_operations = 100 : i64, vector_operations = 10 : i64,
    transcendental_operations = 5 : i64, bytes_read = 24 : i64, bytes_written = 40 : i64, widest_bytes = 44 : i64, kernels = 3 : i64}
    : (tensor<2x3x8xbf16>, tensor<5x10xbf16>, tensor<7x8xi8>) -> tensor<2x3x4xbf16>
  return
}
