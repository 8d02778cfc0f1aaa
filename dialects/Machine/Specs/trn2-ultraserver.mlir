// Trn2 UltraServer: four instances; chips of the same coordinate form a ring, which
// makes a 4x4x4 torus whose third axis has links of half the speed.
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "Neuron" is github aws-neuron/aws-neuron-sdk@81ce03a.
machine.system @"trn2-ultraserver" family = trainium
    title = "Trn2 UltraServer (64 chips, 3D torus)" default = true {

  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [64]
    maximum = [64] legal = [1, 2, 4, 8, 16, 32, 64]
  machine.topology torus grid = [4, 4, 4] wrap = axis_equals 4

  // The contraction lies on the 128 partitions; a moving operand has at most 512
  // columns (one PSUM bank) and costs at least 64 cycles.
  // fp8 reaches its rate only with a contraction in steps of 256 (double row).
  machine.engine "TensorE" matmul units = 8 token_tiles = [64, 128, 256, 512]
      column_tile = 128 contraction_tile = 128 {
    machine.rate f32
      peak <181.0e12 "flop/s" low 160.0e12 high 181.0e12, V, "Neuron trainium2.rst; low: 20 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate bf16
      peak <667.0e12 "flop/s" low 632.0e12 high 667.0e12, V, "Neuron trainium2.rst; low: 79 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published Trainium GEMM calibration; high: 90 % tensor engine activity is a good target (Neuron nki_perf_guide)">
    machine.rate fp16
      peak <667.0e12 "flop/s" low 632.0e12 high 667.0e12, V, "Neuron trainium2.rst; low: 79 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate fp8
      peak <1299.0e12 "flop/s" low 1264.0e12 high 1299.0e12, V, "Neuron trainium2.rst; low: 158 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
      contraction_step = 256
  }
  machine.engine "VectorE" vector units = 8 {
    machine.rate f32
      peak <0.983e12 "results/s" low 0.983e12 high 8.0e12, D, "8 cores x 128 lanes x 0.96 GHz; high: 1 TFLOPS of fp32 per core (Neuron neuron-core-v3)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <0.983e12 "results/s" low 0.983e12 high 8.0e12, D, "8 cores x 128 lanes x 0.96 GHz; high: 1 TFLOPS of fp32 per core (Neuron neuron-core-v3)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  machine.engine "ScalarE" transcendental units = 8 {
    machine.rate f32
      peak <1.23e12 "results/s" low 1.23e12 high 1.23e12, D, "8 cores x 128 lanes x 1.2 GHz">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <1.23e12 "results/s" low 1.23e12 high 1.23e12, D, "8 cores x 128 lanes x 1.2 GHz">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  // A row of 7,168 bytes that is spread over the 128 partitions is written by
  // transfers of 56 bytes, on one partition by one of 7,168.
  machine.engine "DMA" gather partitions = 128
      saturating_bytes <4096 "bytes" low 4096 high 2048, V, "Neuron nki-dma-bandwidth-guide: 4 KiB per partition saturate; high: 2 KiB are the least"> {
    machine.rate any
      peak <2.94e12 "bytes/s" low 2.94e12 high 3.5e12, D, "128 DMA engines x 23 B/ns (Neuron nki-dma-bandwidth-guide); high: 3.5 TB/s per chip (trainium2.rst)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "of transfers that saturate: as the memory that they read and write; nominal: as the tensor engine">
  }

  machine.memory "hbm"
      capacity <103079215104 "bytes", V, "Neuron trainium2.rst: 96 GiB">
      bandwidth <2.9e12 "bytes/s" low 2.9e12 high 3.0e12, V, "Neuron trainium2.rst; high: 3.0, NKI guide"> {
    machine.stream any efficiency <0.75 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 60 % is good in practice (Neuron nki_perf_guide); high: of weight streaming on GPUs">
  }
  machine.memory "sbuf"
      capacity <234881024 "bytes", V, "Neuron trainium2_arch: 28 MiB per core, eight">
      bandwidth <9.83e12 "bytes/s" low 9.83e12 high 9.83e12, D, "8 cores x 2 x 128 elements x 2 B x 2.4 GHz (Neuron trainium2_arch)"> {
  }
  machine.memory "psum"
      capacity <16777216 "bytes", V, "Neuron trainium2_arch: 2 MiB per core, eight"> {
  }

  machine.link "NeuronLink-v3"
    bandwidth <128.0e9 "bytes/s" low 128.0e9 high 128.0e9, D, "Neuron trn2-arch: 1,024 GB/s per chip inside an instance over 4 links and 2 directions">
    axis_bandwidth [#machine.quantity<128.0e9 "bytes/s" low 128.0e9 high 128.0e9, D, "Neuron trn2-arch: 1,024 GB/s over 4 links and 2 directions">,
      #machine.quantity<128.0e9 "bytes/s" low 128.0e9 high 128.0e9, D, "Neuron trn2-arch: 1,024 GB/s over 4 links and 2 directions">,
      #machine.quantity<64.0e9 "bytes/s" low 64.0e9 high 64.0e9, D, "Neuron trn2-arch: 256 GB/s between instances over 2 links and 2 directions">]
    efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 0.74 of tpu7x less contention with memory traffic on the same DMA engines; high: usable share of TPU links">
    latency <1.5e-6 "s" low 2.0e-6 high 1.0e-6, V, "Neuron intranode-collective-comm: 1 to 2 us per ring hop">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, D, "Neuron nccom-test: all-gather of 1 KB over 32 ranks 6.16 us less one hop; low: half of the 80 us of collective and launch overhead per half-layer that fit Trn2 at TP64; high: start of a DMA">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">
    memory_tax <0.218 "fraction" low 0.435 high 0.109, D, "640 GB/s sent over 6 links through DMA engines of 2.94 TB/s; low: received too; high: links half used">
  machine.link "EFA"
    bandwidth <25.0e9 "bytes/s", V, "Neuron collectives: 200 Gb/s per chip">
    efficiency <0.9 "fraction" low 0.78 high 0.97, assumed, "as RDMA of hgx-h100: NIC ceiling 0.97, EP128 dispatch 0.78">
    latency <15.0e-6 "s", V, "Neuron collectives: HBM to HBM across servers">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, assumed, "as NeuronLink: the same CC-cores start it">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">

  // The eight cores in pairs (LNC=2) are four ranks of the runtime; at most 16
  // communicators in a program since Neuron 2.32 (release notes of the runtime).
  machine.collectives ranks = 4 groups = 16
      mesh_limit <1.0e6 "bytes", V, "Neuron intranode-collective-comm: mesh below 1 MB">
      doubling_limit <56.0e6 "bytes", V, "Neuron intranode-collective-comm: RDH from 1 to 56 MB, KangaRing above">

  // mxfp8, mxfp4, nvfp4, int8 and int4 are not computed and have no published
  // kernel.
  machine.storage_format f32 dequantize <0 "operations/element", V, "Neuron trainium2_arch: native">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "Neuron trainium2_arch: native">
  machine.storage_format fp16 dequantize <0 "operations/element", V, "Neuron trainium2_arch: native">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "Neuron trainium2_arch: native">

  machine.overheads
    kernel_launch <1.3e-6 "s", V, "Neuron nki-dma-bandwidth-guide: semaphore to start of a DMA, which each kernel of a compiled step waits for">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  machine.power per_chip <500.0 "W", E, "tengele.com, summary of the SemiAnalysis article; the chip alone">
  // No price is published for the UltraServer.
}
