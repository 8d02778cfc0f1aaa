// RUN: portolan-opt %s -split-input-file -verify-diagnostics

// Each function breaks the rule that it is named after.

func.func @softmax_step_c1(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[2, 16], "f32">
  %o = switched.register_alloc : <[64, 16], "f32">
  %p = switched.smem_alloc : <[1, 16, 32], "bf16">
  // expected-error @+1 {{'switched.softmax_step' op expects probabilities of 16 x 64 of f32 scores, got '!switched.smem<[1, 16, 32], "bf16">' of f32}}
  switched.softmax_step %s[%k, %k] state %st rescales(%o) to %p {heads = 3 : i64, past = 70 : i64, scale = 0.25 : f64} : (!switched.registers<[64, 16], "f32">, index, index, !switched.registers<[2, 16], "f32">, !switched.registers<[64, 16], "f32">, !switched.smem<[1, 16, 32], "bf16">) -> ()
  return
}

// -----

func.func @softmax_step_c2(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[1, 16], "f32">
  %o = switched.register_alloc : <[64, 16], "f32">
  %p = switched.smem_alloc : <[1, 16, 64], "bf16">
  // expected-error @+1 {{'switched.softmax_step' op expects a maximum and a sum in f32 of 16 queries, got '!switched.registers<[1, 16], "f32">'}}
  switched.softmax_step %s[%k, %k] state %st rescales(%o) to %p {heads = 3 : i64, past = 70 : i64, scale = 0.25 : f64} : (!switched.registers<[64, 16], "f32">, index, index, !switched.registers<[1, 16], "f32">, !switched.registers<[64, 16], "f32">, !switched.smem<[1, 16, 64], "bf16">) -> ()
  return
}

// -----

func.func @softmax_step_c3(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[2, 16], "f32">
  %o = switched.register_alloc : <[64, 8], "f32">
  %p = switched.smem_alloc : <[1, 16, 64], "bf16">
  // expected-error @+1 {{'switched.softmax_step' op expects outputs in f32 of 16 queries, got '!switched.registers<[64, 8], "f32">'}}
  switched.softmax_step %s[%k, %k] state %st rescales(%o) to %p {heads = 3 : i64, past = 70 : i64, scale = 0.25 : f64} : (!switched.registers<[64, 16], "f32">, index, index, !switched.registers<[2, 16], "f32">, !switched.registers<[64, 8], "f32">, !switched.smem<[1, 16, 64], "bf16">) -> ()
  return
}

// -----

func.func @softmax_step_c4(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[2, 16], "f32">
  %o = switched.register_alloc : <[64, 16], "f32">
  %p = switched.smem_alloc : <[1, 16, 64], "bf16">
  // expected-error @+1 {{'switched.softmax_step' op expects heads of at least 1 and a past of at least 0, got 0 and 70}}
  switched.softmax_step %s[%k, %k] state %st rescales(%o) to %p {heads = 0 : i64, past = 70 : i64, scale = 0.25 : f64} : (!switched.registers<[64, 16], "f32">, index, index, !switched.registers<[2, 16], "f32">, !switched.registers<[64, 16], "f32">, !switched.smem<[1, 16, 64], "bf16">) -> ()
  return
}

// -----

// Registers take operands of 8 bits with their contraction contiguous only.
func.func @attend_c1(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %c = switched.smem_alloc : <[2, 64, 64], "fp8">
  %p = switched.smem_alloc : <[1, 16, 64], "fp8">
  %s = switched.register_alloc : <[64, 16], "f32">
  // expected-error @+1 {{'switched.attend' op expects operands of one format that is transposed, got fp8 and fp8}}
  switched.attend %c, %p into %s[%k] : <[2, 64, 64], "fp8">, <[1, 16, 64], "fp8"> into !switched.registers<[64, 16], "f32">
  return
}

// -----

func.func @attend_c2(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %c = switched.smem_alloc : <[2, 64, 128], "bf16">
  %p = switched.smem_alloc : <[1, 16, 64], "bf16">
  %s = switched.register_alloc : <[128, 16], "f32">
  // expected-error @+1 {{'switched.attend' op expects a shape of the instruction, got 128 x 16}}
  switched.attend %c, %p into %s[%k] : <[2, 64, 128], "bf16">, <[1, 16, 64], "bf16"> into !switched.registers<[128, 16], "f32">
  return
}

// -----

func.func @attend_c3(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %c = switched.smem_alloc : <[2, 64, 64], "bf16">
  %p = switched.smem_alloc : <[1, 16, 32], "bf16">
  %s = switched.register_alloc : <[64, 16], "f32">
  // expected-error @+1 {{'switched.attend' op expects one contraction of whole instructions of 32 bytes, got 64 and 32 keys}}
  switched.attend %c, %p into %s[%k] : <[2, 64, 64], "bf16">, <[1, 16, 32], "bf16"> into !switched.registers<[64, 16], "f32">
  return
}

// -----

func.func @attend_c4(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %c = switched.smem_alloc : <[2, 64, 64], "bf16">
  %p = switched.smem_alloc : <[1, 16, 64], "bf16">
  %s = switched.register_alloc : <[64, 8], "f32">
  // expected-error @+1 {{'switched.attend' op expects sums of 64 x 16 f32, got '!switched.registers<[64, 8], "f32">'}}
  switched.attend %c, %p into %s[%k] : <[2, 64, 64], "bf16">, <[1, 16, 64], "bf16"> into !switched.registers<[64, 8], "f32">
  return
}

// -----

func.func @normalize_c1(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[2, 16], "f32">
  %r = switched.smem_alloc : <[1, 64, 16], "bf16">
  // expected-error @+1 {{'switched.normalize' op expects one stage of 16 x 64 of f32 sums, got '!switched.smem<[1, 64, 16], "bf16">' of f32}}
  switched.normalize %s state %st into %r : !switched.registers<[64, 16], "f32">, <[2, 16], "f32"> into <[1, 64, 16], "bf16">
  return
}

// -----

func.func @normalize_c2(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %s = switched.register_alloc : <[64, 16], "f32">
  %st = switched.register_alloc : <[2, 8], "f32">
  %r = switched.smem_alloc : <[1, 16, 64], "bf16">
  // expected-error @+1 {{'switched.normalize' op expects a maximum and a sum in f32 of 16 queries, got '!switched.registers<[2, 8], "f32">'}}
  switched.normalize %s state %st into %r : !switched.registers<[64, 16], "f32">, <[2, 8], "f32"> into <[1, 16, 64], "bf16">
  return
}

// -----

func.func @store_log_sum_exp_c1(%k: index, %l: memref<4xf32>, %l2: memref<2x2xf32>) {
  %st = switched.register_alloc : <[2, 16], "f32">
  // expected-error @+1 {{'switched.store_log_sum_exp' op expects a float per query and a maximum and a sum, got 'memref<2x2xf32>' and '!switched.registers<[2, 16], "f32">'}}
  switched.store_log_sum_exp %st to %l2[%k] rows %k : <[2, 16], "f32"> to memref<2x2xf32>
  return
}
