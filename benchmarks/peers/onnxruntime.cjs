// SPDX-License-Identifier: MIT
// node onnxruntime.cjs <folder of node_modules> <model> <samples> <batch> <threads> <seconds> <answers>
// Runs the model on the samples (floats in a file) over and over, writes the last answers, and prints the mean seconds of a run.
const fs = require("fs");
const path = require("path");
const {performance} = require("perf_hooks");

async function main() {
  const [folder, model, samples, batch, threads, seconds, answers] = process.argv.slice(2);
  const ort = require(path.join(folder, "node_modules", "onnxruntime-node"));
  const session = await ort.InferenceSession.create(model, {
    intraOpNumThreads: Number(threads), interOpNumThreads: 1, executionMode: "sequential", graphOptimizationLevel: "all",
  });
  const bytes = fs.readFileSync(samples);
  const numbers = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.byteLength / 4);
  const input = {x: new ort.Tensor("float32", numbers, [Number(batch), 1, 32, 32])};

  let result;
  const timed = async (least) => {
    let runs = 0;
    const begin = performance.now();
    let now = begin;
    while (now < begin + 1000 * least) {
      result = await session.run(input);
      ++runs;
      now = performance.now();
    }
    return (now - begin) / 1000 / runs;
  };
  // Until Node has compiled what it will compile.
  await timed(0.2);
  const each = await timed(Number(seconds));
  const y = result.y.data;
  fs.writeFileSync(answers, Buffer.from(y.buffer, y.byteOffset, y.byteLength));
  console.log(each);
}

main().catch((problem) => {
  console.error(String(problem));
  process.exit(1);
});
