module attributes {graph.ir_version = 8 : i64, graph.opsets = {ai.onnx = 17 : i64}, graph.producer = "skeleton.py"} {
  moe.weight_data @model.embed_tokens.weight : tensor<129280x7168xbf16>
  moe.weight_data @model.rotary_emb.inv_freq {value = dense<[[[1.000000e+00], [0.749894201], [0.562341332], [0.421696514], [0.316227764], [0.237137362], [0.177827939], [0.133352146], [1.000000e-01], [0.0749894157], [0.0562341288], [0.0421696492], [0.0316227786], [0.0237137359], [0.0177827943], [0.0133352149], [0.00999999977], [0.00749894232], [0.00562341325], [0.00421696482], [0.00316227786], [0.00237137382], [0.00177827943], [0.00133352145], [1.000000e-03], [7.49894185E-4], [5.62341302E-4], [4.21696488E-4], [3.16227786E-4], [2.37137385E-4], [1.7782794E-4], [1.3335215E-4]]]> : tensor<1x32x1xf32>} : tensor<1x32x1xf32>
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
  moe.weight_data @"const.float32.1e-06" {value = dense<9.99999997E-7> : tensor<f32>} : tensor<f32>
  moe.weight_data @model.layers.0.input_layernorm.weight : tensor<7168xbf16>
  moe.weight_data @model.layers.0.self_attn.q_a_proj.weight : tensor<7168x1536xbf16>
  moe.weight_data @model.layers.0.self_attn.q_a_layernorm.weight : tensor<1536xbf16>
  moe.weight_data @model.layers.0.self_attn.q_b_proj.weight : tensor<1536x24576xbf16>
  moe.weight_data @"const.int64.[0,0,128,192]" {value = dense<[0, 0, 128, 192]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @"const.int64.[128,64]" {value = dense<[128, 64]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @model.layers.0.self_attn.kv_a_proj_with_mqa.weight : tensor<7168x576xbf16>
  moe.weight_data @"const.int64.[512,64]" {value = dense<[512, 64]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @model.layers.0.self_attn.kv_a_layernorm.weight : tensor<512xbf16>
  moe.weight_data @model.layers.0.self_attn.kv_b_proj.weight : tensor<512x32768xbf16>
  moe.weight_data @"const.int64.[0,0,128,256]" {value = dense<[0, 0, 128, 256]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @"const.int64.[128,128]" {value = dense<128> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @"const.int64.[0,0,-1,32,2]" {value = dense<[0, 0, -1, 32, 2]> : tensor<5xi64>} : tensor<5xi64>
  moe.weight_data @"const.int64.[0,0,-1,64]" {value = dense<[0, 0, -1, 64]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @"const.int64.[32]" {value = dense<32> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[3]" {value = dense<3> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[9223372036854775807]" {value = dense<9223372036854775807> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[1,128,1,1]" {value = dense<[1, 128, 1, 1]> : tensor<4xi64>} : tensor<4xi64>
  moe.weight_data @const.float32.0.07216878364870322 {value = dense<0.0721687824> : tensor<f32>} : tensor<f32>
  moe.weight_data @"const.int64.[0,0,-1]" {value = dense<[0, 0, -1]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @model.layers.0.self_attn.o_proj.weight : tensor<16384x7168xbf16>
  moe.weight_data @model.layers.0.post_attention_layernorm.weight : tensor<7168xbf16>
  moe.weight_data @model.layers.0.mlp.gate_proj.weight : tensor<7168x18432xbf16>
  moe.weight_data @model.layers.0.mlp.up_proj.weight : tensor<7168x18432xbf16>
  moe.weight_data @model.layers.0.mlp.down_proj.weight : tensor<18432x7168xbf16>
  moe.weight_data @model.layers.3.input_layernorm.weight : tensor<7168xbf16>
  moe.weight_data @model.layers.3.self_attn.q_a_proj.weight : tensor<7168x1536xbf16>
  moe.weight_data @model.layers.3.self_attn.q_a_layernorm.weight : tensor<1536xbf16>
  moe.weight_data @model.layers.3.self_attn.q_b_proj.weight : tensor<1536x24576xbf16>
  moe.weight_data @model.layers.3.self_attn.kv_a_proj_with_mqa.weight : tensor<7168x576xbf16>
  moe.weight_data @model.layers.3.self_attn.kv_a_layernorm.weight : tensor<512xbf16>
  moe.weight_data @model.layers.3.self_attn.kv_b_proj.weight : tensor<512x32768xbf16>
  moe.weight_data @model.layers.3.self_attn.o_proj.weight : tensor<16384x7168xbf16>
  moe.weight_data @model.layers.3.post_attention_layernorm.weight : tensor<7168xbf16>
  moe.weight_data @"const.int64.[-1,7168]" {value = dense<[-1, 7168]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @model.layers.3.mlp.gate.weight : tensor<7168x256xbf16>
  moe.weight_data @model.layers.3.mlp.gate.e_score_correction_bias : tensor<256xf32>
  moe.weight_data @"const.int64.[-1,8,32]" {value = dense<[-1, 8, 32]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @"const.int64.[2]" {value = dense<2> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[-1]" {value = dense<-1> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[4]" {value = dense<4> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.int64.[1,1,32]" {value = dense<[1, 1, 32]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @"const.int64.[-1,256]" {value = dense<[-1, 256]> : tensor<2xi64>} : tensor<2xi64>
  moe.weight_data @"const.int64.[8]" {value = dense<8> : tensor<1xi64>} : tensor<1xi64>
  moe.weight_data @"const.float32.1e-20" {value = dense<9.99999968E-21> : tensor<f32>} : tensor<f32>
  moe.weight_data @const.float32.2.5 {value = dense<2.500000e+00> : tensor<f32>} : tensor<f32>
  moe.weight_data @"const.int64.[1,8,1]" {value = dense<[1, 8, 1]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @"const.int64.[-1,1,7168]" {value = dense<[-1, 1, 7168]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @model.layers.3.mlp.experts.gate_up_proj : tensor<256x7168x4096xbf16>
  moe.weight_data @model.layers.3.mlp.experts.down_proj : tensor<256x2048x7168xbf16>
  moe.weight_data @"const.int64.[-1,8,7168]" {value = dense<[-1, 8, 7168]> : tensor<3xi64>} : tensor<3xi64>
  moe.weight_data @model.layers.3.mlp.shared_experts.gate_proj.weight : tensor<7168x2048xbf16>
  moe.weight_data @model.layers.3.mlp.shared_experts.up_proj.weight : tensor<7168x2048xbf16>
  moe.weight_data @model.layers.3.mlp.shared_experts.down_proj.weight : tensor<2048x7168xbf16>
  moe.weight_data @model.norm.weight : tensor<7168xbf16>
  moe.weight_data @lm_head.weight : tensor<7168x129280xbf16>
  func.func @main(%arg0: tensor<?x?xi64> {moe.dims = ["batch", "seq"], moe.name = "input_ids"}, %arg1: tensor<?x?xi64> {moe.dims = ["batch", "total"], moe.name = "attention_mask"}, %arg2: tensor<?x?xi64> {moe.dims = ["batch", "seq"], moe.name = "position_ids"}, %arg3: tensor<?x128x?x192xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.0.key"}, %arg4: tensor<?x128x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.0.value"}, %arg5: tensor<?x128x?x192xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.1.key"}, %arg6: tensor<?x128x?x128xbf16> {moe.dims = ["batch", "", "past", ""], moe.name = "past_key_values.1.value"}) -> (tensor<?x?x129280xbf16> {moe.dims = ["batch", "seq", ""], moe.name = "logits"}, tensor<?x128x?x192xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.0.key"}, tensor<?x128x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.0.value"}, tensor<?x128x?x192xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.1.key"}, tensor<?x128x?x128xbf16> {moe.dims = ["batch", "", "total", ""], moe.name = "present.1.value"}) {
    %0 = moe.weight @model.embed_tokens.weight : tensor<129280x7168xbf16>
    %1 = moe.weight @model.rotary_emb.inv_freq : tensor<1x32x1xf32>
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
    %12 = moe.weight @"const.float32.1e-06" : tensor<f32>
    %13 = moe.weight @model.layers.0.input_layernorm.weight : tensor<7168xbf16>
    %14 = moe.weight @model.layers.0.self_attn.q_a_proj.weight : tensor<7168x1536xbf16>
    %15 = moe.weight @model.layers.0.self_attn.q_a_layernorm.weight : tensor<1536xbf16>
    %16 = moe.weight @model.layers.0.self_attn.q_b_proj.weight : tensor<1536x24576xbf16>
    %17 = moe.weight @"const.int64.[0,0,128,192]" : tensor<4xi64>
    %18 = moe.weight @"const.int64.[128,64]" : tensor<2xi64>
    %19 = moe.weight @model.layers.0.self_attn.kv_a_proj_with_mqa.weight : tensor<7168x576xbf16>
    %20 = moe.weight @"const.int64.[512,64]" : tensor<2xi64>
    %21 = moe.weight @model.layers.0.self_attn.kv_a_layernorm.weight : tensor<512xbf16>
    %22 = moe.weight @model.layers.0.self_attn.kv_b_proj.weight : tensor<512x32768xbf16>
    %23 = moe.weight @"const.int64.[0,0,128,256]" : tensor<4xi64>
    %24 = moe.weight @"const.int64.[128,128]" : tensor<2xi64>
    %25 = moe.weight @"const.int64.[0,0,-1,32,2]" : tensor<5xi64>
    %26 = moe.weight @"const.int64.[0,0,-1,64]" : tensor<4xi64>
    %27 = moe.weight @"const.int64.[32]" : tensor<1xi64>
    %28 = moe.weight @"const.int64.[3]" : tensor<1xi64>
    %29 = moe.weight @"const.int64.[9223372036854775807]" : tensor<1xi64>
    %30 = moe.weight @"const.int64.[1,128,1,1]" : tensor<4xi64>
    %31 = moe.weight @const.float32.0.07216878364870322 : tensor<f32>
    %32 = moe.weight @"const.int64.[0,0,-1]" : tensor<3xi64>
    %33 = moe.weight @model.layers.0.self_attn.o_proj.weight : tensor<16384x7168xbf16>
    %34 = moe.weight @model.layers.0.post_attention_layernorm.weight : tensor<7168xbf16>
    %35 = moe.weight @model.layers.0.mlp.gate_proj.weight : tensor<7168x18432xbf16>
    %36 = moe.weight @model.layers.0.mlp.up_proj.weight : tensor<7168x18432xbf16>
    %37 = moe.weight @model.layers.0.mlp.down_proj.weight : tensor<18432x7168xbf16>
    %38 = moe.weight @model.layers.3.input_layernorm.weight : tensor<7168xbf16>
    %39 = moe.weight @model.layers.3.self_attn.q_a_proj.weight : tensor<7168x1536xbf16>
    %40 = moe.weight @model.layers.3.self_attn.q_a_layernorm.weight : tensor<1536xbf16>
    %41 = moe.weight @model.layers.3.self_attn.q_b_proj.weight : tensor<1536x24576xbf16>
    %42 = moe.weight @model.layers.3.self_attn.kv_a_proj_with_mqa.weight : tensor<7168x576xbf16>
    %43 = moe.weight @model.layers.3.self_attn.kv_a_layernorm.weight : tensor<512xbf16>
    %44 = moe.weight @model.layers.3.self_attn.kv_b_proj.weight : tensor<512x32768xbf16>
    %45 = moe.weight @model.layers.3.self_attn.o_proj.weight : tensor<16384x7168xbf16>
    %46 = moe.weight @model.layers.3.post_attention_layernorm.weight : tensor<7168xbf16>
    %47 = moe.weight @"const.int64.[-1,7168]" : tensor<2xi64>
    %48 = moe.weight @model.layers.3.mlp.gate.weight : tensor<7168x256xbf16>
    %49 = moe.weight @model.layers.3.mlp.gate.e_score_correction_bias : tensor<256xf32>
    %50 = moe.weight @"const.int64.[-1,8,32]" : tensor<3xi64>
    %51 = moe.weight @"const.int64.[2]" : tensor<1xi64>
    %52 = moe.weight @"const.int64.[-1]" : tensor<1xi64>
    %53 = moe.weight @"const.int64.[4]" : tensor<1xi64>
    %54 = moe.weight @"const.int64.[1,1,32]" : tensor<3xi64>
    %55 = moe.weight @"const.int64.[-1,256]" : tensor<2xi64>
    %56 = moe.weight @"const.int64.[8]" : tensor<1xi64>
    %57 = moe.weight @"const.float32.1e-20" : tensor<f32>
    %58 = moe.weight @const.float32.2.5 : tensor<f32>
    %59 = moe.weight @"const.int64.[1,8,1]" : tensor<3xi64>
    %60 = moe.weight @"const.int64.[-1,1,7168]" : tensor<3xi64>
    %61 = moe.weight @model.layers.3.mlp.experts.gate_up_proj : tensor<256x7168x4096xbf16>
    %62 = moe.weight @model.layers.3.mlp.experts.down_proj : tensor<256x2048x7168xbf16>
    %63 = moe.weight @"const.int64.[-1,8,7168]" : tensor<3xi64>
    %64 = moe.weight @model.layers.3.mlp.shared_experts.gate_proj.weight : tensor<7168x2048xbf16>
    %65 = moe.weight @model.layers.3.mlp.shared_experts.up_proj.weight : tensor<7168x2048xbf16>
    %66 = moe.weight @model.layers.3.mlp.shared_experts.down_proj.weight : tensor<2048x7168xbf16>
    %67 = moe.weight @model.norm.weight : tensor<7168xbf16>
    %68 = moe.weight @lm_head.weight : tensor<7168x129280xbf16>
    %69 = graph.node "Gather"(%0, %arg0) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<129280x7168xbf16>, tensor<?x?xi64>) -> !graph.unknown
    %70 = graph.node "Unsqueeze"(%arg2, %2) {version = 17 : i64} : (tensor<?x?xi64>, tensor<1xi64>) -> !graph.unknown
    %71 = graph.node "Cast"(%70) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %72 = graph.node "MatMul"(%1, %71) {version = 17 : i64} : (tensor<1x32x1xf32>, !graph.unknown) -> !graph.unknown
    %73 = graph.node "Transpose"(%72) attributes {perm = array<i64: 0, 2, 1>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %74 = graph.node "Concat"(%73, %73) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %75 = graph.node "Cos"(%74) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %76 = graph.node "Cast"(%75) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %77 = graph.node "Unsqueeze"(%76, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %78 = graph.node "Sin"(%74) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %79 = graph.node "Cast"(%78) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %80 = graph.node "Unsqueeze"(%79, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %81 = graph.node "Shape"(%arg1) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
    %82 = graph.node "Gather"(%81, %3) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %83 = graph.node "Shape"(%arg0) {version = 17 : i64} : (tensor<?x?xi64>) -> !graph.unknown
    %84 = graph.node "Gather"(%83, %3) attributes {axis = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<i64>) -> !graph.unknown
    %85 = graph.node "Range"(%4, %82, %3) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
    %86 = graph.node "Range"(%4, %84, %3) {version = 17 : i64} : (tensor<i64>, !graph.unknown, tensor<i64>) -> !graph.unknown
    %87 = graph.node "Sub"(%82, %84) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %88 = graph.node "Add"(%86, %87) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %89 = graph.node "Unsqueeze"(%85, %5) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %90 = graph.node "Unsqueeze"(%88, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %91 = graph.node "LessOrEqual"(%89, %90) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %92 = graph.node "Unsqueeze"(%arg1, %6) {version = 17 : i64} : (tensor<?x?xi64>, tensor<2xi64>) -> !graph.unknown
    %93 = graph.node "Cast"(%92) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %94 = graph.node "Unsqueeze"(%91, %7) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %95 = graph.node "And"(%94, %93) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %96 = graph.node "Where"(%95, %8, %9) {version = 17 : i64} : (!graph.unknown, tensor<f32>, tensor<f32>) -> !graph.unknown
    %97 = graph.node "Cast"(%96) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %98 = graph.node "Cast"(%69) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %99 = graph.node "Pow"(%98, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %100 = graph.node "ReduceMean"(%99) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %101 = graph.node "Add"(%100, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %102 = graph.node "Sqrt"(%101) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %103 = graph.node "Div"(%11, %102) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %104 = graph.node "Mul"(%98, %103) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %105 = graph.node "Cast"(%104) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %106 = graph.node "Mul"(%13, %105) {version = 17 : i64} : (tensor<7168xbf16>, !graph.unknown) -> !graph.unknown
    %107 = graph.node "MatMul"(%106, %14) {version = 17 : i64} : (!graph.unknown, tensor<7168x1536xbf16>) -> !graph.unknown
    %108 = graph.node "Cast"(%107) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %109 = graph.node "Pow"(%108, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %110 = graph.node "ReduceMean"(%109) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %111 = graph.node "Add"(%110, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %112 = graph.node "Sqrt"(%111) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %113 = graph.node "Div"(%11, %112) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %114 = graph.node "Mul"(%108, %113) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %115 = graph.node "Cast"(%114) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %116 = graph.node "Mul"(%15, %115) {version = 17 : i64} : (tensor<1536xbf16>, !graph.unknown) -> !graph.unknown
    %117 = graph.node "MatMul"(%116, %16) {version = 17 : i64} : (!graph.unknown, tensor<1536x24576xbf16>) -> !graph.unknown
    %118 = graph.node "Reshape"(%117, %17) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %119 = graph.node "Transpose"(%118) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %120:2 = graph.node "Split"(%119, %18) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %121 = graph.node "MatMul"(%106, %19) {version = 17 : i64} : (!graph.unknown, tensor<7168x576xbf16>) -> !graph.unknown
    %122:2 = graph.node "Split"(%121, %20) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %123 = graph.node "Cast"(%122#0) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %124 = graph.node "Pow"(%123, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %125 = graph.node "ReduceMean"(%124) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %126 = graph.node "Add"(%125, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %127 = graph.node "Sqrt"(%126) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %128 = graph.node "Div"(%11, %127) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %129 = graph.node "Mul"(%123, %128) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %130 = graph.node "Cast"(%129) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %131 = graph.node "Mul"(%21, %130) {version = 17 : i64} : (tensor<512xbf16>, !graph.unknown) -> !graph.unknown
    %132 = graph.node "MatMul"(%131, %22) {version = 17 : i64} : (!graph.unknown, tensor<512x32768xbf16>) -> !graph.unknown
    %133 = graph.node "Reshape"(%132, %23) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %134 = graph.node "Transpose"(%133) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %135:2 = graph.node "Split"(%134, %24) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %136 = graph.node "Unsqueeze"(%122#1, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %137 = graph.node "Reshape"(%136, %25) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %138 = graph.node "Transpose"(%137) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %139 = graph.node "Reshape"(%138, %26) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %140 = graph.node "Slice"(%139, %5, %27, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %141 = graph.node "Slice"(%139, %27, %29, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %142 = graph.node "Neg"(%141) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %143 = graph.node "Concat"(%142, %140) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %144 = graph.node "Mul"(%139, %77) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %145 = graph.node "Mul"(%143, %80) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %146 = graph.node "Add"(%144, %145) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %147 = graph.node "Expand"(%146, %30) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %148 = graph.node "Reshape"(%120#1, %25) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %149 = graph.node "Transpose"(%148) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %150 = graph.node "Reshape"(%149, %26) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %151 = graph.node "Slice"(%150, %5, %27, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %152 = graph.node "Slice"(%150, %27, %29, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %153 = graph.node "Neg"(%152) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %154 = graph.node "Concat"(%153, %151) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %155 = graph.node "Mul"(%150, %77) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %156 = graph.node "Mul"(%154, %80) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %157 = graph.node "Add"(%155, %156) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %158 = graph.node "Concat"(%120#0, %157) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %159 = graph.node "Concat"(%135#0, %147) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %160 = graph.node "Concat"(%arg3, %159) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x128x?x192xbf16>, !graph.unknown) -> tensor<?x128x?x192xbf16>
    %161 = graph.node "Concat"(%arg4, %135#1) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x128x?x128xbf16>, !graph.unknown) -> tensor<?x128x?x128xbf16>
    %162 = graph.node "Transpose"(%160) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (tensor<?x128x?x192xbf16>) -> !graph.unknown
    %163 = graph.node "MatMul"(%158, %162) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %164 = graph.node "Cast"(%31) attributes {to = 16 : i64} {version = 17 : i64} : (tensor<f32>) -> !graph.unknown
    %165 = graph.node "Mul"(%163, %164) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %166 = graph.node "Add"(%165, %97) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %167 = graph.node "Cast"(%166) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %168 = graph.node "Softmax"(%167) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %169 = graph.node "Cast"(%168) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %170 = graph.node "MatMul"(%169, %161) {version = 17 : i64} : (!graph.unknown, tensor<?x128x?x128xbf16>) -> !graph.unknown
    %171 = graph.node "Transpose"(%170) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %172 = graph.node "Reshape"(%171, %32) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %173 = graph.node "MatMul"(%172, %33) {version = 17 : i64} : (!graph.unknown, tensor<16384x7168xbf16>) -> !graph.unknown
    %174 = graph.node "Add"(%69, %173) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %175 = graph.node "Cast"(%174) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %176 = graph.node "Pow"(%175, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %177 = graph.node "ReduceMean"(%176) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %178 = graph.node "Add"(%177, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %179 = graph.node "Sqrt"(%178) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %180 = graph.node "Div"(%11, %179) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %181 = graph.node "Mul"(%175, %180) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %182 = graph.node "Cast"(%181) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %183 = graph.node "Mul"(%34, %182) {version = 17 : i64} : (tensor<7168xbf16>, !graph.unknown) -> !graph.unknown
    %184 = graph.node "MatMul"(%183, %35) {version = 17 : i64} : (!graph.unknown, tensor<7168x18432xbf16>) -> !graph.unknown
    %185 = graph.node "MatMul"(%183, %36) {version = 17 : i64} : (!graph.unknown, tensor<7168x18432xbf16>) -> !graph.unknown
    %186 = graph.node "Sigmoid"(%184) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %187 = graph.node "Mul"(%184, %186) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %188 = graph.node "Mul"(%187, %185) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %189 = graph.node "MatMul"(%188, %37) {version = 17 : i64} : (!graph.unknown, tensor<18432x7168xbf16>) -> !graph.unknown
    %190 = graph.node "Add"(%174, %189) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %191 = graph.node "Cast"(%190) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %192 = graph.node "Pow"(%191, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %193 = graph.node "ReduceMean"(%192) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %194 = graph.node "Add"(%193, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %195 = graph.node "Sqrt"(%194) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %196 = graph.node "Div"(%11, %195) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %197 = graph.node "Mul"(%191, %196) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %198 = graph.node "Cast"(%197) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %199 = graph.node "Mul"(%38, %198) {version = 17 : i64} : (tensor<7168xbf16>, !graph.unknown) -> !graph.unknown
    %200 = graph.node "MatMul"(%199, %39) {version = 17 : i64} : (!graph.unknown, tensor<7168x1536xbf16>) -> !graph.unknown
    %201 = graph.node "Cast"(%200) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %202 = graph.node "Pow"(%201, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %203 = graph.node "ReduceMean"(%202) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %204 = graph.node "Add"(%203, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %205 = graph.node "Sqrt"(%204) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %206 = graph.node "Div"(%11, %205) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %207 = graph.node "Mul"(%201, %206) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %208 = graph.node "Cast"(%207) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %209 = graph.node "Mul"(%40, %208) {version = 17 : i64} : (tensor<1536xbf16>, !graph.unknown) -> !graph.unknown
    %210 = graph.node "MatMul"(%209, %41) {version = 17 : i64} : (!graph.unknown, tensor<1536x24576xbf16>) -> !graph.unknown
    %211 = graph.node "Reshape"(%210, %17) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %212 = graph.node "Transpose"(%211) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %213:2 = graph.node "Split"(%212, %18) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %214 = graph.node "MatMul"(%199, %42) {version = 17 : i64} : (!graph.unknown, tensor<7168x576xbf16>) -> !graph.unknown
    %215:2 = graph.node "Split"(%214, %20) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %216 = graph.node "Cast"(%215#0) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %217 = graph.node "Pow"(%216, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %218 = graph.node "ReduceMean"(%217) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %219 = graph.node "Add"(%218, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %220 = graph.node "Sqrt"(%219) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %221 = graph.node "Div"(%11, %220) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %222 = graph.node "Mul"(%216, %221) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %223 = graph.node "Cast"(%222) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %224 = graph.node "Mul"(%43, %223) {version = 17 : i64} : (tensor<512xbf16>, !graph.unknown) -> !graph.unknown
    %225 = graph.node "MatMul"(%224, %44) {version = 17 : i64} : (!graph.unknown, tensor<512x32768xbf16>) -> !graph.unknown
    %226 = graph.node "Reshape"(%225, %23) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %227 = graph.node "Transpose"(%226) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %228:2 = graph.node "Split"(%227, %24) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> (!graph.unknown, !graph.unknown)
    %229 = graph.node "Unsqueeze"(%215#1, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %230 = graph.node "Reshape"(%229, %25) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %231 = graph.node "Transpose"(%230) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %232 = graph.node "Reshape"(%231, %26) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %233 = graph.node "Slice"(%232, %5, %27, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %234 = graph.node "Slice"(%232, %27, %29, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %235 = graph.node "Neg"(%234) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %236 = graph.node "Concat"(%235, %233) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %237 = graph.node "Mul"(%232, %77) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %238 = graph.node "Mul"(%236, %80) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %239 = graph.node "Add"(%237, %238) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %240 = graph.node "Expand"(%239, %30) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %241 = graph.node "Reshape"(%213#1, %25) {version = 17 : i64} : (!graph.unknown, tensor<5xi64>) -> !graph.unknown
    %242 = graph.node "Transpose"(%241) attributes {perm = array<i64: 0, 1, 2, 4, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %243 = graph.node "Reshape"(%242, %26) {version = 17 : i64} : (!graph.unknown, tensor<4xi64>) -> !graph.unknown
    %244 = graph.node "Slice"(%243, %5, %27, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %245 = graph.node "Slice"(%243, %27, %29, %28) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>, tensor<1xi64>, tensor<1xi64>) -> !graph.unknown
    %246 = graph.node "Neg"(%245) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %247 = graph.node "Concat"(%246, %244) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %248 = graph.node "Mul"(%243, %77) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %249 = graph.node "Mul"(%247, %80) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %250 = graph.node "Add"(%248, %249) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %251 = graph.node "Concat"(%213#0, %250) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %252 = graph.node "Concat"(%228#0, %240) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %253 = graph.node "Concat"(%arg5, %252) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x128x?x192xbf16>, !graph.unknown) -> tensor<?x128x?x192xbf16>
    %254 = graph.node "Concat"(%arg6, %228#1) attributes {axis = 2 : i64} {version = 17 : i64} : (tensor<?x128x?x128xbf16>, !graph.unknown) -> tensor<?x128x?x128xbf16>
    %255 = graph.node "Transpose"(%253) attributes {perm = array<i64: 0, 1, 3, 2>} {version = 17 : i64} : (tensor<?x128x?x192xbf16>) -> !graph.unknown
    %256 = graph.node "MatMul"(%251, %255) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %257 = graph.node "Cast"(%31) attributes {to = 16 : i64} {version = 17 : i64} : (tensor<f32>) -> !graph.unknown
    %258 = graph.node "Mul"(%256, %257) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %259 = graph.node "Add"(%258, %97) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %260 = graph.node "Cast"(%259) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %261 = graph.node "Softmax"(%260) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %262 = graph.node "Cast"(%261) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %263 = graph.node "MatMul"(%262, %254) {version = 17 : i64} : (!graph.unknown, tensor<?x128x?x128xbf16>) -> !graph.unknown
    %264 = graph.node "Transpose"(%263) attributes {perm = array<i64: 0, 2, 1, 3>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %265 = graph.node "Reshape"(%264, %32) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %266 = graph.node "MatMul"(%265, %45) {version = 17 : i64} : (!graph.unknown, tensor<16384x7168xbf16>) -> !graph.unknown
    %267 = graph.node "Add"(%190, %266) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %268 = graph.node "Cast"(%267) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %269 = graph.node "Pow"(%268, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %270 = graph.node "ReduceMean"(%269) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %271 = graph.node "Add"(%270, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %272 = graph.node "Sqrt"(%271) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %273 = graph.node "Div"(%11, %272) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %274 = graph.node "Mul"(%268, %273) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %275 = graph.node "Cast"(%274) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %276 = graph.node "Mul"(%46, %275) {version = 17 : i64} : (tensor<7168xbf16>, !graph.unknown) -> !graph.unknown
    %277 = graph.node "Reshape"(%276, %47) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %278 = graph.node "MatMul"(%277, %48) {version = 17 : i64} : (!graph.unknown, tensor<7168x256xbf16>) -> !graph.unknown
    %279 = graph.node "Cast"(%278) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %280 = graph.node "Sigmoid"(%279) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %281 = graph.node "Add"(%280, %49) {version = 17 : i64} : (!graph.unknown, tensor<256xf32>) -> !graph.unknown
    %282 = graph.node "Reshape"(%281, %50) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %283:2 = graph.node "TopK"(%282, %51) attributes {axis = -1 : i64, largest = 1 : i64, sorted = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    %284 = graph.node "ReduceSum"(%283#0, %52) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %285:2 = graph.node "TopK"(%284, %53) attributes {axis = -1 : i64, largest = 1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    %286 = graph.node "Shape"(%284) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %287 = graph.node "ConstantOfShape"(%286) attributes {value = dense<0.000000e+00> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %288 = graph.node "Shape"(%285#1) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %289 = graph.node "ConstantOfShape"(%288) attributes {value = dense<1.000000e+00> : tensor<1xf32>} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %290 = graph.node "ScatterElements"(%287, %285#1, %289) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown, !graph.unknown) -> !graph.unknown
    %291 = graph.node "Unsqueeze"(%290, %52) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %292 = graph.node "Expand"(%291, %54) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %293 = graph.node "Reshape"(%292, %55) {version = 17 : i64} : (!graph.unknown, tensor<2xi64>) -> !graph.unknown
    %294 = graph.node "Cast"(%293) attributes {to = 9 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %295 = graph.node "Where"(%294, %281, %8) {version = 17 : i64} : (!graph.unknown, !graph.unknown, tensor<f32>) -> !graph.unknown
    %296:2 = graph.node "TopK"(%295, %56) attributes {axis = -1 : i64, largest = 1 : i64, sorted = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> (!graph.unknown, !graph.unknown)
    %297 = graph.node "GatherElements"(%280, %296#1) attributes {axis = 1 : i64} {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %298 = graph.node "ReduceSum"(%297, %52) attributes {keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %299 = graph.node "Add"(%298, %57) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %300 = graph.node "Div"(%297, %299) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %301 = graph.node "Mul"(%300, %58) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %302 = graph.node "Cast"(%301) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %303 = graph.node "Reshape"(%296#1, %52) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %304 = graph.node "Unsqueeze"(%277, %2) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %305 = graph.node "Expand"(%304, %59) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %306 = graph.node "Reshape"(%305, %60) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %307 = graph.node "Gather"(%61, %303) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<256x7168x4096xbf16>, !graph.unknown) -> !graph.unknown
    %308 = graph.node "MatMul"(%306, %307) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %309:2 = graph.node "Split"(%308) attributes {axis = -1 : i64} {version = 17 : i64} : (!graph.unknown) -> (!graph.unknown, !graph.unknown)
    %310 = graph.node "Sigmoid"(%309#0) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %311 = graph.node "Mul"(%309#0, %310) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %312 = graph.node "Mul"(%311, %309#1) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %313 = graph.node "Gather"(%62, %303) attributes {axis = 0 : i64} {version = 17 : i64} : (tensor<256x2048x7168xbf16>, !graph.unknown) -> !graph.unknown
    %314 = graph.node "MatMul"(%312, %313) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %315 = graph.node "Reshape"(%314, %63) {version = 17 : i64} : (!graph.unknown, tensor<3xi64>) -> !graph.unknown
    %316 = graph.node "Unsqueeze"(%302, %52) {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %317 = graph.node "Mul"(%315, %316) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %318 = graph.node "ReduceSum"(%317, %2) attributes {keepdims = 0 : i64} {version = 17 : i64} : (!graph.unknown, tensor<1xi64>) -> !graph.unknown
    %319 = graph.node "Shape"(%276) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %320 = graph.node "Reshape"(%318, %319) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %321 = graph.node "MatMul"(%276, %64) {version = 17 : i64} : (!graph.unknown, tensor<7168x2048xbf16>) -> !graph.unknown
    %322 = graph.node "MatMul"(%276, %65) {version = 17 : i64} : (!graph.unknown, tensor<7168x2048xbf16>) -> !graph.unknown
    %323 = graph.node "Sigmoid"(%321) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %324 = graph.node "Mul"(%321, %323) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %325 = graph.node "Mul"(%324, %322) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %326 = graph.node "MatMul"(%325, %66) {version = 17 : i64} : (!graph.unknown, tensor<2048x7168xbf16>) -> !graph.unknown
    %327 = graph.node "Add"(%320, %326) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %328 = graph.node "Add"(%267, %327) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %329 = graph.node "Cast"(%328) attributes {to = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %330 = graph.node "Pow"(%329, %10) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %331 = graph.node "ReduceMean"(%330) attributes {axes = array<i64: -1>, keepdims = 1 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %332 = graph.node "Add"(%331, %12) {version = 17 : i64} : (!graph.unknown, tensor<f32>) -> !graph.unknown
    %333 = graph.node "Sqrt"(%332) {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %334 = graph.node "Div"(%11, %333) {version = 17 : i64} : (tensor<f32>, !graph.unknown) -> !graph.unknown
    %335 = graph.node "Mul"(%329, %334) {version = 17 : i64} : (!graph.unknown, !graph.unknown) -> !graph.unknown
    %336 = graph.node "Cast"(%335) attributes {to = 16 : i64} {version = 17 : i64} : (!graph.unknown) -> !graph.unknown
    %337 = graph.node "Mul"(%67, %336) {version = 17 : i64} : (tensor<7168xbf16>, !graph.unknown) -> !graph.unknown
    %338 = graph.node "MatMul"(%337, %68) {version = 17 : i64} : (!graph.unknown, tensor<7168x129280xbf16>) -> tensor<?x?x129280xbf16>
    return %338, %160, %161, %253, %254 : tensor<?x?x129280xbf16>, tensor<?x128x?x192xbf16>, tensor<?x128x?x128xbf16>, tensor<?x128x?x192xbf16>, tensor<?x128x?x128xbf16>
  }
}
