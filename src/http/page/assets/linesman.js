// Keeps a page live, puts the reader's own time beside UTC, moves the focus to results.
// Everything works without this file; nothing is decided here.
"use strict";
(() => {
  const body = document.body;
  const pulse = document.getElementById("pulse");
  const seen = new Map();

  // The reader's own time, where it is not UTC.
  const clock = new Intl.DateTimeFormat(document.documentElement.lang, { hour: "2-digit", minute: "2-digit", second: "2-digit", hour12: false });
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { month: "short", day: "numeric" });
  function localTimes(root) {
    if (new Date().getTimezoneOffset() === 0) return;
    for (const time of root.querySelectorAll("time[datetime]:not([data-done])")) {
      time.dataset.done = "";
      const own = document.createElement("span");
      own.className = "own";
      const at = new Date(time.dateTime);
      const other = at.getDate() !== at.getUTCDate() ? day.format(at) + " " : "";
      const words = other + clock.format(at) + " " + body.dataset.local;
      own.textContent = time.classList.contains("said") ? body.dataset.open + words + body.dataset.close : " " + words;
      time.append(document.createElement("wbr"), own);
    }
  }

  // The version is no content: a region that differs by it alone is not drawn again.
  const plain = (region) => region.innerHTML.replace(/(name="version" value=")\d+/g, "$1");
  const regions = (root) => root.querySelectorAll("[data-region]");
  function remember(root) {
    for (const region of regions(root)) seen.set(region.id, plain(region));
  }

  // Somebody types or chooses there: not to be drawn over.
  function busy(region) {
    // What a refused form gave back counts as typed.
    const typed = [...region.querySelectorAll("textarea")].some((field) => field.value !== "");
    const chosen = [...region.querySelectorAll("option")].some((option) => option.selected !== option.defaultSelected && option.parentElement.closest("details[open]"));
    const picked = [...region.querySelectorAll('input[type="file"]')].some((field) => field.files.length > 0);
    return typed || chosen || picked || (region.contains(document.activeElement) && document.activeElement.matches("textarea, select, input"));
  }

  function draw(fresh) {
    // What was waited for brings parts that are not there yet.
    const waits = document.querySelector("[data-poll]");
    if (waits && [...regions(fresh)].some((region) => !document.getElementById(region.id))) return location.reload();
    for (const region of regions(document)) {
      const other = fresh.getElementById(region.id);
      if (!other) continue;
      const text = plain(other);
      if (seen.get(region.id) !== text && !busy(region)) {
        const open = [...region.querySelectorAll("details[open]")].map((detail) => detail.id);
        const focus = region.contains(document.activeElement) ? document.activeElement.id : "";
        region.className = other.className;
        if (other.dataset.poll) region.dataset.poll = other.dataset.poll;
        else delete region.dataset.poll;
        region.replaceChildren(...other.childNodes);
        for (const id of open) document.getElementById(id)?.setAttribute("open", "");
        if (focus) document.getElementById(focus)?.focus({ preventScroll: true });
        seen.set(region.id, text);
        localTimes(region);
        window.htmx?.process(region);
      }
    }
    // A form says which version its reader saw, and he sees the newest.
    const version = fresh.querySelector('input[name="version"]')?.value;
    if (version) for (const input of document.querySelectorAll('input[name="version"]')) input.value = version;
    dispatchEvent(new Event("linesman:drawn"));
  }

  let waiting = 0;
  let due = 0;
  let last = 0;
  let running = false;
  let again = false;
  // At once when something happened to a ticket; else not more often than every `rest` ms.
  function refresh(rest) {
    if (document.hidden) return;
    // What is being read may be older than what happened.
    if (running) { again ||= rest < 1000; return; }
    const at = Math.max(Date.now() + 100, last + rest);
    if (waiting && due <= at) return;
    clearTimeout(waiting);
    due = at;
    waiting = setTimeout(load, at - Date.now());
  }
  async function load() {
    waiting = 0;
    running = true;
    again = false;
    last = Date.now();
    try {
      const answer = await fetch(location.pathname + location.search.replace(/[?&]done=\w+/, ""), { headers: { Accept: "text/html" }, cache: "no-store" });
      if (answer.redirected && new URL(answer.url).pathname === "/login") return location.reload();
      if (answer.ok) draw(new DOMParser().parseFromString(await answer.text(), "text/html"));
    } catch {
      // The event stream says when the daemon is back.
    } finally {
      running = false;
      if (again) refresh(200);
    }
  }

  function say(word, state) {
    if (!pulse || pulse.className === "pulse " + state) return;
    pulse.className = "pulse " + state;
    pulse.textContent = word;
  }

  remember(document);
  localTimes(document);

  // A page without live events that waits for something asks now and then, until it has come.
  let poll = 0;
  function ask() {
    clearTimeout(poll);
    const every = document.querySelector("[data-poll]")?.dataset.poll;
    if (every) poll = setTimeout(() => { refresh(0); ask(); }, every);
  }
  ask();
  addEventListener("linesman:drawn", ask);

  if (body.dataset.topic) {
    let lost = false;
    const stream = new EventSource("/events?topic=" + encodeURIComponent(body.dataset.topic));
    stream.addEventListener("open", () => {
      say(body.dataset.live, "on");
      if (lost) refresh(0);
      lost = false;
    });
    stream.addEventListener("error", () => {
      lost = true;
      say(body.dataset.lost, "off");
    });
    for (const name of ["ticket", "settings", "reset"]) stream.addEventListener(name, () => refresh(200));
    stream.addEventListener("diagnosis", () => refresh(1500));
    addEventListener("pagehide", () => stream.close());
    addEventListener("pageshow", (event) => event.persisted && location.reload());
    document.addEventListener("visibilitychange", () => refresh(0));
  }

  // After a button: the result is read first.
  document.addEventListener("htmx:after:swap", () => {
    remember(document);
    localTimes(document);
    document.getElementById("result")?.focus();
    dispatchEvent(new Event("linesman:swapped"));
  });
})();
