func.func @main(%x: tensor<?x8xf32> {moe.dims = ["batch", ""]}) -> tensor<?x8xf32> {
  return %x : tensor<?x8xf32>
}
