// A projection in fp8 and an addition by an op of another project.
func.func @main(%x: tensor<?x?x8xbf16> {moe.dims = ["batch", "new_tokens", ""]},
                %w: tensor<8x16xf8E4M3FN>, %gain: tensor<16xbf16>) -> tensor<?x?x16xbf16> {
  %y = moe.linear %x, %w {weight_format = #moe.format<"fp8", "fp8">}
    : (tensor<?x?x8xbf16>, tensor<8x16xf8E4M3FN>) -> tensor<?x?x16xbf16>
  %n = moe.rms_norm %y, %gain {epsilon = 1.0e-5 : f64}
    : (tensor<?x?x16xbf16>, tensor<16xbf16>) -> tensor<?x?x16xbf16>
  %z = gate.scaled_add %y, %n by 0.5 : tensor<?x?x16xbf16>
  return %z : tensor<?x?x16xbf16>
}
