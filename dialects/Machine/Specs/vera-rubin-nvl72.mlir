// Vera Rubin NVL72: one rack of 72 packages. Every figure is pre-release. No
// integer matmul: tcgen05 of SM107 has none (docs.nvidia.com cublasdx).
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "aiconfigurator" is github ai-dynamo/aiconfigurator@095f58a, systems/ and its
// measured tables; "scaling book" is github jax-ml/scaling-book@1a55377 gpus.md.
machine.system @"vera-rubin-nvl72" family = switched
    title = "Vera Rubin NVL72 rack (announced as NVL144)" {

  machine.shape_rule counts "GPUs" chips_per_unit = 1 rank = 1 default = [72]
    maximum = [72]
  machine.topology full_switch domain = 72

  // tcgen05.mma: the weights' output columns lie on the 128 rows of the
  // instruction, so that few tokens cost a narrow N. N is a multiple of 16, of 8
  // with block scales (of 8 with 64 rows too, which take as long as 128), and at
  // most 256; 64 fp4 elements (32 bytes) are the longest native contraction.
  machine.engine "tensor core" matmul
      token_tiles = [8, 16, 32, 64, 128, 256] column_tile = 128
      contraction_tile = 64 {
    machine.rate f32
      peak <130.0e12 "flop/s", mem, "expert knowledge: fp32 on vector units">
      efficiency <0.84 "fraction" low 0.6 high 0.9, assumed, "as bf16; low and high as for an uncalibrated matmul unit">
    machine.rate bf16
      peak <4000.0e12 "flop/s" low 4000.0e12 high 8750.0e12, mem, "expert knowledge; high: half of fp8, as on every earlier part">
      efficiency <0.84 "fraction" low 0.75 high 0.84, assumed, "sister gb300-nvl72">
      row_granule = 16
    machine.rate fp16
      peak <4000.0e12 "flop/s" low 4000.0e12 high 8750.0e12, mem, "expert knowledge; high: half of fp8, as on every earlier part">
      efficiency <0.84 "fraction" low 0.75 high 0.84, D, "as bf16, same datapath">
      row_granule = 16
    machine.rate fp8
      peak <17500.0e12 "flop/s" low 16700.0e12 high 17500.0e12, mem, "expert knowledge; low: GTC25, 1.2 EF per rack (megaobzor.com)">
      efficiency <0.75 "fraction" low 0.55 high 0.75, assumed, "sister gb300-nvl72">
      row_granule = 16
    machine.rate mxfp8
      peak <17500.0e12 "flop/s" low 16700.0e12 high 17500.0e12, D, "fp8 rate: the same 32 bytes of contraction per instruction">
      efficiency <0.75 "fraction" low 0.55 high 0.75, D, "as fp8, same instruction width">
    machine.rate nvfp4
      peak <35000.0e12 "flop/s", V3, "kad8.com (CES 2026): training figure; the 50,000 for inference rely on adaptive compression">
      efficiency <0.43 "fraction" low 0.16 high 0.43, assumed, "sister gb300-nvl72">
    machine.rate mxfp4
      peak <35000.0e12 "flop/s" low 16700.0e12 high 35000.0e12, D, "nvfp4 rate: the same 64 elements per instruction; low: fp8 rate">
      efficiency <0.43 "fraction" low 0.16 high 0.43, D, "as nvfp4, same instruction width">
  }
  machine.engine "CUDA core" vector {
    machine.rate f32
      peak <65.0e12 "results/s" low 40.0e12 high 65.0e12, D, "130 TFLOPS of fp32 (expert knowledge), an FMA being one result of two operations; low: GB300">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as an uncalibrated matmul unit; no published figure">
    machine.rate bf16
      peak <65.0e12 "results/s" low 40.0e12 high 130.0e12, D, "f32 rate; high: packed pairs at twice the rate">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as f32">
  }
  machine.engine "SFU" transcendental {
    machine.rate f32
      peak <10.7e12 "results/s" low 10.7e12 high 21.4e12, assumed, "sister gb300-nvl72; high: twice">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
    machine.rate bf16
      peak <10.7e12 "results/s" low 10.7e12 high 21.4e12, D, "f32 rate: results are computed in f32">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the vector engine">
  }
  // Gathers go through the same memory system at 16 to 128 bytes per access.
  machine.engine "load/store" gather {
    machine.rate any
      peak <22.0e12 "bytes/s" low 22.0e12 high 22.0e12, D, "HBM bandwidth: rows of a token are longer than an access">
      efficiency <0.8 "fraction" low 0.6 high 0.87, assumed, "below streaming, as rows are scattered">
  }

  machine.memory "hbm"
      capacity <288.0e9 "bytes", V3, "kad8.com; mirrorfrog.com">
      bandwidth <22.0e12 "bytes/s" low 13.0e12 high 22.0e12, V3, "kad8.com; mirrorfrog.com; low: 2025 announcement"> {
    machine.stream f32 efficiency <0.87 "fraction" low 0.85 high 0.91, assumed, "sister gb300-nvl72">
    machine.stream bf16 efficiency <0.87 "fraction" low 0.85 high 0.91, assumed, "sister gb300-nvl72">
    machine.stream fp16 efficiency <0.87 "fraction" low 0.85 high 0.91, assumed, "sister gb300-nvl72">
    machine.stream fp8 efficiency <0.8 "fraction" low 0.79 high 0.85, assumed, "sister gb300-nvl72">
    machine.stream mxfp8 efficiency <0.8 "fraction" low 0.79 high 0.85, assumed, "sister gb300-nvl72">
    machine.stream int8 efficiency <0.8 "fraction" low 0.79 high 0.85, assumed, "sister gb300-nvl72">
    machine.stream nvfp4 efficiency <0.75 "fraction" low 0.74 high 0.75, assumed, "sister gb300-nvl72">
    machine.stream mxfp4 efficiency <0.75 "fraction" low 0.74 high 0.75, assumed, "sister gb300-nvl72">
    machine.stream int4 efficiency <0.75 "fraction" low 0.74 high 0.75, assumed, "sister gb300-nvl72">
  }

  machine.link "NVLink6" in_network_reduction multicast
    bandwidth <1800.0e9 "bytes/s", V3, "jp.imgtag.co.kr; kad8.com: 3.6 TB/s both ways">
    efficiency <0.706 "fraction" low 0.569 high 0.932, assumed, "sister gb300-nvl72: all-reduce, all-to-all and large all-reduce over the port">
    latency <0.7e-6 "s" low 3.2e-6 high 0.7e-6, assumed, "sister gb300-nvl72: one-shot all-reduce of 128 elements on 8 GPUs less tiny-GEMM floor: H100 3.2 - 2.5 us; low: B200 5.0 - 1.8 us (aiconfigurator)">
    start <8.0e-6 "s" low 15.4e-6 high 4.2e-6, assumed, "sister gb300-nvl72: geometric mean of high and low, launch included; high: B200 one-shot all-reduce 5.0 us less latency 0.7 and seven gaps 0.1; low: GB200 EP8 dispatch 16.2 us beside the transfer, less latency and gaps">
    message_gap <0.012e-6 "s" low 0.086e-6 high 0, assumed, "sister gb300-nvl72: GB200 dispatch EP8 to EP64: (16.83 - 16.16) us over 56 more peers; low: (27.6 - 22.8) us over 56, the transfer not taken off; high: combine, where nothing is left">
    reduction_gain <1.3 "ratio", M3, "scaling book: 8 x H100, NCCL 2.27.5">
    compute_tax <0.162 "fraction" low 0.432 high 0.081, assumed, "sister gb300-nvl72: deepseek-ai/DeepEP@dd758ca README: 24 SMs give 643/675 GB/s on B200 EP8, over 148 SMs; low: 64 SMs for 726/740; high: 12 SMs">
  machine.link "RDMA"
    bandwidth <200.0e9 "bytes/s", E, "wheelersnetwork.com (GTC DC 2025): two ConnectX-9 800G per GPU">
    efficiency <0.97 "fraction" low 0.78 high 0.98, V, "NVIDIA/nccl-tests issue 267: all-to-all 48 to 49 of 50 GB/s per NIC; low: deepseek-ai/DeepEP@dd758ca docs/legacy.md, EP128 dispatch 39 of 50">
    latency <10.0e-6 "s" low 10.0e-6 high 5.0e-6, E, "aiconfigurator *.yaml p2p_latency, a correction from observations; high: inter-rack latency of gb200.yaml">
    start <16.4e-6 "s" low 24.6e-6 high 6.7e-6, assumed, "sister hgx-h100: DeepEP low latency on 8 x H100 nodes, EP16 dispatch of 128 tokens: 102.1 us less 3.67 MB over RDMA 75.7 and latency 10, launch included; low: NVLink dispatch; high: NVLink all-to-all of 512 B">
    message_gap <0.17e-6 "s" low 0.17e-6 high 0.016e-6, assumed, "sister hgx-h100: the same at EP64: 166.8 us less 6.42 MB 132.4 and 10, less that of EP16, over 48 more peers; high: deepseek-ai/DeepEP@dd758ca docs/legacy.md, H800, (194 - 192) us over 128 more peers">
    compute_tax <0.081 "fraction" low 0.081 high 0.041, assumed, "sister gb300-nvl72: deepseek-ai/DeepEP@dd758ca README: RDMA needs 6 to 12 SMs, over 148 SMs">

  machine.storage_format f32 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format bf16 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format fp16 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format fp8 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format mxfp8 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format nvfp4 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">
  machine.storage_format mxfp4 dequantize <0 "operations/element", V3, "flashinfer v0.7.2 release notes: experts on SM107">

  machine.overheads
    kernel_launch <1.8e-6 "s" low 2.5e-6 high 0.9e-6, assumed, "sister gb300-nvl72: tiny-GEMM floor of B200 (aiconfigurator gemm, m <= 8, n, k <= 128); low: of H100; high: half, where programmatic launch overlaps two kernels">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // No price is published.
  machine.power per_chip <2916.7 "W" low 3194.4 high 2638.9, E, "regantih.github.io: rack 190 to 230 kW over 72">
}
