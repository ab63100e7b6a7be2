// The page: what a user asks for, and what is shown. Networks run in worker.js.

import { shoot } from "./camera.js";
import { stylesOf } from "./card.js";
import { imageOf, laidOver } from "./pixels.js";
import { ask } from "./studio.js";
import { say, speak, styleName, usual } from "./words.js";

const part = (id) => document.getElementById(id);
const state = {
  photo: null, // { image, name }
  painting: null, // the image that a graph of any style paints after
  styles: [],
  style: null,
  planes: null, // of the photo painted at full strength
  stylizer: null, // name of the model, once it is open
  generator: null, // the entry of a model, open or not
  wishes: 0, // counts what was asked for: only the last matters
};

// Saying what happens, in whatever language is chosen then.

let told = () => "";

function tell(word, ...about) {
  told = () => say(word, ...about.map((each) => (typeof each === "function" ? each() : each)));
  part("status").textContent = told();
  part("status").classList.toggle("failed", ["failed", "unreadable", "foreign", "blocked", "wrong"].includes(word));
}

function busy(share) {
  part("progress").hidden = share === undefined;
  if (share === null) part("progress").removeAttribute("value");
  else if (share !== undefined) part("progress").value = share;
}

/** Do something that may fail, and say so. */
async function trying(work) {
  try {
    await work();
  } catch (error) {
    if (error.word) tell(error.word);
    else tell("failed", error.message);
  } finally {
    busy();
  }
}

// Models.

async function opened(model) {
  const about = model.bytes ? { bytes: model.bytes } : { address: new URL(model.file, document.baseURI).href };
  tell("loading", model.name, 0);
  busy(0);
  return ask("open", { name: model.name, ...about }, (share) => {
    tell("loading", model.name, share);
    busy(share);
  });
}

async function useStylizer(model) {
  const { card, provider } = await opened(model);
  take(model, card, provider);
  await paint();
}

function take(model, card, provider) {
  const styles = stylesOf(card);
  Object.assign(state, { stylizer: model.name, styles, style: styles.includes(state.style) ? state.style : (styles[0] ?? null), card, provider });
  part("paintings").hidden = !card.inputs.painting;
  describe();
}

function describe() {
  const chips = state.styles.map((style) => {
    const chip = document.createElement("label");
    const radio = Object.assign(document.createElement("input"), { type: "radio", name: "style", value: style, checked: style === state.style });
    chip.append(radio, styleName(style));
    return chip;
  });
  part("chips").replaceChildren(...chips);
  const licence = state.card?.card?.licence;
  part("about").textContent = state.card ? [state.stylizer, licence && say("licence", licence)].filter(Boolean).join(" · ") : say("models");
}

async function openFile(file) {
  const model = { name: file.name, bytes: new Uint8Array(await file.arrayBuffer()) };
  const { card, role, provider } = await opened(model);
  if (role === "generator") {
    useGenerator(model);
    await makeScene();
  } else {
    take(model, card, provider);
    await paint();
  }
}

function useGenerator(model) {
  state.generator = model;
  part("scenes").hidden = false;
}

// Pictures.

async function usePhoto(source, name) {
  let image;
  try {
    image = await imageOf(source, Number(part("longest").value));
  } catch (error) {
    throw Object.assign(new Error(name, { cause: error }), { word: "unreadable" });
  }
  Object.assign(state, { photo: { image, name, source }, planes: null });
  show();
  await paint();
}

async function makeScene() {
  if (!part("seed").checkValidity() || part("seed").value === "") return tell("wrong");
  const model = state.generator;
  if (!model.provider) model.provider = (await opened(model)).provider;
  tell("making");
  busy(null);
  const seed = Number(part("seed").value);
  const { image, seconds } = await ask("generate", { name: model.name, seed });
  Object.assign(state, { photo: { image, name: `scene-${seed}`, source: null }, planes: null });
  show();
  finished(seconds, image, model.provider);
  await paint();
}

/** Paint the photo, unless something else is asked for before it is done. */
async function paint() {
  const { photo, painting, stylizer, styles, style, card } = state;
  if (!stylizer) return;
  if (card.inputs.painting && !painting) return tell("needs");
  if (!photo) return tell("ready", stylizer);
  const wish = ++state.wishes;
  tell("painting_");
  busy(null);
  const shares = styles.map((each) => Number(each === style));
  const { planes, seconds } = await ask("paint", { name: stylizer, image: photo.image, styles: shares, painting });
  if (wish !== state.wishes || photo !== state.photo) return;
  state.planes = planes;
  show();
  finished(seconds, photo.image, state.provider);
}

function finished(seconds, image, provider) {
  tell("done", seconds.toFixed(seconds < 10 ? 2 : 0), `${image.width} × ${image.height}`, () => say(provider));
  busy();
}

/** The photo, or the painting at the strength that is chosen. */
function show() {
  const { photo, planes } = state;
  const before = part("before").getAttribute("aria-pressed") === "true";
  const painted = planes && !before;
  const canvas = part("canvas");
  const image = painted ? laidOver(photo.image, planes, part("strength").value / 100) : photo.image;
  Object.assign(canvas, { width: image.width, height: image.height, hidden: false });
  canvas.classList.toggle("small", Math.max(image.width, image.height) < 400);
  canvas.getContext("2d").putImageData(new ImageData(image.data, image.width, image.height), 0, 0);
  canvas.setAttribute("aria-label", painted ? say("painted", styleName(state.style) ?? "") : say("photo"));
  part("hint").hidden = true;
  part("stage").classList.add("full");
  part("save").disabled = false;
  part("before").disabled = !planes;
}

function save() {
  part("canvas").toBlob((blob) => {
    const link = Object.assign(document.createElement("a"), {
      href: URL.createObjectURL(blob),
      download: `${[state.photo.name, state.planes && state.style].filter(Boolean).join("-")}.png`,
    });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  }, "image/png");
}

// What a user does.

const firstFile = (list) => [...(list ?? [])].find((file) => file.type.startsWith("image/"));
const stem = (file) => file.name.replace(/\.[^.]*$/, "") || "photo";

function useFile(file) {
  if (file) trying(() => usePhoto(file, stem(file)));
}

part("panel").addEventListener("submit", (event) => event.preventDefault());
part("photo").addEventListener("change", ({ target }) => useFile(target.files[0]));
part("stage").addEventListener("dragover", (event) => {
  event.preventDefault();
  part("stage").classList.add("over");
});
part("stage").addEventListener("dragleave", () => part("stage").classList.remove("over"));
part("stage").addEventListener("drop", (event) => {
  event.preventDefault();
  part("stage").classList.remove("over");
  useFile(firstFile(event.dataTransfer.files));
});
document.addEventListener("paste", (event) => useFile(firstFile(event.clipboardData.files)));
part("camera").addEventListener("click", () =>
  trying(async () => {
    const taken = await shoot(part("video"), part("shooting"), part("shoot"), part("cancel"));
    if (taken) await usePhoto(taken, "photo");
  }),
);
part("scene").addEventListener("click", () => trying(makeScene));
part("seed").addEventListener("change", () => trying(makeScene));
part("longest").addEventListener("change", () => {
  if (state.photo?.source) trying(() => usePhoto(state.photo.source, state.photo.name));
});
part("chips").addEventListener("change", ({ target }) => {
  state.style = target.value;
  trying(paint);
});
part("painting").addEventListener("change", ({ target }) =>
  trying(async () => {
    if (!target.files[0]) return;
    state.painting = await imageOf(target.files[0], 1024, 256); // as ExamplePainter looks at it
    state.style = stem(target.files[0]);
    await paint();
  }),
);
part("strength").addEventListener("input", ({ target }) => {
  part("amount").value = `${target.value} %`;
  if (state.planes) show();
});
part("before").addEventListener("click", ({ target }) => {
  target.setAttribute("aria-pressed", String(target.getAttribute("aria-pressed") !== "true"));
  show();
});
part("save").addEventListener("click", save);
part("graph").addEventListener("change", ({ target }) => {
  if (target.files[0]) trying(() => openFile(target.files[0]));
});
part("language").addEventListener("change", ({ target }) => {
  speak(target.value);
  describe();
  part("status").textContent = told();
  if (state.photo) show();
});

async function begin() {
  part("language").value = usual();
  speak(usual());
  const response = await fetch("models.json");
  const models = response.ok ? await response.json() : [];
  const stylizers = models.filter((model) => model.role === "stylizer");
  const generator = models.find((model) => model.role === "generator");
  if (generator) useGenerator(generator);
  part("models").replaceChildren(...stylizers.map(({ name }) => new Option(name, name)));
  part("models").hidden = stylizers.length < 2;
  part("models").addEventListener("change", ({ target }) =>
    trying(() => useStylizer(stylizers.find(({ name }) => name === target.value))),
  );
  describe();
  if (stylizers.length > 0) await useStylizer(stylizers[0]);
}

trying(begin);
