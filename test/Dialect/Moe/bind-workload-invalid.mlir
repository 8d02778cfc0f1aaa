// RUN: portolan-opt %s --split-input-file --verify-diagnostics --moe-bind-workload="batch=4"

// expected-error @+1 {{expects a size for 'new_tokens', dimension 1 of argument 0, got none}}
func.func @main(%x: tensor<?x?xf32> {moe.dims = ["batch", "new_tokens"]}) {
  return
}

// -----

// expected-error @+1 {{expects a name in moe.dims for dimension 0 of argument 1, got none}}
func.func @main(%x: tensor<?xf32> {moe.dims = ["batch"]}, %y: tensor<?xf32>) {
  return
}

// -----

func.func @main(%x: tensor<?xf32> {moe.dims = ["batch"]}) {
  // expected-error @+1 {{expects result types that follow from the bound dimensions, got 'tensor<?x?xf32>'}}
  %0 = "test.unknown"(%x) : (tensor<?xf32>) -> tensor<?x?xf32>
  return
}

// -----

func.func private @again(%x: tensor<?xf32>) -> tensor<?xf32> {
  // expected-error @+1 {{expects no recursion, got a call of @again}}
  %0 = call @again(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return %0 : tensor<?xf32>
}
func.func @main(%x: tensor<?xf32> {moe.dims = ["batch"]}) {
  %0 = call @again(%x) : (tensor<?xf32>) -> tensor<?xf32>
  return
}

// -----

// expected-error @+1 {{expects a function @main, got none}}
module {}
