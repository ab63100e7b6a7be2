// Networks run here, beside the page, so that it stays responsive. One message asks for one thing; the answer has its
// id, and what happens on the way is told as `progress`.

import { cardOf, roleOf } from "./card.js";
import { cropped, extended, opaque } from "./pixels.js";
import { latents } from "./random.js";
import { holdFlat } from "./skies.js";

const RUNTIME = new URL("./runtime/", import.meta.url);
const graphs = new Map(); // name -> { session, card }
let runtime = null; // { ort, providers }

const tasks = { open, paint, generate };
let turn = Promise.resolve(); // sessions run one after the other

self.onmessage = ({ data: { id, task, ...wish } }) => {
  turn = turn.then(async () => {
    try {
      const [result, transfer = []] = await tasks[task](wish, (done) => self.postMessage({ id, progress: done }));
      self.postMessage({ id, result }, transfer);
    } catch (error) {
      self.postMessage({ id, error: String(error.message ?? error), word: error.word });
    }
  });
};

/** Open the graph in `bytes` or at `address` under a name, and say what it is. */
async function open({ name, bytes, address }, progress) {
  const content = bytes ?? (await fetched(address, progress));
  const card = cardOf(content);
  const role = roleOf(card);
  if (!role) throw Object.assign(new Error("no stylizer or generator of Shanshui"), { word: "foreign" });
  progress(null);
  const { session, provider } = await sessionOf(content);
  await graphs.get(name)?.session.release();
  graphs.set(name, { session, card });
  return [{ card, role, provider }];
}

/** Paint an image: planes (3, height, width) in [-1, 1], before strength. */
async function paint({ name, image, styles, painting }) {
  const { session, card } = graphs.get(name);
  const { ort } = runtime;
  const tensor = ({ values, height, width }) => new ort.Tensor("float32", values, [1, 3, height, width]);
  const photo = extended(image, card.step);
  const feeds = { image: tensor(photo) };
  if (card.inputs.styles) feeds.styles = new ort.Tensor("float32", Float32Array.from(styles), [1, styles.length]);
  if (card.inputs.painting) feeds.painting = tensor(extended(painting, card.step));
  const began = performance.now();
  const picture = (await session.run(feeds))[session.outputNames[0]];
  const seconds = (performance.now() - began) / 1000;
  const crop = (values) => cropped(values, photo.height, photo.width, image.height, image.width);
  const planes = crop(await picture.getData());
  holdFlat(planes, crop(photo.values), image.height, image.width);
  return [{ planes, seconds }, [planes.buffer]];
}

/** The first scene of a seed, as an image. */
async function generate({ name, seed }) {
  const { session, card } = graphs.get(name);
  const shape = card.inputs.latents;
  const count = shape.reduce((product, side) => product * side, 1);
  const drawn = new runtime.ort.Tensor("float32", latents(seed, 0, count), shape);
  const began = performance.now();
  const scene = (await session.run({ latents: drawn }))[session.outputNames[0]];
  const seconds = (performance.now() - began) / 1000;
  const [, , height, width] = scene.dims;
  const image = opaque(await scene.getData(), height, width);
  return [{ image, seconds }, [image.data.buffer]];
}

async function sessionOf(content) {
  runtime ??= await runtimeFor(await gpu());
  for (const provider of [...runtime.providers]) {
    try {
      return { session: await runtime.ort.InferenceSession.create(content, { executionProviders: [provider] }), provider };
    } catch (error) {
      if (provider === runtime.providers.at(-1)) throw error;
      runtime.providers.shift(); // what fails once is not tried again
    }
  }
}

/** The part of the runtime that this machine needs: the one for graphics processors is twice as large. */
async function runtimeFor(hasGpu) {
  const ort = await import(new URL(hasGpu ? "ort.webgpu.min.mjs" : "ort.wasm.min.mjs", RUNTIME).href);
  ort.env.wasm.wasmPaths = RUNTIME.href;
  // Threads share memory, which browsers allow only to pages that a server isolates by its headers.
  ort.env.wasm.numThreads = self.crossOriginIsolated ? Math.min(8, navigator.hardwareConcurrency) : 1;
  return { ort, providers: hasGpu ? ["webgpu", "wasm"] : ["wasm"] };
}

async function gpu() {
  try {
    const adapter = await navigator.gpu?.requestAdapter();
    return Boolean(adapter) && !adapter.info?.isFallbackAdapter; // graphics in software are slower than WebAssembly
  } catch {
    return false;
  }
}

async function fetched(address, progress) {
  const response = await fetch(address);
  if (!response.ok) throw new Error(`${address}: ${response.status}`);
  const total = Number(response.headers.get("content-length")) || null;
  const parts = [];
  let size = 0;
  for (const reader = response.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    size += value.length;
    progress(total && Math.min(1, size / total)); // compressed files are longer than they say
  }
  return new Uint8Array(await new Blob(parts).arrayBuffer());
}
