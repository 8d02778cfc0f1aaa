// GB200 NVL72: one rack of 72 GPUs behind one NVLink switch hop.
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "aiconfigurator" is github ai-dynamo/aiconfigurator@095f58a, systems/ and its
// measured tables; "scaling book" is github jax-ml/scaling-book@1a55377 gpus.md.
machine.system @"gb200-nvl72" family = switched
    title = "GB200 NVL72 rack" {

  machine.shape_rule counts "GPUs" chips_per_unit = 1 rank = 1 default = [72]
    maximum = [72]
  machine.topology full_switch domain = 72

  // tcgen05.mma: the weights' output columns lie on the 128 rows of the
  // instruction, so that few tokens cost a narrow N. N is a multiple of 16, of 8
  // with block scales (of 8 with 64 rows too, which take as long as 128), and at
  // most 256; 64 fp4 elements (32 bytes) are the longest native contraction.
  machine.engine "tensor core" matmul units = 148
      token_tiles = [8, 16, 32, 64, 128, 256] column_tile = 128
      contraction_tile = 64 {
    machine.rate f32
      peak <80.0e12 "flop/s", V3, "scaling book: fp32 on CUDA cores, FMA = 2; tensor cores take only tf32">
      efficiency <0.77 "fraction" low 0.6 high 0.9, assumed, "as bf16; low and high as for an uncalibrated matmul unit">
    machine.rate bf16
      peak <2500.0e12 "flop/s", V, "aiconfigurator gb200.yaml">
      efficiency <0.77 "fraction" low 0.56 high 0.77, Mv, "aiconfigurator gb200 gemm trtllm 1.3.0rc20: best 1,929 of 2,500; low: 8192^3">
      row_granule = 16
    machine.rate fp16
      peak <2500.0e12 "flop/s", V, "aiconfigurator gb200.yaml">
      efficiency <0.77 "fraction" low 0.56 high 0.77, D, "as bf16, same datapath">
      row_granule = 16
    machine.rate fp8
      peak <5000.0e12 "flop/s", V, "aiconfigurator gb200.yaml">
      efficiency <0.7 "fraction" low 0.45 high 0.7, Mv, "aiconfigurator gb200 gemm trtllm 1.3.0rc20, dynamic quantisation included: best 3,493 of 5,000; low: 8192^3">
      row_granule = 16
    machine.rate mxfp8
      peak <5000.0e12 "flop/s" low 5000.0e12 high 5000.0e12, D, "fp8 rate: the same 32 bytes of contraction per instruction">
      efficiency <0.7 "fraction" low 0.45 high 0.7, D, "as fp8, same instruction width">
    machine.rate int8
      peak <5000.0e12 "flop/s", V, "aiconfigurator gb200.yaml">
      efficiency <0.7 "fraction" low 0.45 high 0.9, assumed, "as fp8">
      row_granule = 16
    machine.rate nvfp4
      peak <10000.0e12 "flop/s", V, "aiconfigurator gb200.yaml">
      efficiency <0.52 "fraction" low 0.27 high 0.52, Mv, "aiconfigurator gb200 gemm trtllm 1.3.0rc20, per-call input scaling included: best 5,202 of 10,000; low: 4096x7168x2048, one DeepSeek expert, on B200">
    machine.rate mxfp4
      peak <10000.0e12 "flop/s" low 10000.0e12 high 10000.0e12, D, "nvfp4 rate: the same 64 elements per instruction">
      efficiency <0.52 "fraction" low 0.27 high 0.52, D, "as nvfp4, same instruction width">
  }
  // Blocks of a cluster: 8 is portable, 16 would be opted into per kernel.
  machine.core tmem_mma target = "sm_100a" largest_cluster = 8
    shared_memory <232448 "bytes", mem, "CUDA programming guide, technical specifications per compute capability: 227 KiB per block of 228 KiB per SM (facts: hardware 1.1)">
    accumulator_memory <262144 "bytes", V, "nvidia.github.io/tilus tmemory-tensor: 128 lanes x 512 columns x 32 bit per SM">
  machine.engine "CUDA core" vector units = 148 {
    machine.rate f32
      peak <40.0e12 "results/s" low 40.0e12 high 40.0e12, D, "80 TFLOPS of fp32 (scaling book), an FMA being one result of two operations">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as an uncalibrated matmul unit; no published figure">
    machine.rate bf16
      peak <40.0e12 "results/s" low 40.0e12 high 80.0e12, D, "f32 rate; high: packed pairs at twice the rate">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as f32">
  }
  machine.engine "SFU" transcendental units = 148 {
    machine.rate f32
      peak <5.35e12 "results/s" low 5.35e12 high 5.35e12, D, "verda.com GB300 blog: GB300 has 10.7, twice GB200">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
    machine.rate bf16
      peak <5.35e12 "results/s" low 5.35e12 high 5.35e12, D, "f32 rate: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
  }
  // Gathers go through the same memory system at 16 to 128 bytes per access.
  machine.engine "load/store" gather units = 148 {
    machine.rate any
      peak <8.0e12 "bytes/s" low 8.0e12 high 8.0e12, D, "HBM bandwidth: rows of a token are longer than an access">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "below streaming, as rows are scattered">
  }

  machine.memory "hbm"
      capacity <198642237440 "bytes", V, "aiconfigurator gb200.yaml: 185 GiB usable (186 GB sold)">
      bandwidth <8.0e12 "bytes/s", V, "aiconfigurator gb200.yaml"> {
    machine.stream f32 efficiency <0.9 "fraction" low 0.85 high 0.91, D, "as bf16, wider accesses">
    machine.stream bf16 efficiency <0.9 "fraction" low 0.85 high 0.91, Mv, "aiconfigurator gb200 gemm, weight-streaming GEMV; low and high: range over NVIDIA parts">
    machine.stream fp16 efficiency <0.9 "fraction" low 0.85 high 0.91, D, "as bf16, same width">
    machine.stream fp8 efficiency <0.79 "fraction" low 0.79 high 0.85, Mv, "aiconfigurator gb200 gemm, weight-streaming GEMV; high: range over NVIDIA parts">
    machine.stream mxfp8 efficiency <0.79 "fraction" low 0.79 high 0.85, D, "as fp8, same width">
    machine.stream int8 efficiency <0.79 "fraction" low 0.79 high 0.85, D, "as fp8, same width">
    machine.stream nvfp4 efficiency <0.74 "fraction" low 0.74 high 0.75, Mv, "aiconfigurator gb200 gemm, weight-streaming GEMV; high: B200">
    machine.stream mxfp4 efficiency <0.74 "fraction" low 0.74 high 0.75, D, "as nvfp4, same width">
    machine.stream int4 efficiency <0.74 "fraction" low 0.74 high 0.75, D, "as nvfp4, same width">
  }
  machine.memory "l2"
      capacity <126.0e6 "bytes", M3, "scaling book"> {
  }

  // start, latency and message_gap are fitted to measured kernels:
  //   one-shot all-reduce of 128 elements, 8 GPUs: 5.0 us on B200, 3.2 us on H100
  //   tiny-GEMM floor: 1.8 us on B200, 2.5 us on H100
  //   GB200 dispatch of 128 fp8 tokens (top 8, hidden 7168): 22.8 us at EP8,
  //   27.6 us at EP64. Bytes sent, deduplicated per rank, at 900 GB/s x 0.706:
  //   4.22 MB, 6.64 us and 6.84 MB, 10.77 us, which leaves 16.16 and 16.83 us.
  machine.link "NVLink5" in_network_reduction multicast
    bandwidth <900.0e9 "bytes/s", V, "aiconfigurator gb200.yaml; scaling book: 18 links x 50 GB/s">
    efficiency <0.698 "fraction" low 0.542 high 0.932, Mv, "aiconfigurator gb200 nccl 2.29.2, 4 GPUs, 512 MiB: all-reduce 628 of 900; low: all-to-all 488; high: coreweave/nccl-tests PR 43, 72 GPUs, 4 GiB: 839">
    latency <0.7e-6 "s" low 3.2e-6 high 0.7e-6, D, "one-shot all-reduce of 128 elements on 8 GPUs less tiny-GEMM floor: H100 3.2 - 2.5 us; low: B200 5.0 - 1.8 us (aiconfigurator)">
    start <8.0e-6 "s" low 15.4e-6 high 4.2e-6, D, "geometric mean of high and low, launch included; high: B200 one-shot all-reduce 5.0 us less latency 0.7 and seven gaps 0.1; low: GB200 EP8 dispatch 16.2 us beside the transfer, less latency and gaps">
    message_gap <0.012e-6 "s" low 0.086e-6 high 0, D, "GB200 dispatch EP8 to EP64: (16.83 - 16.16) us over 56 more peers; low: (27.6 - 22.8) us over 56, the transfer not taken off; high: combine, where nothing is left">
    reduction_gain <1.3 "ratio", M3, "scaling book: 8 x H100, NCCL 2.27.5">
    compute_tax <0.162 "fraction" low 0.432 high 0.081, D, "deepseek-ai/DeepEP@dd758ca README: 24 SMs give 643/675 GB/s on B200 EP8, over 148 SMs; low: 64 SMs for 726/740; high: 12 SMs">
  machine.link "RDMA"
    bandwidth <100.0e9 "bytes/s" low 50.0e9 high 100.0e9, V, "aiconfigurator gb200.yaml: ConnectX-8 800G per GPU; low: four ConnectX-7 400G per tray of four (MLCommons)">
    efficiency <0.97 "fraction" low 0.78 high 0.98, V, "NVIDIA/nccl-tests issue 267: all-to-all 48 to 49 of 50 GB/s per NIC; low: deepseek-ai/DeepEP@dd758ca docs/legacy.md, EP128 dispatch 39 of 50">
    latency <5.0e-6 "s" low 10.0e-6 high 5.0e-6, E, "aiconfigurator gb200.yaml inter_rack latency; low: p2p_latency of the other files">
    start <16.4e-6 "s" low 24.6e-6 high 6.7e-6, assumed, "sister hgx-h100: DeepEP low latency on 8 x H100 nodes, EP16 dispatch of 128 tokens: 102.1 us less 3.67 MB over RDMA 75.7 and latency 10, launch included; low: NVLink dispatch; high: NVLink all-to-all of 512 B">
    message_gap <0.17e-6 "s" low 0.17e-6 high 0.016e-6, assumed, "sister hgx-h100: the same at EP64: 166.8 us less 6.42 MB 132.4 and 10, less that of EP16, over 48 more peers; high: deepseek-ai/DeepEP@dd758ca docs/legacy.md, H800, (194 - 192) us over 128 more peers">
    compute_tax <0.081 "fraction" low 0.081 high 0.041, D, "deepseek-ai/DeepEP@dd758ca README: RDMA needs 6 to 12 SMs, over 148 SMs">

  machine.storage_format f32 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format bf16 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format fp16 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format fp8 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format mxfp8 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format int8 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format nvfp4 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format mxfp4 dequantize <0 "operations/element", V3, "native (mlc.ai chapter_tensor_cores)">
  machine.storage_format int4 dequantize <2 "operations/element" low 4 high 1, assumed, "unpack and scale; weight-only: Kimi-K2.5 int4_wo served on 8 x B200 (aiconfigurator silicon sample); low and high: twice and half, for packed pairs">

  machine.overheads
    kernel_launch <1.8e-6 "s" low 2.5e-6 high 0.9e-6, D, "tiny-GEMM floor of B200 (aiconfigurator gemm, m <= 8, n, k <= 128); low: of H100; high: half, where programmatic launch overlaps two kernels">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  machine.power per_chip <1666.7 "W", E, "oxmaint.com: rack 120 kW over 72 GPUs (GPU alone: 1,200 W, aiconfigurator gb200.yaml)">
  machine.price per_chip <10.58 "USD/h", mem, "expert knowledge: AWS UltraServer capacity block, 761.9 USD/h">
}
