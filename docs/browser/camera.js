// A photo from the camera: its picture is shown until the user takes it, or thinks better of it.

/**
 * @param {HTMLVideoElement} video
 * @returns {Promise<ImageBitmap | null>} null when nothing was taken
 */
export async function shoot(video, controls, take, cancel) {
  let stream;
  try {
    stream = await navigator.mediaDevices.getUserMedia({ video: { facingMode: "environment", width: { ideal: 1920 } } });
  } catch (error) {
    throw Object.assign(new Error("camera", { cause: error }), { word: "blocked" });
  }
  try {
    video.srcObject = stream;
    video.hidden = controls.hidden = false;
    await video.play();
    take.focus();
    return (await decided(take, cancel)) ? await createImageBitmap(video) : null;
  } finally {
    for (const track of stream.getTracks()) track.stop();
    video.srcObject = null;
    video.hidden = controls.hidden = true;
  }
}

function decided(take, cancel) {
  const done = new AbortController();
  const { signal } = done;
  return new Promise((resolve) => {
    take.addEventListener("click", () => resolve(true), { signal });
    cancel.addEventListener("click", () => resolve(false), { signal });
    addEventListener("keydown", (event) => event.key === "Escape" && resolve(false), { signal });
  }).finally(() => done.abort());
}
