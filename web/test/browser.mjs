// A real browser for the console's tests. The environment says where:
//   CONSOLE_SHOTS  folder for screenshots     CHROMIUM  the browser, if not Debian's
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createServer, request } from "node:http";
import { join } from "node:path";
import { after, before } from "node:test";
import { chromium } from "playwright-core";

export const env = (name) => process.env[name] ?? assert.fail(`${name} is not set`);
const shots = env("CONSOLE_SHOTS");
const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"];
export const desktop = { width: 1280, height: 900 };
export const phone = { width: 390, height: 844 };

let browser;
before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: flags });
});
after(() => browser?.close());

/** visit runs f in a fresh browser profile and fails on any script error of the page. */
export async function visit(options, f) {
  const context = await browser.newContext({ locale: "zh-CN", viewport: desktop, ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(180_000);
  const errors = [];
  page.on("pageerror", (e) => errors.push(String(e)));
  try {
    await f(page);
  } catch (e) {
    await page.screenshot({ path: join(shots, `failed-${process.pid}.png`), fullPage: true });
    throw e;
  } finally {
    await context.close();
  }
  assert.deepEqual(errors, []);
}

/** pale finds the texts of a page that stand out less than WCAG AA asks for. */
const pale = (page) => page.evaluate(() => {
  const parse = (c) => {
    const m = c.match(/[\d.]+/g).map(Number);
    return c.startsWith("color(srgb") ? [m[0] * 255, m[1] * 255, m[2] * 255, m[3] ?? 1] : [m[0], m[1], m[2], m[3] ?? 1];
  };
  const over = (top, under) => [0, 1, 2].map((i) => top[i] * top[3] + under[i] * (1 - top[3])).concat(1);
  const light = (c) => {
    const [r, g, b] = c.map((v) => ((v /= 255), v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const found = new Map();
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let n = walker.nextNode(); n; n = walker.nextNode()) {
    const e = n.parentElement;
    if (!n.data.trim() || ["SCRIPT", "STYLE"].includes(e.tagName) || e.closest("[disabled],[aria-disabled=true],.ant-btn-loading,.skip")) continue;
    const range = document.createRange();
    range.selectNodeContents(n);
    const at = range.getBoundingClientRect();
    if (at.width === 0 || getComputedStyle(e).visibility === "hidden") continue;
    let opacity = 1;
    const layers = [];
    for (let x = e; x; x = x.parentElement) {
      const s = getComputedStyle(x);
      opacity *= Number(s.opacity);
      layers.push(parse(s.backgroundColor));
    }
    let back = [255, 255, 255, 1];
    for (const l of layers.reverse()) back = over(l, back);
    const s = getComputedStyle(e);
    const ink = parse(s.color);
    const front = over([ink[0], ink[1], ink[2], ink[3] * opacity], back);
    const [a, b] = [light(front), light(back)].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    const size = parseFloat(s.fontSize);
    const need = size >= 24 || (size >= 18.66 && Number(s.fontWeight) >= 700) ? 3 : 4.5;
    if (ratio < need) found.set(`${e.className || e.tagName} ${s.color} on ${back.slice(0, 3).map(Math.round)}`, `${ratio.toFixed(2)} "${n.data.trim().slice(0, 30)}"`);
  }
  return [...found].map(([k, v]) => `${v} ${k}`);
});

const picture = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });

/** settled waits until nothing on a page loads or fades: what then stands there is what people read. */
const settled = (page) => page.waitForFunction(() => {
  const ends = (a) => a.effect?.getComputedTiming().endTime !== Infinity;
  return document.querySelector(".ant-spin-spinning > .ant-spin-container") === null && !document.getAnimations().some((a) => a.playState === "running" && ends(a));
});

/** shot keeps a picture of a page, on which every text must be legible. */
export async function shot(page, name) {
  await settled(page);
  for (const text of await pale(page)) tooPale.push(`${name}: ${text}`);
  await picture(page, name);
}

// All of them are told at once, when everything has been seen.
const tooPale = [];
after(() => assert.deepEqual(tooPale, []));

// A server between the browser and the node that changes what the node says.
export async function lying(url, alter, f) {
  const server = createServer((req, res) => {
    const up = request(url + req.url, { method: req.method, headers: { ...req.headers, host: new URL(url).host, "accept-encoding": "identity" } }, (answer) => {
      const parts = [];
      answer.on("data", (d) => parts.push(d));
      answer.on("end", () => {
        const body = Buffer.concat(parts);
        const told = alter(req.url, body.toString()) ?? body;
        const headers = { ...answer.headers };
        delete headers["content-length"];
        res.writeHead(answer.statusCode, headers);
        res.end(told);
      });
    });
    up.on("error", () => res.destroy());
    req.pipe(up);
  });
  await new Promise((done) => server.listen(0, "127.0.0.1", done));
  try {
    await f(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

