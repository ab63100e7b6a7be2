// What a graph of `shanshui export` says of itself. onnxruntime-web does not give a model's metadata, but it lies at
// the top level of the file: a protocol buffer, of which the weights are skipped as one field.

const METADATA = 14; // ModelProto.metadata_props
const BYTES = 2; // the only kind of field that has a length of its own
const SIZES = { 1: 8, 5: 4 }; // fixed ones

/**
 * Architecture, config, card, inputs and step of the graph in `bytes`, or null when it is none of Shanshui's.
 * @param {Uint8Array} bytes
 */
export function cardOf(bytes) {
  try {
    for (const entry of fields(bytes, METADATA)) {
      const [key] = fields(entry, 1);
      const [value] = fields(entry, 2);
      if (text(key) === "shanshui") return JSON.parse(text(value));
    }
  } catch {
    // No protocol buffer, or another program's.
  }
  return null;
}

/** Names of the styles that a graph paints in, in the order of its input; none where it takes a painting. */
export function stylesOf(card) {
  if (!card.inputs.image || card.inputs.painting) return [];
  return card.config.styles ?? [card.config.style];
}

/** What a graph is for: "stylizer", "generator", or null for what this page has no use for. */
export function roleOf(card) {
  const names = Object.keys(card?.inputs ?? {});
  const only = (...known) => names.length > 0 && names.every((name) => known.includes(name));
  if (only("latents")) return "generator";
  return names.includes("image") && only("image", "styles", "painting") ? "stylizer" : null;
}

function* fields(bytes, wanted) {
  let place = 0;
  const number = () => {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      if (place >= bytes.length) throw new RangeError("The file ends inside a field.");
      const byte = bytes[place++];
      value += (byte & 127) * scale;
      if (byte < 128) return value;
    }
  };
  while (place < bytes.length) {
    const tag = number();
    const kind = tag & 7;
    if (kind === 0) number();
    else if (kind === BYTES) {
      const length = number();
      if (length > bytes.length - place) throw new RangeError("A field is longer than the file.");
      if (tag >>> 3 === wanted) yield bytes.subarray(place, place + length);
      place += length;
    } else if (SIZES[kind]) place += SIZES[kind];
    else throw new RangeError("Not a protocol buffer.");
  }
}

function text(bytes) {
  return new TextDecoder().decode(bytes);
}
