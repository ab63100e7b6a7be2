// The worker as a function: a task and its wish in, its result out.

const worker = new Worker(new URL("./worker.js", import.meta.url), { type: "module" });
const waiting = new Map();
let orders = 0;

worker.onmessage = ({ data: { id, progress, result, error, word } }) => {
  const order = waiting.get(id);
  if (progress !== undefined) return order.watch?.(progress);
  waiting.delete(id);
  if (error !== undefined) order.fail(Object.assign(new Error(error), { word }));
  else order.finish(result);
};

worker.onerror = ({ message }) => {
  for (const { fail } of waiting.values()) fail(new Error(message || "worker.js"));
  waiting.clear();
};

/**
 * @param {"open" | "paint" | "generate"} task
 * @param {(share: number | null) => void} [watch] is told how far it is, null where nobody knows
 */
export function ask(task, wish, watch) {
  return new Promise((finish, fail) => {
    waiting.set(++orders, { finish, fail, watch });
    worker.postMessage({ id: orders, task, ...wish });
  });
}
