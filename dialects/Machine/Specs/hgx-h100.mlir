// HGX H100: boards of eight GPUs behind NVSwitch, joined by 400G InfiniBand. The
// largest shape is the largest measured with this part (EP256, DeepEP).
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "aiconfigurator" is github ai-dynamo/aiconfigurator@095f58a, systems/ and its
// measured tables; "scaling book" is github jax-ml/scaling-book@1a55377 gpus.md.
machine.system @"hgx-h100" family = switched
    title = "HGX H100 8-GPU SXM5 node with NDR InfiniBand" {

  machine.shape_rule counts "boards" chips_per_unit = 8 rank = 1 default = [1]
    maximum = [32]
  machine.topology full_switch domain = 8

  // wgmma: M is 64 and N a multiple of 8 up to 256. With the operands swapped the
  // weights' output columns lie on M, so that 8 tokens cost N = 8. The longest
  // native contraction is 32 elements of 8 bits.
  machine.engine "tensor core" matmul units = 132
      token_tiles = [8, 16, 32, 64, 128, 256] column_tile = 64
      contraction_tile = 32 {
    machine.rate f32
      peak <67.0e12 "flop/s" low 67.0e12 high 67.0e12, D, "scaling book: CUDA cores, 33.5 tera-results/s, FMA = 2">
      efficiency <0.86 "fraction" low 0.6 high 0.9, assumed, "as bf16; low and high as for an uncalibrated matmul unit">
    machine.rate bf16
      peak <989.0e12 "flop/s", V, "aiconfigurator h100_sxm.yaml">
      efficiency <0.86 "fraction" low 0.79 high 0.86, Mv, "aiconfigurator h100_sxm gemm trtllm 1.3.0rc20: best 854 of 989; low: 8192^3">
    machine.rate fp16
      peak <989.0e12 "flop/s", V, "aiconfigurator h100_sxm.yaml">
      efficiency <0.86 "fraction" low 0.79 high 0.86, D, "as bf16, same datapath">
    machine.rate fp8
      peak <1978.0e12 "flop/s", V, "aiconfigurator h100_sxm.yaml">
      efficiency <0.76 "fraction" low 0.63 high 0.76, Mv, "aiconfigurator h100_sxm gemm trtllm 1.3.0rc20, dynamic quantisation included: best 1,507 of 1,978; low: 8192^3">
    machine.rate int8
      peak <1978.0e12 "flop/s", V, "aiconfigurator h100_sxm.yaml">
      efficiency <0.76 "fraction" low 0.63 high 0.9, assumed, "as fp8">
  }
  // Blocks of a cluster: 8 is portable, 16 would be opted into per kernel.
  machine.core warpgroup_mma target = "sm_90a" largest_cluster = 8
    shared_memory <232448 "bytes", mem, "CUDA programming guide, technical specifications per compute capability: 227 KiB per block of 228 KiB per SM (facts: hardware 1.1)">
  machine.engine "CUDA core" vector units = 132 {
    machine.rate f32
      peak <33.5e12 "results/s" low 33.5e12 high 33.5e12, D, "scaling book: 67 TFLOPS of fp32, an FMA being one result of two operations">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as an uncalibrated matmul unit; no published figure">
    machine.rate bf16
      peak <33.5e12 "results/s" low 33.5e12 high 67.0e12, D, "f32 rate; high: packed pairs at twice the rate">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as f32">
  }
  machine.engine "SFU" transcendental units = 132 {
    machine.rate f32
      peak <4.77e12 "results/s" low 3.87e12 high 4.77e12, D, "half of GB300 (10.7, verda.com: twice GB200) by SM count, 132 of 148; low: 16 results per SM and cycle at 1.83 GHz">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
    machine.rate bf16
      peak <4.77e12 "results/s" low 3.87e12 high 4.77e12, D, "f32 rate: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
  }
  // Gathers go through the same memory system at 16 to 128 bytes per access.
  machine.engine "load/store" gather units = 132 {
    machine.rate any
      peak <3.35e12 "bytes/s" low 3.35e12 high 3.35e12, D, "HBM bandwidth: rows of a token are longer than an access">
      efficiency <0.8 "fraction" low 0.6 high 0.875, assumed, "below streaming, as rows are scattered">
  }

  machine.memory "hbm"
      capacity <85899345920 "bytes", V, "aiconfigurator h100_sxm.yaml: 80 GiB">
      bandwidth <3.35e12 "bytes/s", V, "aiconfigurator h100_sxm.yaml"> {
    machine.stream f32 efficiency <0.875 "fraction" low 0.85 high 0.9, D, "as bf16, wider accesses">
    machine.stream bf16 efficiency <0.875 "fraction" low 0.85 high 0.9, Mv, "aiconfigurator h100_sxm gemm, weight-streaming GEMV: 0.85 to 0.90, weights over 60 MB">
    machine.stream fp16 efficiency <0.875 "fraction" low 0.85 high 0.9, D, "as bf16, same width">
    machine.stream fp8 efficiency <0.82 "fraction" low 0.79 high 0.85, Mv, "aiconfigurator h100_sxm gemm, weight-streaming GEMV of NVIDIA parts: 0.79 to 0.85">
    machine.stream mxfp8 efficiency <0.82 "fraction" low 0.79 high 0.85, D, "as fp8, same width">
    machine.stream int8 efficiency <0.82 "fraction" low 0.79 high 0.85, D, "as fp8, same width">
    machine.stream mxfp4 efficiency <0.75 "fraction" low 0.6 high 0.8, assumed, "sister hgx-b200: 0.75 for 4.5-bit weights">
    machine.stream int4 efficiency <0.75 "fraction" low 0.6 high 0.8, assumed, "as mxfp4">
  }
  machine.memory "l2"
      capacity <50.0e6 "bytes", V3, "scaling book">
      bandwidth <5.5e12 "bytes/s", M3, "scaling book, citing chipsandcheese"> {
  }

  machine.link "NVLink4" in_network_reduction multicast
    bandwidth <450.0e9 "bytes/s", V, "aiconfigurator h100_sxm.yaml; scaling book: 18 links x 25 GB/s">
    efficiency <0.822 "fraction" low 0.7 high 0.989, M3, "scaling book: all-reduce without SHARP 370 of 450 GB/s; low: NCCL all-to-all 315, high: NCCL all-reduce 445 (aiconfigurator h100_sxm nccl 2.29.2, 8 GPUs, 512 MiB)">
    latency <0.7e-6 "s" low 1.4e-6 high 0.7e-6, D, "one-shot all-reduce of 128 elements on 8 GPUs less tiny-GEMM floor, 3.2 - 2.5 us (aiconfigurator h100_sxm); low: twice">
    start <6.7e-6 "s" low 24.6e-6 high 2.5e-6, D, "NCCL all-to-all of 512 B on 8 GPUs, 7.4 us (aiconfigurator h100_sxm nccl 2.29.2) less latency 0.7, launch included; low: DeepEP EP8 dispatch of 128 tokens, 36.7 us less 4.22 MB at 370 GB/s 11.4 and latency; high: one-shot all-reduce of 128 elements, 3.2 us less latency">
    message_gap <0.012e-6 "s" low 0.086e-6 high 0, assumed, "sister gb300-nvl72: dispatch over more peers of one switch">
    reduction_gain <1.3 "ratio", M3, "scaling book: 8 x H100, NCCL 2.27.5">
    compute_tax <0.091 "fraction" low 0.182 high 0.045, D, "deepseek-ai/DeepEP@dd758ca README: 12 SMs on SM90, over 132 SMs; low: 24 SMs; high: 6 SMs">
  machine.link "RDMA"
    bandwidth <50.0e9 "bytes/s", V, "aiconfigurator h100_sxm.yaml: one ConnectX-7 NDR 400G per GPU">
    efficiency <0.97 "fraction" low 0.78 high 0.98, V, "NVIDIA/nccl-tests issue 267: all-to-all 48 to 49 of 50 GB/s per NIC; low: deepseek-ai/DeepEP@dd758ca docs/legacy.md, EP128 dispatch 39 of 50">
    latency <10.0e-6 "s" low 10.0e-6 high 5.0e-6, E, "aiconfigurator *.yaml p2p_latency, a correction from observations; high: inter-rack latency of gb200.yaml">
    start <16.4e-6 "s" low 24.6e-6 high 6.7e-6, D, "DeepEP low latency on 8 x H100 nodes, EP16 dispatch of 128 tokens: 102.1 us less 3.67 MB over RDMA 75.7 and latency 10, launch included; low: NVLink dispatch; high: NVLink all-to-all of 512 B">
    message_gap <0.17e-6 "s" low 0.17e-6 high 0.016e-6, D, "the same at EP64: 166.8 us less 6.42 MB 132.4 and 10, less that of EP16, over 48 more peers; high: deepseek-ai/DeepEP@dd758ca docs/legacy.md, H800, (194 - 192) us over 128 more peers">
    compute_tax <0.045 "fraction" low 0.091 high 0.045, D, "deepseek-ai/DeepEP@dd758ca README: EP8x4 with 6 SMs, over 132 SMs; low: 12 SMs">

  machine.storage_format f32 dequantize <0 "operations/element", mem, "native (expert knowledge, H100 architecture)">
  machine.storage_format bf16 dequantize <0 "operations/element", mem, "native (expert knowledge, H100 architecture)">
  machine.storage_format fp16 dequantize <0 "operations/element", mem, "native (expert knowledge, H100 architecture)">
  machine.storage_format fp8 dequantize <0 "operations/element", mem, "native (expert knowledge, H100 architecture)">
  machine.storage_format int8 dequantize <0 "operations/element", mem, "native (expert knowledge, H100 architecture)">
  machine.storage_format mxfp4 dequantize <2 "operations/element" low 4 high 1, assumed, "unpack and scale; weight-only: aiconfigurator h100_sxm moe w4a16_mxfp4; low and high: twice and half, for packed pairs">
  machine.storage_format int4 dequantize <2 "operations/element" low 4 high 1, assumed, "unpack and scale; weight-only: Kimi-K2.5 int4_wo served on 8 x H200 (aiconfigurator silicon sample); low and high: twice and half, for packed pairs">

  machine.overheads
    kernel_launch <2.5e-6 "s" low 5.0e-6 high 1.25e-6, D, "tiny-GEMM floor (aiconfigurator h100_sxm gemm, m <= 8, n, k <= 128); low: twice; high: half, where programmatic launch overlaps two kernels">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  machine.power per_chip <833.0 "W" low 1275.0 high 700.0, D, "GPU TDP 700 W (aiconfigurator h100_sxm.yaml) times 1.19, system over GPU power of gb300-nvl72; low: 10.2 kW per 8 GPUs, expert knowledge; high: the GPU alone">
  machine.price per_chip <4.916 "USD/h", V3, "copy of aws.amazon.com/ec2/capacityblocks/pricing: p5.48xlarge 39.33 USD/h">
}
