// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// A mask that is not causal would let queries see the future.

// expected-error@+1 {{node 'attend' (op 'MatMul', domain '') cannot be raised to moe: expects a mask that hides the keys behind a query, or those before a window}}
module {
moe.weight_data @table : tensor<16x6xf32>
moe.weight_data @wq : tensor<6x8xf32>
moe.weight_data @wk : tensor<6x4xf32>
moe.weight_data @wv : tensor<6x4xf32>
moe.weight_data @sq {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @skv {value = dense<[0, 0, 1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @flat {value = dense<[0, 0, 8]> : tensor<3xi64>} : tensor<3xi64>
moe.weight_data @rep {value = dense<[1, 1, 2, 1, 1]> : tensor<5xi64>} : tensor<5xi64>
moe.weight_data @srep {value = dense<[0, 2, -1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @scale {value = dense<0.5> : tensor<f32>} : tensor<f32>
moe.weight_data @i0 {value = dense<0> : tensor<i64>} : tensor<i64>
moe.weight_data @i1 {value = dense<1> : tensor<i64>} : tensor<i64>
moe.weight_data @ax0 {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax1 {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax2 {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax12 {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @ax01 {value = dense<[0, 1]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @zero {value = dense<0.0> : tensor<f32>} : tensor<f32>
moe.weight_data @low {value = dense<-3.40282347E+38> : tensor<f32>} : tensor<f32>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %mask: tensor<?x?xi64> {moe.dims = ["batch", "total"]}, %pos: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %pk: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}, %pv: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}) -> (!graph.unknown, !graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<16x6xf32>
  %wq = moe.weight @wq : tensor<6x8xf32>
  %wk = moe.weight @wk : tensor<6x4xf32>
  %wv = moe.weight @wv : tensor<6x4xf32>
  %sq = moe.weight @sq : tensor<4xi64>
  %skv = moe.weight @skv : tensor<4xi64>
  %flat = moe.weight @flat : tensor<3xi64>
  %rep = moe.weight @rep : tensor<5xi64>
  %srep = moe.weight @srep : tensor<4xi64>
  %scale = moe.weight @scale : tensor<f32>
  %i0 = moe.weight @i0 : tensor<i64>
  %i1 = moe.weight @i1 : tensor<i64>
  %ax0 = moe.weight @ax0 : tensor<1xi64>
  %ax1 = moe.weight @ax1 : tensor<1xi64>
  %ax2 = moe.weight @ax2 : tensor<1xi64>
  %ax12 = moe.weight @ax12 : tensor<2xi64>
  %ax01 = moe.weight @ax01 : tensor<2xi64>
  %zero = moe.weight @zero : tensor<f32>
  %low = moe.weight @low : tensor<f32>
  %x = graph.node "Gather"(%table, %ids) {version = 17 : i64} : (tensor<16x6xf32>, tensor<?x?xi64>) -> !graph.unknown
  %ms = graph.node "Shape"(%mask) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %t = graph.node "Gather"(%ms, %i1) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
  %is = graph.node "Shape"(%ids) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %s = graph.node "Gather"(%is, %i1) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
  %k = graph.node "Range"(%i0, %t, %i1) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
  %q0 = graph.node "Range"(%i0, %s, %i1) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
  %past = graph.node "Sub"(%t, %s) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %q = graph.node "Add"(%q0, %past) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr = graph.node "Unsqueeze"(%k, %ax0) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %qc = graph.node "Unsqueeze"(%q0, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %seen = graph.node "LessOrEqual"(%kr, %qc) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %seen4 = graph.node "Unsqueeze"(%seen, %ax01) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
  %m4 = graph.node "Unsqueeze"(%mask, %ax12) {version = 17 : i64} : (tensor<?x?xi64>, tensor<2xi64>) -> !graph.unknown
  %mb = graph.node "Cast"(%m4) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %both = graph.node "And"(%seen4, %mb) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %bias = graph.node "Where"(%both, %zero, %low) {version = 17 : i64} : (!graph.unknown, tensor<f32>, tensor<f32>) -> !graph.unknown
  %q_m = graph.node "MatMul"(%x, %wq) {version = 17 : i64} : (!graph.unknown, tensor<6x8xf32>) -> !graph.unknown
  %q_r = graph.node "Reshape"(%q_m, %sq) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %q_h = graph.node "Transpose"(%q_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %k_m = graph.node "MatMul"(%x, %wk) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %k_r = graph.node "Reshape"(%k_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %k_h = graph.node "Transpose"(%k_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v_m = graph.node "MatMul"(%x, %wv) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %v_r = graph.node "Reshape"(%v_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %v_h = graph.node "Transpose"(%v_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %ck = graph.node "Concat"(%pk, %k_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_key")
  %cv = graph.node "Concat"(%pv, %v_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_value")
  %kku = graph.node "Unsqueeze"(%ck, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %kkx = graph.node "Expand"(%kku, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %kk = graph.node "Reshape"(%kkx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %vvu = graph.node "Unsqueeze"(%cv, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %vvx = graph.node "Expand"(%vvu, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %vv = graph.node "Reshape"(%vvx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %kt = graph.node "Transpose"(%kk) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %sc = graph.node "MatMul"(%q_h, %kt) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %scs = graph.node "Mul"(%sc, %scale) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %sm = graph.node "Add"(%scs, %bias) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %pr = graph.node "Softmax"(%sm) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %a = graph.node "MatMul"(%pr, %vv) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("attend")
  %at = graph.node "Transpose"(%a) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %y = graph.node "Reshape"(%at, %flat) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %y, %ck, %cv : !graph.unknown, !graph.unknown, !graph.unknown
}
}

// -----

// expected-error@+1 {{expects a mask that is added to the scores}}
module {
moe.weight_data @table : tensor<16x6xf32>
moe.weight_data @wq : tensor<6x8xf32>
moe.weight_data @wk : tensor<6x4xf32>
moe.weight_data @wv : tensor<6x4xf32>
moe.weight_data @sq {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @skv {value = dense<[0, 0, 1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @flat {value = dense<[0, 0, 8]> : tensor<3xi64>} : tensor<3xi64>
moe.weight_data @rep {value = dense<[1, 1, 2, 1, 1]> : tensor<5xi64>} : tensor<5xi64>
moe.weight_data @srep {value = dense<[0, 2, -1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @scale {value = dense<0.5> : tensor<f32>} : tensor<f32>
moe.weight_data @ax2 {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %mask: tensor<?x?xi64> {moe.dims = ["batch", "total"]}, %pos: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %pk: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}, %pv: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}) -> (!graph.unknown, !graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<16x6xf32>
  %wq = moe.weight @wq : tensor<6x8xf32>
  %wk = moe.weight @wk : tensor<6x4xf32>
  %wv = moe.weight @wv : tensor<6x4xf32>
  %sq = moe.weight @sq : tensor<4xi64>
  %skv = moe.weight @skv : tensor<4xi64>
  %flat = moe.weight @flat : tensor<3xi64>
  %rep = moe.weight @rep : tensor<5xi64>
  %srep = moe.weight @srep : tensor<4xi64>
  %scale = moe.weight @scale : tensor<f32>
  %ax2 = moe.weight @ax2 : tensor<1xi64>
  %x = graph.node "Gather"(%table, %ids) {version = 17 : i64} : (tensor<16x6xf32>, tensor<?x?xi64>) -> !graph.unknown
  %q_m = graph.node "MatMul"(%x, %wq) {version = 17 : i64} : (!graph.unknown, tensor<6x8xf32>) -> !graph.unknown
  %q_r = graph.node "Reshape"(%q_m, %sq) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %q_h = graph.node "Transpose"(%q_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %k_m = graph.node "MatMul"(%x, %wk) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %k_r = graph.node "Reshape"(%k_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %k_h = graph.node "Transpose"(%k_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v_m = graph.node "MatMul"(%x, %wv) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %v_r = graph.node "Reshape"(%v_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %v_h = graph.node "Transpose"(%v_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %ck = graph.node "Concat"(%pk, %k_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_key")
  %cv = graph.node "Concat"(%pv, %v_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_value")
  %kku = graph.node "Unsqueeze"(%ck, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %kkx = graph.node "Expand"(%kku, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %kk = graph.node "Reshape"(%kkx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %vvu = graph.node "Unsqueeze"(%cv, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %vvx = graph.node "Expand"(%vvu, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %vv = graph.node "Reshape"(%vvx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %kt = graph.node "Transpose"(%kk) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %sc = graph.node "MatMul"(%q_h, %kt) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %scs = graph.node "Mul"(%sc, %scale) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %pr = graph.node "Softmax"(%scs) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %a = graph.node "MatMul"(%pr, %vv) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("attend")
  %at = graph.node "Transpose"(%a) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %y = graph.node "Reshape"(%at, %flat) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %y, %ck, %cv : !graph.unknown, !graph.unknown, !graph.unknown
}
}

// -----

// A softmax over the heads.

// expected-error@+1 {{expects softmax(query * keys^T * scale + mask) of [batch, heads, tokens, width] before the values}}
module {
moe.weight_data @table : tensor<16x6xf32>
moe.weight_data @wq : tensor<6x8xf32>
moe.weight_data @wk : tensor<6x4xf32>
moe.weight_data @wv : tensor<6x4xf32>
moe.weight_data @sq {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @skv {value = dense<[0, 0, 1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @flat {value = dense<[0, 0, 8]> : tensor<3xi64>} : tensor<3xi64>
moe.weight_data @rep {value = dense<[1, 1, 2, 1, 1]> : tensor<5xi64>} : tensor<5xi64>
moe.weight_data @srep {value = dense<[0, 2, -1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @scale {value = dense<0.5> : tensor<f32>} : tensor<f32>
moe.weight_data @i0 {value = dense<0> : tensor<i64>} : tensor<i64>
moe.weight_data @i1 {value = dense<1> : tensor<i64>} : tensor<i64>
moe.weight_data @ax0 {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax1 {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax2 {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax12 {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @ax01 {value = dense<[0, 1]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @zero {value = dense<0.0> : tensor<f32>} : tensor<f32>
moe.weight_data @low {value = dense<-3.40282347E+38> : tensor<f32>} : tensor<f32>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %mask: tensor<?x?xi64> {moe.dims = ["batch", "total"]}, %pos: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %pk: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}, %pv: tensor<?x1x?x4xf32> {moe.dims = ["batch", "", "past", ""]}) -> (!graph.unknown, !graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<16x6xf32>
  %wq = moe.weight @wq : tensor<6x8xf32>
  %wk = moe.weight @wk : tensor<6x4xf32>
  %wv = moe.weight @wv : tensor<6x4xf32>
  %sq = moe.weight @sq : tensor<4xi64>
  %skv = moe.weight @skv : tensor<4xi64>
  %flat = moe.weight @flat : tensor<3xi64>
  %rep = moe.weight @rep : tensor<5xi64>
  %srep = moe.weight @srep : tensor<4xi64>
  %scale = moe.weight @scale : tensor<f32>
  %i0 = moe.weight @i0 : tensor<i64>
  %i1 = moe.weight @i1 : tensor<i64>
  %ax0 = moe.weight @ax0 : tensor<1xi64>
  %ax1 = moe.weight @ax1 : tensor<1xi64>
  %ax2 = moe.weight @ax2 : tensor<1xi64>
  %ax12 = moe.weight @ax12 : tensor<2xi64>
  %ax01 = moe.weight @ax01 : tensor<2xi64>
  %zero = moe.weight @zero : tensor<f32>
  %low = moe.weight @low : tensor<f32>
  %x = graph.node "Gather"(%table, %ids) {version = 17 : i64} : (tensor<16x6xf32>, tensor<?x?xi64>) -> !graph.unknown
  %ms = graph.node "Shape"(%mask) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %t = graph.node "Gather"(%ms, %i1) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
  %is = graph.node "Shape"(%ids) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
  %s = graph.node "Gather"(%is, %i1) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
  %k = graph.node "Range"(%i0, %t, %i1) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
  %q0 = graph.node "Range"(%i0, %s, %i1) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
  %past = graph.node "Sub"(%t, %s) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %q = graph.node "Add"(%q0, %past) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr = graph.node "Unsqueeze"(%k, %ax0) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %qc = graph.node "Unsqueeze"(%q, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %seen = graph.node "LessOrEqual"(%kr, %qc) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %seen4 = graph.node "Unsqueeze"(%seen, %ax01) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
  %m4 = graph.node "Unsqueeze"(%mask, %ax12) {version = 17 : i64} : (tensor<?x?xi64>, tensor<2xi64>) -> !graph.unknown
  %mb = graph.node "Cast"(%m4) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %both = graph.node "And"(%seen4, %mb) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %bias = graph.node "Where"(%both, %zero, %low) {version = 17 : i64} : (!graph.unknown, tensor<f32>, tensor<f32>) -> !graph.unknown
  %q_m = graph.node "MatMul"(%x, %wq) {version = 17 : i64} : (!graph.unknown, tensor<6x8xf32>) -> !graph.unknown
  %q_r = graph.node "Reshape"(%q_m, %sq) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %q_h = graph.node "Transpose"(%q_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %k_m = graph.node "MatMul"(%x, %wk) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %k_r = graph.node "Reshape"(%k_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %k_h = graph.node "Transpose"(%k_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %v_m = graph.node "MatMul"(%x, %wv) {version = 17 : i64} : (!graph.unknown, tensor<6x4xf32>) -> !graph.unknown
  %v_r = graph.node "Reshape"(%v_m, %skv) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %v_h = graph.node "Transpose"(%v_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %ck = graph.node "Concat"(%pk, %k_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_key")
  %cv = graph.node "Concat"(%pv, %v_h) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x1x?x4xf32>, !graph.unknown) -> !graph.unknown loc("present_value")
  %kku = graph.node "Unsqueeze"(%ck, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %kkx = graph.node "Expand"(%kku, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %kk = graph.node "Reshape"(%kkx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %vvu = graph.node "Unsqueeze"(%cv, %ax2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %vvx = graph.node "Expand"(%vvu, %rep) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %vv = graph.node "Reshape"(%vvx, %srep) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %kt = graph.node "Transpose"(%kk) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %sc = graph.node "MatMul"(%q_h, %kt) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %scs = graph.node "Mul"(%sc, %scale) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %sm = graph.node "Add"(%scs, %bias) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %pr = graph.node "Softmax"(%sm) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %a = graph.node "MatMul"(%pr, %vv) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("attend")
  %at = graph.node "Transpose"(%a) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %y = graph.node "Reshape"(%at, %flat) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %y, %ck, %cv : !graph.unknown, !graph.unknown, !graph.unknown
}
}
