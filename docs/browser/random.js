// Normal numbers exactly as PyTorch draws them from a seed on the CPU (but for the last bits of logarithms and sines),
// so that scene number i of a seed is the same picture here as in Python.

const STRIDE = 1_000_003n; // between the seeds of scenes: pipelines/generators.py, random_of
const LENGTH = 624;
const BATCH = 16; // torch fills so many numbers at a time

/** The Mersenne twister of Matsumoto and Nishimura (1998), MT19937. */
class Twister {
  constructor(seed) {
    this.state = new Uint32Array(LENGTH);
    this.state[0] = Number(seed & 0xffffffffn);
    for (let i = 1; i < LENGTH; i++) {
      const before = this.state[i - 1] ^ (this.state[i - 1] >>> 30);
      this.state[i] = Math.imul(1812433253, before) + i;
    }
    this.place = LENGTH;
  }

  next() {
    if (this.place === LENGTH) this.#twist();
    let y = this.state[this.place++];
    y ^= y >>> 11;
    y ^= (y << 7) & 0x9d2c5680;
    y ^= (y << 15) & 0xefc60000;
    return (y ^ (y >>> 18)) >>> 0;
  }

  #twist() {
    const { state } = this;
    for (let i = 0; i < LENGTH; i++) {
      const y = (state[i] & 0x80000000) | (state[(i + 1) % LENGTH] & 0x7fffffff);
      state[i] = state[(i + 397) % LENGTH] ^ (y >>> 1) ^ (y & 1 ? 0x9908b0df : 0);
    }
    this.place = 0;
  }
}

/** `count` numbers of `torch.randn` for scene `number` of `seed`. */
export function latents(seed, number, count) {
  const random = new Twister(BigInt(seed) * STRIDE + BigInt(number));
  return count < BATCH ? few(random, count) : many(random, count);
}

function many(random, count) {
  const values = new Float32Array(count);
  const uniform = () => (random.next() & 0xffffff) / 0x1000000;
  for (let i = 0; i < count; i++) values[i] = uniform();
  for (let start = 0; start + BATCH <= count; start += BATCH) boxMuller(values.subarray(start, start + BATCH));
  if (count % BATCH) {
    const last = values.subarray(count - BATCH); // drawn again as a whole
    for (let i = 0; i < BATCH; i++) last[i] = uniform();
    boxMuller(last);
  }
  return values;
}

function boxMuller(batch) {
  const half = BATCH / 2;
  for (let i = 0; i < half; i++) {
    const radius = Math.sqrt(-2 * Math.log(1 - batch[i]));
    const angle = 2 * Math.PI * batch[i + half];
    batch[i] = radius * Math.cos(angle);
    batch[i + half] = radius * Math.sin(angle);
  }
}

function few(random, count) {
  const uniform = () => {
    const high = random.next() & 0x1fffff; // 53 bits of 64
    return (high * 0x100000000 + random.next()) / 2 ** 53;
  };
  const values = new Float32Array(count);
  for (let i = 0; i < count; i += 2) {
    const angle = 2 * Math.PI * uniform();
    const radius = Math.sqrt(-2 * Math.log1p(-uniform()));
    values[i] = radius * Math.cos(angle);
    if (i + 1 < count) values[i + 1] = radius * Math.sin(angle);
  }
  return values;
}
