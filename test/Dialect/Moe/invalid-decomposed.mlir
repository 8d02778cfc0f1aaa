// RUN: portolan-opt -split-input-file -verify-diagnostics %s

// decomposed_c1
func.func @decomposed_c1(%w: tensor<5x10xbf16>) {
  // expected-error@+1 {{expects an activation as input, got none}}
  %0 = moe.decomposed() weights(%w) {matmul_operations = 100 : i64, vector_operations = 10 : i64, transcendental_operations = 5 : i64,
    bytes_read = 24 : i64, bytes_written = 40 : i64, widest_bytes = 40 : i64, kernels = 3 : i64} : (tensor<5x10xbf16>) -> tensor<2x3x4xbf16>
  return
}

// -----

// decomposed_c2
func.func @decomposed_c2(%x: tensor<2x3x8xbf16>) {
  // expected-error@+1 {{expects kernels >= 0, got -3}}
  %0 = moe.decomposed(%x) {matmul_operations = 100 : i64, vector_operations = 10 : i64, transcendental_operations = 5 : i64,
    bytes_read = 24 : i64, bytes_written = 40 : i64, widest_bytes = 40 : i64, kernels = -3 : i64} : (tensor<2x3x8xbf16>) -> tensor<2x3x4xbf16>
  return
}

// -----

// decomposed_c3
func.func @decomposed_c3(%x: tensor<2x3x8xbf16>, %w: tensor<?x10xbf16>) {
  // expected-error@+1 {{expects weights of static shape and of numbers, got 'tensor<?x10xbf16>'}}
  %0 = moe.decomposed(%x) tables(%w) {matmul_operations = 100 : i64, vector_operations = 10 : i64, transcendental_operations = 5 : i64,
    bytes_read = 24 : i64, bytes_written = 40 : i64, widest_bytes = 40 : i64, kernels = 3 : i64} : (tensor<2x3x8xbf16>, tensor<?x10xbf16>) -> tensor<2x3x4xbf16>
  return
}
