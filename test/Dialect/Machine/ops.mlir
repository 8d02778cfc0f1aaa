// RUN: portolan-opt %s | FileCheck %s
// RUN: portolan-opt %s | portolan-opt | FileCheck %s

// Every op and every optional field, printed as it is read.

// CHECK-LABEL: machine.system @everything family = torus title = "All fields" default = true default_shape = [4, 4]
machine.system @everything family = torus title = "All fields" default = true
    default_shape = [4, 4] {
  // CHECK-NEXT: machine.shape_rule counts "chips per axis" chips_per_unit = 1 rank = 2 default = [4, 4] maximum = [16, 16] legal = [1, 4, 16] cube = 4 maximum_chips = 256
  machine.shape_rule counts "chips per axis" chips_per_unit = 1 rank = 2
    default = [4, 4] maximum = [16, 16] legal = [1, 4, 16] cube = 4
    maximum_chips = 256
  // CHECK-NEXT: machine.topology torus grid = [4, 4] wrap = axis_equals 16
  machine.topology torus grid = [4, 4] wrap = axis_equals 16
  // CHECK-NEXT: machine.engine "MXU" matmul units = 2 token_tiles = [8, 16] column_tile = 128 contraction_tile = 128 {
  machine.engine "MXU" matmul units = 2 token_tiles = [8, 16] column_tile = 128
      contraction_tile = 128 {
    // CHECK-NEXT: machine.rate bf16 peak <1.0e15 "flop/s", V, "data sheet"> efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "sister"> row_granule = 16
    machine.rate bf16 peak <1000.0e12 "flop/s", V, "data sheet">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "sister">
      row_granule = 16
    // CHECK-NEXT: machine.rate fp8 peak <2.0e15 "flop/s", V, "data sheet"> contraction_step = 256
    machine.rate fp8 peak <2.0e15 "flop/s", V, "data sheet">
      contraction_step = 256
  }
  // CHECK: machine.engine "gatherer" gather partitions = 128 saturating_bytes <4096 "bytes", V, "guide"> {
  machine.engine "gatherer" gather partitions = 128
      saturating_bytes <4096 "bytes", V, "guide"> {
    // CHECK-NEXT: machine.rate any peak <2.5e11 "bytes/s", E, "page">
    machine.rate any peak <250.0e9 "bytes/s", E, "page">
  }
  // CHECK: machine.memory "hbm" capacity <1.024e9 "bytes", V3, "page"> bandwidth <8.0e12 "bytes/s", Mv, "table"> {
  machine.memory "hbm" capacity <1024000000 "bytes", V3, "page">
      bandwidth <8.0e12 "bytes/s", Mv, "table"> {
    // CHECK-NEXT: machine.stream any efficiency <0.9 "fraction", M3, "page">
    machine.stream any efficiency <0.9 "fraction", M3, "page">
  }
  // CHECK: machine.link "ring" in_network_reduction multicast bandwidth <1.0e11 "bytes/s", V, "page"> axis_bandwidth [#machine.quantity<1.0e11 "bytes/s", V, "page">, #machine.quantity<5.0e10 "bytes/s", V, "page">] efficiency <0.9 "fraction", P, "paper"> latency <1.0e-6 "s" low 2.0e-6 high 5.0e-7, D, "half"> start <0 "s", mem, "none"> message_gap <0 "s", V, "page"> reduction_gain <1.3 "ratio", M3, "page"> compute_tax <0 "fraction", V, "DMA"> memory_tax <0.2 "fraction", V, "DMA">
  machine.link "ring" in_network_reduction multicast
    bandwidth <100.0e9 "bytes/s", V, "page">
    axis_bandwidth [#machine.quantity<100.0e9 "bytes/s", V, "page">,
                    #machine.quantity<50.0e9 "bytes/s", V, "page">]
    efficiency <0.9 "fraction", P, "paper">
    latency <1.0e-6 "s" low 2.0e-6 high 0.5e-6, D, "half">
    start <0 "s", mem, "none"> message_gap <0 "s", V, "page">
    reduction_gain <1.3 "ratio", M3, "page"> compute_tax <0 "fraction", V, "DMA">
    memory_tax <0.2 "fraction", V, "DMA">
  // CHECK-NEXT: machine.collectives ranks = 4 groups = 16 mesh_limit <1.0e6 "bytes", V, "page"> doubling_limit <5.6e7 "bytes", V, "page">
  machine.collectives ranks = 4 groups = 16
    mesh_limit <1.0e6 "bytes", V, "page">
    doubling_limit <56.0e6 "bytes", V, "page">
  // CHECK-NEXT: machine.storage_format fp8 dequantize <2 "operations/element", V, "page"> {encoding = "e4m3b11fnuz"}
  machine.storage_format fp8 dequantize <2 "operations/element", V, "page"> {encoding = "e4m3b11fnuz"}
  // CHECK-NEXT: machine.overheads kernel_launch <2.0e-6 "s", V, "page"> step <0.001 "s", V, "page"> reserve <0.1 "fraction", V, "page">
  machine.overheads kernel_launch <2.0e-6 "s", V, "page">
    step <1.0e-3 "s", V, "page"> reserve <0.1 "fraction", V, "page">
  // CHECK-NEXT: machine.power per_chip <1666.7 "W", E, "page">
  machine.power per_chip <1666.7 "W", E, "page">
  // CHECK-NEXT: machine.price per_chip <3 "USD/h", V, "page">
  machine.price per_chip <3.0 "USD/h", V, "page">
}

// CHECK-LABEL: machine.system @servers
// CHECK: machine.topology full_switch domain = 8 server = 4
machine.system @servers family = switched title = "Servers behind a switch" {
  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [8]
  machine.topology full_switch domain = 8 server = 4
  machine.memory "hbm" capacity <1 "bytes", V, "page"> {}
}
