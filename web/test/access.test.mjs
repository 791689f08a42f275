// Logging in, operating a node, and verifying in public, in a real browser. Besides what browser.mjs asks for:
//   CONSOLE_GUARDED  a node that asks for logins     CONSOLE_ADMIN  path of its administrator's key, without .key
//                    which hosts a second chain, spare; CONSOLE_PROPOSAL is the title of a proposal that lacks its vote
//   CONSOLE_PORTAL   host:port of the site that may embed the verification page
//   CONSOLE_FILES    folder with contract.txt, altered.txt, proof.json and certificate.pdf of a deposit; CONSOLE_FILE_HASH its SM3
import assert from "node:assert/strict";
import { openAsBlob, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { test } from "node:test";
import { env, lying, phone, shot, visit } from "./browser.mjs";

const guarded = env("CONSOLE_GUARDED");
const files = env("CONSOLE_FILES");
const passphrase = readFileSync(env("CONSOLE_PASSPHRASE"), "utf8").trim();
const clerk = { key: env("CONSOLE_KEY"), cert: env("CONSOLE_CERT") };
const admin = { key: `${env("CONSOLE_ADMIN")}.key`, cert: `${env("CONSOLE_ADMIN")}.pem` };
const inFiles = (name) => join(files, name);

/** logIn fills the login card; english or chinese words alike. */
async function logIn(page, who, secret = passphrase) {
  const form = page.locator("form").first();
  await form.locator("input[type=file]").nth(0).setInputFiles(who.key);
  await form.locator("input[type=file]").nth(1).setInputFiles(who.cert);
  await form.locator("#passphrase").fill(secret);
  await form.locator("button[type=submit]").click();
}

test("a key file opens a session, signed in the browser; a wrong passphrase and another's certificate do not", () =>
  visit({ locale: "en-GB" }, async (page) => {
    await page.goto(`${guarded}/console/gov`);
    await page.getByRole("heading", { name: "Log in with a certificate" }).waitFor();
    await shot(page, "login");
    await logIn(page, clerk, "wrong");
    await page.getByText("Wrong key file or passphrase").waitFor();
    await logIn(page, { key: admin.key, cert: clerk.cert });
    await page.getByRole("alert").getByText("HC-").first().waitFor();
    await logIn(page, clerk);
    await page.getByText("Newest blocks").waitFor();
    await page.getByRole("link", { name: "Operations" }).click();
    await page.getByRole("alert").getByText("HC-2201").waitFor();
    await shot(page, "operations-refused");
    await page.getByRole("button", { name: "Log out" }).click();
    await page.getByRole("heading", { name: "Log in with a certificate" }).waitFor();
  }));

test("an administrator sees the node: chains, peers, certificates, proposals, archive, alarms, log, configuration, sessions, audit", () =>
  visit({}, async (page) => {
    await page.goto(`${guarded}/console/gov/operations`);
    await logIn(page, admin);
    await page.getByRole("cell", { name: "运行中" }).nth(1).waitFor();
    await shot(page, "operations-node");
    const tabs = { peers: "已连接", certificates: "正常", proposals: "表决中", archive: "未启用归档", alarms: "node.toml", log: "level=", config: "web.oidc.secretFile", sessions: "结束会话", audit: "哈希链已核对" };
    for (const [tab, word] of Object.entries(tabs)) {
      await page.goto(`${guarded}/console/gov/operations/${tab}`);
      await page.locator("section").getByText(word, { exact: false }).first().waitFor();
      await shot(page, `operations-${tab}`);
    }
    await page.goto(`${guarded}/console/gov/operations/config`);
    await page.getByText("web.oidc.secretFile").waitFor();
    assert.equal(await page.getByText("console-secret").count(), 0);
    await page.goto(`${guarded}/console/gov/operations/sessions`);
    await page.getByRole("button", { name: "结束会话" }).first().click();
    await page.locator(".ant-popconfirm").getByRole("button", { name: "结束会话" }).click();
    await page.getByRole("heading", { name: "证书登录" }).or(page.getByRole("alert").getByText("HC-1016")).first().waitFor();
  }));

test("an administrator stops and starts a chain, not the one that the session lives on; both orders are on record", () =>
  visit({}, async (page) => {
    await page.goto(`${guarded}/console/gov/operations`);
    await logIn(page, admin);
    const row = (chain) => page.getByRole("row").filter({ has: page.getByRole("cell", { name: chain, exact: true }) });
    const order = async (chain, word) => {
      const what = new RegExp([...word].join("\\s?")); // a button of two characters has a space between them
      await row(chain).getByRole("button", { name: what }).click();
      await page.locator(".ant-popconfirm:visible").getByRole("button", { name: what }).click();
    };
    await row("spare").getByText("运行中").waitFor();
    await order("spare", "停止");
    await row("spare").getByText("已停止").waitFor();
    await shot(page, "operations-stopped");
    const status = () => page.evaluate(async () => (await fetch("/api/v1/node")).json());
    assert.equal((await status()).chains.find((c) => c.chain === "spare").state, "stopped");
    await order("spare", "启动");
    await row("spare").getByText("运行中").waitFor();
    assert.equal((await status()).chains.find((c) => c.chain === "spare").state, "running");
    await order("gov", "停止");
    await page.getByRole("alert").getByText("HC-1002").waitFor();
    await row("gov").getByText("运行中").waitFor();
    await page.goto(`${guarded}/console/gov/operations/audit`);
    await page.getByRole("cell", { name: "chains.stop" }).first().waitFor();
    await page.getByRole("cell", { name: "chains.start" }).first().waitFor();
  }));

test("a vote is signed in the browser, with the certificate the first time, and the proposal takes effect", () =>
  visit({ viewport: phone, colorScheme: "dark" }, async (page) => {
    await page.goto(`${guarded}/console/gov/operations/proposals`);
    await logIn(page, admin);
    await page.getByText(env("CONSOLE_PROPOSAL")).waitFor();
    await page.getByText("表决中").waitFor();
    await page.locator(".ant-table-row-expand-icon").first().click();
    const form = page.locator("form").last();
    const [left, width] = await form.evaluate((e) => [e.getBoundingClientRect().left, e.getBoundingClientRect().width]);
    assert.ok(left >= 0 && left + width <= phone.width, `the form reaches from ${left} over ${width}`);
    await form.locator("input[type=file]").nth(0).setInputFiles(admin.key);
    const submit = async (secret) => {
      await form.locator("#passphrase").fill(secret);
      await form.getByRole("button", { name: "签名并提交" }).click();
    };
    await submit("wrong");
    await page.getByText("密钥文件或口令不对").waitFor();
    await submit(passphrase);
    await page.getByRole("alert").getByText("HC-2108").first().waitFor();
    await shot(page, "vote-refused");
    await form.locator("input[type=file]").nth(1).setInputFiles(admin.cert);
    await submit(passphrase);
    await page.getByText("已提交上链").waitFor();
    await page.getByText("已通过并生效").waitFor();
    await shot(page, "vote");
  }));

test("the identity provider logs people in, to read", () =>
  visit({}, async (page) => {
    await page.goto(`${guarded}/console/gov`);
    await page.getByRole("link", { name: "统一身份登录" }).or(page.getByRole("button", { name: "统一身份登录" })).click();
    await page.locator("#username").fill("test-user@localhost");
    await page.locator("#password").fill("verysecure");
    await page.getByRole("button", { name: "Login" }).click();
    await page.getByText("最新区块").waitFor();
    await page.goto(`${guarded}/console/gov/operations`);
    await page.getByRole("alert").getByText("HC-2201").waitFor();
    await page.context().clearCookies();
    await page.goto(`${guarded}/api/v1/oidc/callback?state=00&code=00`);
    await page.getByText("HC-2201 身份提供方登录未成功").waitFor();
    await shot(page, "login-refused");
  }));

/** choose gives the page a file to verify, and a proof file. */
async function choose(page, file, proof) {
  await page.locator("[data-testid=verify-file] input, input[type=file]").first().setInputFiles(file);
  if (proof !== undefined) await page.locator("input[type=file]").nth(1).setInputFiles(proof);
  await page.getByText("SHA-256").waitFor();
}

const check = (page) => page.getByRole("button", { name: "开始核验" }).click();

test("everybody verifies a file without a login; an altered one matches nothing", () =>
  visit({ viewport: phone }, async (page) => {
    await page.goto(`${guarded}/console/verify/gov`);
    await choose(page, inFiles("contract.txt"));
    await page.getByText(env("CONSOLE_FILE_HASH")).first().waitFor();
    await check(page);
    await page.getByText("核验通过").waitFor();
    await page.getByText("采购合同正本").waitFor();
    const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
    assert.ok(wide <= view, `${wide} wide in ${view}`);
    await shot(page, "verify-phone");
    await choose(page, inFiles("altered.txt"));
    await check(page);
    await page.getByText("不一致").waitFor();
    await page.getByText("从未存证").waitFor();
    await shot(page, "verify-altered");
    const status = (path) => page.evaluate(async (p) => (await fetch(p)).status, path);
    assert.equal(await status("/api/v1/chains/gov/blocks"), 401);
    assert.equal(await status("/api/v1/chains/gov/state/identity"), 401);
  }));

test("with a proof file or a PDF certificate the node may be gone once the page is there", () =>
  visit({}, async (page) => {
    await page.goto(`${guarded}/console/verify/gov`);
    await page.locator("input[type=file]").first().waitFor({ state: "attached" });
    await page.waitForLoadState("networkidle");
    await page.context().setOffline(true);
    for (const proof of ["proof.json", "certificate.pdf"]) {
      await choose(page, inFiles("contract.txt"), inFiles(proof));
      await page.getByText(proof).waitFor();
      await check(page);
      await page.getByText("核验通过").waitFor();
      await page.getByText("未询问节点").waitFor();
    }
    await shot(page, "verify-offline");
    await choose(page, inFiles("altered.txt"));
    await check(page);
    await page.getByText("针对的是另一个文件").waitFor();
    const proof = readFileSync(inFiles("proof.json"), "utf8");
    for (const [name, bad] of Object.entries({
      "value.json": proof.replace(/"value":\s*"(.{40})(.)/, (_, a, c) => `"value":"${a}${c === "0" ? "1" : "0"}`),
      "signature.json": proof.replaceAll(/"signature":\s*"(.{9})(.)/g, (_, a, c) => `"signature":"${a}${c === "0" ? "1" : "0"}`),
      "header.json": proof.replace(/"timeNs":\s*"(\d{5})(\d)/, (_, a, c) => `"timeNs":"${a}${(Number(c) + 1) % 10}`),
    })) {
      writeFileSync(inFiles(name), bad);
      await choose(page, inFiles("contract.txt"), inFiles(name));
      if (name === "header.json") await page.getByRole("alert").getByText("hash").waitFor();
      else {
        await check(page);
        await page.getByText("验证失败").waitFor();
      }
      assert.equal(await page.getByText("核验通过").count(), 0, name);
    }
  }));

test("a lying server is caught by the verification page", () =>
  lying(guarded, (path, text) => (path.includes("/state/evidence/") ? text.replace(/("proof":"[0-9a-f]{900})(.)/, (_, a, c) => a + (c === "0" ? "1" : "0")) : null), (liar) =>
    visit({}, async (page) => {
      await page.goto(`${liar}/console/verify/gov`);
      await choose(page, inFiles("contract.txt"));
      await check(page);
      await page.getByText("验证失败").waitFor();
      assert.equal(await page.getByText("核验通过").count(), 0);
      await shot(page, "verify-lie");
    }),
  ));

test("a large file is hashed without freezing the page", () =>
  visit({}, async (page) => {
    const size = Number(process.env["HUCHAIN_CONSOLE_MIB"] ?? 16) << 20;
    writeFileSync(inFiles("large.bin"), Buffer.alloc(size, 7));
    await page.goto(`${guarded}/console/verify/gov`);
    await page.evaluate(() => {
      window.ticks = 0;
      setInterval(() => window.ticks++, 10);
    });
    await page.locator("input[type=file]").first().setInputFiles(inFiles("large.bin"));
    await page.getByRole("progressbar").waitFor();
    const before = await page.evaluate(() => window.ticks);
    await page.getByText("SHA-256").waitFor();
    const ticks = (await page.evaluate(() => window.ticks)) - before;
    assert.ok(ticks > 0, "the page's own thread ran on while the file was hashed");
    assert.ok((await openAsBlob(inFiles("large.bin"))).size === size);
  }));

/** portal serves a page that embeds the verification page. */
async function portal(address, f) {
  const server = createServer((_, res) => res.end(`<!doctype html><iframe width="900" height="700" src="${guarded}/console/verify/gov"></iframe>`));
  const [host, port] = address.split(":");
  await new Promise((done) => server.listen(Number(port), host, done));
  try {
    await f(`http://${host}:${server.address().port}/`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
}

test("a site on the list embeds the verification page, another does not", () =>
  visit({}, async (page) => {
    await portal(env("CONSOLE_PORTAL"), async (url) => {
      await page.goto(url);
      const frame = page.frameLocator("iframe");
      await frame.getByRole("heading", { name: "存证核验" }).waitFor();
      await frame.locator("input[type=file]").first().setInputFiles(inFiles("contract.txt"));
      await frame.getByText("SHA-256").waitFor();
      await frame.getByRole("button", { name: "开始核验" }).click();
      await frame.getByText("核验通过").waitFor();
      await shot(page, "verify-embedded");
    });
    await portal("127.0.0.1:0", async (url) => {
      const blocked = new Promise((done) => page.on("console", (m) => m.text().includes("frame-ancestors") && done(m.text())));
      await page.goto(url);
      assert.match(await blocked, /frame-ancestors/);
      assert.equal(await page.frameLocator("iframe").getByRole("heading", { name: "存证核验" }).count(), 0);
    });
  }));
