// Flat parts of a photo stay flat: shanshui/images/flatness.py, which explains it, in plain arithmetic. Cells of 4 x 4
// pixels; planes fitted to the flat cells around each; what differs from them is held down to what the photo has.

const CELL = 4;
const BLOB = 12;
const DETAIL = 4;
const [PLAIN, BUSY] = [0.02, 0.06];
const ALLOWED = 0.01;
const ROUNDS = 3;
const FULLY = 3;
const LUMINANCE = [0.299, 0.587, 0.114];
const FAINT = 1e-6;

/** Hold blobs of the painting down, in place; both are planes (3, height, width) in [-1, 1]. */
export function holdFlat(painting, photo, height, width) {
  const grid = { height: Math.ceil(height / CELL), width: Math.ceil(width / CELL) };
  const seen = cellsOf(photo, height, width, grid);
  const weight = flatness(seen, grid);
  if (!weight.some((value) => value > 0)) return;
  const painted = cellsOf(painting, height, width, grid).mean;
  const wide = surroundings(weight, BLOB, grid);
  const near = surroundings(weight, DETAIL, grid);
  const blobs = (planes) => planes.map((plane) => beyondPlane(wide, smooth(plane, grid)));
  const strength = (planes) => {
    const energy = weight.map((_, i) => planes.reduce((sum, plane) => sum + plane[i] ** 2, 0) / 3);
    return meanOf(near, energy).map(Math.sqrt);
  };
  const allowed = strength(blobs(seen.mean)).map((value) => Math.max(value, ALLOWED));
  let held = painted;
  for (let round = 0; round < ROUNDS; round++) {
    const found = blobs(held);
    const strong = strength(found);
    const share = weight.map(
      (value, i) => Math.min(FULLY * value, 1) * Math.max(0, 1 - allowed[i] / Math.max(strong[i], FAINT)),
    );
    held = held.map((plane, colour) => plane.map((value, i) => value - share[i] * found[colour][i]));
  }
  const change = held.map((plane, colour) => plane.map((value, i) => value - painted[colour][i]));
  addEnlarged(painting, change, height, width, grid);
}

function cellsOf(planes, height, width, grid) {
  const size = grid.height * grid.width;
  const [counts, light, squares] = [0, 1, 2].map(() => new Float64Array(size));
  const mean = [0, 1, 2].map(() => new Float64Array(size));
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) {
      const cell = Math.floor(y / CELL) * grid.width + Math.floor(x / CELL);
      let luminance = 0;
      for (let colour = 0; colour < 3; colour++) {
        const value = planes[colour * height * width + at];
        mean[colour][cell] += value;
        luminance += LUMINANCE[colour] * value;
      }
      light[cell] += luminance;
      squares[cell] += luminance ** 2;
      counts[cell]++;
    }
  }
  const detail = squares.map((value, i) => Math.max(0, value / counts[i] - (light[i] / counts[i]) ** 2));
  return { mean: mean.map((plane) => plane.map((value, i) => value / counts[i])), detail };
}

function flatness({ mean, detail }, grid) {
  const light = detail.map((_, i) => mean.reduce((sum, plane, colour) => sum + LUMINANCE[colour] * plane[i], 0));
  const around = surroundings(new Float64Array(light.length).fill(1), DETAIL, grid);
  const energy = beyondPlane(around, light).map((value, i) => value ** 2 + detail[i]);
  return meanOf(around, energy).map((value) => 1 - clamp((Math.sqrt(value) - PLAIN) / (BUSY - PLAIN), 0, 1));
}

/** The normal equations of a plane (1, x, y) about each cell, its neighbours counting by `weight` and nearness. */
function surroundings(weight, reach, grid) {
  const moment = (p, q) => momentOf(weight, p, q, reach, grid);
  const [s, x, y, xy] = [moment(0, 0), moment(1, 0), moment(0, 1), moment(1, 1)];
  const [xx, yy] = [moment(2, 0), moment(0, 2)].map((plane) => plane.map((value) => value + FAINT));
  const minors = [
    s.map((_, i) => xx[i] * yy[i] - xy[i] ** 2),
    s.map((_, i) => xy[i] * y[i] - x[i] * yy[i]),
    s.map((_, i) => x[i] * xy[i] - xx[i] * y[i]),
  ];
  const determinant = s.map((value, i) => value * minors[0][i] + x[i] * minors[1][i] + y[i] * minors[2][i]);
  return { weight, reach, grid, total: s, minors, determinant };
}

function beyondPlane({ weight, reach, grid, minors, determinant }, cells) {
  const weighted = cells.map((value, i) => value * weight[i]);
  const heights = [[0, 0], [1, 0], [0, 1]].map(([p, q]) => momentOf(weighted, p, q, reach, grid));
  return cells.map((value, i) => {
    if (determinant[i] <= FAINT) return 0;
    return value - minors.reduce((sum, minor, each) => sum + minor[i] * heights[each][i], 0) / determinant[i];
  });
}

function meanOf({ weight, reach, grid, total }, energy) {
  const sums = momentOf(energy.map((value, i) => value * weight[i]), 0, 0, reach, grid);
  return sums.map((value, i) => Math.max(0, value / Math.max(total[i], FAINT)));
}

/** Sums of cells x dx^p x dy^q over the surroundings of each, tapering off linearly; nothing lies outside. */
function momentOf(cells, p, q, reach, { height, width }) {
  const taps = (power) =>
    Float64Array.from({ length: 2 * reach + 1 }, (_, i) => (1 - Math.abs(i - reach) / (reach + 1)) * ((i - reach) / reach) ** power);
  const rows = new Float64Array(cells.length);
  const sums = new Float64Array(cells.length);
  const [across, down] = [taps(p), taps(q)];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      let sum = 0;
      const last = Math.min(reach, width - 1 - x);
      for (let d = -Math.min(reach, x); d <= last; d++) sum += across[d + reach] * cells[y * width + x + d];
      rows[y * width + x] = sum;
    }
  }
  for (let y = 0; y < height; y++) {
    const last = Math.min(reach, height - 1 - y);
    for (let d = -Math.min(reach, y); d <= last; d++) {
      const tap = down[d + reach];
      for (let x = 0; x < width; x++) sums[y * width + x] += tap * rows[(y + d) * width + x];
    }
  }
  return sums;
}

/** The mean over 3 x 3 cells, as many as there are. */
function smooth(cells, { height, width }) {
  return cells.map((_, i) => {
    const [y, x] = [Math.floor(i / width), i % width];
    let [sum, count] = [0, 0];
    for (let v = Math.max(0, y - 1); v <= Math.min(height - 1, y + 1); v++) {
      for (let u = Math.max(0, x - 1); u <= Math.min(width - 1, x + 1); u++, count++) sum += cells[v * width + u];
    }
    return sum / count;
  });
}

/** Add cells, enlarged bilinearly, to planes of pixels, which stay in [-1, 1]. */
function addEnlarged(planes, change, height, width, grid) {
  const between = (place, count) => {
    const at = Math.max(0, (place + 0.5) / CELL - 0.5);
    const first = Math.min(Math.floor(at), count - 1);
    return [first, Math.min(first + 1, count - 1), at - first];
  };
  const columns = Array.from({ length: width }, (_, x) => between(x, grid.width));
  for (let colour = 0, at = 0; colour < 3; colour++) {
    const cells = change[colour];
    for (let y = 0; y < height; y++) {
      const [above, below, down] = between(y, grid.height);
      for (let x = 0; x < width; x++, at++) {
        const [left, right, across] = columns[x];
        const row = (v) => (1 - across) * cells[v * grid.width + left] + across * cells[v * grid.width + right];
        planes[at] = clamp(planes[at] + (1 - down) * row(above) + down * row(below), -1, 1);
      }
    }
  }
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}
