// A technician's phone beside the real `linesman demo`. Called by main.rs: node demo.mjs LOGIN_URL
// The ticket appears by itself, is confirmed by one tap, and is resolved before the eyes.
import assert from "node:assert/strict";
import fs from "node:fs";
import path from "node:path";
import { chromium } from "playwright-core";

const login = process.argv[2];
const base = new URL(login).origin;
const shots = process.env.LINESMAN_SCREENSHOTS;
if (shots) fs.mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.LINESMAN_CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"],
});
const context = await browser.newContext({
  viewport: { width: 390, height: 844 }, isMobile: true, hasTouch: true, locale: "en", timezoneId: "Asia/Shanghai",
});
const page = await context.newPage();
const errors = [];
page.on("pageerror", (error) => errors.push(error.message));
page.on("console", (message) => message.type() === "error" && errors.push(message.text()));
const wide = async (name) => {
  if (shots) await page.screenshot({ path: path.join(shots, `demo-${name}.png`), fullPage: true });
  assert(await page.evaluate(() => document.documentElement.scrollWidth <= 390), `${name} scrolls sideways`);
};

// Before anything happens: everything is measured and nothing is open.
await page.goto(login);
await page.waitForURL(`${base}/`);
await page.waitForSelector("#footing.f-sound", { timeout: 15_000 });
assert.equal(await page.locator("#open .entry").count(), 0);
await wide("before");
await page.evaluate(() => { window.same = true; });

// The ticket comes to the page, not the page to the ticket.
const entry = await page.waitForSelector("#open .entry", { timeout: 60_000 });
assert.equal(await page.evaluate(() => window.same), true, "the page was reloaded");
assert.match(await entry.textContent(), /link-1/);
await page.tap("#open .entry");
await page.waitForSelector("#headline");
const headline = (await page.textContent("#headline")).trim();
assert.match(headline, /link-1 .* \d\d:\d\d:\d\d UTC \(.*\d\d:\d\d:\d\d local\)/, "both clocks stand in the sentence");
assert.equal(await page.locator("svg.path:visible g.hop.fault").count(), 1);
assert.match(await page.textContent("ol.hops li.fault"), /link-1/);
await page.waitForSelector(".chart canvas");
assert.match(await page.textContent("#head"), /diagnosis not confirmed/);
await page.waitForSelector(".pulse.on");
await wide("ticket");

// One tap.
await page.tap("#confirm");
await page.waitForSelector("#result.done");
assert.doesNotMatch(await page.textContent("#head"), /diagnosis not confirmed/);
await wide("confirmed");
await page.evaluate(() => { window.same = true; });

// Healed, verified, resolved: seen without a reload, and the evidence of the fault is kept.
await page.waitForSelector("#head .t-settled, #head .t-resolved", { timeout: 90_000 });
assert.equal(await page.evaluate(() => window.same), true, "the page was reloaded");
assert.match(await page.textContent("#head"), /Service came back/);
assert.match(await page.textContent("#why"), /19 of 19/, "the evidence is that of the fault, not of its end");
await wide("resolved");
assert.deepEqual(errors, []);
await browser.close();
console.log("demo on a phone ok");
