// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// expected-error@+1 {{(op 'RotaryEmbedding', domain '') cannot be raised to moe: expects 2 angles for each position, got 4}}
module {
  moe.weight_data @cos : tensor<32x4xf32>
  moe.weight_data @sin : tensor<32x4xf32>
  func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
    %cos = moe.weight @cos : tensor<32x4xf32>
    %sin = moe.weight @sin : tensor<32x4xf32>
    %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v2 = graph.node "Gather"(%sin, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 2 : i64, rotary_embedding_dim = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v3 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'rotary_embedding_dim' expects an even number up to the head width 8, got 10}}
module {
  moe.weight_data @cos : tensor<32x4xf32>
  moe.weight_data @sin : tensor<32x4xf32>
  func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
    %cos = moe.weight @cos : tensor<32x4xf32>
    %sin = moe.weight @sin : tensor<32x4xf32>
    %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v2 = graph.node "Gather"(%sin, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 2 : i64, rotary_embedding_dim = 10 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v3 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects [batch, tokens, width] with num_heads that divide the width}}
module {
  moe.weight_data @cos : tensor<32x4xf32>
  moe.weight_data @sin : tensor<32x4xf32>
  func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
    %cos = moe.weight @cos : tensor<32x4xf32>
    %sin = moe.weight @sin : tensor<32x4xf32>
    %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v2 = graph.node "Gather"(%sin, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 3 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v3 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects cosines and sines that positions choose from tables}}
module {
  moe.weight_data @cos : tensor<32x4xf32>
  moe.weight_data @sin : tensor<32x4xf32>
  func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}) -> !graph.unknown {
    %cos = moe.weight @cos : tensor<32x4xf32>
    %sin = moe.weight @sin : tensor<32x4xf32>
    %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v2 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v3 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects cosines and sines that positions choose from tables}}
module {
  moe.weight_data @cos : tensor<32x4xf32>
  moe.weight_data @sin : tensor<32x4xf32>
  func.func @main(%x: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "x"}, %p: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p"}, %p2: tensor<?x?xi64> {moe.dims = ["b", "s"], moe.name = "p2"}) -> !graph.unknown {
    %cos = moe.weight @cos : tensor<32x4xf32>
    %sin = moe.weight @sin : tensor<32x4xf32>
    %v1 = graph.node "Gather"(%cos, %p) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v2 = graph.node "Gather"(%sin, %p2) attributes {axis = 0 : i64} {version = 24 : i64} : (tensor<32x4xf32>, tensor<?x?xi64>) -> !graph.unknown
    %v3 = graph.node "RotaryEmbedding"(%x, %v1, %v2) attributes {num_heads = 2 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, !graph.unknown, !graph.unknown) -> !graph.unknown
    return %v3 : !graph.unknown
  }
}
