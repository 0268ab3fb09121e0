/* Keeps an open page true (NT-2): new notifications, the unread count, the sessions and queues that it shows.
   One stream serves all tabs of a browser: whoever holds the lock listens and tells the others. Without a stream (a proxy
   that keeps it back, a full server) the tab asks every second or so, and tries the stream again after a minute.
   What a page shows of sessions is marked data-live="name" (with data-live-session="id": of that one alone) and is put in
   anew from the page's own address, so that nobody sees more than the page would show. */

const STREAM = "/api/notifications/stream";
const POLL = "/api/notifications";
const POLL_EVERY = 1200;
const HIDDEN_EVERY = 20_000;
const STREAM_AGAIN = 60_000;
const FIRST_EVENT = 6000;
const QUEUES_EVERY = 3000;
const BUSY_AGAIN = 4000;

const meta = document.querySelector('meta[name="live"]');
const tabs = "BroadcastChannel" in window ? new BroadcastChannel("desk-live") : null;
const seen = new Set();
const changed = new Set();
let mark = null;
let ended = false;

// By event, not by import: under a second address that script would run twice.
const say = (detail) => document.dispatchEvent(new CustomEvent("toast", { detail }));
const asked = () => (mark ? `since=${mark}` : `pageAt=${encodeURIComponent(meta.content)}`);

/* The bell. */

const showUnread = (count) => {
  for (const bell of document.querySelectorAll("[data-bell]")) {
    const shown = bell.querySelector("[data-bell-count]");
    shown.hidden = !count;
    shown.textContent = count > 99 ? "99+" : String(count);
    bell.setAttribute("aria-label", count ? `Notifications, ${count} unread` : "Notifications");
  }
};

/* Sounds: two short tones, once somebody touched the page, so that none is heard while it loads (NT-3). */

let audio = null;
const allow = () => {
  if (meta.dataset.sound !== "on" || !window.AudioContext) return;
  audio ??= new AudioContext();
  if (audio.state === "suspended") void audio.resume();
};
for (const kind of ["pointerdown", "keydown"]) addEventListener(kind, allow, { once: true, passive: true });

const ring = () => {
  if (audio?.state !== "running") return;
  const volume = audio.createGain();
  volume.connect(audio.destination);
  [[0, 660], [0.14, 880]].forEach(([after, pitch]) => {
    const start = audio.currentTime + after;
    const tone = audio.createOscillator();
    tone.frequency.value = pitch;
    tone.connect(volume);
    tone.start(start);
    tone.stop(start + 0.12);
  });
  volume.gain.setValueAtTime(0.08, audio.currentTime);
  volume.gain.exponentialRampToValueAtTime(0.001, audio.currentTime + 0.3);
  document.documentElement.dataset.rang = String(Number(document.documentElement.dataset.rang ?? 0) + 1);
};
/* Of all tabs one rings. */
const ringOnce = (id) => {
  if (audio?.state !== "running") return;
  if (!navigator.locks) { ring(); return; }
  void navigator.locks.request(`desk-sound-${id}`, { ifAvailable: true }, async (lock) => {
    if (!lock) return;
    ring();
    await new Promise((done) => { setTimeout(done, 3000); });
  });
};

const tell = (note) => {
  if (seen.has(note.id)) return;
  seen.add(note.id);
  // Whoever reads the conversation sees the message itself.
  const here = note.type === "message_received" && document.querySelector(`[data-live-session="${note.bookingId}"]`);
  if (!here) {
    say({
      title: note.title, text: note.body, category: note.tone, urgent: note.tone === "error",
      action: note.actionUrl ? { url: note.actionUrl, label: note.action } : null,
    });
  }
  if (note.sound) ringOnce(note.id);
};

/* Parts of the page. */

const withoutTokens = (html) => html.replace(/(name="csrf_token" value=")[^"]*/g, "$1");
const isBusy = (part) => {
  const active = document.activeElement;
  return part.contains(active) && active.matches("input:not([type=hidden]), textarea, select");
};

const putIn = (part, fresh) => {
  if (withoutTokens(part.innerHTML) === withoutTokens(fresh.innerHTML)) return;
  if (isBusy(part) || part.querySelector("details[open], form[data-sent]")) {
    setTimeout(() => void readParts((each) => each.dataset.live === part.dataset.live), BUSY_AGAIN);
    return;
  }
  const active = part.contains(document.activeElement) ? document.activeElement : null;
  const again = active?.id ? `#${CSS.escape(active.id)}` : active?.getAttribute("href") ? `a[href="${CSS.escape(active.getAttribute("href"))}"]` : null;
  const node = document.importNode(fresh, true);
  part.replaceWith(node);
  if (again) node.querySelector(again)?.focus({ preventScroll: true });
  document.dispatchEvent(new CustomEvent("contentadded", { detail: node }));
};

let isReading = false;
let waiting = [];
const readParts = async (wanted) => {
  if (isReading) { waiting.push(wanted); return; }
  const parts = () => [...document.querySelectorAll("[data-live]")].filter(wanted);
  if (!parts().length) return;
  isReading = true;
  try {
    const answer = await fetch(location.href, { headers: { "X-Requested-With": "live" } });
    // It was taken from this reader, or the sign-in has ended: the page itself says which.
    if (answer.redirected || [401, 403, 404].includes(answer.status)) { location.reload(); return; }
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of parts()) {
      const fresh = page.querySelector(`[data-live="${part.dataset.live}"]`);
      if (fresh) putIn(part, fresh);
    }
  } catch { /* No connection; the next event asks again. */ }
  isReading = false;
  if (waiting.length) {
    const all = waiting;
    waiting = [];
    void readParts((part) => all.some((each) => each(part)));
  }
};

/* A list of cases does not change under the reader's hand: it says that it could. */
const offer = () => {
  const place = document.querySelector("[data-live-offer]");
  if (!place || !changed.size) return;
  const count = changed.size > 199 ? "200+" : changed.size;
  place.querySelector("[data-live-count]").textContent = place.dataset.liveOffer ? "This session changed" : changed.size === 1 ? "1 session changed" : `${count} sessions changed`;
  place.hidden = false;
};

let queuesAt = 0;
let queuesTimer = 0;
const readQueues = () => {
  const wait = queuesAt + QUEUES_EVERY - performance.now();
  if (wait > 0) { queuesTimer ||= setTimeout(() => { queuesTimer = 0; readQueues(); }, wait); return; }
  queuesAt = performance.now();
  void readParts((part) => part.dataset.live.startsWith("queue"));
};

/* A page shows what was there when it was made; catching up says nothing new of a list. */
const take = (news, isCatchingUp) => {
  if (news.unread !== null) showUnread(news.unread);
  news.notifications.forEach(tell);
  const ids = new Set(news.changedBookings);
  const all = news.everythingChanged;
  if (all || ids.size) {
    const isAbout = (part) => !part.dataset.live.startsWith("queue") && (all || !part.dataset.liveSession || ids.has(part.dataset.liveSession));
    void readParts(isAbout);
    const only = document.querySelector("[data-live-offer]")?.dataset.liveOffer;
    for (const id of ids) if (!isCatchingUp && (!only || only === id)) changed.add(id);
    offer();
  }
  if (news.queuesChanged || all) readQueues();
  if (news.notifications.length) void readParts((part) => part.dataset.live === "inbox");
};

const hear = (id, news, isCatchingUp) => {
  mark = id;
  take(news, isCatchingUp);
};
const hearAndPass = (id, news, isCatchingUp) => {
  hear(id, news, isCatchingUp);
  tabs?.postMessage({ id, news, isCatchingUp });
};

/* The stream, and what stands in for it. */

const goneAway = () => {
  if (ended) return;
  ended = true;
  say({ title: "You are signed out", text: "What you see here is no longer kept up to date.", category: "warning", action: { url: location.href, label: "Sign in again" } });
};

const poll = async () => {
  const isCatchingUp = !mark;
  const answer = await fetch(`${POLL}?${asked()}`, { headers: { "X-Requested-With": "live" } });
  if (answer.status === 401) { goneAway(); return; }
  if (!answer.ok) return;
  const { data } = await answer.json();
  const news = { ...data, queuesChanged: data.changedBookings.length > 0 || data.notifications.length > 0 };
  hearAndPass(data.cursor, news, isCatchingUp);
};

const pause = (time) => new Promise((done) => { setTimeout(done, time); });

const pollFor = async (time) => {
  document.documentElement.dataset.live = "polling";
  const until = performance.now() + time;
  while (!ended && performance.now() < until) {
    try { await poll(); } catch { /* No connection; the next question may have one. */ }
    await pause(document.hidden ? HIDDEN_EVERY : POLL_EVERY);
  }
};

/* Ends when the stream cannot be had; a browser mends short breaks by itself. */
const listen = () => new Promise((done) => {
  let isCatchingUp = !mark;
  const source = new EventSource(`${STREAM}?${asked()}`);
  const give = () => { source.close(); done(); };
  // A proxy that keeps events back says nothing at all.
  const patience = setTimeout(give, FIRST_EVENT);
  source.addEventListener("message", (event) => {
    clearTimeout(patience);
    document.documentElement.dataset.live = "stream";
    hearAndPass(event.lastEventId, JSON.parse(event.data), isCatchingUp);
    isCatchingUp = false;
  });
  source.addEventListener("error", () => { if (source.readyState === EventSource.CLOSED) { clearTimeout(patience); give(); } });
});

const lead = async () => {
  while (!ended) {
    await listen();
    await pollFor(STREAM_AGAIN);
  }
};

if (meta) {
  tabs?.addEventListener("message", ({ data }) => hear(data.id, data.news, data.isCatchingUp));
  if (navigator.locks && tabs) {
    let leads = false;
    void navigator.locks.request("desk-live", async () => { leads = true; await lead(); });
    // What happened between this page and the next event of the tab that listens.
    setTimeout(() => { if (!leads) { document.documentElement.dataset.live = "shared"; void poll().catch(() => {}); } }, 300);
  } else {
    void lead();
  }
}
