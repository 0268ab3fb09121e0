/* Camera, microphone and sound, tried in this browser alone (JN-6). */

const root = document.querySelector("[data-device-test]");
const part = (name) => root.querySelector(`[data-${name}]`);
const video = part("picture");
const level = part("level");

const WORDS = {
  NotAllowedError: "This page was not allowed to use it. Allow it in the address bar of your browser, then start again.",
  NotFoundError: "None was found. Plug one in, then start again.",
  NotReadableError: "Another program is using it. Close that program, then start again.",
  OverconstrainedError: "The one you chose is gone. Start again.",
};
const UNKNOWN = "It could not be opened. Another browser may help.";
const QUIET = 3;

let streams = {};
let sound = null;
let frame = 0;
let wasHeard = false;

const say = (what, text, tone = "") => {
  const word = root.querySelector(`[data-word="${what}"]`);
  if (word.textContent === text) return;
  word.textContent = text;
  word.dataset.tone = tone;
};

const close = (kind) => {
  for (const track of streams[kind]?.getTracks() ?? []) track.stop();
  delete streams[kind];
};

// One at a time: who has no camera still wants to know about the microphone.
const open = async (kind, deviceId) => {
  close(kind);
  const wish = deviceId ? { deviceId: { exact: deviceId } } : true;
  const stream = await navigator.mediaDevices.getUserMedia({ [kind]: wish });
  streams[kind] = stream;
  for (const track of stream.getTracks()) {
    track.addEventListener("ended", () => say(kind === "video" ? "camera" : "microphone", "It was unplugged or turned off.", "red"));
  }
  return stream;
};

const showCamera = async (deviceId) => {
  try {
    video.srcObject = await open("video", deviceId);
    await video.play();
    video.hidden = false;
    part("no-picture").hidden = true;
    say("camera", "Your camera works.", "green");
  } catch (error) {
    video.hidden = true;
    part("no-picture").hidden = false;
    say("camera", WORDS[error.name] ?? UNKNOWN, "red");
  }
};

const hear = async (deviceId) => {
  try {
    const stream = await open("audio", deviceId);
    wasHeard = false;
    say("microphone", "Say something: the bar should move.");
    sound ??= new AudioContext();
    await sound.resume();
    const listener = sound.createAnalyser();
    listener.fftSize = 1024;
    sound.createMediaStreamSource(stream).connect(listener);
    watch(listener);
  } catch (error) {
    say("microphone", WORDS[error.name] ?? UNKNOWN, "red");
  }
};

const watch = (listener) => {
  const samples = new Float32Array(listener.fftSize);
  cancelAnimationFrame(frame);
  const look = () => {
    listener.getFloatTimeDomainData(samples);
    const loudness = Math.sqrt(samples.reduce((sum, one) => sum + one * one, 0) / samples.length);
    // Ears hear in decibels: -60 is silence, 0 as loud as can be.
    const shown = loudness > 0 ? Math.min(100, Math.max(0, 100 + (20 * Math.log10(loudness) * 100) / 60)) : 0;
    level.value = shown;
    if (shown > QUIET && !wasHeard) { wasHeard = true; say("microphone", "Your microphone works.", "green"); }
    frame = requestAnimationFrame(look);
  };
  look();
};

const listDevices = async () => {
  const found = await navigator.mediaDevices.enumerateDevices();
  for (const list of root.querySelectorAll("[data-devices]")) {
    const devices = found.filter((device) => device.kind === list.dataset.devices && device.deviceId);
    const chosen = list.value;
    list.replaceChildren(...devices.map((device, number) => new Option(device.label || `${number + 1}`, device.deviceId)));
    if (devices.some((device) => device.deviceId === chosen)) list.value = chosen;
    list.closest("[data-choice]").hidden = devices.length < 2;
  }
};

const start = async () => {
  if (!navigator.mediaDevices?.getUserMedia) {
    const why = "This browser cannot do it here. It needs a recent browser and an address that begins with https.";
    say("camera", why, "red");
    say("microphone", why, "red");
    return;
  }
  part("start").disabled = true;
  await showCamera();
  await hear();
  await listDevices();
  part("start").disabled = false;
  part("start").textContent = "Start again";
  part("stop").hidden = false;
};

const stop = () => {
  cancelAnimationFrame(frame);
  for (const kind of Object.keys(streams)) close(kind);
  video.srcObject = null;
  video.hidden = true;
  part("no-picture").hidden = false;
  level.value = 0;
  part("stop").hidden = true;
  say("camera", "Stopped.");
  say("microphone", "Stopped.");
};

const play = async () => {
  sound ??= new AudioContext();
  await sound.resume();
  const volume = sound.createGain();
  volume.connect(sound.destination);
  [523, 659, 784].forEach((pitch, number) => {
    const tone = sound.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(volume);
    tone.start(sound.currentTime + number * 0.25);
    tone.stop(sound.currentTime + number * 0.25 + 0.22);
  });
  volume.gain.value = 0.15;
  say("sound", "Did you hear three tones?");
};

part("start").addEventListener("click", () => void start());
part("stop").addEventListener("click", stop);
part("play").addEventListener("click", () => void play());
root.querySelector("#camera").addEventListener("change", ({ target }) => void showCamera(target.value));
root.querySelector("#microphone").addEventListener("change", ({ target }) => void hear(target.value));
navigator.mediaDevices?.addEventListener("devicechange", () => { if (Object.keys(streams).length) void listDevices(); });
addEventListener("pagehide", stop);
