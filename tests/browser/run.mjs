// Steps of people in a real Chromium. Called by main.rs: node run.mjs URL TOKEN
import assert from "node:assert/strict";
import crypto from "node:crypto";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { chromium } from "playwright-core";

const [base, token] = process.argv.slice(2);
const axeSource = fs.readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const shots = process.env.LINESMAN_SCREENSHOTS;
if (shots) fs.mkdirSync(shots, { recursive: true });

const words = {
  "en": { confirm: "The diagnosis is confirmed.", correct: "The correction is saved", remeasure: "Measuring again", conflict: "changed this ticket while you looked", note: "The note is saved.", file: "The file is on the ticket." },
  "zh-CN": { confirm: "诊断已确认。", correct: "更正已保存", remeasure: "正在重新测量", conflict: "工单已发生变化", note: "备注已保存。", file: "文件已添加到工单。" },
};
const hostile = `<script>window.hit=1</script><img src=x onerror="window.hit=2"> javascript:alert(3) \u202Etxt.exe`;

async function api(method, where, body, headers = {}) {
  const answer = await fetch(base + where, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}), ...headers },
    body: body && JSON.stringify(body),
  });
  assert(answer.ok, `${method} ${where}: ${answer.status} ${await answer.clone().text()}`);
  return answer.json();
}

// The first open ticket: a daemon may need a while to find its fault.
async function openTicket() {
  const end = Date.now() + 120_000;
  for (;;) {
    const list = await api("GET", "/api/v1/tickets?open=true");
    const ticket = (list.tickets ?? list.items ?? [])[0];
    if (ticket) return ticket.number;
    assert(Date.now() < end, "no ticket was opened within two minutes");
    await new Promise((resolve) => setTimeout(resolve, 500));
  }
}

const browser = await chromium.launch({
  executablePath: process.env.LINESMAN_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});

async function open(width, language, more = {}) {
  const phone = width < 500;
  const context = await browser.newContext({
    viewport: { width, height: phone ? 844 : 900 }, isMobile: phone, hasTouch: phone, locale: language, timezoneId: "Asia/Shanghai", ...more,
  });
  await context.addInitScript(() => {
    window.violations = [];
    document.addEventListener("securitypolicyviolation", (event) => window.violations.push(`${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}:${event.columnNumber} ${event.sample}`));
  });
  const page = await context.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push(error.message));
  page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
  page.setDefaultTimeout(15_000);
  return { context, page, errors, touch: (selector) => (phone ? page.tap(selector) : page.click(selector)) };
}

async function inspect(page, name, width) {
  await page.evaluate(axeSource);
  const found = await page.evaluate((options) => axe.run(document, options), { runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"] });
  assert.deepEqual(found.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target).join(" ")}`), [], `axe on ${name}`);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth);
  assert(wide <= width, `${name} scrolls sideways: ${wide} > ${width}`);
  const small = await page.evaluate(() => [...document.querySelectorAll("button, summary, select, nav a")].filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 47.5).map((e) => e.outerHTML.slice(0, 80)));
  assert.deepEqual(small, [], `touch targets on ${name}`);
  assert.deepEqual(await page.evaluate(() => window.violations), [], `CSP on ${name}`);
  if (!shots) return;
  await page.screenshot({ path: path.join(shots, `${name}.png`), fullPage: true });
  // A screenshot leaves style attributes behind; htmx would copy them, which the CSP rightly refuses.
  await page.evaluate(() => document.querySelectorAll("textarea[style], input[style]").forEach((field) => field.removeAttribute("style")));
}

async function result(page, text) {
  await page.waitForSelector(`#result:has-text("${text}")`);
  assert.equal(await page.evaluate(() => document.activeElement?.id), "result", "the focus is on the result");
}

// Evidence files: whoever may gets the bytes whose hash stands beside them; whoever may not sees the rows and why.
async function files(page, name, width, language, touch) {
  if (process.env.LINESMAN_BROWSER_URL && (await page.locator("#files li").count()) === 0) return;
  await page.waitForSelector("#files li a[download]");
  assert.equal(await page.locator("#files li").count(), 2);
  const waited = page.waitForEvent("download");
  await touch("#files li a[download]");
  const download = await waited;
  assert.equal(download.suggestedFilename(), (await page.textContent("#files li a[download]")).trim());
  const hash = crypto.createHash("sha256").update(fs.readFileSync(await download.path())).digest("hex");
  assert.equal(hash, (await page.textContent("#files li .hash")).trim());
  const viewer = await open(width, language);
  await viewer.page.goto(`${base}/login?next=${encodeURIComponent(where)}#${viewerToken}`);
  await viewer.page.waitForURL(base + where);
  await viewer.page.waitForSelector("#files-closed");
  assert.equal(await viewer.page.locator("#files li").count(), 2);
  assert.equal(await viewer.page.locator("#files a").count(), 0, "no link for who may not");
  await inspect(viewer.page, `${name}-viewer`, width);
  assert.deepEqual(viewer.errors, [], `console of the viewer on ${name}`);
  await viewer.context.close();
}

// Strokes across the field to sign in: by finger on a phone, else by mouse.
async function draw(page, width) {
  const pad = page.locator("[data-sign] canvas");
  await pad.scrollIntoViewIfNeeded();
  const box = await pad.boundingBox();
  const at = (x, y) => ({ x: box.x + box.width * x, y: box.y + box.height * y });
  const strokes = [[at(0.1, 0.7), at(0.3, 0.2), at(0.5, 0.8)], [at(0.6, 0.3), at(0.9, 0.6)]];
  const touch = width < 500 ? await page.context().newCDPSession(page) : null;
  // As slow as a hand: a browser takes strokes without time for a fling, and the next tap for its end.
  let time = Date.now() / 1000 - 5;
  const finger = (type, points) => touch.send("Input.dispatchTouchEvent", { type, touchPoints: points, timestamp: (time += 0.2) });
  for (const [first, ...others] of strokes) {
    if (touch) await finger("touchStart", [first]);
    else { await page.mouse.move(first.x, first.y); await page.mouse.down(); }
    for (const next of others) {
      if (touch) await finger("touchMove", [next]);
      else await page.mouse.move(next.x, next.y, { steps: 5 });
    }
    if (touch) await finger("touchEnd", []);
    else await page.mouse.up();
  }
}

// The customer signs; what he drew is a file of the ticket, named by the form, and a recorded call is put beside it.
async function proofs(page, name, width, touch, ticket, say) {
  const filled = async (form, values) => {
    await page.goto(`${base}/tickets/${ticket}/forms/${form}/fill`);
    await page.selectOption("#f-mode", "on_site");
    for (const [field, value] of Object.entries(values)) await page.fill(`#f-${field}`, value);
  };
  // A service is prepared before it is recorded (R89).
  await filled("service_preparation", { agreed_at: "2026-11-18T09:00:00Z", executor: "wang", model: "GW-8", symptom: "no tone", spares: "a plug", guides: "the manual", departments: "none asked" });
  await touch("#fill .primary");
  await page.waitForURL(`${base}/tickets/${ticket}/forms/service_preparation`);
  await filled("service_process", { service_type: "repair", executor: "wang", service_time: "2026-11-18T09:00:00Z", place: "on site", findings: "a worn plug", measures: "replaced" });
  const drawn = () => page.inputValue('input[name="signature.png"]');
  assert.equal(await drawn(), "", "nothing is signed before somebody signs");
  await draw(page, width);
  await page.waitForFunction(() => document.querySelector('input[name="signature.png"]').value !== "");
  await touch("[data-sign] button");
  // What is cleared is not sent.
  await page.waitForFunction(() => document.querySelector('input[name="signature.png"]').value === "");
  await draw(page, width);
  await page.waitForFunction(() => document.querySelector('input[name="signature.png"]').value !== "");
  const ink = await page.evaluate(() => {
    const { width, height } = document.querySelector("[data-sign] canvas");
    const pixels = document.querySelector("[data-sign] canvas").getContext("2d").getImageData(0, 0, width, height).data;
    let dark = 0;
    for (let place = 0; place < pixels.length; place += 4) dark += pixels[place] < 128 ? 1 : 0;
    return [dark > 800, pixels[0] === 255, window.scrollX];
  });
  assert.deepEqual(ink, [true, true, 0], "ink on white paper, and the page stays where it was");
  await inspect(page, `${name}-sign`, width);
  const sent = Buffer.from((await drawn()).split(",")[1], "base64");
  await touch("#fill .primary");
  await page.waitForURL(`${base}/tickets/${ticket}/forms/service_process`);
  const hash = crypto.createHash("sha256").update(sent).digest("hex");
  assert((await page.textContent("body")).includes(hash), "the form names what was signed");
  const list = await api("GET", `/api/v1/tickets/${ticket}/attachments`);
  assert.deepEqual(list.attachments.map((file) => [file.kind, file.sha256]), [["signature", hash]]);

  await page.goto(`${base}/tickets/${ticket}`);
  await page.waitForSelector("#files li a[download]");
  await touch("#attaching > summary");
  await page.selectOption("#attach-kind", "recorded_call");
  const call = Buffer.concat([Buffer.from("RIFF\x24\0\0\0WAVEfmt "), Buffer.alloc(4_000, name)]);
  await page.setInputFiles("#attach-file", { name: "call.wav", mimeType: "audio/wav", buffer: call });
  await inspect(page, `${name}-attach`, width);
  await touch("#attaching button");
  await page.waitForSelector(`#result:has-text("${say.file}")`);
  assert.equal(await page.locator("#files li").count(), 2);
}

const number = await openTicket();
const { token: viewerToken } = await api("POST", "/api/v1/tokens", { name: `looks-on-${Date.now()}`, role: "viewer" });
const where = `/tickets/${number}`;
const hidden = await open(1440, "en");

// Somebody without a session is led to the login and back; a hash logs in and leaves no trace.
await hidden.page.goto(base + where);
assert.equal(new URL(hidden.page.url()).pathname, "/login");
await inspect(hidden.page, "login", 1440);
await hidden.page.goto(`${base}/login?next=${encodeURIComponent(where)}#${token}`);
await hidden.page.waitForURL(base + where);
assert(!hidden.page.url().includes("lm_"));
const storageState = await hidden.context.storageState();
await hidden.context.close();

const day = (hours) => new Date(Date.now() + hours * 3_600_000).toISOString();
const roster = `
[[department]]
id = "noc"
name = "NOC"
name_zh = "网络监控"
head = "wang"
classes = ["B", "C", "D"]

[[person]]
id = "wang"
name = "Wang Fang"
department = "noc"
roles = ["technician", "technical_manager"]

[[person]]
id = "qian"
name = "Qian Jun"
department = "noc"
roles = ["quality_manager"]
supervisor = "wang"

[[duty]]
department = "noc"
person = "wang"
from = "${day(-1)}"
to = "${day(7)}"
`;
// The roster of a daemon that was given stays as it is.
if (!process.env.LINESMAN_BROWSER_URL) await api("PUT", "/api/v1/people", { version: 0, toml: roster, note: "of this test" });

for (const language of ["en", "zh-CN"]) {
  for (const width of [390, 1440]) {
    const name = `${width}-${language}`;
    const { context, page, errors, touch } = await open(width, language, { storageState });
    const say = words[language];

    // The overview leads to the ticket.
    await page.goto(base + "/");
    assert.equal(await page.getAttribute("html", "lang"), language);
    await page.waitForSelector("#footing .mark");
    await page.waitForSelector(".pulse.on");
    await page.waitForSelector(`#open a[href="${where}"]`);
    await inspect(page, `${name}-overview`, width);
    await touch(`#open a[href="${where}"]`);

    // The ticket: sentence, path, chart.
    await page.waitForSelector("#headline");
    assert((await page.textContent("#headline")).trim().length > 20);
    assert.equal(await page.locator("svg.path:visible").count(), 1, "one path for this width");
    assert((await page.locator("svg.path:visible g.hop").count()) >= 2);
    assert.equal(await page.locator("svg.path:visible g.hop.fault").count(), 1);
    assert((await page.locator("ol.hops > li").count()) >= 2);
    await page.waitForSelector(".chart canvas");
    const drawn = await page.evaluate(() => [...document.querySelectorAll(".chart canvas")].map((c) => c.getContext("2d").getImageData(0, 0, c.width, c.height).data.some((b) => b)));
    assert.deepEqual(drawn, [true, true], "loss and delay are drawn");
    await page.waitForSelector(".pulse.on");

    // What happens elsewhere arrives without a reload, and hostile text stays text.
    await page.evaluate(() => { window.same = true; });
    const now = await api("GET", `/api/v1/tickets/${number}`);
    const text = `${name} ${hostile}`;
    await api("POST", `/api/v1/tickets/${number}/note`, { text }, { "If-Match": `"v${now.version}"` });
    await page.waitForFunction((start) => [...document.querySelectorAll("#history blockquote")].some((quote) => quote.textContent.startsWith(start)), name);
    const quoted = await page.evaluate((start) => [...document.querySelectorAll("#history blockquote")].find((quote) => quote.textContent.startsWith(start)).textContent, name);
    assert(quoted.includes("<script>window.hit=1</script>") && quoted.includes("[U+202E]"), quoted);
    assert.equal(await page.evaluate(() => window.hit), undefined, "hostile text ran");
    assert.equal(await page.evaluate(() => window.same), true, "the page was reloaded");
    await inspect(page, `${name}-ticket`, width);
    await files(page, name, width, language, touch);

    // Confirm in one tap, correct, measure again.
    await touch("#confirm");
    await result(page, say.confirm);
    await touch("#correcting > summary");
    await page.selectOption("#correct-segment", { index: 0 });
    await page.fill("#correct-text", `${name} <b>seen</b>`);
    await inspect(page, `${name}-correct`, width);
    await touch("#correcting button");
    await result(page, say.correct);
    assert((await page.textContent(".verdict q")).includes("<b>seen</b>"));
    await touch("#remeasure");
    await result(page, say.remeasure);
    assert.deepEqual(errors, [], `console on ${name}`);

    // A version that somebody else has overtaken is refused with its sentence, and nothing is lost.
    await touch("#noting > summary");
    await page.fill("#note-text", "typed before the conflict");
    // In one go: a live update in between would bring the version up to date again.
    await page.evaluate(() => {
      for (const field of document.querySelectorAll('input[name="version"]')) field.value = "1";
      document.querySelector("#noting button").click();
    });
    await page.waitForSelector(`#result.refused:has-text("${say.conflict}")`);
    assert.equal(await page.inputValue("#note-text"), "typed before the conflict");
    await touch("#noting button");
    await result(page, say.note);

    // An element and the list.
    await page.goto(base + (await page.getAttribute(".hops a", "href")));
    await page.waitForSelector("#targets");
    await inspect(page, `${name}-element`, width);
    await page.goto(base + "/tickets?show=all");
    await page.waitForSelector(`a[href="${where}"]`);
    await inspect(page, `${name}-tickets`, width);

    // The service desk: a call becomes a ticket, a form is filed, somebody is on duty.
    await page.goto(base + "/register");
    await page.fill("#phone", `138${String(width).padStart(4, "0")}000${language === "en" ? 1 : 2}`);
    await page.fill("#name", "Li Na");
    await page.fill("#description", `${name} ${hostile}`);
    await page.fill("#promise_by", new Date(Date.now() + 14 * 3_600_000).toISOString().slice(0, 16));
    // A case of the regulator without its number and date is refused, and the page asks for them.
    await page.selectOption("#channel", "regulator");
    await touch("#register .primary");
    await page.waitForSelector(".result.refused");
    await page.fill("#referral_case", "MIIT-2026-7");
    await page.fill("#referral_due", "2030-01-01T18:00");
    await inspect(page, `${name}-register`, width);
    await touch("#register .primary");
    await page.waitForSelector("p.result.done");
    await page.waitForSelector("#promised");
    const registered = (await page.textContent("h1")).trim();
    assert.match(registered, /^LM-\d{4}-\d{6}$/);
    await inspect(page, `${name}-registered`, width);
    await page.goto(`${base}/tickets/${registered}`);
    await page.waitForSelector("#forms a.fill");
    await inspect(page, `${name}-complaint`, width);
    await page.goto(`${base}/tickets/${registered}/forms/server_maintenance/fill`);
    for (const [field, value] of Object.entries({ server: "sbc-1", start: "2026-11-18T09:00:00Z", end: "2026-11-18T10:00:00Z", person: "wang", fault: "disk full", correction: "emptied" })) await page.fill(`#f-${field}`, value);
    await inspect(page, `${name}-fill`, width);
    await touch("#fill .primary");
    await page.waitForURL(`${base}/tickets/${registered}/forms/server_maintenance`);
    assert.equal((await api("GET", `/api/v1/tickets/${registered}/forms/server_maintenance`)).filed, 1);
    await proofs(page, name, width, touch, registered, say);
    await page.goto(base + "/roster");
    await page.waitForSelector(process.env.LINESMAN_BROWSER_URL ? "h1" : "#persons");
    await inspect(page, `${name}-roster`, width);

    // The conflict and the refused registration.
    const unexpected = errors.filter((error) => !/\b(409|422)\b/.test(error));
    assert.deepEqual(unexpected, [], `console on ${name}`);
    await context.close();
    console.log(`${name} ok`);
  }
}

// Dark, and without script: the same ticket, the same buttons.
const dark = await open(1440, "en", { storageState, colorScheme: "dark" });
await dark.page.goto(base + where);
await dark.page.waitForSelector(".chart canvas");
await inspect(dark.page, "dark-ticket", 1440);
await dark.page.goto(base + "/");
await inspect(dark.page, "dark-overview", 1440);
await dark.context.close();

const plain = await open(390, "zh-CN", { storageState, javaScriptEnabled: false });
await plain.page.goto(base + where);
await plain.page.tap("#confirm");
await plain.page.waitForSelector(`#result.done:has-text("${words["zh-CN"].confirm}")`);
await plain.page.tap('a[hreflang="en"]');
assert.equal(await plain.page.getAttribute("html", "lang"), "en");
await plain.page.goto(base + "/");
assert.equal(await plain.page.getAttribute("html", "lang"), "en", "the chosen language is remembered");
await plain.context.close();
console.log("dark and without script ok");
await browser.close();
