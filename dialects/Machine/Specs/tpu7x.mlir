// TPU7x (Ironwood): a slice of a 3D torus. A chip has two chiplets, which the
// runtime shows as two devices; here they are counted into one chip.
// Figures as of 2026-11-23. Peaks are dense, link figures one direction of one
// link. "JAX" is github jax-ml/jax@4f32df2 jax/_src/pallas/mosaic/tpu_info.py.
machine.system @tpu7x family = torus title = "TPU7x Ironwood (pod slice)"
    default = true default_shape = [4, 4, 4] {

  // Above 4 an axis is made of whole 4x4x4 cubes, which optical switches join.
  machine.shape_rule counts "chips per axis" chips_per_unit = 1 rank = 3
    legal = [1, 2, 4, 8, 12, 16, 20, 24, 28, 32] cube = 4 maximum_chips = 9216
  machine.topology torus wrap = all_axes_multiple 4

  // Rows are padded to the sublane tiles, the output and contraction dimensions to
  // the 256 columns of a matrix unit.
  // Their number is not published.
  machine.engine "MXU" matmul token_tiles = [8, 16, 32, 64, 128, 256, 512]
      column_tile = 256 contraction_tile = 256 {
    machine.rate f32
      peak <384.5e12 "flop/s" low 384.5e12 high 769.0e12, D, "bf16 peak over six bf16 passes for a full f32 product; high: three passes">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
      row_granule = 8
    machine.rate bf16
      peak <2307.0e12 "flop/s", V, "docs.cloud.google.com/tpu/docs/tpu7x">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published TPU GEMM calibration; starting value of expert knowledge; high: best bf16 GEMM of H200 is 0.87">
      row_granule = 16
    machine.rate fp8
      peak <4614.0e12 "flop/s", V, "docs.cloud.google.com/tpu/docs/tpu7x; OCP e4m3fn (JAX)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
      row_granule = 32
  }
  machine.engine "VPU" vector {
    machine.rate f32
      peak <14.34e12 "results/s" low 7.17e12 high 18.02e12, D, "2 TensorCores x (8 x 128) lanes x 4 slots (expert knowledge) x 1.75 GHz, the clock derived for tpu-v5p; low: half the slots; high: 2.2 GHz, at which four 256 x 256 MXUs per core give 2,307 TFLOPS">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the matmul unit">
    machine.rate bf16
      peak <14.34e12 "results/s" low 7.17e12 high 36.04e12, D, "as f32; high: twice as many bf16 lanes">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the matmul unit">
  }
  machine.engine "EUP" transcendental {
    machine.rate f32
      peak <3.58e12 "results/s" low 1.79e12 high 4.51e12, D, "2 TensorCores x (8 x 128) lanes x 1 slot (expert knowledge) x 1.75 GHz, the clock derived for tpu-v5p; low: every other cycle; high: 2.2 GHz, at which four 256 x 256 MXUs per core give 2,307 TFLOPS">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the matmul unit">
    machine.rate bf16
      peak <3.58e12 "results/s" low 1.79e12 high 4.51e12, D, "as f32: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the matmul unit">
  }
  machine.engine "SparseCore" gather units = 4 {
    machine.rate any
      peak <7.17e12 "bytes/s" low 3.58e12 high 7.38e12, D, "4 SparseCores x 16 subcores x 64 B granule x 1.75 GHz (JAX; docs.cloud.google.com/tpu/docs/tpu7x); low: half; high: HBM bandwidth">
      efficiency <0.8 "fraction" low 0.6 high 0.87, assumed, "as the gathers of gb300-nvl72">
  }

  machine.memory "hbm"
      capacity <206158430208 "bytes", V, "docs.cloud.google.com/tpu/docs/tpu7x: 192 GiB">
      bandwidth <7.38e12 "bytes/s", V, "docs.cloud.google.com/tpu/docs/tpu7x: 3.69 TB/s per device"> {
    machine.stream any efficiency <0.85 "fraction" low 0.6 high 0.95, assumed, "no TPU calibration; sister gb300-nvl72 0.75 to 0.87; low: 60 % is called good in practice on Trainium (aws-neuron-sdk nki_perf_guide)">
  }
  machine.memory "vmem"
      capacity <134217728 "bytes", V, "JAX: 64 MiB per TensorCore, two">
      bandwidth <162.36e12 "bytes/s" low 81.18e12 high 162.36e12, D, "22 x HBM bandwidth (jax-ml/scaling-book@54e2c43 tpus.md, rule of thumb); low: half"> {
  }

  machine.link "ICI"
    bandwidth <100.0e9 "bytes/s" low 100.0e9 high 100.0e9, D, "docs.cloud.google.com/tpu/docs/tpu7x: 1,200 GB/s bidirectional per chip over 6 links and 2 directions">
    efficiency <0.9 "fraction" low 0.74 high 0.95, D, "as tpu-v5p, 90 of 100 GB/s usable (jax-ml/scaling-book@54e2c43 tpus.md); low: times 0.82, measured over modelled all-gather of 34 MB on v5e (@0819a7d sharding.md)">
    latency <1.0e-6 "s", V, "jax-ml/scaling-book@0819a7d sharding.md: typically around 1 us per hop">
    start <5.0e-6 "s" low 8.0e-6 high 1.0e-6, D, "jax-ml/scaling-book@0819a7d sharding.md: tiny all-gather on v5e, 8 us measured less three hops of 1 us; low: all of it; high: one hop">
    message_gap <0.085e-6 "s" low 0.6e-6 high 0.012e-6, assumed, "geometric mean of low and high; low: 0.6 us per DMA instruction on Trainium (aws-neuron-sdk nki-dge); high: NVLink5 of gb300-nvl72">
    compute_tax <0 "fraction" low 0 high 0, D, "remote DMA moves ICI traffic; the MXU takes no part">
  machine.link "DCN"
    bandwidth <12.5e9 "bytes/s", V, "docs.cloud.google.com/tpu/docs/tpu7x: 100 Gb/s per chip">
    efficiency <0.8 "fraction" low 0.6 high 0.97, assumed, "copied through the host (jax-ml/scaling-book@54e2c43 tpus.md); high: NIC ceiling of RDMA, 48.5 of 50">
    latency <30.0e-6 "s" low 60.0e-6 high 15.0e-6, assumed, "high: EFA between Trainium servers, 15 us; nominal and low: two and four times it, for the two copies through hosts">
    start <10.0e-6 "s" low 100.0e-6 high 5.0e-6, assumed, "host-issued: 10 to 100 us per dispatch is expert knowledge; high: as ICI">
    message_gap <0.6e-6 "s" low 5.0e-6 high 0.085e-6, assumed, "one DMA instruction of Trainium; high: as ICI">
    compute_tax <0 "fraction" low 0 high 0, D, "the host moves DCN traffic">

  // int8 and int4 are not computed (JAX: 0 operations/s); they, nvfp4 and mxfp4
  // are not readable: no published kernel.
  machine.storage_format f32 dequantize <0 "operations/element", V, "JAX: native matmul operand">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "JAX: native matmul operand">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "JAX: native matmul operand, OCP e4m3fn and e5m2">

  machine.overheads
    kernel_launch <0.5e-6 "s" low 1.3e-6 high 0.1e-6, assumed, "a step is one XLA program, so nothing is launched from the host; low: start of a DMA on Trainium, 1.3 us (aws-neuron-sdk nki-dma-bandwidth-guide); nominal and high: its pipelined share">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // Power and price are not published.
}
