// RUN: portolan-opt -split-input-file -verify-diagnostics -convert-graph-to-moe=strict=true %s

// What is not causal self-attention over a cache that grows is refused.

// expected-error@+1 {{(op 'Attention', domain '') cannot be raised to moe: expects a causal attention}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'left_window_size' expects -1 or a number of tokens, got -2}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, left_window_size = -2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'right_window_size' expects 0 or a causal attention, got 2}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {kv_num_heads = 2 : i64, q_num_heads = 4 : i64, right_window_size = 2 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{attribute 'softmax_precision' expects 1, got 10}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64, softmax_precision = 10 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects output 3 to be unused}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:4 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#3 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects query, key and value of [batch, tokens, width] with numbers of heads}}
module {
  func.func @main(%q: tensor<?x16xf32> {moe.dims = ["s", ""], moe.name = "q"}, %k: tensor<?x8xf32> {moe.dims = ["s", ""], moe.name = "k"}, %v: tensor<?x8xf32> {moe.dims = ["s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none) attributes {is_causal = 1 : i64} {version = 24 : i64} : (tensor<?x16xf32>, tensor<?x8xf32>, tensor<?x8xf32>, none) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects key-value heads that divide the heads}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 1 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects scale and softcap >= 0}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64, softcap = -1.0 : f32} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{expects a mask that follows from positions and an attention mask}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %pk: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pk"}, %pv: tensor<?x2x?x4xf32> {moe.dims = ["b", "", "p", ""], moe.name = "pv"}, %m: tensor<?x1x?x?xf32> {moe.dims = ["b", "", "s", "t"], moe.name = "m"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %m, %pk, %pv) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, tensor<?x1x?x?xf32>, tensor<?x2x?x4xf32>, tensor<?x2x?x4xf32>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}

// -----

// expected-error@+1 {{got nonpad_kv_seqlen of a cache of fixed size}}
module {
  func.func @main(%q: tensor<?x?x16xf32> {moe.dims = ["b", "s", ""], moe.name = "q"}, %k: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "k"}, %v: tensor<?x?x8xf32> {moe.dims = ["b", "s", ""], moe.name = "v"}, %am: tensor<?x?xi64> {moe.dims = ["b", "t"], moe.name = "am"}, %n: tensor<?xi64> {moe.dims = ["b"], moe.name = "n"}) -> !graph.unknown {
    %none = graph.none : none
    %v1:3 = graph.node "Attention"(%q, %k, %v, %none, %none, %none, %n) attributes {is_causal = 1 : i64, kv_num_heads = 2 : i64, q_num_heads = 4 : i64} {version = 24 : i64} : (tensor<?x?x16xf32>, tensor<?x?x8xf32>, tensor<?x?x8xf32>, none, none, none, tensor<?xi64>) -> (!graph.unknown, !graph.unknown, !graph.unknown)
    return %v1#0 : !graph.unknown
  }
}
