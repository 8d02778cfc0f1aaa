// AMD Instinct MI355X: boards of eight accelerators, joined by 400G RDMA NICs. The
// largest shape is that of the HGX boards, whose networks are of the same kind.
// Figures as of 2026-11-26. Peaks are dense, link figures one direction.
// "white paper" is AMD's CDNA 4 white paper, table 1, and the MI355X sheet, as
// quoted in openxla/xla@ea47f87 rocm_core_info_table_test.cc; "GEMM blog" is github
// ROCm/rocm-blogs@c9ef806 cdna4-gemm-kernels; "CVS" is github ROCm/cvs, AMD's
// acceptance tests, whose figures are the least that passes.
machine.system @"mi355x" family = switched
    title = "AMD Instinct MI355X 8-GPU board" {

  machine.shape_rule counts "boards" chips_per_unit = 8 rank = 1 default = [1]
    maximum = [32]
  // There is no switch: each GPU has one link to each of the seven others, which
  // the link below states.
  machine.topology full_switch domain = 8

  // MFMA: 16 or 32 tokens and as many output columns an instruction; the longest
  // native contraction is 128 elements of 4 to 8 bits (16x16x128). Kernels give a
  // compute unit tiles of 128 or 256 columns (GEMM blog), made of those.
  // No machine.core: the kernel stratum has no products of a wavefront.
  machine.engine "matrix core" matmul units = 256
      token_tiles = [16, 32, 64, 128, 256] column_tile = 128
      contraction_tile = 128 {
    machine.rate f32
      peak <157.3e12 "flop/s", V3, "white paper: 157.3 TFLOPS, matrix and vector">
      efficiency <0.691 "fraction" low 0.5 high 0.9, assumed, "as bf16; low: mi300x; high: an uncalibrated matmul unit">
    machine.rate bf16
      peak <2516.6e12 "flop/s", V3, "white paper: 2,516.6 TFLOPS (256 units x 2.4 GHz x 4,096)">
      efficiency <0.691 "fraction" low 0.541 high 0.84, assumed, "fp8 times 0.541/0.487, bf16 over fp8 of mi300x; low: mi300x; high: gb300-nvl72">
    machine.rate fp16
      peak <2516.6e12 "flop/s", V3, "white paper: 2,516.6 TFLOPS">
      efficiency <0.691 "fraction" low 0.5 high 0.84, assumed, "as bf16; low: mi300x">
    machine.rate fp8
      peak <5033.2e12 "flop/s", V3, "white paper: 5,033.2 TFLOPS; the encoding is OCP's e4m3fn">
      efficiency <0.622 "fraction" low 0.546 high 0.637, Mv, "GEMM blog: hipBLASLt at 8192^3, 3,130 of 5,033; low: 4096^3, 2,750; high: the blog's kernel at 8192^3, 3,204">
    machine.rate mxfp8
      peak <5033.2e12 "flop/s" low 5033.2e12 high 5033.2e12, D, "fp8 rate: the same instruction with block scales (GEMM blog: V_MFMA_SCALE_F32_16X16X128_F8F6F4)">
      efficiency <0.622 "fraction" low 0.546 high 0.637, D, "as fp8, same instruction">
    machine.rate int8
      peak <5033.2e12 "flop/s", V3, "white paper: 5,033.2 TOPS">
      efficiency <0.622 "fraction" low 0.546 high 0.9, assumed, "as fp8">
    machine.rate mxfp4
      peak <10066.3e12 "flop/s", V3, "white paper: 10,066.3 TFLOPS">
      efficiency <0.453 "fraction" low 0.27 high 0.622, assumed, "fp8 times 0.51/0.7, nvfp4 over fp8 of hgx-b200; low: hgx-b200 on one DeepSeek expert; high: as fp8">
  }
  machine.engine "stream processor" vector units = 256 {
    machine.rate f32
      peak <78.65e12 "results/s" low 39.3e12 high 78.65e12, D, "157.3 TFLOPS of fp32 (white paper), an FMA being one result of two operations; low: half, where the compiler does not pair operations">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as an uncalibrated matmul unit; no published figure">
    machine.rate bf16
      peak <78.65e12 "results/s" low 39.3e12 high 78.65e12, D, "f32 rate: bf16 is widened to f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as f32">
  }
  machine.engine "transcendental unit" transcendental units = 256 {
    machine.rate f32
      peak <19.7e12 "results/s" low 9.83e12 high 19.7e12, D, "256 units x 64 lanes x 2.4 GHz over 2: twice the quarter rate of mi300x (expert knowledge, CDNA 4 white paper); low: the quarter rate">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
    machine.rate bf16
      peak <19.7e12 "results/s" low 9.83e12 high 19.7e12, D, "f32 rate: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
  }
  // Gathers go through the same memory system at 64 to 128 bytes per access.
  machine.engine "load/store" gather units = 256 {
    machine.rate any
      peak <8.0e12 "bytes/s" low 8.0e12 high 8.0e12, D, "HBM bandwidth: rows of a token are longer than an access">
      efficiency <0.7 "fraction" low 0.6 high 0.87, assumed, "below streaming, as rows are scattered">
  }

  machine.memory "hbm"
      capacity <309237645312 "bytes", V, "rocm.docs.amd.com gpu-specs: 288 GiB">
      bandwidth <8.0e12 "bytes/s" low 7.782e12 high 8.0e12, V3, "tomshardware.com, MI355X: up to 8 TB/s as AMD states; low: openxla/xla mi350.txtpb"> {
    machine.stream f32 efficiency <0.775 "fraction" low 0.73 high 0.87, D, "as bf16, wider accesses">
    machine.stream bf16 efficiency <0.775 "fraction" low 0.73 high 0.87, assumed, "sister mi300x: BabelStream copy; low: dot; high: gb300-nvl72, the same kind of memory">
    machine.stream fp16 efficiency <0.775 "fraction" low 0.73 high 0.87, D, "as bf16, same width">
    machine.stream fp8 efficiency <0.707 "fraction" low 0.65 high 0.87, assumed, "bf16 times 0.83/0.91, fp8 over bf16 of hgx-b200; low: bf16's low times the same, rounded down; high: as bf16">
    machine.stream mxfp8 efficiency <0.707 "fraction" low 0.65 high 0.87, D, "as fp8, same width">
    machine.stream int8 efficiency <0.707 "fraction" low 0.65 high 0.87, D, "as fp8, same width">
    machine.stream mxfp4 efficiency <0.639 "fraction" low 0.55 high 0.775, assumed, "bf16 times 0.75/0.91, 4.5-bit weights over bf16 of hgx-b200; low: times 0.6/0.85, the low corners of hgx-h100; high: as bf16">
    machine.stream int4 efficiency <0.639 "fraction" low 0.55 high 0.775, assumed, "as mxfp4">
  }
  machine.memory "infinity cache"
      capacity <268435456 "bytes", V, "rocm.docs.amd.com gpu-specs: L3 256 MiB"> {
  }

  // A full mesh of point-to-point links: `bandwidth` is the sum of the seven, which
  // only traffic to all seven reaches; a group of n has n - 1 of them, and two
  // GPUs one, which is `axis_bandwidth`. Nothing adds or copies between two GPUs.
  // start, latency and message_gap: RCCL publishes no latencies; those of NVLink
  // boards stand in, as the kernels are the same.
  machine.link "xGMI"
    bandwidth <537.6e9 "bytes/s" low 537.6e9 high 537.6e9, D, "7 links x 76.8 GB/s">
    axis_bandwidth [#machine.quantity<76.8e9 "bytes/s", mem, "expert knowledge, MI355X sheet: 153.6 GB/s both ways a link">]
    efficiency <0.725 "fraction" low 0.632 high 0.8, Mv, "CVS single_node_mi355_rccl.json, 8 GPUs, 8 GiB: all-reduce at least 390 of 537.6; low: all-to-all 340; high: gather 430">
    latency <0.7e-6 "s" low 1.4e-6 high 0.7e-6, assumed, "sister hgx-h100: one-shot all-reduce of 128 elements on 8 GPUs less tiny-GEMM floor; low: twice">
    start <6.7e-6 "s" low 24.6e-6 high 2.5e-6, assumed, "sister hgx-h100: NCCL all-to-all of 512 B on 8 GPUs less latency, launch included; low: DeepEP EP8 dispatch; high: one-shot all-reduce of 128 elements">
    message_gap <0.012e-6 "s" low 0.086e-6 high 0, assumed, "sister gb300-nvl72: dispatch over more peers; here each has a link of its own">
    compute_tax <0.091 "fraction" low 0.182 high 0.045, assumed, "sister hgx-h100: 12 of 132 SMs; low: 24; high: 6">
  machine.link "RDMA"
    bandwidth <50.0e9 "bytes/s", mem, "expert knowledge: one 400G NIC per GPU (8-GPU boards of server makers)">
    efficiency <0.97 "fraction" low 0.78 high 0.98, assumed, "sister hgx-h100: all-to-all 48 to 49 of 50 GB/s per NIC; low: EP128 dispatch 39 of 50">
    latency <10.0e-6 "s" low 10.0e-6 high 5.0e-6, assumed, "sister hgx-h100: a correction from observations; high: inter-rack latency of gb200-nvl72">
    start <16.4e-6 "s" low 24.6e-6 high 6.7e-6, assumed, "sister hgx-h100: DeepEP low latency on 8 nodes">
    message_gap <0.17e-6 "s" low 0.17e-6 high 0.016e-6, assumed, "sister hgx-h100: DeepEP low latency, EP16 to EP64; high: H800">
    compute_tax <0.045 "fraction" low 0.091 high 0.045, assumed, "sister hgx-h100: 6 of 132 SMs; low: 12">

  // fp8 is OCP's, and block-scaled formats are OCP's MX; nvfp4 is not readable: no
  // published kernel for its scale per 16.
  machine.storage_format f32 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format fp16 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native, OCP">
  machine.storage_format mxfp8 dequantize <0 "operations/element", V, "GEMM blog: block-scaled MFMA">
  machine.storage_format int8 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format mxfp4 dequantize <0 "operations/element", V, "GEMM blog: FP4 and block-scaled MFMA">
  machine.storage_format int4 dequantize <2 "operations/element" low 4 high 1, assumed, "sister mi300x: unpack and scale, weight-only; low and high: twice and half, for packed pairs">

  machine.overheads
    kernel_launch <2.5e-6 "s" low 5.0e-6 high 1.25e-6, assumed, "sister hgx-h100: tiny-GEMM floor; low: twice; high: half">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // No price is published.
  machine.power per_chip <1666.0 "W" low 2503.0 high 1400.0, D, "GPU TDP 1,400 W (tomshardware.com, as AMD states) times 1.19, system over GPU power of gb300-nvl72; low: times 1.788, as hgx-b200 for 14.3 kW per 8 GPUs; high: the GPU alone">
}
