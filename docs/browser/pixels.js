// Pixels as canvases have them (RGBA, 0 to 255, row by row) and as networks do (planes of red, green and blue).

/**
 * Planes in [0, 1], at sides that a graph takes: right and lower border repeated.
 * @returns {{values: Float32Array, height: number, width: number}}
 */
export function extended(image, step) {
  const [height, width] = [image.height, image.width].map((side) => Math.max(2 * step, Math.ceil(side / step) * step));
  const values = new Float32Array(3 * height * width);
  for (let plane = 0, at = 0; plane < 3; plane++) {
    for (let y = 0; y < height; y++) {
      const row = Math.min(y, image.height - 1) * image.width;
      for (let x = 0; x < width; x++) {
        values[at++] = image.data[4 * (row + Math.min(x, image.width - 1)) + plane] / 255;
      }
    }
  }
  return { values, height, width };
}

/** The upper left part of planes in [0, 1], as planes in [-1, 1]. */
export function cropped(values, fullHeight, fullWidth, height, width) {
  const result = new Float32Array(3 * height * width);
  for (let plane = 0, at = 0; plane < 3; plane++) {
    for (let y = 0; y < height; y++) {
      const row = (plane * fullHeight + y) * fullWidth;
      for (let x = 0; x < width; x++) result[at++] = 2 * values[row + x] - 1;
    }
  }
  return result;
}

/** Planes in [-1, 1] over an image of that size, which keeps its transparency; strength from 0 to 1. */
export function laidOver(image, planes, strength) {
  const size = image.width * image.height;
  const data = new Uint8ClampedArray(4 * size); // clamps, and rounds half to even, as Python does
  for (let i = 0; i < size; i++) {
    for (let plane = 0; plane < 3; plane++) {
      const below = image.data[4 * i + plane];
      data[4 * i + plane] = below + strength * ((planes[plane * size + i] + 1) * 127.5 - below);
    }
    data[4 * i + 3] = image.data[4 * i + 3];
  }
  return new ImageData(data, image.width, image.height);
}

/** Planes in [0, 1] as an opaque image. */
export function opaque(planes, height, width) {
  const size = height * width;
  const data = new Uint8ClampedArray(4 * size).fill(255);
  for (let i = 0; i < size; i++) for (let plane = 0; plane < 3; plane++) data[4 * i + plane] = 255 * planes[plane * size + i];
  return new ImageData(data, width, height);
}

/**
 * What a file or a video shows, upright, its sides no longer than these; smaller pictures keep every pixel.
 * @param {ImageBitmapSource} source
 */
export async function imageOf(source, longest, shortest = Infinity) {
  const bitmap = await createImageBitmap(source, { imageOrientation: "from-image" });
  const { width: across, height: down } = bitmap;
  const scale = Math.min(1, longest / Math.max(across, down), shortest / Math.min(across, down));
  const [width, height] = [across, down].map((side) => Math.max(1, Math.round(side * scale)));
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return context.getImageData(0, 0, width, height);
}
