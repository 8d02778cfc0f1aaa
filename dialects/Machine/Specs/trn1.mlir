// Trn1: one instance of 16 chips on a 4x4 torus; fewer chips fill its rows.
// Figures as of 2026-11-23. Peaks are dense, link figures one direction.
// "Neuron" is github aws-neuron/aws-neuron-sdk@81ce03a.
machine.system @trn1 family = trainium
    title = "Trn1 instance (16 chips, 2D torus)" {

  machine.shape_rule counts "chips" chips_per_unit = 1 rank = 1 default = [16]
    maximum = [16] legal = [1, 2, 4, 8, 16]
  machine.topology torus grid = [4, 4] wrap = axis_equals 4

  // The contraction lies on the 128 partitions; a moving operand has at most 512
  // columns (one PSUM bank) and costs at least 64 cycles.
  machine.engine "TensorE" matmul units = 2 token_tiles = [64, 128, 256, 512]
      column_tile = 128 contraction_tile = 128 {
    machine.rate f32
      peak <47.5e12 "flop/s", V, "Neuron trainium.rst">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate bf16
      peak <190.0e12 "flop/s", V, "Neuron trainium.rst (191 in the Trn2 table)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published Trainium GEMM calibration; high: 90 % tensor engine activity is a good target (Neuron nki_perf_guide)">
    machine.rate fp16
      peak <190.0e12 "flop/s", V, "Neuron trainium.rst">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate fp8
      peak <190.0e12 "flop/s", V, "Neuron trainium.rst: cFP8, at the rate of bf16">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
    machine.rate int8
      peak <380.0e12 "flop/s", V, "Neuron trainium.rst">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as bf16">
  }
  machine.engine "VectorE" vector units = 2 {
    machine.rate f32
      peak <0.287e12 "results/s" low 0.287e12 high 0.573e12, D, "2 cores x 128 lanes x 1.12 GHz; high: twice, for 16-bit modes">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <0.287e12 "results/s" low 0.287e12 high 0.573e12, D, "2 cores x 128 lanes x 1.12 GHz; high: twice, for 16-bit modes">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  machine.engine "ScalarE" transcendental units = 2 {
    machine.rate f32
      peak <0.358e12 "results/s" low 0.358e12 high 0.358e12, D, "2 cores x 128 lanes x 1.4 GHz">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
    machine.rate bf16
      peak <0.358e12 "results/s" low 0.358e12 high 0.358e12, D, "2 cores x 128 lanes x 1.4 GHz">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "as the tensor engine">
  }
  // A row of 7,168 bytes that is spread over the 128 partitions is written by
  // transfers of 56 bytes, on one partition by one of 7,168.
  machine.engine "DMA" gather partitions = 128
      saturating_bytes <4096 "bytes" low 4096 high 2048, V, "Neuron nki-dma-bandwidth-guide: 4 KiB per partition saturate; high: 2 KiB are the least"> {
    machine.rate any
      peak <0.544e12 "bytes/s" low 0.544e12 high 0.544e12, D, "32 DMA engines x 17 B/ns (Neuron nki-dma-bandwidth-guide)">
      efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "of transfers that saturate: as the memory that they read and write; nominal: as the tensor engine">
  }

  machine.memory "hbm"
      capacity <34359738368 "bytes", V, "Neuron trainium.rst: 32 GiB">
      bandwidth <820.0e9 "bytes/s", V, "Neuron trainium.rst"> {
    machine.stream any efficiency <0.75 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 60 % is good in practice (Neuron nki_perf_guide); high: of weight streaming on GPUs">
  }
  machine.memory "sbuf"
      capacity <50331648 "bytes", V, "Neuron trainium_inferentia2_arch: 24 MiB per core, two">
      bandwidth <2.87e12 "bytes/s" low 2.87e12 high 2.87e12, D, "2 cores x 2 x 128 elements x 2 B x 2.8 GHz, as derived for trn2"> {
  }
  machine.memory "psum"
      capacity <4194304 "bytes", V, "Neuron trainium_inferentia2_arch: 2 MiB per core, two"> {
  }

  machine.link "NeuronLink-v2"
    bandwidth <48.0e9 "bytes/s" low 48.0e9 high 48.0e9, D, "Neuron trainium2.rst: 384 GB/s per chip over 4 links and 2 directions">
    efficiency <0.8 "fraction" low 0.6 high 0.9, assumed, "no published calibration; low: 0.74 of tpu7x less contention with memory traffic on the same DMA engines; high: usable share of TPU links">
    latency <1.5e-6 "s" low 2.0e-6 high 1.0e-6, V, "Neuron intranode-collective-comm: 1 to 2 us per ring hop">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, D, "Neuron nccom-test: all-gather of 1 KB over 32 ranks 6.16 us less one hop; low: half of the 80 us of collective and launch overhead per half-layer that fit Trn2 at TP64; high: start of a DMA">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">
    memory_tax <0.353 "fraction" low 0.706 high 0.176, D, "192 GB/s sent over 4 links through DMA engines of 544 GB/s; low: received too; high: links half used">
  machine.link "EFA"
    bandwidth <6.25e9 "bytes/s", V, "Neuron trn1-arch: 800 Gb/s per instance of 16 chips">
    efficiency <0.9 "fraction" low 0.78 high 0.97, assumed, "as RDMA of hgx-h100: NIC ceiling 0.97, EP128 dispatch 0.78">
    latency <15.0e-6 "s", V, "Neuron collectives: HBM to HBM across servers">
    start <4.7e-6 "s" low 40.0e-6 high 1.3e-6, assumed, "as NeuronLink: the same CC-cores start it">
    message_gap <0.6e-6 "s", V, "Neuron nki-dge: per DMA instruction">
    compute_tax <0 "fraction" low 0 high 0, D, "dedicated CC-cores run collectives (Neuron compute-comm-overlap)">

  // The two cores are two ranks of the runtime; at most 16 communicators in a
  // program since Neuron 2.32 (release notes of the runtime).
  machine.collectives ranks = 2 groups = 16
      mesh_limit <1.0e6 "bytes", V, "Neuron intranode-collective-comm: mesh below 1 MB">
      doubling_limit <56.0e6 "bytes", V, "Neuron intranode-collective-comm: RDH from 1 to 56 MB, KangaRing above">

  // mxfp8, mxfp4, nvfp4 and int4 are not computed and have no published kernel.
  machine.storage_format f32 dequantize <0 "operations/element", V, "Neuron neuron-core-v2: native">
  machine.storage_format bf16 dequantize <0 "operations/element", V, "Neuron neuron-core-v2: native">
  machine.storage_format fp16 dequantize <0 "operations/element", V, "Neuron neuron-core-v2: native">
  machine.storage_format fp8 dequantize <0 "operations/element", V, "Neuron neuron-core-v2: native">
  machine.storage_format int8 dequantize <0 "operations/element", V, "Neuron neuron-core-v2: native">

  machine.overheads
    kernel_launch <1.3e-6 "s", V, "Neuron nki-dma-bandwidth-guide: semaphore to start of a DMA, which each kernel of a compiled step waits for">
    step <500.0e-6 "s" low 2.0e-3 high 100.0e-6, assumed, "host time per step that a serving stack with overlapped scheduling leaves visible; no published figure; the same range for every machine">
    reserve <0.1 "fraction" low 0.2 high 0.05, assumed, "serving stacks give weights and cache 0.9 of the memory by default; low and high: 0.8 and 0.95">
  // Power is not published.
  machine.price per_chip <1.344 "USD/h", V, "usage.ai: trn1.32xlarge 21.5 USD/h on demand, over 16 chips">
}
