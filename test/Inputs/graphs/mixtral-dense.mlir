module attributes {graph.ir_version = 8 : i64, graph.opsets = {ai.onnx = 17 : i64}, graph.producer = "skeleton.py"} {
  moe.weight_data @model.embed_tokens.weight : tensor<32000x4096xbf16>
  moe.weight_data @model.rotary_emb.inv_freq {value = dense<[[[1.000000e+00], [0.80584222], [0.649381638], [0.523299158], [0.421696514], [0.339820832], [0.273841977], [0.220673397], [0.177827939], [0.143301263], [0.115478203], [9.305720e-02], [0.0749894157], [0.0604296438], [0.0486967526], [3.924190e-02], [0.0316227786], [0.0254829675], [0.0205352511], [0.0165481716], [0.0133352149], [0.0107460786], [0.00865964312], [0.00697830599], [0.00562341325], [0.00453158375], [0.00365174143], [0.00294272718], [0.00237137382], [0.00191095285], [0.00153992651], [0.00124093785], [1.000000e-03], [8.05842225E-4], [6.49381662E-4], [5.23299095E-4], [4.21696488E-4], [3.39820806E-4], [2.73841957E-4], [2.20673421E-4], [1.7782794E-4], [1.43301266E-4], [1.15478193E-4], [9.30572059E-5], [7.49894243E-5], [6.04296365E-5], [4.86967547E-5], [3.924190e-05], [3.16227743E-5], [2.54829665E-5], [2.05352499E-5], [1.65481706E-5], [1.33352141E-5], [1.07460783E-5], [8.65964375E-6], [6.97830637E-6], [5.62341347E-6], [4.53158373E-6], [3.65174128E-6], [2.94272718E-6], [2.37137374E-6], [1.91095296E-6], [1.53992653E-6], [1.24093776E-6]]]> : tensor<1x64x1xf32>} : tensor<1x64x1xf32>
  moe.weight_data @"const.int64.[1]" {value = dense<1> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @const.int64.1 {value = dense<1> : tensor<i64>} : tensor<i64>
  moe.weight_data @const.int64.0 {value = dense<0> : tensor<i64>} : tensor<i64>
  moe.weight_data @"const.int64.[0]" {value = dense<0> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[1,2]" {value = dense<[1, 2]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @"const.int64.[0,1]" {value = dense<[0, 1]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @const.float32.0.0 {value = dense<0.000000e+00> : tensor<f32>} : tensor<f32>
  moe.weight_data @"const.float32.-1e+38" {value = dense<-9.99999968E+37> : tensor<f32>} : tensor<f32>
  moe.weight_data @const.float32.2.0 {value = dense<2.000000e+00> : tensor<f32>} : tensor<f32>
  moe.weight_data @const.float32.1.0 {value = dense<1.000000e+00> : tensor<f32>} : tensor<f32>
  moe.weight_data @"const.float32.1e-05" {value = dense<9.99999974E-6> : tensor<f32>} : tensor<f32>
  moe.weight_data @model.layers.0.input_layernorm.weight : tensor<4096xbf16>
  moe.weight_data @model.layers.0.self_attn.q_proj.weight : tensor<4096x4096xbf16>
  moe.weight_data @model.layers.0.self_attn.k_proj.weight : tensor<4096x1024xbf16>
  moe.weight_data @model.layers.0.self_attn.v_proj.weight : tensor<4096x1024xbf16>
  moe.weight_data @"const.int64.[0,0,32,128]" {value = dense<[0, 0, 32, 128]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @"const.int64.[0,0,8,128]" {value = dense<[0, 0, 8, 128]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @"const.int64.[64]" {value = dense<64> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[3]" {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[9223372036854775807]" {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[2]" {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[1,1,4,1,1]" {value = dense<[1, 1, 4, 1, 1]> : tensor<5xi64>} : tensor<5xi64>
  moe.weight_data @"const.int64.[0,32,-1,128]" {value = dense<[0, 32, -1, 128]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @const.float32.0.08838834764831845 {value = dense<0.0883883461> : tensor<f32>} : tensor<f32>
  moe.weight_data @"const.int64.[0,0,-1]" {value = dense<[0, 0, -1]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @model.layers.0.self_attn.o_proj.weight : tensor<4096x4096xbf16>
  moe.weight_data @model.layers.0.post_attention_layernorm.weight : tensor<4096xbf16>
  moe.weight_data @"const.int64.[-1,4096]" {value = dense<[-1, 4096]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @model.layers.0.mlp.gate.weight : tensor<4096x8xbf16>
  moe.weight_data @"const.int64.[-1]" {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[8]" {value = dense<8> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @model.layers.0.mlp.experts.gate_up_proj : tensor<8x4096x28672xbf16>
  moe.weight_data @model.layers.0.mlp.experts.down_proj : tensor<8x14336x4096xbf16>
  moe.weight_data @model.layers.1.input_layernorm.weight : tensor<4096xbf16>
  moe.weight_data @model.layers.1.self_attn.q_proj.weight : tensor<4096x4096xbf16>
  moe.weight_data @model.layers.1.self_attn.k_proj.weight : tensor<4096x1024xbf16>
  moe.weight_data @model.layers.1.self_attn.v_proj.weight : tensor<4096x1024xbf16>
  moe.weight_data @model.layers.1.self_attn.o_proj.weight : tensor<4096x4096xbf16>
  moe.weight_data @model.layers.1.post_attention_layernorm.weight : tensor<4096xbf16>
  moe.weight_data @model.layers.1.mlp.gate.weight : tensor<4096x8xbf16>
  moe.weight_data @model.layers.1.mlp.experts.gate_up_proj : tensor<8x4096x28672xbf16>
  moe.weight_data @model.layers.1.mlp.experts.down_proj : tensor<8x14336x4096xbf16>
  moe.weight_data @model.norm.weight : tensor<4096xbf16>
  moe.weight_data @lm_head.weight : tensor<4096x32000xbf16>
  func.func @main(%arg0: tensor<?x?xi64> {moe.dims = ["batch", "seq"], moe.name = "input_ids"}, %arg1: tensor<?x?xi64> {moe.dims = ["batch", "total"], moe.name = "attention_mask"}, %arg2: tensor<?x?xi64> {moe.dims = ["batch", "seq"], moe.name = "position_ids"}, %arg3: tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.0.key"}, %arg4: tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.0.value"}, %arg5: tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.1.key"}, %arg6: tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.1.value"}) -> (tensor<?x?x32000xbf16> {moe.dims = ["batch", "seq", ""], moe.name = "logits"}, tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.0.key"}, tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.0.value"}, tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.1.key"}, tensor<?x8x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.1.value"}) {
    %0 = moe.weight @model.embed_tokens.weight : tensor<32000x4096xbf16>
    %1 = moe.weight @model.rotary_emb.inv_freq : tensor<1x64x1xf32>
    %2 = moe.weight @"const.int64.[1]" : tensor<1xi64>
    %3 = moe.weight @const.int64.1 : tensor<i64>
    %4 = moe.weight @const.int64.0 : tensor<i64>
    %5 = moe.weight @"const.int64.[0]" : tensor<1xi64>
    %6 = moe.weight @"const.int64.[1,2]" : tensor<2xi64>
    %7 = moe.weight @"const.int64.[0,1]" : tensor<2xi64>
    %8 = moe.weight @const.float32.0.0 : tensor<f32>
    %9 = moe.weight @"const.float32.-1e+38" : tensor<f32>
    %10 = moe.weight @const.float32.2.0 : tensor<f32>
    %11 = moe.weight @const.float32.1.0 : tensor<f32>
    %12 = moe.weight @"const.float32.1e-05" : tensor<f32>
    %13 = moe.weight @model.layers.0.input_layernorm.weight : tensor<4096xbf16>
    %14 = moe.weight @model.layers.0.self_attn.q_proj.weight : tensor<4096x4096xbf16>
    %15 = moe.weight @model.layers.0.self_attn.k_proj.weight : tensor<4096x1024xbf16>
    %16 = moe.weight @model.layers.0.self_attn.v_proj.weight : tensor<4096x1024xbf16>
    %17 = moe.weight @"const.int64.[0,0,32,128]" : tensor<4xi64>
    %18 = moe.weight @"const.int64.[0,0,8,128]" : tensor<4xi64>
    %19 = moe.weight @"const.int64.[64]" : tensor<1xi64>
    %20 = moe.weight @"const.int64.[3]" : tensor<1xi64>
    %21 = moe.weight @"const.int64.[9223372036854775807]" : tensor<1xi64>
    %22 = moe.weight @"const.int64.[2]" : tensor<1xi64>
    %23 = moe.weight @"const.int64.[1,1,4,1,1]" : tensor<5xi64>
    %24 = moe.weight @"const.int64.[0,32,-1,128]" : tensor<4xi64>
    %25 = moe.weight @const.float32.0.08838834764831845 : tensor<f32>
    %26 = moe.weight @"const.int64.[0,0,-1]" : tensor<3xi64>
    %27 = moe.weight @model.layers.0.self_attn.o_proj.weight : tensor<4096x4096xbf16>
    %28 = moe.weight @model.layers.0.post_attention_layernorm.weight : tensor<4096xbf16>
    %29 = moe.weight @"const.int64.[-1,4096]" : tensor<2xi64>
    %30 = moe.weight @model.layers.0.mlp.gate.weight : tensor<4096x8xbf16>
    %31 = moe.weight @"const.int64.[-1]" : tensor<1xi64>
    %32 = moe.weight @"const.int64.[8]" : tensor<1xi64>
    %33 = moe.weight @model.layers.0.mlp.experts.gate_up_proj : tensor<8x4096x28672xbf16>
    %34 = moe.weight @model.layers.0.mlp.experts.down_proj : tensor<8x14336x4096xbf16>
    %35 = moe.weight @model.layers.1.input_layernorm.weight : tensor<4096xbf16>
    %36 = moe.weight @model.layers.1.self_attn.q_proj.weight : tensor<4096x4096xbf16>
    %37 = moe.weight @model.layers.1.self_attn.k_proj.weight : tensor<4096x1024xbf16>
    %38 = moe.weight @model.layers.1.self_attn.v_proj.weight : tensor<4096x1024xbf16>
    %39 = moe.weight @model.layers.1.self_attn.o_proj.weight : tensor<4096x4096xbf16>
    %40 = moe.weight @model.layers.1.post_attention_layernorm.weight : tensor<4096xbf16>
    %41 = moe.weight @model.layers.1.mlp.gate.weight : tensor<4096x8xbf16>
    %42 = moe.weight @model.layers.1.mlp.experts.gate_up_proj : tensor<8x4096x28672xbf16>
    %43 = moe.weight @model.layers.1.mlp.experts.down_proj : tensor<8x14336x4096xbf16>
    %44 = moe.weight @model.norm.weight : tensor<4096xbf16>
    %45 = moe.weight @lm_head.weight : tensor<4096x32000xbf16>
    %46 = graph.node "Gather"(%0, %arg0) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<32000x4096xbf16>, tensor<?x?xi64>) -> !graph.unknown
    %47 = graph.node "Unsqueeze"(%arg2, %2) {version = 17 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> !graph.unknown
    %48 = graph.node "Cast"(%47) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %49 = graph.node "MatMul"(%1, %48) {version = 17 : i64} : (tensor<1x64x1xf32>, !graph.unknown) -> !graph.unknown
    %50 = graph.node "Transpose"(%49) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %51 = graph.node "Concat"(%50, %50) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %52 = graph.node "Cos"(%51) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %53 = graph.node "Cast"(%52) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %54 = graph.node "Unsqueeze"(%53, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %55 = graph.node "Sin"(%51) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %56 = graph.node "Cast"(%55) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %57 = graph.node "Unsqueeze"(%56, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %58 = graph.node "Shape"(%arg1) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
    %59 = graph.node "Gather"(%58, %3) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %60 = graph.node "Shape"(%arg0) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
    %61 = graph.node "Gather"(%60, %3) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %62 = graph.node "Range"(%4, %59, %3) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
    %63 = graph.node "Range"(%4, %61, %3) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
    %64 = graph.node "Sub"(%59, %61) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %65 = graph.node "Add"(%63, %64) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %66 = graph.node "Unsqueeze"(%62, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %67 = graph.node "Unsqueeze"(%65, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %68 = graph.node "LessOrEqual"(%66, %67) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %69 = graph.node "Unsqueeze"(%arg1, %6) {version = 17 : i64} : (tensor<?x?xi64>, tensor<2xi64>) -> !graph.unknown
    %70 = graph.node "Cast"(%69) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %71 = graph.node "Unsqueeze"(%68, %7) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %72 = graph.node "And"(%71, %70) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %73 = graph.node "Where"(%72, %8, %9) {version = 17 : i64} : (!graph.unknown, tensor<f32>, tensor<f32>) -> !graph.unknown
    %74 = graph.node "Cast"(%73) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %75 = graph.node "Cast"(%46) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %76 = graph.node "Pow"(%75, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %77 = graph.node "ReduceMean"(%76) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %78 = graph.node "Add"(%77, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %79 = graph.node "Sqrt"(%78) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %80 = graph.node "Div"(%11, %79) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %81 = graph.node "Mul"(%75, %80) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %82 = graph.node "Cast"(%81) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %83 = graph.node "Mul"(%13, %82) {version = 17 : i64} : (tensor<4096xbf16>, !graph.unknown) -> !graph.unknown
    %84 = graph.node "MatMul"(%83, %14) {version = 17 : i64} : (!graph.unknown, tensor<4096x4096xbf16>) -> !graph.unknown
    %85 = graph.node "MatMul"(%83, %15) {version = 17 : i64} : (!graph.unknown, tensor<4096x1024xbf16>) -> !graph.unknown
    %86 = graph.node "MatMul"(%83, %16) {version = 17 : i64} : (!graph.unknown, tensor<4096x1024xbf16>) -> !graph.unknown
    %87 = graph.node "Reshape"(%84, %17) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %88 = graph.node "Transpose"(%87) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %89 = graph.node "Reshape"(%85, %18) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %90 = graph.node "Transpose"(%89) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %91 = graph.node "Reshape"(%86, %18) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %92 = graph.node "Transpose"(%91) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %93 = graph.node "Slice"(%88, %5, %19, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %94 = graph.node "Slice"(%88, %19, %21, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %95 = graph.node "Neg"(%94) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %96 = graph.node "Concat"(%95, %93) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %97 = graph.node "Mul"(%88, %54) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %98 = graph.node "Mul"(%96, %57) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %99 = graph.node "Add"(%97, %98) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %100 = graph.node "Slice"(%90, %5, %19, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %101 = graph.node "Slice"(%90, %19, %21, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %102 = graph.node "Neg"(%101) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %103 = graph.node "Concat"(%102, %100) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %104 = graph.node "Mul"(%90, %54) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %105 = graph.node "Mul"(%103, %57) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %106 = graph.node "Add"(%104, %105) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %107 = graph.node "Concat"(%arg3, %106) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x8x?x128xbf16>, !graph.unknown) -> tensor<?x8x?x128xbf16>
    %108 = graph.node "Concat"(%arg4, %92) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x8x?x128xbf16>, !graph.unknown) -> tensor<?x8x?x128xbf16>
    %109 = graph.node "Unsqueeze"(%107, %22) {version = 17 : i64} : (tensor<?x8x?x128xbf16>, tensor<1xi64>) -> !graph.unknown
    %110 = graph.node "Expand"(%109, %23) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %111 = graph.node "Reshape"(%110, %24) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %112 = graph.node "Unsqueeze"(%108, %22) {version = 17 : i64} : (tensor<?x8x?x128xbf16>, tensor<1xi64>) -> !graph.unknown
    %113 = graph.node "Expand"(%112, %23) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %114 = graph.node "Reshape"(%113, %24) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %115 = graph.node "Transpose"(%111) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %116 = graph.node "MatMul"(%99, %115) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %117 = graph.node "Cast"(%25) attributes {to = 16 : i64} {version = 17 : i64} : (tensor<f32>) -> !graph.unknown
    %118 = graph.node "Mul"(%116, %117) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %119 = graph.node "Add"(%118, %74) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %120 = graph.node "Cast"(%119) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %121 = graph.node "Softmax"(%120) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %122 = graph.node "Cast"(%121) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %123 = graph.node "MatMul"(%122, %114) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %124 = graph.node "Transpose"(%123) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %125 = graph.node "Reshape"(%124, %26) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %126 = graph.node "MatMul"(%125, %27) {version = 17 : i64} : (!graph.unknown, tensor<4096x4096xbf16>) -> !graph.unknown
    %127 = graph.node "Add"(%46, %126) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %128 = graph.node "Cast"(%127) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %129 = graph.node "Pow"(%128, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %130 = graph.node "ReduceMean"(%129) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %131 = graph.node "Add"(%130, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %132 = graph.node "Sqrt"(%131) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %133 = graph.node "Div"(%11, %132) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %134 = graph.node "Mul"(%128, %133) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %135 = graph.node "Cast"(%134) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %136 = graph.node "Mul"(%28, %135) {version = 17 : i64} : (tensor<4096xbf16>, !graph.unknown) -> !graph.unknown
    %137 = graph.node "Reshape"(%136, %29) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %138 = graph.node "MatMul"(%137, %30) {version = 17 : i64} : (!graph.unknown, tensor<4096x8xbf16>) -> !graph.unknown
    %139 = graph.node "Cast"(%138) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %140 = graph.node "Softmax"(%139) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %141:2 = graph.node "TopK"(%140, %22) attributes {axis = -1 : i64, largest = 1 : i64, sorted = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    %142 = graph.node "ReduceSum"(%141#0, %31) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %143 = graph.node "Div"(%141#0, %142) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %144 = graph.node "Cast"(%143) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %145 = graph.node "Shape"(%137) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %146 = graph.node "Slice"(%145, %5, %2, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %147 = graph.node "Concat"(%146, %32) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %148 = graph.node "ConstantOfShape"(%147) attributes {value = dense<0.000000e+00> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %149 = graph.node "Cast"(%148) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %150 = graph.node "ScatterElements"(%149, %141#1, %144) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %151 = graph.node "Unsqueeze"(%137, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %152 = graph.node "MatMul"(%151, %33) {version = 17 : i64} : (!graph.unknown, tensor<8x4096x28672xbf16>) -> !graph.unknown
    %153:2 = graph.node "Split"(%152) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %154 = graph.node "Sigmoid"(%153#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %155 = graph.node "Mul"(%153#0, %154) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %156 = graph.node "Mul"(%155, %153#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %157 = graph.node "MatMul"(%156, %34) {version = 17 : i64} : (!graph.unknown, tensor<8x14336x4096xbf16>) -> !graph.unknown
    %158 = graph.node "Transpose"(%150) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %159 = graph.node "Unsqueeze"(%158, %31) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %160 = graph.node "Mul"(%157, %159) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %161 = graph.node "ReduceSum"(%160, %5) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %162 = graph.node "Shape"(%136) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %163 = graph.node "Reshape"(%161, %162) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %164 = graph.node "Add"(%127, %163) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %165 = graph.node "Cast"(%164) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %166 = graph.node "Pow"(%165, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %167 = graph.node "ReduceMean"(%166) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %168 = graph.node "Add"(%167, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %169 = graph.node "Sqrt"(%168) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %170 = graph.node "Div"(%11, %169) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %171 = graph.node "Mul"(%165, %170) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %172 = graph.node "Cast"(%171) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %173 = graph.node "Mul"(%35, %172) {version = 17 : i64} : (tensor<4096xbf16>, !graph.unknown) -> !graph.unknown
    %174 = graph.node "MatMul"(%173, %36) {version = 17 : i64} : (!graph.unknown, tensor<4096x4096xbf16>) -> !graph.unknown
    %175 = graph.node "MatMul"(%173, %37) {version = 17 : i64} : (!graph.unknown, tensor<4096x1024xbf16>) -> !graph.unknown
    %176 = graph.node "MatMul"(%173, %38) {version = 17 : i64} : (!graph.unknown, tensor<4096x1024xbf16>) -> !graph.unknown
    %177 = graph.node "Reshape"(%174, %17) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %178 = graph.node "Transpose"(%177) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %179 = graph.node "Reshape"(%175, %18) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %180 = graph.node "Transpose"(%179) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %181 = graph.node "Reshape"(%176, %18) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %182 = graph.node "Transpose"(%181) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %183 = graph.node "Slice"(%178, %5, %19, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %184 = graph.node "Slice"(%178, %19, %21, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %185 = graph.node "Neg"(%184) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %186 = graph.node "Concat"(%185, %183) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %187 = graph.node "Mul"(%178, %54) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %188 = graph.node "Mul"(%186, %57) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %189 = graph.node "Add"(%187, %188) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %190 = graph.node "Slice"(%180, %5, %19, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %191 = graph.node "Slice"(%180, %19, %21, %20) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %192 = graph.node "Neg"(%191) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %193 = graph.node "Concat"(%192, %190) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %194 = graph.node "Mul"(%180, %54) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %195 = graph.node "Mul"(%193, %57) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %196 = graph.node "Add"(%194, %195) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %197 = graph.node "Concat"(%arg5, %196) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x8x?x128xbf16>, !graph.unknown) -> tensor<?x8x?x128xbf16>
    %198 = graph.node "Concat"(%arg6, %182) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x8x?x128xbf16>, !graph.unknown) -> tensor<?x8x?x128xbf16>
    %199 = graph.node "Unsqueeze"(%197, %22) {version = 17 : i64} : (tensor<?x8x?x128xbf16>, tensor<1xi64>) -> !graph.unknown
    %200 = graph.node "Expand"(%199, %23) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %201 = graph.node "Reshape"(%200, %24) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %202 = graph.node "Unsqueeze"(%198, %22) {version = 17 : i64} : (tensor<?x8x?x128xbf16>, tensor<1xi64>) -> !graph.unknown
    %203 = graph.node "Expand"(%202, %23) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %204 = graph.node "Reshape"(%203, %24) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %205 = graph.node "Transpose"(%201) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %206 = graph.node "MatMul"(%189, %205) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %207 = graph.node "Cast"(%25) attributes {to = 16 : i64} {version = 17 : i64} : (tensor<f32>) -> !graph.unknown
    %208 = graph.node "Mul"(%206, %207) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %209 = graph.node "Add"(%208, %74) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %210 = graph.node "Cast"(%209) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %211 = graph.node "Softmax"(%210) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %212 = graph.node "Cast"(%211) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %213 = graph.node "MatMul"(%212, %204) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %214 = graph.node "Transpose"(%213) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %215 = graph.node "Reshape"(%214, %26) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %216 = graph.node "MatMul"(%215, %39) {version = 17 : i64} : (!graph.unknown, tensor<4096x4096xbf16>) -> !graph.unknown
    %217 = graph.node "Add"(%164, %216) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %218 = graph.node "Cast"(%217) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %219 = graph.node "Pow"(%218, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %220 = graph.node "ReduceMean"(%219) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %221 = graph.node "Add"(%220, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %222 = graph.node "Sqrt"(%221) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %223 = graph.node "Div"(%11, %222) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %224 = graph.node "Mul"(%218, %223) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %225 = graph.node "Cast"(%224) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %226 = graph.node "Mul"(%40, %225) {version = 17 : i64} : (tensor<4096xbf16>, !graph.unknown) -> !graph.unknown
    %227 = graph.node "Reshape"(%226, %29) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %228 = graph.node "MatMul"(%227, %41) {version = 17 : i64} : (!graph.unknown, tensor<4096x8xbf16>) -> !graph.unknown
    %229 = graph.node "Cast"(%228) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %230 = graph.node "Softmax"(%229) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %231:2 = graph.node "TopK"(%230, %22) attributes {axis = -1 : i64, largest = 1 : i64, sorted = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    %232 = graph.node "ReduceSum"(%231#0, %31) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %233 = graph.node "Div"(%231#0, %232) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %234 = graph.node "Cast"(%233) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %235 = graph.node "Shape"(%227) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %236 = graph.node "Slice"(%235, %5, %2, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %237 = graph.node "Concat"(%236, %32) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %238 = graph.node "ConstantOfShape"(%237) attributes {value = dense<0.000000e+00> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %239 = graph.node "Cast"(%238) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %240 = graph.node "ScatterElements"(%239, %231#1, %234) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %241 = graph.node "Unsqueeze"(%227, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %242 = graph.node "MatMul"(%241, %42) {version = 17 : i64} : (!graph.unknown, tensor<8x4096x28672xbf16>) -> !graph.unknown
    %243:2 = graph.node "Split"(%242) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %244 = graph.node "Sigmoid"(%243#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %245 = graph.node "Mul"(%243#0, %244) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %246 = graph.node "Mul"(%245, %243#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %247 = graph.node "MatMul"(%246, %43) {version = 17 : i64} : (!graph.unknown, tensor<8x14336x4096xbf16>) -> !graph.unknown
    %248 = graph.node "Transpose"(%240) attributes {perm = array<i64: 1, 0>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %249 = graph.node "Unsqueeze"(%248, %31) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %250 = graph.node "Mul"(%247, %249) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %251 = graph.node "ReduceSum"(%250, %5) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %252 = graph.node "Shape"(%226) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %253 = graph.node "Reshape"(%251, %252) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %254 = graph.node "Add"(%217, %253) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %255 = graph.node "Cast"(%254) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %256 = graph.node "Pow"(%255, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %257 = graph.node "ReduceMean"(%256) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %258 = graph.node "Add"(%257, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %259 = graph.node "Sqrt"(%258) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %260 = graph.node "Div"(%11, %259) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %261 = graph.node "Mul"(%255, %260) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %262 = graph.node "Cast"(%261) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %263 = graph.node "Mul"(%44, %262) {version = 17 : i64} : (tensor<4096xbf16>, !graph.unknown) -> !graph.unknown
    %264 = graph.node "MatMul"(%263, %45) {version = 17 : i64} : (!graph.unknown, tensor<4096x32000xbf16>) -> tensor<?x?x32000xbf16>
    return %264, %107, %108, %197, %198 : tensor<?x?x32000xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>, tensor<?x8x?x128xbf16>
  }
}
