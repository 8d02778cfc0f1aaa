// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @wgmma_c1(%w: !switched.smem<[2, 64, 64], "bf16">, %x: !switched.smem<[2, 12, 64], "bf16">, %s: !switched.registers<[64, 12], "f32">, %i: index) {
  // expected-error @+1 {{'switched.wgmma' op expects 64 rows and a multiple of 8 tokens up to 256, got 64 x 12}}
  switched.wgmma %w, %x into %s[%i] : !switched.smem<[2, 64, 64], "bf16">, !switched.smem<[2, 12, 64], "bf16"> into !switched.registers<[64, 12], "f32">
  return
}

// -----

func.func @wgmma_c2(%w: !switched.smem<[2, 64, 256], "nvfp4">, %x: !switched.smem<[2, 8, 256], "nvfp4">, %s: !switched.registers<[64, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.wgmma' op expects operands of one format of the instruction, got nvfp4 and nvfp4}}
  switched.wgmma %w, %x into %s[%i] : !switched.smem<[2, 64, 256], "nvfp4">, !switched.smem<[2, 8, 256], "nvfp4"> into !switched.registers<[64, 8], "f32">
  return
}

// -----

// 24 elements of 16 bits are one and a half instructions.
func.func @wgmma_c3(%w: !switched.smem<[2, 64, 24], "bf16">, %x: !switched.smem<[2, 8, 24], "bf16">, %s: !switched.registers<[64, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.wgmma' op expects one contraction of whole instructions of 32 bytes, got 24 and 24 elements of bf16}}
  switched.wgmma %w, %x into %s[%i] : !switched.smem<[2, 64, 24], "bf16">, !switched.smem<[2, 8, 24], "bf16"> into !switched.registers<[64, 8], "f32">
  return
}

// -----

func.func @wgmma_c4(%w: !switched.smem<[2, 64, 64], "bf16">, %x: !switched.smem<[2, 8, 64], "bf16">, %s: !switched.registers<[64, 16], "f32">, %i: index) {
  // expected-error @+1 {{'switched.wgmma' op expects sums of 64 x 8 f32, got 64 x 16 f32}}
  switched.wgmma %w, %x into %s[%i] : !switched.smem<[2, 64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 16], "f32">
  return
}

// -----

func.func @wgmma_c5(%w: !switched.tmem<[64, 64], "bf16">, %x: !switched.smem<[2, 8, 64], "bf16">, %s: !switched.registers<[64, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.wgmma' op expects weights in shared memory or registers, got '!switched.tmem<[64, 64], "bf16">'}}
  switched.wgmma %w, %x into %s[%i] : !switched.tmem<[64, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.registers<[64, 8], "f32">
  return
}

// -----

// With 128 rows tokens come by 16.
func.func @tcgen05_mma_c1(%w: !switched.smem<[2, 128, 64], "bf16">, %x: !switched.smem<[2, 8, 64], "bf16">, %s: !switched.tmem<[128, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects a shape of the instruction, got 128 x 8 of bf16}}
  switched.tcgen05_mma %w, %x into %s[%i] : !switched.smem<[2, 128, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.tmem<[128, 8], "f32">
  return
}

// -----

// A pair has 2 * 32 rows.
func.func @tcgen05_mma_c1_pair(%w: !switched.smem<[2, 32, 64], "bf16">, %x: !switched.smem<[2, 8, 64], "bf16">, %s: !switched.tmem<[32, 16], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects a shape of the instruction, got 64 x 16 of bf16 on a pair}}
  switched.tcgen05_mma %w, %x into %s[%i] {cta_pair} : !switched.smem<[2, 32, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.tmem<[32, 16], "f32">
  return
}

// -----

func.func @tcgen05_mma_c2(%w: !switched.smem<[2, 128, 64], "bf16">, %x: !switched.smem<[2, 16, 64], "fp8">, %s: !switched.tmem<[128, 16], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects operands of one format of the instruction, got bf16 and fp8}}
  switched.tcgen05_mma %w, %x into %s[%i] : !switched.smem<[2, 128, 64], "bf16">, !switched.smem<[2, 16, 64], "fp8"> into !switched.tmem<[128, 16], "f32">
  return
}

// -----

func.func @tcgen05_mma_c3(%w: !switched.smem<[2, 128, 64], "bf16">, %x: !switched.smem<[2, 16, 128], "bf16">, %s: !switched.tmem<[128, 16], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects one contraction of whole instructions of 32 bytes, got 64 and 128 elements of bf16}}
  switched.tcgen05_mma %w, %x into %s[%i] : !switched.smem<[2, 128, 64], "bf16">, !switched.smem<[2, 16, 128], "bf16"> into !switched.tmem<[128, 16], "f32">
  return
}

// -----

// Each block of a pair holds half of the tokens and the sums of all of them.
func.func @tcgen05_mma_c4(%w: !switched.smem<[2, 128, 64], "bf16">, %x: !switched.smem<[2, 8, 64], "bf16">, %s: !switched.tmem<[128, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects sums of 128 x 16 f32, got 128 x 8 f32}}
  switched.tcgen05_mma %w, %x into %s[%i] {cta_pair} : !switched.smem<[2, 128, 64], "bf16">, !switched.smem<[2, 8, 64], "bf16"> into !switched.tmem<[128, 8], "f32">
  return
}

// -----

func.func @tcgen05_mma_c5(%w: !switched.registers<[128, 64], "bf16">, %x: !switched.smem<[2, 16, 64], "bf16">, %s: !switched.tmem<[128, 16], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects weights in shared memory or tensor memory, got '!switched.registers<[128, 64], "bf16">'}}
  switched.tcgen05_mma %w, %x into %s[%i] : !switched.registers<[128, 64], "bf16">, !switched.smem<[2, 16, 64], "bf16"> into !switched.tmem<[128, 16], "f32">
  return
}

// -----

func.func @tcgen05_mma_c6(%w: !switched.smem<[2, 128, 256], "nvfp4">, %x: !switched.smem<[2, 8, 256], "nvfp4">, %s: !switched.tmem<[128, 8], "f32">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects block scales exactly of a format that has them, got nvfp4}}
  switched.tcgen05_mma %w, %x into %s[%i] : !switched.smem<[2, 128, 256], "nvfp4">, !switched.smem<[2, 8, 256], "nvfp4"> into !switched.tmem<[128, 8], "f32">
  return
}

// -----

// nvfp4 has 256 / 16 = 16 blocks in a row.
func.func @tcgen05_mma_c6_blocks(%w: !switched.smem<[2, 128, 256], "nvfp4">, %x: !switched.smem<[2, 8, 256], "nvfp4">, %s: !switched.tmem<[128, 8], "f32">, %a: !switched.tmem<[128, 8], "scale">, %b: !switched.tmem<[8, 16], "scale">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_mma' op expects scales of 128 rows of 16 blocks, got '!switched.tmem<[128, 8], "scale">'}}
  switched.tcgen05_mma %w, %x into %s[%i] scales(%a : !switched.tmem<[128, 8], "scale">, %b : !switched.tmem<[8, 16], "scale">) : !switched.smem<[2, 128, 256], "nvfp4">, !switched.smem<[2, 8, 256], "nvfp4"> into !switched.tmem<[128, 8], "f32">
  return
}

// -----

func.func @tcgen05_copy_scales_c1(%w: !switched.smem<[2, 128, 128], "fp8">, %s: !switched.tmem<[128, 4], "scale">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_copy_scales' op expects a format with block scales, got fp8}}
  switched.tcgen05_copy_scales %w[%i] to %s : !switched.smem<[2, 128, 128], "fp8"> to !switched.tmem<[128, 4], "scale">
  return
}

// -----

func.func @tcgen05_copy_scales_c2(%w: !switched.smem<[2, 128, 256], "mxfp4">, %s: !switched.tmem<[128, 4], "scale">, %i: index) {
  // expected-error @+1 {{'switched.tcgen05_copy_scales' op expects scales of 128 rows of 8 blocks, got '!switched.tmem<[128, 4], "scale">'}}
  switched.tcgen05_copy_scales %w[%i] to %s : !switched.smem<[2, 128, 256], "mxfp4"> to !switched.tmem<[128, 4], "scale">
  return
}

// -----

func.func @convert_c1(%w: !switched.smem<[2, 64, 128], "mxfp4">, %r: !switched.registers<[64, 64], "fp8">, %i: index) {
  // expected-error @+1 {{'switched.convert' op expects tiles of one shape, got 64 x 128 and 64 x 64}}
  switched.convert %w[%i] to %r : !switched.smem<[2, 64, 128], "mxfp4"> to !switched.registers<[64, 64], "fp8">
  return
}

// -----

func.func @convert_c2(%w: !switched.smem<[2, 64, 128], "fp8">, %r: !switched.registers<[64, 128], "fp8">, %i: index) {
  // expected-error @+1 {{'switched.convert' op expects another number format, got fp8 and fp8}}
  switched.convert %w[%i] to %r : !switched.smem<[2, 64, 128], "fp8"> to !switched.registers<[64, 128], "fp8">
  return
}

// -----

func.func @epilogue_c1(%s: !switched.registers<[64, 8], "f32">, %o: !switched.smem<[1, 8, 64], "fp8">) {
  // expected-error @+1 {{'switched.epilogue' op expects an activation of its gate, got none}}
  switched.epilogue %s gate %s : !switched.registers<[64, 8], "f32"> into %o : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 8, 64], "fp8">
  return
}

// -----

func.func @epilogue_c2(%s: !switched.registers<[64, 8], "f32">, %o: !switched.smem<[1, 64, 8], "fp8">) {
  // expected-error @+1 {{'switched.epilogue' op expects one stage of 8 x 64 of f32 sums, got '!switched.smem<[1, 64, 8], "fp8">' of f32}}
  switched.epilogue %s into %o : !switched.registers<[64, 8], "f32"> into !switched.smem<[1, 64, 8], "fp8">
  return
}
