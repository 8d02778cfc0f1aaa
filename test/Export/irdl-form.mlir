// RUN: portolan-translate --export-irdl-form %s | FileCheck %s
// RUN: portolan-translate --export-irdl-form %s | portolan-translate --import-irdl-form | portolan-opt > %t.again
// RUN: portolan-opt %s > %t.text
// RUN: diff %t.text %t.again

// Attributes of ours hold their text, also inside of other attributes; all are
// in one dictionary, without properties.
// CHECK: "builtin.module"() ({
// CHECK: "moe.mlp"(%[[X:.*]], %[[W:.*]], %[[W]]) {activation = #moe.activation<"relu">, alpha = 1.000000e+00 : f64, gate_cap = 0.000000e+00 : f64, limit = 0.000000e+00 : f64, linear_cap = 0.000000e+00 : f64, linear_offset = 0.000000e+00 : f64} : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> (tensor<4x8xf32>)
// CHECK: "moe.linear"(%[[X]], %[[W]]) {bias_share = 1 : i64, weight_format = #moe.format<"<\22nvfp4\22, \22fp8\22>">}
func.func @quoted(%x: tensor<4x8xf32>, %w: tensor<8x8xf32>) {
  %0 = moe.mlp %x up %w down %w {activation = #moe<activation relu>}
    : (tensor<4x8xf32>, tensor<8x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  %1 = moe.linear %x, %w {weight_format = #moe.format<"nvfp4", "fp8">} : (tensor<4x8xf32>, tensor<8x8xf32>) -> tensor<4x8xf32>
  return
}

// A list of operands is 32 optional ones, of which the first are used. Those
// behind the list keep their places: 3 + 29 unused + 2.
// CHECK: "spmd.all_to_all_v"({{.*}}) {group = #spmd.group<"<4 by 1>">, operandSegmentSizes = array<i32: 1, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 1>, resultSegmentSizes = array<i32: 1, 1, 1, 0,
func.func @lists(%x: tensor<?x8xf32>, %w: tensor<?x2xf32>, %i: tensor<?x2xi32>, %n: tensor<4xi32>) {
  %0:3 = spmd.all_to_all_v %x, %w, %i send %n receive %n over <4 by 1>
    : (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>, tensor<4xi32>, tensor<4xi32>)
    -> (tensor<?x8xf32>, tensor<?x2xf32>, tensor<?x2xi32>)
  return
}

// An op with two bodies is another op than one without; each body ends.
// CHECK: "graph.node_regions_2"(%{{[a-z0-9]+}}) ({
// CHECK: "graph.node"(%{{[a-z0-9]+}})
// CHECK: "graph.yield"(%{{.*}})
// CHECK-NEXT: "ub.unreachable"() : () -> ()
func.func @bodies(%c: tensor<i1>, %x: tensor<4xf32>) -> !graph.unknown {
  %0 = graph.node "If"(%c) bodies {
    %1 = graph.node "Neg"(%x) {version = 17 : i64} : (tensor<4xf32>) -> !graph.unknown
    graph.yield %1 : !graph.unknown
  }, {
    graph.yield %x : tensor<4xf32>
  } {body_names = ["then_branch", "else_branch"], version = 17 : i64} : (tensor<i1>) -> !graph.unknown
  return %0 : !graph.unknown
}

// Quotes and braces in strings are not syntax.
// CHECK: "graph.node"(%{{[a-z0-9]+}}) {{.*}}op_type = "a \22#moe.format<\\\22b\\\22>\22 {"
func.func @strings(%x: tensor<4xf32>) {
  %0 = graph.node "a \22#moe.format<\\\22b\\\22>\22 {"(%x) {version = 1 : i64} : (tensor<4xf32>) -> !graph.unknown
  return
}
