// The console in a real browser against a running node. The environment says where, besides what browser.mjs asks for:
//   CONSOLE_URL    the node's HTTP address          CONSOLE_HASH   an evidence hash on the chain
//   CONSOLE_TX     the id of its transaction        CONSOLE_KEY, CONSOLE_CERT, CONSOLE_PASSPHRASE  a client's
//   CONSOLE_OTHER  another node, without a mirror
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { env, lying, phone, shot, visit } from "./browser.mjs";

const url = env("CONSOLE_URL");

test("first visit leads to a verified transaction", () =>
  visit({}, async (page) => {
    await page.goto(`${url}/`);
    await page.getByText("最新区块").waitFor();
    await page.locator("table a[href*='/block/']").first().waitFor();
    await shot(page, "overview");
    await page.getByRole("search").locator("input, [role=searchbox]").or(page.locator("input[type=search], .ant-input-search input")).first().fill(env("CONSOLE_TX"));
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "交易" }).waitFor();
    await page.getByRole("button", { name: "在浏览器中验证" }).click();
    await page.getByText("验证通过").waitFor();
    await page.getByText("超过三分之二的验证节点用 SM2 签署了区块头").first().waitFor();
    await shot(page, "transaction");
    await page.locator("a[href*='/row/evidence/']").first().click();
    await page.getByRole("heading", { name: "状态记录" }).waitFor(); // the page before has such a button too
    await page.getByRole("button", { name: "在浏览器中验证" }).click();
    await page.getByText("验证通过").waitFor();
    await shot(page, "record");
  }));

test("block, contract, member, validators", () =>
  visit({ locale: "en-GB" }, async (page) => {
    await page.goto(`${url}/console/gov/tx/${env("CONSOLE_TX")}`);
    await page.locator("main a[href*='/block/']").first().click();
    await page.getByRole("heading", { name: "Block" }).waitFor(); // the page before has such a button too
    await page.getByRole("button", { name: "Verify in this browser" }).click();
    await page.getByText("Verified", { exact: true }).waitFor();
    const hash = await page.locator("main code").first().innerText();
    await page.getByRole("search").locator("input, [role=searchbox]").or(page.locator("input[type=search], .ant-input-search input")).first().fill(hash);
    await page.keyboard.press("Enter");
    await page.waitForURL(`**/console/gov/block/${hash}`);
    await page.getByText(hash).first().waitFor();
    await shot(page, "block");
    await page.getByRole("link", { name: "Contracts" }).click();
    await page.getByRole("link", { name: "evidence", exact: true }).click();
    await page.getByText("Deposit", { exact: false }).first().waitFor();
    await shot(page, "contract");
    await page.getByRole("tab", { name: "Transactions" }).click();
    await page.locator("table a[href*='/member/']").first().click();
    await page.getByText("Registered at").waitFor();
    await shot(page, "member");
    await page.getByRole("link", { name: "Validators" }).click();
    await page.getByRole("heading", { name: "Votes on recent blocks" }).waitFor();
    const strip = page.getByRole("img", { name: /^Voted \d+, Missed \d+/ }).first();
    await strip.waitFor();
    assert.ok((await strip.locator("[data-mark='+']").count()) > 0);
    await shot(page, "validators");
  }));

test("search by height, hash, member, address, contract, and for nothing", () =>
  visit({}, async (page) => {
    await page.goto(`${url}/console/gov`);
    const search = async (text) => {
      const box = page.locator("header input").first();
      await box.fill(text);
      await box.press("Enter");
    };
    await search("1");
    await page.waitForURL("**/gov/block/1");
    await search(env("CONSOLE_HASH"));
    await page.waitForURL("**/gov/row/evidence/**");
    await search("archives/clerk");
    await page.waitForURL("**/gov/member/archives%2Fclerk");
    await search((await page.locator("main code").first().textContent()) ?? "");
    await page.waitForURL(/\/gov\/member\/[0-9a-f]{40}$/);
    await search("evidence");
    await page.waitForURL("**/gov/contract/evidence");
    await search("ff".repeat(32));
    await page.waitForURL("**/gov/nothing/**");
    await page.getByText("没有找到").waitFor();
    await shot(page, "nothing");
    await page.goto(`${url}/console/gov/block/999999999`);
    await page.getByRole("alert").getByText("HC-").first().waitFor();
    await shot(page, "error");
  }));

test("a form is signed in the browser and committed; a wrong passphrase is refused", () =>
  visit({}, async (page) => {
    await page.goto(`${url}/console/gov/contract/evidence`);
    await page.getByText("deposit", { exact: false }).first().click();
    const form = page.locator("form").first();
    const hash = [...crypto.getRandomValues(new Uint8Array(32))].map((b) => b.toString(16).padStart(2, "0")).join("");
    await form.locator("#hash").fill(hash);
    await form.locator("#title").fill("采购合同");
    await form.locator("input[type=file]").nth(0).setInputFiles(env("CONSOLE_KEY"));
    await form.locator("input[type=file]").nth(1).setInputFiles(env("CONSOLE_CERT"));
    await form.locator("#passphrase").fill("wrong");
    await form.getByRole("button", { name: "签名并提交" }).click();
    await page.getByText("密钥文件或口令不对").waitFor();
    await form.locator("#passphrase").fill(readFileSync(env("CONSOLE_PASSPHRASE"), "utf8").trim());
    await form.getByRole("button", { name: "签名并提交" }).click();
    await page.getByText("已提交上链").waitFor();
    await shot(page, "form");
    await page.locator("a[href*='/tx/']").filter({ hasText: "已提交上链" }).click();
    await page.getByRole("button", { name: "在浏览器中验证" }).click();
    await page.getByText("验证通过").waitFor();
  }));

const id = env("CONSOLE_TX");
const lies = {
  "another title in the arguments": (path, text) => (path.includes(`/txs/${id}`) ? text.replaceAll("采购合同", "采购合约") : null),
  "another outcome": (path, text) => (path.includes(`/txs/${id}`) ? text.replace('"code":"OK"', '"code":"HC-3101"') : null),
  "an altered proof": (path, text) => (path.includes("prove=true") ? text.replace(/("proof":"[0-9a-f]{900})(.)/, (_, a, c) => a + (c === "0" ? "1" : "0")) : null),
  "another genesis": (path, text) => (path.endsWith("/genesis") ? text.replace(/"time": ?"20/, (s) => s.replace("20", "21")) : null),
};

for (const [name, alter] of Object.entries(lies)) {
  test(`a lying server is caught: ${name}`, () =>
    lying(url, alter, (liar) =>
      visit({}, async (page) => {
        await page.goto(`${liar}/console/gov/tx/${id}`);
        await page.getByRole("button", { name: "在浏览器中验证" }).click();
        await page.getByText("验证失败").waitFor();
        assert.equal(await page.getByText("验证通过").count(), 0);
        await shot(page, "lie-" + name.replaceAll(" ", "-"));
      }),
    ));
}

test("records of a bundle: filtered, one with its history and proof, statistics on a big screen", () =>
  visit({}, async (page) => {
    await page.goto(`${url}/console/gov/contract/evidence`);
    await page.getByRole("link", { name: "存证记录" }).click();
    await page.waitForURL("**/gov/records/evidence/evidence");
    await page.locator("table a[href*='/record/evidence/evidence/']").first().waitFor();
    await shot(page, "records");
    await page.getByLabel("全文检索").fill("采购合同");
    await page.getByLabel("存证人", { exact: true }).fill("archives/clerk");
    await page.getByRole("button", { name: "查询" }).or(page.getByRole("button", { name: "查 询" })).click();
    await page.waitForURL(/filter=owner%3Aeq%3Aarchives/);
    await page.locator(`table a[href$='${env("CONSOLE_HASH")}']`).click();
    await page.getByRole("heading", { name: "办理过程" }).waitFor();
    await page.getByText("登记", { exact: true }).first().waitFor();
    await page.getByRole("button", { name: "在浏览器中验证" }).click();
    await page.getByText("验证通过").waitFor();
    await shot(page, "record-history");
    await page.goto(`${url}/console/gov/records/evidence/evidence?q=${encodeURIComponent("没有这样的存证")}`);
    await page.getByText("没有符合条件的记录").waitFor();
    await shot(page, "records-empty");
    const board = async () => { // others deposit meanwhile: the page may show a figure that is no longer the newest
      await page.goto(`${url}/console/gov/board/evidence`);
      await page.locator("canvas").nth(1).waitFor();
      const shown = await page.locator(".ant-statistic").filter({ hasText: "各存证人存证数" }).locator(".ant-statistic-content-value").innerText();
      const told = await (await fetch(`${url}/api/v1/chains/gov/mirror/statistics/evidence/perOwner`)).json();
      assert.ok(Number(told.total) > 0);
      return shown === Number(told.total).toLocaleString("en-US");
    };
    for (let tries = 1; !(await board()); tries++) assert.ok(tries < 10, "the board shows other figures than the mirror");
    await shot(page, "board");
    await page.goto(`${url}/console/gov/board/supervision`);
    await page.getByRole("heading", { name: "监管总览" }).waitFor();
    await page.getByText("合计").nth(3).waitFor();
    await page.getByRole("button", { name: "全屏" }).click();
    await page.locator(".wall .ant-card").nth(3).waitFor();
    const [needs, has] = await page.locator(".wall").evaluate((e) => [e.scrollHeight, e.clientHeight]);
    assert.ok(needs <= has, `a wall shows all: ${needs} in ${has}`);
    await shot(page, "board-wall");
    await page.goto(`${env("CONSOLE_OTHER")}/console/gov/records/evidence/evidence`);
    await page.getByRole("alert").getByText("HC-4601").first().waitFor();
    await shot(page, "records-error");
  }));

test("phone width has no sideways scrolling; both languages; dark", () =>
  visit({ viewport: phone, colorScheme: "dark" }, async (page) => {
    for (const path of ["/console/gov", `/console/gov/tx/${id}`, "/console/gov/contract/evidence", "/console/gov/records/evidence/evidence", `/console/gov/record/evidence/evidence/${env("CONSOLE_HASH")}`, "/console/gov/board/evidence", "/console/gov/board/supervision", "/console/gov/operations/proposals", "/console/gov/nothing/none"]) {
      await page.goto(url + path);
      await page.locator("h1").waitFor();
      const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
      assert.ok(wide <= view, `${path} is ${wide} wide in ${view}`);
      await page.locator(".ant-skeleton").first().waitFor({ state: "detached" });
      await shot(page, "phone-" + (path.split("/")[3] ?? "overview"));
    }
    await page.goto(`${url}/console/gov`);
    await page.getByText("最新区块").waitFor();
    await shot(page, "phone-dark");
    await page.getByRole("button", { name: "English" }).click();
    await page.getByText("Newest blocks").waitFor();
    assert.equal(await page.evaluate(() => document.documentElement.lang), "en");
    await shot(page, "phone-english");
  }));

test("lists, records and boards in English", () =>
  visit({ locale: "en-GB" }, async (page) => {
    for (const [path, word] of Object.entries({ "records/evidence/evidence": "Depositor", [`record/evidence/evidence/${env("CONSOLE_HASH")}`]: "History", "board/evidence": "Deposits per day", "operations/proposals": "Valid until" })) {
      await page.goto(`${url}/console/gov/${path}`);
      await page.getByText(word, { exact: false }).first().waitFor();
      const said = await page.locator("main :is(h1, h2, th, label, button, nav, .ant-statistic-title, .ant-descriptions-item-label)").allTextContents();
      assert.deepEqual(said.filter((text) => /[\u4e00-\u9fff]/.test(text.replaceAll("采购合同", ""))), [], `${path}: words that are not English`);
      await shot(page, `english-${path.split("/")[0]}`);
    }
  }));

test("the first page needs at most 500 KB of compressed script", () =>
  visit({}, async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    const scripts = new Set();
    let bytes = 0;
    session.on("Network.responseReceived", (e) => e.type === "Script" && scripts.add(e.requestId));
    session.on("Network.loadingFinished", (e) => scripts.has(e.requestId) && (bytes += e.encodedDataLength));
    await page.goto(`${url}/console/gov/validators`);
    await page.getByRole("columnheader", { name: "SM2" }).first().waitFor();
    assert.ok(bytes > 0 && bytes <= 500_000, `${bytes} bytes`);
  }));
