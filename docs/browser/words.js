// What the page says, in English and Chinese.

const WORDS = {
  en: {
    skip: "To the controls",
    promise: "Photos become paintings on this device. Nothing leaves it.",
    hint: "Drop a photo here, paste one, choose one, or take one.",
    picture: "Picture",
    choose: "Choose a photo",
    camera: "Camera",
    shoot: "Take the photo",
    cancel: "Cancel",
    viewfinder: "Picture of the camera",
    scene: "A scene out of noise",
    seed: "Seed",
    longest: "Longest side",
    whole: "as it is",
    style: "Style",
    painting: "Choose a painting",
    strength: "Strength",
    result: "Result",
    save: "Save the picture",
    before: "Show the photo",
    model: "Model",
    open: "Open an .onnx file",
    progress: "Progress",
    photo: "Your photo",
    painted: (style) => `Your photo, painted: ${style}`,
    loading: (name, share) => (share === null ? `Preparing ${name} …` : `Loading ${name}: ${Math.round(100 * share)} %`),
    painting_: "Painting …",
    making: "Making a scene …",
    done: (seconds, size, place) => `${size}, ${seconds} s on ${place}`,
    webgpu: "the graphics processor (WebGPU)",
    wasm: "the processor (WebAssembly)",
    licence: (words) => `Licence: ${words}`,
    models: "No model is here yet: open a file that `shanshui export painter painter.onnx` wrote.",
    ready: (name) => `${name} is ready.`,
    needs: "Choose a painting to paint after.",
    unreadable: "This file cannot be shown as a picture.",
    foreign: "This file is no stylizer and no scene generator of Shanshui: write one with `shanshui export`.",
    blocked: "There is no camera, or this page may not use it.",
    failed: (why) => `That did not work: ${why}. A shorter longest side needs less memory.`,
    wrong: "The seed is a whole number from 0 to 1099511627776.",
  },
  zh: {
    skip: "跳到控件",
    promise: "照片在这台设备上变成画，不会传到别处。",
    hint: "把照片拖到这里、粘贴、选择文件，或者拍一张。",
    picture: "图片",
    choose: "选择照片",
    camera: "相机",
    shoot: "拍照",
    cancel: "取消",
    viewfinder: "相机画面",
    scene: "由噪声生成风景",
    seed: "种子",
    longest: "最长边",
    whole: "原尺寸",
    style: "风格",
    painting: "选择一幅画",
    strength: "强度",
    result: "结果",
    save: "保存图片",
    before: "显示照片",
    model: "模型",
    open: "打开 .onnx 文件",
    progress: "进度",
    photo: "你的照片",
    painted: (style) => `你的照片，风格：${style}`,
    loading: (name, share) => (share === null ? `正在准备 ${name}……` : `正在载入 ${name}：${Math.round(100 * share)}%`),
    painting_: "正在作画……",
    making: "正在生成风景……",
    done: (seconds, size, place) => `${size}，用时 ${seconds} 秒（${place}）`,
    webgpu: "图形处理器，WebGPU",
    wasm: "处理器，WebAssembly",
    licence: (words) => `许可：${words}`,
    models: "这里还没有模型：请打开由 `shanshui export painter painter.onnx` 写出的文件。",
    ready: (name) => `${name} 已就绪。`,
    needs: "请选择一幅画作为风格。",
    unreadable: "这个文件不能作为图片显示。",
    foreign: "这个文件不是 Shanshui 的风格化网络或风景生成网络：请用 `shanshui export` 导出。",
    blocked: "没有相机，或者本页面无权使用相机。",
    failed: (why) => `没有成功：${why}。缩短最长边可以少用内存。`,
    wrong: "种子是 0 到 1099511627776 的整数。",
  },
};

const STYLES = {
  monet: "莫奈",
  vangogh: "梵高",
  "starry-night": "星夜",
  ukiyoe: "浮世绘",
  ink: "水墨",
  "blue-green": "青绿",
  "hudson-river": "哈德逊河派",
  sketch: "素描",
  cartoon: "卡通",
  oil: "油画",
  watercolour: "水彩",
  pointillism: "点彩",
  scream: "呐喊",
  "gold-leaf": "金箔",
};

let language = "en";

/** The language that was chosen before, or that the browser speaks. */
export function usual() {
  const known = localStorage.getItem("language") ?? navigator.language;
  return known.toLowerCase().startsWith("zh") ? "zh" : "en";
}

/** Say everything in this language from now on. */
export function speak(chosen) {
  language = chosen;
  localStorage.setItem("language", chosen);
  document.documentElement.lang = chosen === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = say(element.dataset.word);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", say(element.dataset.label));
}

/** A word or sentence, with what it is about. */
export function say(word, ...about) {
  const said = WORDS[language][word];
  return typeof said === "function" ? said(...about) : said;
}

/** A style's name: in Chinese where it has one. */
export function styleName(style) {
  return (language === "zh" && STYLES[style]) || style;
}
