// Two layers in the form of Mixtral: hidden 16, 4 heads of 4 (2 key-value
// heads), 6 experts of width 8, 2 per token; 5 sequences with 3 past tokens and
// one new token each.
module @mixtral {
  func.func private @layer(
      %x: tensor<5x1x16xf32>, %at: tensor<5x1xi64>, %cos: tensor<32x2xf32>, %sin: tensor<32x2xf32>,
      %g1: tensor<16xf32>, %wq: tensor<16x16xf32>, %wk: tensor<16x8xf32>, %wv: tensor<16x8xf32>,
      %wo: tensor<16x16xf32>, %g2: tensor<16xf32>, %router: tensor<16x6xf32>,
      %gate: tensor<6x16x8xf32>, %up: tensor<6x16x8xf32>, %down: tensor<6x8x16xf32>,
      %pk: tensor<5x2x3x4xf32>, %pv: tensor<5x2x3x4xf32>)
      -> (tensor<5x1x16xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>) {
    %n = moe.rms_norm %x, %g1 {epsilon = 1.0e-5 : f64} : (tensor<5x1x16xf32>, tensor<16xf32>) -> tensor<5x1x16xf32>
    %q0 = moe.linear %n, %wq : (tensor<5x1x16xf32>, tensor<16x16xf32>) -> tensor<5x1x16xf32>
    %q = moe.rope %q0 at %at by %cos, %sin {head_width = 4 : i64} : (tensor<5x1x16xf32>, tensor<5x1xi64>, tensor<32x2xf32>, tensor<32x2xf32>) -> tensor<5x1x16xf32>
    %k0 = moe.linear %n, %wk : (tensor<5x1x16xf32>, tensor<16x8xf32>) -> tensor<5x1x8xf32>
    %k = moe.rope %k0 at %at by %cos, %sin {head_width = 4 : i64} : (tensor<5x1x8xf32>, tensor<5x1xi64>, tensor<32x2xf32>, tensor<32x2xf32>) -> tensor<5x1x8xf32>
    %v = moe.linear %n, %wv : (tensor<5x1x16xf32>, tensor<16x8xf32>) -> tensor<5x1x8xf32>
    %a, %nk, %nv = moe.attention %q, %k, %v cache %pk, %pv {heads = 4 : i64, kv_heads = 2 : i64, scale = 0.5 : f64}
      : (tensor<5x1x16xf32>, tensor<5x1x8xf32>, tensor<5x1x8xf32>, tensor<5x2x3x4xf32>, tensor<5x2x3x4xf32>)
      -> (tensor<5x1x16xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>)
    %o = moe.linear %a, %wo : (tensor<5x1x16xf32>, tensor<16x16xf32>) -> tensor<5x1x16xf32>
    %h = moe.add %x, %o : tensor<5x1x16xf32>
    %m = moe.rms_norm %h, %g2 {epsilon = 1.0e-5 : f64} : (tensor<5x1x16xf32>, tensor<16xf32>) -> tensor<5x1x16xf32>
    %w, %idx = moe.route %m, %router {top_k = 2 : i64, scoring = #moe<scoring softmax>, normalize} : (tensor<5x1x16xf32>, tensor<16x6xf32>) -> (tensor<5x1x2xf32>, tensor<5x1x2xi32>)
    %rows, %counts = moe.dispatch %m, %idx : (tensor<5x1x16xf32>, tensor<5x1x2xi32>) -> (tensor<10x16xf32>, tensor<6xi32>)
    %e = moe.experts %rows, %counts gate %gate up %up down %down {activation = #moe<activation silu>}
      : (tensor<10x16xf32>, tensor<6xi32>, tensor<6x16x8xf32>, tensor<6x16x8xf32>, tensor<6x8x16xf32>) -> tensor<10x16xf32>
    %c = moe.combine %e, %w, %idx {experts = 6 : i64} : (tensor<10x16xf32>, tensor<5x1x2xf32>, tensor<5x1x2xi32>) -> tensor<5x1x16xf32>
    %y = moe.add %h, %c : tensor<5x1x16xf32>
    return %y, %nk, %nv : tensor<5x1x16xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>
  }

  func.func @main(
      %ids: tensor<5x1xi64>, %at: tensor<5x1xi64>,
      %pk0: tensor<5x2x3x4xf32>, %pv0: tensor<5x2x3x4xf32>, %pk1: tensor<5x2x3x4xf32>, %pv1: tensor<5x2x3x4xf32>)
      -> (tensor<5x1x20xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>) {
    %table = moe.weight @embedding : tensor<20x16xf32>
    %x = moe.embedding %ids, %table : (tensor<5x1xi64>, tensor<20x16xf32>) -> tensor<5x1x16xf32>
    %cos, %sin = moe.rotary_table {theta = 10000.0 : f64} : tensor<32x2xf32>, tensor<32x2xf32>
    %g1 = moe.weight @g1 : tensor<16xf32>
    %wq = moe.weight @wq : tensor<16x16xf32>
    %wk = moe.weight @wk : tensor<16x8xf32>
    %wv = moe.weight @wv : tensor<16x8xf32>
    %wo = moe.weight @wo : tensor<16x16xf32>
    %g2 = moe.weight @g2 : tensor<16xf32>
    %router = moe.weight @router : tensor<16x6xf32>
    %gate = moe.weight @gate : tensor<6x16x8xf32>
    %up = moe.weight @up : tensor<6x16x8xf32>
    %down = moe.weight @down : tensor<6x8x16xf32>
    %y0:3 = call @layer(%x, %at, %cos, %sin, %g1, %wq, %wk, %wv, %wo, %g2, %router, %gate, %up, %down, %pk0, %pv0)
      : (tensor<5x1x16xf32>, tensor<5x1xi64>, tensor<32x2xf32>, tensor<32x2xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<16x6xf32>, tensor<6x16x8xf32>, tensor<6x16x8xf32>, tensor<6x8x16xf32>, tensor<5x2x3x4xf32>, tensor<5x2x3x4xf32>)
      -> (tensor<5x1x16xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>)
    %y1:3 = call @layer(%y0#0, %at, %cos, %sin, %g2, %wq, %wv, %wk, %wo, %g1, %router, %up, %gate, %down, %pk1, %pv1)
      : (tensor<5x1x16xf32>, tensor<5x1xi64>, tensor<32x2xf32>, tensor<32x2xf32>, tensor<16xf32>, tensor<16x16xf32>, tensor<16x8xf32>, tensor<16x8xf32>, tensor<16x16xf32>, tensor<16xf32>, tensor<16x6xf32>, tensor<6x16x8xf32>, tensor<6x16x8xf32>, tensor<6x8x16xf32>, tensor<5x2x3x4xf32>, tensor<5x2x3x4xf32>)
      -> (tensor<5x1x16xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>)
    %n = moe.rms_norm %y1#0, %g1 {epsilon = 1.0e-5 : f64} : (tensor<5x1x16xf32>, tensor<16xf32>) -> tensor<5x1x16xf32>
    %head = moe.weight @head : tensor<16x20xf32>
    %logits = moe.linear %n, %head {last_position} : (tensor<5x1x16xf32>, tensor<16x20xf32>) -> tensor<5x1x20xf32>
    return %logits, %y0#1, %y0#2, %y1#1, %y1#2 : tensor<5x1x20xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>, tensor<5x2x4x4xf32>
  }
  moe.weight_data @embedding : tensor<20x16xf32>
  moe.weight_data @g1 : tensor<16xf32>
  moe.weight_data @wq : tensor<16x16xf32>
  moe.weight_data @wk : tensor<16x8xf32>
  moe.weight_data @wv : tensor<16x8xf32>
  moe.weight_data @wo : tensor<16x16xf32>
  moe.weight_data @g2 : tensor<16xf32>
  moe.weight_data @router : tensor<16x6xf32>
  moe.weight_data @gate : tensor<6x16x8xf32>
  moe.weight_data @up : tensor<6x16x8xf32>
  moe.weight_data @down : tensor<6x8x16xf32>
  moe.weight_data @head : tensor<16x20xf32>
}
