// Trn3 UltraServer Gen2: 36 servers of 4 chips behind two levels of switches.
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "Neuron" is github aws-neuron/aws-neuron-sdk@81ce03a.
machine.system @"trn3-ultraserver" family = trainium
    title = "Trn3 UltraServer Gen2 (144 chips, NeuronSwitch-v1)" {

  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [144]
    maximum = [144]
  machine.topology full_switch domain = 144 server = 4

  // The contraction lies on the 128 partitions; a moving operand has at most 512
  // columns (one PSUM bank) and costs at least 64 cycles.
  // MX formats take a contraction in steps of 512.
  machine.engine "TensorE" matmul units = 8 token_tiles = [64, 128, 256, 512]
      column_tile = 128 contraction_tile = 128 {
    machine.rate f32
      peak <183.0e12 "flop/s", V, "Neuron trainium3.rst">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate bf16
      peak <671.0e12 "flop/s" low 632.0e12 high 671.0e12, V, "Neuron trainium3.rst; low: 79 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published Trainium GEMM calibration; high: 90 % tensor engine activity is a good target (Neuron nki_perf_guide)">
    machine.rate fp16
      peak <671.0e12 "flop/s" low 632.0e12 high 671.0e12, V, "Neuron trainium3.rst; low: 79 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate fp8
      peak <671.0e12 "flop/s" low 632.0e12 high 671.0e12, D, "Neuron trainium3_arch: without MX scales at the rate of bf16; low: 79 per core">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate mxfp8
      peak <2517.0e12 "flop/s", V, "Neuron trainium3.rst (315 per core)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
      contraction_step = 512
    machine.rate mxfp4
      peak <2517.0e12 "flop/s", V, "Neuron trainium3.rst: the rate of mxfp8, converted on entry">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
      contraction_step = 512
  }
  machine.engine "VectorE" vector units = 8 {
    machine.rate f32
      peak <1.23e12 "results/s" low 1.23e12 high 8.0e12, D, "8 cores x 128 lanes x 1.2 GHz; high: 1 TFLOPS of fp32 per core, as trn2">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <1.23e12 "results/s" low 1.23e12 high 8.0e12, D, "8 cores x 128 lanes x 1.2 GHz; high: 1 TFLOPS of fp32 per core, as trn2">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  machine.engine "ScalarE" transcendental units = 8 {
    machine.rate f32
      peak <4.92e12 "results/s" low 1.23e12 high 6.14e12, D, "8 cores x 128 lanes x 1.2 GHz x 4, the exp rate of VectorE over ScalarE (Neuron trainium3_arch); low: ScalarE alone; high: both">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <4.92e12 "results/s" low 1.23e12 high 6.14e12, D, "8 cores x 128 lanes x 1.2 GHz x 4, the exp rate of VectorE over ScalarE (Neuron trainium3_arch); low: ScalarE alone; high: both">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  // A row of 7,168 bytes that is spread over the 128 partitions is written by
  // transfers of 56 bytes, on one partition by one of 7,168.
  machine.engine "DMA" gather partitions = 128
      saturating_bytes <4096 "bytes" low 4096 high 2048, V, "Neuron nki-dma-bandwidth-guide: 4 KiB per partition saturate; high: 2 KiB are the least"> {
    machine.rate any
      peak <4.22e12 "bytes/s" low 4.22e12 high 4.9e12, D, "128 DMA engines x 33 B/ns (Neuron nki-dma-bandwidth-guide); high: 4.9 TB/s per chip">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "of transfers that saturate: as the memory that they read and write; nominal: as the tensor engine">
  }

  machine.memory "hbm"
      capacity <154618822656 "bytes", V, "Neuron trainium3.rst: 144 GiB">
      bandwidth <4.9e12 "bytes/s" low 4.7e12 high 4.9e12, V, "Neuron trainium3.rst; low: 4.7, NKI guide"> {
    machine.stream any efficiency <0.75 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 60 % is good in practice (Neuron nki_perf_guide); high: of weight streaming on GPUs">
  }
  machine.memory "sbuf"
      capacity <268435456 "bytes", V, "Neuron trainium3_arch: 32 MiB per core, eight">
      bandwidth <9.83e12 "bytes/s" low 9.83e12 high 9.83e12, D, "8 cores x 2 x 128 elements x 2 B x 2.4 GHz, as trn2"> {
  }
  machine.memory "psum"
      capacity <16777216 "bytes", V, "Neuron trainium3_arch: 2 MiB per core, eight"> {
  }

  // AWS calls 256 (in a server), 320 (in a rack) and 128 GB/s (between racks)
  // bidirectional, though one PCIe6 x8 link is 64 GB/s each way and 5 of them 320.
  machine.link "NeuronSwitch-v1"
    bandwidth <320.0e9 "bytes/s" low 160.0e9 high 1280.0e9, D, "Neuron trn3-arch: between servers of a rack, 5 x PCIe6 x8 one way; low: half, if bidirectional; high: 1,280 one way, implied by 2,560 GB/s per chip">
    efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 0.74 of tpu7x less contention with memory traffic on the same DMA engines; high: usable share of TPU links">
    latency <1.5e-6 "s" low 2.0e-6 high 1.0e-6, V, "Neuron intranode-collective-comm: 1 to 2 us per ring hop">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, D, "Neuron nccom-test: all-gather of 1 KB over 32 ranks 6.16 us less one hop; low: half of the 80 us of collective and launch overhead per half-layer that fit Trn2 at TP64; high: start of a DMA">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">
    memory_tax <0.076 "fraction" low 0.607 high 0.038, D, "320 GB/s sent through DMA engines of 4.22 TB/s; low: 1,280 GB/s, received too; high: links half used">
  machine.link "EFA"
    bandwidth <25.0e9 "bytes/s", V, "Neuron trn3-arch: 28,800 Gb/s over 144 chips">
    efficiency <0.9 "fraction" low 0.78 high 0.97, assumed, "as RDMA of hgx-h100: NIC ceiling 0.97, EP128 dispatch 0.78">
    latency <15.0e-6 "s", V, "Neuron collectives: HBM to HBM across servers">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, assumed, "as NeuronLink: the same CC-cores start it">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">

  // The eight cores in pairs (LNC=2) are four ranks of the runtime; at most 16
  // communicators in a program since Neuron 2.32 (release notes of the runtime).
  machine.collectives ranks = 4 groups = 16
      mesh_limit <1.0e6 "bytes" low 1.0e6 high 1.0e6, assumed, "as trn2: 1 MB is documented for tori">
      doubling_limit <56.0e6 "bytes" low 56.0e6 high 56.0e6, assumed, "as trn2: 56 MB are documented for tori">

  // nvfp4 has other block scales (16, e4m3) than mxfp4 and needs requantisation.
  machine.storage_format f32 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">
  machine.storage_format fp16 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">
  machine.storage_format mxfp8 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">
  machine.storage_format mxfp4 dequantize <0 "operations/element", V, "Neuron neuron-core-v4: native">

  machine.overheads
    kernel_launch <1.3e-6 "s", V, "Neuron nki-dma-bandwidth-guide: semaphore to start of a DMA, which each kernel of a compiled step waits for">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // No price is published.
  machine.power per_chip <1000.0 "W", E, "servernews.ru/1133303: up to 1 kW; the chip alone">
}
