// Puts the page into dist/: its files, the runtime and the graphs that are named.
//
//     npm ci && node build.mjs painter.onnx landscape.onnx
//
// What is in dist/ is served by anything that serves files.

import { cp, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { basename, join } from "node:path";
import { fileURLToPath } from "node:url";

import { cardOf, roleOf } from "./card.js";

const HERE = fileURLToPath(new URL(".", import.meta.url));
const PAGE = ["index.html", "style.css", "icon.svg", "app.js", "camera.js", "card.js", "pixels.js", "random.js", "skies.js", "studio.js", "words.js", "worker.js"];
const RUNTIME = [
  "ort.wasm.min.mjs",
  "ort-wasm-simd-threaded.mjs",
  "ort-wasm-simd-threaded.wasm",
  "ort.webgpu.min.mjs",
  "ort-wasm-simd-threaded.asyncify.mjs",
  "ort-wasm-simd-threaded.asyncify.wasm",
];

const dist = join(HERE, "dist");
await rm(dist, { recursive: true, force: true });
await mkdir(join(dist, "models"), { recursive: true });
for (const name of PAGE) await cp(join(HERE, name), join(dist, name));
for (const name of RUNTIME) await cp(join(HERE, "node_modules/onnxruntime-web/dist", name), join(dist, "runtime", name));
const models = [];
for (const path of process.argv.slice(2)) {
  const role = roleOf(cardOf(await readFile(path)));
  if (!role) throw new Error(`${path} is no stylizer and no scene generator of \`shanshui export\`.`);
  const file = `models/${basename(path)}`;
  await cp(path, join(dist, file));
  models.push({ name: basename(path, ".onnx"), file, role });
}
await writeFile(join(dist, "models.json"), JSON.stringify(models, null, 2));
console.log(`${dist}: ${models.map(({ name, role }) => `${name} (${role})`).join(", ") || "no models"}`);
