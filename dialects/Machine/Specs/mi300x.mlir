// AMD Instinct MI300X: boards of eight accelerators, joined by 400G RDMA NICs. The
// largest shape is that of the HGX boards, whose networks are of the same kind.
// Figures as of 2026-11-26. Peaks are dense, link figures one direction.
// "white paper" is AMD's CDNA 3 white paper, table 1, as quoted in
// openxla/xla@ea47f87 rocm_core_info_table_test.cc; "MAF" is github
// ROCm/rocm-blogs@8e01195 measuring-max-achievable-flops-part2, hipBLASLt with
// normally distributed data on a warm GPU; "Azure" is the table of
// AI-benchmarking-guide, Azure_Results/ND_MI300X_v5_results.md (copy
// samuel-bohman@3de0c29); "CVS" is github ROCm/cvs, AMD's acceptance tests, whose
// figures are the least that passes.
machine.system @"mi300x" family = switched
    title = "AMD Instinct MI300X 8-GPU board" {

  machine.shape_rule counts "boards" chips_per_unit = 8 rank = 1 default = [1]
    maximum = [32]
  // There is no switch: each GPU has one link to each of the seven others, which
  // the link below states.
  machine.topology full_switch domain = 8

  // MFMA: 16 or 32 tokens and as many output columns an instruction; the longest
  // native contraction is 32 elements of 8 bits (16x16x32). Kernels give a
  // compute unit tiles of 128, 192 or 256 columns (MAF), made of those.
  // No machine.core: the kernel stratum has no products of a wavefront.
  machine.engine "matrix core" matmul units = 304
      token_tiles = [16, 32, 64, 128, 256] column_tile = 128
      contraction_tile = 32 {
    machine.rate f32
      peak <163.4e12 "flop/s", V3, "white paper: 163.4 TFLOPS, matrix and vector">
      efficiency <0.5 "fraction" low 0.44 high 0.9, assumed, "as fp16; low: Azure, fp8; high: an uncalibrated matmul unit">
    machine.rate bf16
      peak <1307.4e12 "flop/s", V3, "white paper: 1,307.4 TFLOPS (304 units x 2.1 GHz x 2,048)">
      efficiency <0.541 "fraction" low 0.443 high 0.541, Mv, "MAF: 708 of 1,307.4 at 1.2 GHz, the clock that the power leaves; low: Azure, fp8 at 8192^3">
    machine.rate fp16
      peak <1307.4e12 "flop/s", V3, "white paper: 1,307.4 TFLOPS">
      efficiency <0.5 "fraction" low 0.443 high 0.541, Mv, "MAF: 654 of 1,307.4; low: Azure, fp8 at 8192^3; high: bf16">
    machine.rate fp8
      peak <2614.9e12 "flop/s", V3, "white paper: 2,614.9 TFLOPS; the encoding is e4m3fnuz">
      efficiency <0.487 "fraction" low 0.365 high 0.487, Mv, "MAF: 1,273 of 2,614.9; low: Azure, 955 at 4096^3 (1,159 at 8192^3)">
    machine.rate int8
      peak <2614.9e12 "flop/s", V3, "white paper: 2,614.9 TOPS">
      efficiency <0.487 "fraction" low 0.365 high 0.9, assumed, "as fp8">
  }
  machine.engine "stream processor" vector units = 304 {
    machine.rate f32
      peak <81.7e12 "results/s" low 40.85e12 high 81.7e12, D, "163.4 TFLOPS of fp32 (white paper), an FMA being one result of two operations; low: half, where the compiler does not pair operations">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as an uncalibrated matmul unit; no published figure">
    machine.rate bf16
      peak <81.7e12 "results/s" low 40.85e12 high 81.7e12, D, "f32 rate: bf16 is widened to f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as f32">
  }
  machine.engine "transcendental unit" transcendental units = 304 {
    machine.rate f32
      peak <10.2e12 "results/s" low 10.2e12 high 10.2e12, D, "304 units x 64 lanes x 2.1 GHz over 4, as transcendentals issue at a quarter of the rate (expert knowledge, CDNA 3 instruction set)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
    machine.rate bf16
      peak <10.2e12 "results/s" low 10.2e12 high 10.2e12, D, "f32 rate: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
  }
  // Gathers go through the same memory system at 64 to 128 bytes per access.
  machine.engine "load/store" gather units = 304 {
    machine.rate any
      peak <5.3e12 "bytes/s" low 5.3e12 high 5.3e12, D, "HBM bandwidth: rows of a token are longer than an access">
      efficiency <0.7 "fraction" low 0.6 high 0.804, assumed, "below streaming, as rows are scattered">
  }

  machine.memory "hbm"
      capacity <206158430208 "bytes", V, "rocm.docs.amd.com gpu-specs: 192 GiB">
      bandwidth <5.3e12 "bytes/s", V3, "chipsandcheese.com, Testing AMD's Giant MI300X: 5.3 TB/s as AMD states"> {
    machine.stream f32 efficiency <0.775 "fraction" low 0.73 high 0.804, D, "as bf16, wider accesses">
    machine.stream bf16 efficiency <0.775 "fraction" low 0.73 high 0.804, M3, "Azure, BabelStream copy: 4.11 of 5.3 TB/s; low: dot, 3.87; high: mul, 4.26">
    machine.stream fp16 efficiency <0.775 "fraction" low 0.73 high 0.804, D, "as bf16, same width">
    machine.stream fp8 efficiency <0.707 "fraction" low 0.65 high 0.804, assumed, "bf16 times 0.83/0.91, fp8 over bf16 of hgx-b200; low: bf16's low times the same, rounded down; high: as bf16">
    machine.stream int8 efficiency <0.707 "fraction" low 0.65 high 0.804, D, "as fp8, same width">
    machine.stream mxfp4 efficiency <0.639 "fraction" low 0.55 high 0.775, assumed, "bf16 times 0.75/0.91, 4.5-bit weights over bf16 of hgx-b200; low: times 0.6/0.85, the low corners of hgx-h100; high: as bf16">
    machine.stream int4 efficiency <0.639 "fraction" low 0.55 high 0.775, assumed, "as mxfp4">
  }
  machine.memory "infinity cache"
      capacity <268435456 "bytes", V, "rocm.docs.amd.com gpu-specs: L3 256 MiB">
      bandwidth <17.0e12 "bytes/s", V3, "servethehome.com, MI300X launch: 17 TB/s peak"> {
  }

  // A full mesh of point-to-point links (ROCm blog mi300x-rccl-xgmi): `bandwidth` is
  // the sum of the seven, which only traffic to all seven reaches; a group of n
  // has n - 1 of them, and two GPUs one, which is `axis_bandwidth`. Nothing adds or
  // copies between two GPUs.
  // start, latency and message_gap: RCCL publishes no latencies; those of NVLink
  // boards stand in, as the kernels are the same.
  machine.link "xGMI"
    bandwidth <448.0e9 "bytes/s" low 448.0e9 high 448.0e9, D, "7 links x 64 GB/s (rocm.blogs.amd.com mi300x-rccl-xgmi)">
    axis_bandwidth [#machine.quantity<64.0e9 "bytes/s", V, "rocm.blogs.amd.com mi300x-rccl-xgmi: 64 GB/s a link">]
    efficiency <0.679 "fraction" low 0.596 high 0.75, Mv, "CVS mi300x_rccl_single_node_config.json: all-reduce of 8 GiB on 8 GPUs, at least 304 of 448; low: times 345/393, all-to-all over all-reduce of mi355x; high: 48 of 64 GB/s usable of a link (mi300x-rccl-xgmi; CVS mi300_health_config.json)">
    latency <0.7e-6 "s" low 1.4e-6 high 0.7e-6, assumed, "sister hgx-h100: one-shot all-reduce of 128 elements on 8 GPUs less tiny-GEMM floor; low: twice">
    start <6.7e-6 "s" low 24.6e-6 high 2.5e-6, assumed, "sister hgx-h100: NCCL all-to-all of 512 B on 8 GPUs less latency, launch included; low: DeepEP EP8 dispatch; high: one-shot all-reduce of 128 elements">
    message_gap <0.012e-6 "s" low 0.086e-6 high 0, assumed, "sister gb300-nvl72: dispatch over more peers; here each has a link of its own">
    compute_tax <0.091 "fraction" low 0.182 high 0.045, assumed, "sister hgx-h100: 12 of 132 SMs; low: 24; high: 6">
  machine.link "RDMA"
    bandwidth <50.0e9 "bytes/s", mem, "expert knowledge: one 400G NIC per GPU (Azure ND MI300X v5, 8-GPU boards of server makers)">
    efficiency <0.97 "fraction" low 0.78 high 0.98, assumed, "sister hgx-h100: all-to-all 48 to 49 of 50 GB/s per NIC; low: EP128 dispatch 39 of 50">
    latency <10.0e-6 "s" low 10.0e-6 high 5.0e-6, assumed, "sister hgx-h100: a correction from observations; high: inter-rack latency of gb200-nvl72">
    start <16.4e-6 "s" low 24.6e-6 high 6.7e-6, assumed, "sister hgx-h100: DeepEP low latency on 8 nodes">
    message_gap <0.17e-6 "s" low 0.17e-6 high 0.016e-6, assumed, "sister hgx-h100: DeepEP low latency, EP16 to EP64; high: H800">
    compute_tax <0.045 "fraction" low 0.091 high 0.045, assumed, "sister hgx-h100: 6 of 132 SMs; low: 12">

  // fp8 is the fnuz encoding: NaN where OCP has -0, and no OCP fp8 in the matrix
  // cores (HIP docs, fp8_numbers: gfx942). mxfp8 and nvfp4 are not readable: no
  // published kernel.
  machine.storage_format f32 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format fp16 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "HIP docs fp8_numbers: gfx942 has FNUZ fp8, not OCP"> {encoding = "e4m3fnuz"}
  machine.storage_format int8 dequantize <0 "operations/element", V, "rocm.docs.amd.com precision-support: native">
  machine.storage_format mxfp4 dequantize <2 "operations/element" low 4 high 1, assumed, "unpack and scale; weight-only: ROCm/cvs has configurations of mxfp4 checkpoints on MI300X; low and high: twice and half, for packed pairs">
  machine.storage_format int4 dequantize <2 "operations/element" low 4 high 1, assumed, "unpack and scale; weight-only: docs.vultr.com ROCm cookbook lists an int4 checkpoint on the same gfx942; low and high: twice and half, for packed pairs">

  machine.overheads
    kernel_launch <2.5e-6 "s" low 5.0e-6 high 1.25e-6, assumed, "sister hgx-h100: tiny-GEMM floor; low: twice; high: half">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  machine.power per_chip <893.0 "W" low 1366.0 high 750.0, D, "GPU TDP 750 W (gpu.blog; MLPerf system name) times 1.19, system over GPU power of gb300-nvl72; low: times 1.821, as hgx-h100 for 10.2 kW per 8 GPUs; high: the GPU alone">
  machine.price per_chip <1.85 "USD/h" low 4.99 high 1.71, E, "gpu.blog, 2025: Vultr; high: TensorWave; low: RunPod's list price, 2024">
}
