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

export const shot = (page, name) => page.screenshot({ path: join(shots, `${name}.png`), fullPage: true });

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

