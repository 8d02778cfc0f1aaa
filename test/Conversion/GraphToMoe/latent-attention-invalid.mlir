// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// Columns that something else reads cannot be moved in the weights.

// expected-error@+1 {{node 'qr_pairs' (op 'Reshape', domain '') cannot be raised to moe: expects pairs of columns of a projection that nothing else reads}}
module {
moe.weight_data @table : tensor<16x6xf32>
moe.weight_data @wq : tensor<6x12xf32>
moe.weight_data @wkva : tensor<6x7xf32>
moe.weight_data @wkvb : tensor<3x8xf32>
moe.weight_data @sq {value = dense<[0, 0, 2, 6]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @skb {value = dense<[0, 0, 2, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @qparts {value = dense<[2, 4]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @parts {value = dense<[2, 2]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @comp {value = dense<[3, 4]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @pairs {value = dense<[0, 0, -1, 2, 2]> : tensor<5xi64>} : tensor<5xi64>
moe.weight_data @back {value = dense<[0, 0, -1, 4]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @share {value = dense<[1, 2, 1, 1]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @flat {value = dense<[0, 0, 4]> : tensor<3xi64>} : tensor<3xi64>
moe.weight_data @scale {value = dense<0.5> : tensor<f32>} : tensor<f32>
moe.weight_data @inv {value = dense<[[[1.0], [0.01]]]> : tensor<1x2x1xf32>} : tensor<1x2x1xf32>
moe.weight_data @two {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @end {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax3 {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @i0 {value = dense<0> : tensor<i64>} : tensor<i64>
moe.weight_data @i1 {value = dense<1> : tensor<i64>} : tensor<i64>
moe.weight_data @ax0 {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax1 {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax12 {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @ax01 {value = dense<[0, 1]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @zero {value = dense<0.0> : tensor<f32>} : tensor<f32>
moe.weight_data @low {value = dense<-3.40282347E+38> : tensor<f32>} : tensor<f32>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %mask: tensor<?x?xi64> {moe.dims = ["batch", "total"]}, %pos: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %pk: tensor<?x2x?x6xf32> {moe.dims = ["batch", "", "past", ""]}, %pv: tensor<?x2x?x2xf32> {moe.dims = ["batch", "", "past", ""]}) -> (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<16x6xf32>
  %wq = moe.weight @wq : tensor<6x12xf32>
  %wkva = moe.weight @wkva : tensor<6x7xf32>
  %wkvb = moe.weight @wkvb : tensor<3x8xf32>
  %sq = moe.weight @sq : tensor<4xi64>
  %skb = moe.weight @skb : tensor<4xi64>
  %qparts = moe.weight @qparts : tensor<2xi64>
  %parts = moe.weight @parts : tensor<2xi64>
  %comp = moe.weight @comp : tensor<2xi64>
  %pairs = moe.weight @pairs : tensor<5xi64>
  %back = moe.weight @back : tensor<4xi64>
  %share = moe.weight @share : tensor<4xi64>
  %flat = moe.weight @flat : tensor<3xi64>
  %scale = moe.weight @scale : tensor<f32>
  %inv = moe.weight @inv : tensor<1x2x1xf32>
  %two = moe.weight @two : tensor<1xi64>
  %end = moe.weight @end : tensor<1xi64>
  %ax3 = moe.weight @ax3 : tensor<1xi64>
  %i0 = moe.weight @i0 : tensor<i64>
  %i1 = moe.weight @i1 : tensor<i64>
  %ax0 = moe.weight @ax0 : tensor<1xi64>
  %ax1 = moe.weight @ax1 : tensor<1xi64>
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
  %q_m = graph.node "MatMul"(%x, %wq) {version = 17 : i64} : (!graph.unknown, tensor<6x12xf32>) -> !graph.unknown
  %q_r = graph.node "Reshape"(%q_m, %sq) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %q_h = graph.node "Transpose"(%q_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %qp:2 = graph.node "Split"(%q_h, %qparts) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  %ca = graph.node "MatMul"(%x, %wkva) {version = 17 : i64} : (!graph.unknown, tensor<6x7xf32>) -> !graph.unknown
  %c:2 = graph.node "Split"(%ca, %comp) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  %b_m = graph.node "MatMul"(%c#0, %wkvb) {version = 17 : i64} : (!graph.unknown, tensor<3x8xf32>) -> !graph.unknown
  %b_r = graph.node "Reshape"(%b_m, %skb) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %b_h = graph.node "Transpose"(%b_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %kv:2 = graph.node "Split"(%b_h, %parts) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  %p1 = graph.node "Unsqueeze"(%pos, %ax1) {version = 17 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> !graph.unknown
  %pf = graph.node "Cast"(%p1) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %an = graph.node "MatMul"(%inv, %pf) {version = 17 : i64} : (tensor<1x2x1xf32>, !graph.unknown) -> !graph.unknown
  %ant = graph.node "Transpose"(%an) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %tw = graph.node "Concat"(%ant, %ant) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %Cos0 = graph.node "Cos"(%tw) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %Cos = graph.node "Unsqueeze"(%Cos0, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %Sin0 = graph.node "Sin"(%tw) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %Sin = graph.node "Unsqueeze"(%Sin0, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %key1 = graph.node "Unsqueeze"(%c#1, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %qr_5 = graph.node "Reshape"(%qp#1, %pairs) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %qr_t = graph.node "Transpose"(%qr_5) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %qr_d = graph.node "Reshape"(%qr_t, %back) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown loc("qr_pairs")
  %qr_lo = graph.node "Slice"(%qr_d, %ax0, %two, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %qr_hi = graph.node "Slice"(%qr_d, %two, %end, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %qr_ng = graph.node "Neg"(%qr_hi) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %qr_ro = graph.node "Concat"(%qr_ng, %qr_lo) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_a = graph.node "Mul"(%qr_d, %Cos) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_b = graph.node "Mul"(%qr_ro, %Sin) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_e = graph.node "Add"(%qr_a, %qr_b) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_5 = graph.node "Reshape"(%key1, %pairs) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
  %kr_t = graph.node "Transpose"(%kr_5) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %kr_d = graph.node "Reshape"(%kr_t, %back) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown loc("kr_pairs")
  %kr_lo = graph.node "Slice"(%kr_d, %ax0, %two, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %kr_hi = graph.node "Slice"(%kr_d, %two, %end, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %kr_ng = graph.node "Neg"(%kr_hi) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %kr_ro = graph.node "Concat"(%kr_ng, %kr_lo) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_a = graph.node "Mul"(%kr_d, %Cos) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_b = graph.node "Mul"(%kr_ro, %Sin) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_e = graph.node "Add"(%kr_a, %kr_b) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %ks = graph.node "Expand"(%kr_e, %share) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %qq = graph.node "Concat"(%qp#0, %qr_e) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kk = graph.node "Concat"(%kv#0, %ks) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %ck = graph.node "Concat"(%pk, %kk) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x2x?x6xf32>, !graph.unknown) -> !graph.unknown
  %cv = graph.node "Concat"(%pv, %kv#1) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x2x?x2xf32>, !graph.unknown) -> !graph.unknown
  %kt = graph.node "Transpose"(%ck) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %sc = graph.node "MatMul"(%qq, %kt) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %scs = graph.node "Mul"(%sc, %scale) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %sm = graph.node "Add"(%scs, %bias) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %pr = graph.node "Softmax"(%sm) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %a = graph.node "MatMul"(%pr, %cv) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown loc("attend")
  %at = graph.node "Transpose"(%a) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %y = graph.node "Reshape"(%at, %flat) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %y, %ck, %cv, %qp#1 : !graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown
}
}

// -----

// Absorbed attention that attends to the rotated key is none.

// expected-error@+1 {{cannot be raised to moe}}
module {
moe.weight_data @table : tensor<16x6xf32>
moe.weight_data @wq : tensor<6x12xf32>
moe.weight_data @wkva : tensor<6x7xf32>
moe.weight_data @sq {value = dense<[0, 0, 2, 6]> : tensor<4xi64>} : tensor<4xi64>
moe.weight_data @qparts {value = dense<[2, 4]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @comp {value = dense<[3, 4]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @scale {value = dense<0.5> : tensor<f32>} : tensor<f32>
moe.weight_data @inv {value = dense<[[[1.0], [0.01]]]> : tensor<1x2x1xf32>} : tensor<1x2x1xf32>
moe.weight_data @two {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @end {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax3 {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @i0 {value = dense<0> : tensor<i64>} : tensor<i64>
moe.weight_data @i1 {value = dense<1> : tensor<i64>} : tensor<i64>
moe.weight_data @ax0 {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax1 {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
moe.weight_data @ax12 {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @ax01 {value = dense<[0, 1]> : tensor<2xi64>} : tensor<2xi64>
moe.weight_data @zero {value = dense<0.0> : tensor<f32>} : tensor<f32>
moe.weight_data @low {value = dense<-3.40282347E+38> : tensor<f32>} : tensor<f32>
moe.weight_data @ku : tensor<2x2x3xf32>
moe.weight_data @vu : tensor<2x5x3xf32>
moe.weight_data @flat10 {value = dense<[0, 0, 10]> : tensor<3xi64>} : tensor<3xi64>
func.func @main(%ids: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %mask: tensor<?x?xi64> {moe.dims = ["batch", "total"]}, %pos: tensor<?x?xi64> {moe.dims = ["batch", "seq"]}, %pc: tensor<?x?x3xf32> {moe.dims = ["batch", "past", ""]}, %pr_: tensor<?x?x4xf32> {moe.dims = ["batch", "past", ""]}) -> (!graph.unknown, !graph.unknown, !graph.unknown) {
  %table = moe.weight @table : tensor<16x6xf32>
  %wq = moe.weight @wq : tensor<6x12xf32>
  %wkva = moe.weight @wkva : tensor<6x7xf32>
  %sq = moe.weight @sq : tensor<4xi64>
  %qparts = moe.weight @qparts : tensor<2xi64>
  %comp = moe.weight @comp : tensor<2xi64>
  %scale = moe.weight @scale : tensor<f32>
  %inv = moe.weight @inv : tensor<1x2x1xf32>
  %two = moe.weight @two : tensor<1xi64>
  %end = moe.weight @end : tensor<1xi64>
  %ax3 = moe.weight @ax3 : tensor<1xi64>
  %i0 = moe.weight @i0 : tensor<i64>
  %i1 = moe.weight @i1 : tensor<i64>
  %ax0 = moe.weight @ax0 : tensor<1xi64>
  %ax1 = moe.weight @ax1 : tensor<1xi64>
  %ax12 = moe.weight @ax12 : tensor<2xi64>
  %ax01 = moe.weight @ax01 : tensor<2xi64>
  %zero = moe.weight @zero : tensor<f32>
  %low = moe.weight @low : tensor<f32>
  %ku = moe.weight @ku : tensor<2x2x3xf32>
  %vu = moe.weight @vu : tensor<2x5x3xf32>
  %flat10 = moe.weight @flat10 : tensor<3xi64>
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
  %q_m = graph.node "MatMul"(%x, %wq) {version = 17 : i64} : (!graph.unknown, tensor<6x12xf32>) -> !graph.unknown
  %q_r = graph.node "Reshape"(%q_m, %sq) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
  %q_h = graph.node "Transpose"(%q_r) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %qp:2 = graph.node "Split"(%q_h, %qparts) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  %ca = graph.node "MatMul"(%x, %wkva) {version = 17 : i64} : (!graph.unknown, tensor<6x7xf32>) -> !graph.unknown
  %c:2 = graph.node "Split"(%ca, %comp) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
  %p1 = graph.node "Unsqueeze"(%pos, %ax1) {version = 17 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> !graph.unknown
  %pf = graph.node "Cast"(%p1) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %an = graph.node "MatMul"(%inv, %pf) {version = 17 : i64} : (tensor<1x2x1xf32>, !graph.unknown) -> !graph.unknown
  %ant = graph.node "Transpose"(%an) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %tw = graph.node "Concat"(%ant, %ant) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %Cos0 = graph.node "Cos"(%tw) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %Cos = graph.node "Unsqueeze"(%Cos0, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %Sin0 = graph.node "Sin"(%tw) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %Sin = graph.node "Unsqueeze"(%Sin0, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %key1 = graph.node "Unsqueeze"(%c#1, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %qr_lo = graph.node "Slice"(%qp#1, %ax0, %two, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %qr_hi = graph.node "Slice"(%qp#1, %two, %end, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %qr_ng = graph.node "Neg"(%qr_hi) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %qr_ro = graph.node "Concat"(%qr_ng, %qr_lo) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_a = graph.node "Mul"(%qp#1, %Cos) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_b = graph.node "Mul"(%qr_ro, %Sin) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %qr_e = graph.node "Add"(%qr_a, %qr_b) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_lo = graph.node "Slice"(%key1, %ax0, %two, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %kr_hi = graph.node "Slice"(%key1, %two, %end, %ax3) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
  %kr_ng = graph.node "Neg"(%kr_hi) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %kr_ro = graph.node "Concat"(%kr_ng, %kr_lo) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_a = graph.node "Mul"(%key1, %Cos) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_b = graph.node "Mul"(%kr_ro, %Sin) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %kr_e = graph.node "Add"(%kr_a, %kr_b) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %ks = graph.node "Squeeze"(%kr_e, %ax1) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
  %cc = graph.node "Concat"(%pc, %c#0) attributes {axis = 1 : i64} {version = 17 : i64} : (tensor<?x?x3xf32>, !graph.unknown) -> !graph.unknown
  %cr = graph.node "Concat"(%pr_, %ks) attributes {axis = 1 : i64} {version = 17 : i64} : (tensor<?x?x4xf32>, !graph.unknown) -> !graph.unknown
  %ql = graph.node "Einsum"(%qp#0, %ku) attributes {equation = "bhsd,hdc->bhsc"} {version = 17 : i64} : (!graph.unknown, tensor<2x2x3xf32>) -> !graph.unknown
  %s1 = graph.node "Einsum"(%ql, %cc) attributes {equation = "bhsc,btc->bhst"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %s2 = graph.node "Einsum"(%qr_e, %cr) attributes {equation = "abcd, aed -> abce"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %ss = graph.node "Add"(%s1, %s2) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %scs = graph.node "Mul"(%ss, %scale) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
  %sm = graph.node "Add"(%scs, %bias) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %pr = graph.node "Softmax"(%sm) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
  %al = graph.node "Einsum"(%pr, %cr) attributes {equation = "bhst,btc->bhsc"} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
  %a = graph.node "Einsum"(%al, %vu) attributes {equation = "bhsc,hdc->bshd"} {version = 17 : i64} : (!graph.unknown, tensor<2x5x3xf32>) -> !graph.unknown loc("attend")
  %y = graph.node "Reshape"(%a, %flat10) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
  return %y, %cc, %cr : !graph.unknown, !graph.unknown, !graph.unknown
}
}
