// CS-2: one WSE-2 wafer per system, 850,000 PEs of which 750 x 994 are exposed.
// Figures as of 2026-11-23. The headline "AI" petaflops count unstructured
// sparsity and are not used.
machine.system @cs2 family = wafer title = "CS-2 (WSE-2)"
    default_shape = [64] {

  // No largest cluster is published.
  machine.shape_rule counts "wafers" chips_per_unit = 1 rank = 1
  machine.topology wafer_mesh units = [750, 994]

  // There is no matrix unit: each processing element (PE) has a vector FMAC, and a
  // matmul is spread over a rectangle of PEs, so that no tile is native.
  machine.engine "PE FMAC" matmul units = 745500 token_tiles = [1] column_tile = 1
      contraction_tile = 1 {
    machine.rate f32
      peak <1.45e15 "flop/s" low 1.45e15 high 1.87e15, D, "850,000 PEs x 1 FMAC x 2 x 0.85 GHz (WaferLLM); high: 1.1 GHz">
      efficiency <0.7 "fraction" low 0.5 high 0.7, P, "WaferLLM, OSDI 2025 7.2: MeshGEMM at 720 x 720 PEs; low: SUMMA and Cannon">
    machine.rate bf16
      peak <5.8e15 "flop/s" low 5.8e15 high 7.5e15, D, "as fp16">
      efficiency <0.7 "fraction" low 0.5 high 0.7, P, "WaferLLM, OSDI 2025 7.2: MeshGEMM at 720 x 720 PEs; low: SUMMA and Cannon">
    machine.rate fp16
      peak <5.8e15 "flop/s" low 5.8e15 high 7.5e15, D, "850,000 PEs x 4 FMAC (nextplatform.com) x 2 x 0.85 GHz (csl-examples); high: 1.1 GHz, WaferLLM">
      efficiency <0.7 "fraction" low 0.5 high 0.7, P, "WaferLLM, OSDI 2025 7.2: MeshGEMM at 720 x 720 PEs; low: SUMMA and Cannon">
  }
  machine.engine "PE vector" vector units = 745500 {
    machine.rate f32
      peak <725.0e12 "results/s" low 725.0e12 high 935.0e12, D, "f32 FMAC rate, an FMA being one result of two operations">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "WSE-3 GMG roofline notes: 24 to 38 % of the f32 peak of a stencil">
    machine.rate bf16
      peak <725.0e12 "results/s" low 725.0e12 high 3750.0e12, D, "as f32; high: 16-bit SIMD">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "as f32">
    machine.rate fp16
      peak <725.0e12 "results/s" low 725.0e12 high 3750.0e12, D, "as f32; high: 16-bit SIMD">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "as f32">
  }
  machine.engine "PE program" transcendental units = 745500 {
    machine.rate f32
      peak <36.25e12 "results/s" low 18.125e12 high 72.5e12, assumed, "polynomial of about 20 FMAs per result; low and high: 40 and 10">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "as the vector engine">
    machine.rate bf16
      peak <36.25e12 "results/s" low 18.125e12 high 72.5e12, assumed, "polynomial of about 20 FMAs per result; low and high: 40 and 10">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "as the vector engine">
    machine.rate fp16
      peak <36.25e12 "results/s" low 18.125e12 high 72.5e12, assumed, "polynomial of about 20 FMAs per result; low and high: 40 and 10">
      efficiency <0.31 "fraction" low 0.24 high 0.38, assumed, "as the vector engine">
  }

  machine.memory "sram"
      capacity <40.0e9 "bytes", V3, "wfoojjaec.eu.org 2021-04-21; aiwiki.ai">
      bandwidth <20.0e15 "bytes/s", V3, "wfoojjaec.eu.org 2021-04-21; aiwiki.ai"> {
    machine.stream any efficiency <0.53 "fraction" low 0.22 high 0.9, D, "WaferLLM, OSDI 2025 table 6: GEMV of 32K reaches 5.3 % of SRAM bandwidth while up to 90 % of its time is communication, 0.053 / 0.1; low: GEMV of 16K, 2.2 %; high: no wait for the fabric">
  }

  // The first tier is the fabric on the wafer: one link of one PE, one direction.
  machine.link "fabric" multicast
    bandwidth <3.4e9 "bytes/s", P, "HPDC 2024, arXiv 2404.15888: one 32-bit wavelet per cycle">
    efficiency <0.96 "fraction" low 0.8 high 1.0, D, "HPDC 2024, arXiv 2404.15888: the model of a reduction is within 4 %; low: ramp contention">
    latency <1.18e-9 "s", P, "HPDC 2024, arXiv 2404.15888: one cycle per hop">
    start <5.9e-9 "s" low 11.8e-9 high 5.9e-9, D, "HPDC 2024, arXiv 2404.15888: 2 T_R + 1 = 5 cycles; low: twice, where routes are switched by software">
    message_gap <1.18e-9 "s" low 1.18e-9 high 1.18e-9, D, "HPDC 2024, arXiv 2404.15888: one wavelet per cycle">
    compute_tax <0 "fraction" low 0 high 0, D, "routers forward by themselves">
  machine.link "system I/O"
    bandwidth <150.0e9 "bytes/s", V3, "argonne-lcf SC24 tutorial: 12 x 100 GbE per system">
    efficiency <0.8 "fraction" low 0.6 high 0.97, assumed, "as TPU DCN: Ethernet through a host or switch; high: NIC ceiling of RDMA">
    latency <30.0e-6 "s" low 200.0e-6 high 10.0e-6, assumed, "as TPU DCN; low: 200 us of TCP per transaction (Cerebras/csl-examples bandwidth-test); high: RDMA">
    start <30.0e-6 "s" low 200.0e-6 high 5.0e-6, assumed, "as its latency; high: start of a collective on TPU">
    message_gap <0.6e-6 "s" low 5.0e-6 high 0.085e-6, assumed, "as TPU DCN">
    compute_tax <0 "fraction" low 0 high 0, D, "I/O PEs move it">

  // 8-bit storage is widened by each PE to 16 bits; no fp4 kernel is published.
  machine.storage_format f32 dequantize <0 "operations/element", mem, "expert knowledge: native">
  machine.storage_format bf16 dequantize <0 "operations/element", mem, "expert knowledge: native">
  machine.storage_format fp16 dequantize <0 "operations/element", mem, "expert knowledge: native">
  machine.storage_format fp8 dequantize <2 "operations/element" low 4 high 1, assumed, "convert and scale; no published kernel, though a PE can run any program">

  machine.overheads
    kernel_launch <0.2e-6 "s" low 1.0e-6 high 0.05e-6, assumed, "a region starts on arrival of data: a few hundred cycles to switch task and routes">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // A system sells for 2 to 3 million USD; no price per hour is published.
  machine.power per_chip <23.0e3 "W", E, "awesomeagents.ai; oodaloop.com: peak of a system">
}
