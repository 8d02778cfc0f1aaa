// Runs an ONNX model in ONNX Runtime on the CPU, for tools/lib/oracle_checks.py.
//
// Usage: node oracle.mjs NODE_MODULES < job.json > answer.json
//   job     {"model": path, "levels": ["disabled", "all"],
//            "sets": [{input: {"type", "dims", "data": base64}}]}
//   answer  {"outputs": {level: [[{"name", "type", "dims", "data"}]]}}, one list per
//           set, or {"error": message, "stage": "install" | "load" | "run"}

import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const VIEWS = {
  float32: Float32Array, float64: Float64Array, float16: Uint16Array,
  int8: Int8Array, uint8: Uint8Array, int16: Int16Array, uint16: Uint16Array,
  int32: Int32Array, uint32: Uint32Array, int64: BigInt64Array, uint64: BigUint64Array,
  bool: Uint8Array,
};

/** The error of a stage, told apart from what this script itself does wrong. */
class StageError extends Error {
  constructor(stage, cause) {
    super(String(cause?.message ?? cause));
    this.stage = stage;
  }
}

async function stage(name, action) {
  try {
    return await action();
  } catch (error) {
    throw new StageError(name, error);
  }
}

function decode(ort, { type, dims, data }) {
  const bytes = Uint8Array.from(Buffer.from(data, 'base64'));
  const View = VIEWS[type];
  return new ort.Tensor(type, new View(bytes.buffer, 0, bytes.length / View.BYTES_PER_ELEMENT),
                        dims);
}

function encode(name, tensor) {
  const { buffer, byteOffset, byteLength } = tensor.data;
  return { name, type: tensor.type, dims: tensor.dims.map(Number),
           data: Buffer.from(buffer, byteOffset, byteLength).toString('base64') };
}

async function runSets(ort, job, level) {
  // One thread, or the order of sums depends on the machine.
  const session = await stage('load', () => ort.InferenceSession.create(job.model, {
    graphOptimizationLevel: level, executionProviders: ['cpu'], logSeverityLevel: 4,
    intraOpNumThreads: 1, interOpNumThreads: 1,
  }));
  const results = [];
  for (const set of job.sets) {
    const feeds = {};
    for (const [name, tensor] of Object.entries(set))
      feeds[name] = decode(ort, tensor);
    const outputs = await stage('run', () => session.run(feeds));
    results.push(session.outputNames.map(name => encode(name, outputs[name])));
  }
  return results;
}

async function answer() {
  const job = JSON.parse(readFileSync(0, 'utf-8'));
  const require = createRequire(join(resolve(process.argv[2]), 'index.js'));
  const ort = await stage('install', () => require('onnxruntime-node'));
  const outputs = {};
  for (const level of job.levels)
    outputs[level] = await runSets(ort, job, level);
  return { outputs };
}

const result = await answer().catch(error => {
  if (!(error instanceof StageError))
    throw error;
  return { error: error.message, stage: error.stage };
});
process.stdout.write(JSON.stringify(result));
