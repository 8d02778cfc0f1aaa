// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

// expected-error @+1 {{expects 3 sizes from 1 to 1048576}}
func.func private @smem_c1(!switched.smem<[4, 0, 64], "bf16">)

// -----

// expected-error @+1 {{expects a known number format, got 'fp7'}}
func.func private @smem_c1_format(!switched.smem<[4, 8, 64], "fp7">)

// -----

// expected-error @+1 {{expects at most 128 lanes, got 256}}
func.func private @tmem_c1(!switched.tmem<[256, 64], "f32">)

// -----

// 128 * 256 sums over 128 threads are 256 registers.
// expected-error @+1 {{expects at most 255 registers of 128 threads, got 256}}
func.func private @registers_c1(!switched.registers<[128, 256], "f32">)

// -----

// expected-error @+1 {{expects at least 1 stage, got 0}}
func.func private @mbarrier_c1(!switched.mbarrier<0>)

// -----

func.func @tmem_alloc_c1() {
  // expected-error @+1 {{'switched.tmem_alloc' op expects a power of two from 32 to 512 columns, got 48}}
  %t = switched.tmem_alloc columns = 48 : !switched.tmem<[128, 40], "f32">
  return
}

// -----

func.func @tmem_alloc_c2() {
  // expected-error @+1 {{'switched.tmem_alloc' op expects at least the 40 columns of its tile, got 32}}
  %t = switched.tmem_alloc columns = 32 : !switched.tmem<[128, 40], "f32">
  return
}

// -----

func.func @mbarrier_init_c1() {
  // expected-error @+1 {{'switched.mbarrier_init' op expects 1 to 1048575 arrivals, got 0}}
  %b = switched.mbarrier_init arrivals = 0 : !switched.mbarrier<2>
  return
}

// -----

func.func @mbarrier_expect_c1(%b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.mbarrier_expect' op expects 1 to 1048575 bytes, got 1048576}}
  switched.mbarrier_expect %b[%i] bytes = 1048576 : !switched.mbarrier<2>
  return
}

// -----

func.func @tma_load_c1(%g: memref<16x64xbf16>, %t: !switched.smem<[2, 8, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects one offset per dimension of 'memref<16x64xbf16>', got 1}}
  switched.tma_load %g[%i] to %t[%i] signals %b : memref<16x64xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
  return
}

// -----

func.func @tma_load_c1_rank(%g: memref<64xbf16>, %t: !switched.smem<[2, 8, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects global memory of 2 to 5 dimensions, got 'memref<64xbf16>'}}
  switched.tma_load %g[%i] to %t[%i] signals %b : memref<64xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
  return
}

// -----

// 8 elements of 4 bits are 4 bytes.
func.func @tma_load_c2(%g: memref<16x64xbf16>, %t: !switched.smem<[2, 8, 8], "nvfp4">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects rows of a multiple of 16 bytes, got 32 bits}}
  switched.tma_load %g[%i, %i] to %t[%i] signals %b : memref<16x64xbf16> to !switched.smem<[2, 8, 8], "nvfp4"> signals !switched.mbarrier<2>
  return
}

// -----

func.func @tma_load_c2_box(%g: memref<512x64xbf16>, %t: !switched.smem<[2, 512, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects a box of at most 256 x 256, got 512 x 64}}
  switched.tma_load %g[%i, %i] to %t[%i] signals %b : memref<512x64xbf16> to !switched.smem<[2, 512, 64], "bf16"> signals !switched.mbarrier<2>
  return
}

// -----

func.func @tma_load_c3(%g: memref<16x64xbf16>, %t: !switched.smem<[2, 8, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects a multicast to 1 or all 1 blocks of the cluster, got 2}}
  switched.tma_load %g[%i, %i] to %t[%i] signals %b {multicast = 2 : i64} : memref<16x64xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
  return
}

// -----

func.func @tma_load_c4(%g: memref<16x64xbf16>, %t: !switched.smem<[2, 8, 64], "bf16">, %b: !switched.mbarrier<2>, %i: index) {
  // expected-error @+1 {{'switched.tma_load' op expects spread rows in a cluster and no multicast}}
  switched.tma_load %g[%i, %i] to %t[%i] signals %b {spread} : memref<16x64xbf16> to !switched.smem<[2, 8, 64], "bf16"> signals !switched.mbarrier<2>
  return
}

// -----

func.func @tma_store_c1(%g: memref<16x64xbf16>, %t: !switched.smem<[1, 8, 64], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.tma_store' op expects one offset per dimension of 'memref<16x64xbf16>', got 3}}
  switched.tma_store %t to %g[%i, %i, %i] rows %i : !switched.smem<[1, 8, 64], "bf16"> to memref<16x64xbf16>
  return
}

// -----

// 4 elements of 16 bits are 8 bytes.
func.func @tma_store_c2(%g: memref<16x64xbf16>, %t: !switched.smem<[1, 8, 4], "bf16">, %i: index) {
  // expected-error @+1 {{'switched.tma_store' op expects rows of a multiple of 16 bytes, got 64 bits}}
  switched.tma_store %t to %g[%i, %i] rows %i : !switched.smem<[1, 8, 4], "bf16"> to memref<16x64xbf16>
  return
}
