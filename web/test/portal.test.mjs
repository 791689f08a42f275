// The evidence portal, as a department, an enterprise, a citizen, an auditor and an administrator use it side
// by side. Besides what browser.mjs asks for:
//   CONSOLE_URL       a node that offers the evidence service
//   CONSOLE_SESSIONS  JSON: the session cookies of office, works, auditor and admin
//   CONSOLE_DID       the citizen's DID     CONSOLE_DID_KEY  its key file, under CONSOLE_PASSPHRASE
import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { env, lying, phone, shot, visit } from "./browser.mjs";

const url = env("CONSOLE_URL");
const sessions = JSON.parse(env("CONSOLE_SESSIONS"));
const portal = `${url}/console/gov/portal`;

/** options of a browser profile that is logged in as somebody; cookies are of a host, whatever the port. */
function profile(name) {
  if (sessions[name] === undefined) return {};
  const [key, value] = sessions[name].split("=");
  return { storageState: { cookies: [{ name: key, value, domain: "127.0.0.1", path: "/", expires: -1, httpOnly: true, secure: false, sameSite: "Strict" }], origins: [] } };
}

/** together opens a profile for each name at the same time. */
const together = (names, f, open = {}) => (names.length === 0 ? f(open) : visit(profile(names[0]), (page) => together(names.slice(1), f, { ...open, [names[0]]: page })));

/** call asks the service as the page's caller does, and gives the code of a refusal. */
const call = (page, method, path, body) =>
  page.evaluate(
    async ([m, p, b]) => {
      const r = await fetch(`/api/v1/chains/gov/evidence/${p}`, { method: m, ...(b ? { body: JSON.stringify(b), headers: { "Content-Type": "application/json" } } : {}) });
      const answer = await r.json();
      return { code: r.ok ? "OK" : answer.code, ...answer };
    },
    [method, path, body],
  );

/** button finds a button by its words: icons have names before them, and two characters a space between them. */
const button = (page, name) => page.getByRole("button", { name: new RegExp(`^([\\w-]+ )?${[...name].join(" ?")}$`) });
const refused = (page, code) => page.getByRole("alert").getByText(code).first().waitFor();
const rowOf = (page, text) => page.locator("tr.ant-table-row", { hasText: text }).first();
const pick = async (page, id, text) => {
  await page.locator(id).click();
  await page.locator(".ant-select-item-option", { hasText: text }).click();
};
const fits = async (page, where) => {
  const [wide, view] = await page.evaluate(() => [document.documentElement.scrollWidth, innerWidth]);
  assert.ok(wide <= view, `${where} is ${wide} wide in ${view}`);
};

/** unnamed lists the controls that a screen reader would not be able to name. */
async function unnamed(page) {
  const session = await page.context().newCDPSession(page);
  const { nodes } = await session.send("Accessibility.getFullAXTree");
  await session.detach();
  const controls = ["textbox", "combobox", "button", "checkbox", "switch", "link", "radio", "spinbutton"];
  return nodes.filter((n) => !n.ignored && controls.includes(n.role?.value) && !n.name?.value?.trim()).map((n) => `${n.role.value} ${JSON.stringify(n.properties?.map((p) => p.name))}`);
}

const office = { kind: "department", name: "市档案局办公室", identity: "archives/office", contact: "档案大楼" };
const works = { kind: "enterprise", name: "城建工程公司", identity: "city/works", contact: "工地" };

test("a department, an enterprise, a citizen and an auditor use the portal side by side", (t) =>
  together(["office", "works", "citizen", "auditor", "admin"], async (p) => {
    const by = {}; // what the parts below leave for one another
    await t.test("they apply; an administrator refuses and approves; the citizen's DID signs and takes its key", () => onboarding(p, by));
    await t.test("a template is defined, a file deposited along it, proven, certified and found", () => depositing(p, by));
    await t.test("the public page checks the certificate; an edited one proves nothing", () => certified(by));
    await t.test("others see nothing of it, the auditor no secret, until it is granted", () => isolation(p, by));
    await t.test("an application's key is shown once, deposits, and is revoked", () => applications(p));
    await t.test("an evidence chain grows in order, by its parties alone, and is recomputed in the browser", () => chaining(p, by));
    await t.test("a lying server is caught, also where it lies about one node of a chain", () => lies(by));
    await t.test("administration: figures are the service's, secrets are masked", () => administration(p));
    await t.test("phone width, English, names for all controls", () => readable(p, by));
  }));

async function onboarding({ office: o, works: w, citizen: c, admin: a }, by) {
  await o.goto(portal);
  await o.getByText("尚未开通存证服务").waitFor();
  assert.equal((await call(o, "POST", "deposits", { title: "早", text: "早" })).code, "HC-4703", "before a tenant is open");
  await o.locator("#name").fill(office.name);
  await o.locator("#contact").fill(office.contact);
  await button(o, "提交申请").click();
  await o.getByTestId("claim").waitFor();
  await rowOf(o, "待审批").waitFor();

  await w.goto(portal);
  await w.getByText("尚未开通存证服务").waitFor();
  await call(w, "POST", "openings", { ...works, name: "城建公司" });

  await c.goto(`${portal}/apply`);
  await c.locator("#identity").fill(env("CONSOLE_DID"));
  await c.locator("input[type=file]").setInputFiles(env("CONSOLE_DID_KEY"));
  await c.locator("#passphrase").fill(readFileSync(env("CONSOLE_PASSPHRASE"), "utf8").trim());
  await c.locator("#name").fill("市民");
  await c.locator("#contact").fill("家中");
  await c.locator("#apps").fill("phone");
  await c.locator("#apps").press("Enter");
  await button(c, "提交申请").click();
  await c.getByTestId("claim").waitFor();
  await button(c, "领取").click();
  await refused(c, "HC-4705"); // not open yet

  await a.goto(`${portal}/openings`);
  await rowOf(a, "城建公司").locator("button.ant-table-row-expand-icon").click();
  await a.getByLabel("意见").fill("名称与证书不符");
  await button(a, "拒绝").click();
  await rowOf(a, "城建公司").getByText("被拒绝").waitFor();
  await rowOf(a, "城建公司").locator("button.ant-table-row-expand-icon").click();
  await rowOf(a, office.name).locator("button.ant-table-row-expand-icon").click();
  await button(a, "批准").click();
  await rowOf(a, office.name).getByText("已开通").waitFor();
  const width = (await a.locator("main table").first().boundingBox()).width;
  assert.ok(width < 2000, `unfolding a row makes the table ${width} wide`);
  await shot(a, "portal-openings");
  await call(w, "POST", "openings", works);
  for (const o of (await call(a, "GET", "openings?state=pending")).items) if (["市民", works.name].includes(o.name)) assert.equal((await call(a, "POST", `openings/${o.id}/decisions`, { step: o.next.name, approved: true })).state, "opened");

  await button(c, "领取").click();
  const key = await c.getByTestId("token").textContent();
  await c.goto(portal);
  await c.locator("#token").fill(key.trim());
  await button(c, "使用").click();
  await c.getByText("还没有存证").waitFor();
  by.worksTenant = (await call(w, "GET", "standing")).tenant.id;
}

async function depositing({ office: o }, by) {
  await o.goto(`${portal}/templates`);
  await button(o, "新建模板").click();
  await o.locator("#id").fill("contract");
  await o.locator("#title").fill("合同");
  await o.locator("#fields_0_name").fill("party");
  await o.locator("#fields_0_required").click();
  await button(o, "添加字段").click();
  await o.locator("#fields_1_name").fill("price");
  await o.locator("#fields_1_encrypted").click();
  await button(o, "保存为版本 1").click();
  await rowOf(o, "contract").waitFor();
  await rowOf(o, "contract").getByRole("button", { name: "新版本" }).click();
  await o.locator("#title").fill("采购合同");
  await button(o, "保存为版本 2").click();
  await rowOf(o, "采购合同").getByRole("cell", { name: "2", exact: true }).waitFor();
  const old = await call(o, "GET", "templates/contract?version=1");
  assert.equal(old.title, "合同", "version 1 stays");
  assert.equal((await call(o, "POST", "templates", { id: "contract", version: 2, title: "x", fields: old.fields })).code, "HC-4707");

  await o.goto(`${portal}/deposits/new`);
  await pick(o, "#template", "contract");
  const content = Buffer.from(`采购合同正文 ${Date.now()}`);
  await o.locator("input[type=file]").first().setInputFiles({ name: "合同.txt", mimeType: "text/plain", buffer: content });
  await o.getByText("SHA-256").waitFor();
  await button(o, "提交存证").click();
  await o.getByText("必填").first().waitFor();
  await o.locator("#title").fill("七号采购合同");
  await o.locator("#fields_party").fill("某公司");
  await o.locator("#fields_price").fill("八百元");
  await o.locator("#tags").fill("年度");
  await o.locator("#tags").press("Enter");
  await button(o, "提交存证").click();
  await o.waitForURL(/portal\/deposits\/e[0-9a-f]+$/);
  by.deposit = o.url().split("/").pop();
  await button(o, "在浏览器中验证").click();
  await o.getByText("验证通过").waitFor();
  const pdf = o.waitForEvent("download");
  await button(o, "出证并下载（PDF）").click();
  await o.getByText("文件已核验并保存").waitFor();
  by.pdf = readFileSync(await (await pdf).path());
  by.content = content;
  assert.ok(by.pdf.subarray(0, 5).equals(Buffer.from("%PDF-")));
  const proof = o.waitForEvent("download");
  await button(o, "下载证明文件").click();
  assert.equal(JSON.parse(readFileSync(await (await proof).path(), "utf8")).format, "huchain-dossier/1");
  await shot(o, "portal-deposit");

  await o.getByRole("navigation", { name: "存证门户" }).getByRole("link", { name: "存证", exact: true }).click();
  await o.getByLabel("标签").fill("年度");
  const answered = o.waitForResponse(/deposits\?.*tag=/); // the filters are drawn anew before they ask
  await button(o, "查询").click();
  await answered;
  await rowOf(o, "七号采购合同").waitFor();
  await o.getByLabel("标签").fill("没有的标签");
  await button(o, "查询").click();
  await o.getByText("没有符合条件的存证").waitFor();
  const { hash, accepted } = await call(o, "GET", `deposits/${by.deposit}`);
  const later = new Date(Date.parse(accepted) + 1).toISOString();
  for (const [query, found] of [[`id=${by.deposit}`, 1], [`hash=${hash}`, 1], [`from=${accepted}&tag=年度`, 1], [`from=${later}&tag=年度`, 0], [`hash=${"0".repeat(64)}`, 0]]) assert.equal((await call(o, "GET", `deposits?${query}`)).items.length, found, query);
}

/** certified: the public page checks the certificate against the file, and an edited one proves nothing. */
async function certified(by) {
  await visit({}, async (page) => {
    await page.goto(`${url}/console/verify/gov`);
    await page.locator("input[type=file]").first().setInputFiles({ name: "合同.txt", mimeType: "text/plain", buffer: by.content });
    await page.getByText("SHA-256").waitFor();
    const proof = page.locator("input[type=file]").nth(1);
    await proof.setInputFiles({ name: "good.pdf", mimeType: "application/pdf", buffer: by.pdf });
    await page.getByText("good.pdf").waitFor();
    await button(page, "开始核验").click();
    await page.getByText("核验通过").waitFor();
    await page.getByText("未询问节点").waitFor();
    const edited = Buffer.from(by.pdf);
    for (let at = edited.length >> 3; at < edited.length; at += 211) edited[at] ^= 1; // also within the proof
    await proof.setInputFiles({ name: "edited.pdf", mimeType: "application/pdf", buffer: edited });
    await page.getByRole("alert").first().waitFor();
    assert.equal(await page.getByText("核验通过").count(), 0);
  });
}

async function isolation({ office: o, works: w, citizen: c, auditor: d }, by) {
  await w.goto(`${portal}/deposits/${by.deposit}`);
  await refused(w, "HC-2201");
  await shot(w, "portal-refused");
  await w.getByRole("navigation", { name: "存证门户" }).getByRole("link", { name: "存证", exact: true }).click();
  await w.getByText("还没有存证").waitFor();
  await shot(w, "portal-empty");
  assert.equal((await call(w, "GET", `deposits/${by.deposit}/original`)).code, "HC-2201");
  assert.equal((await call(w, "POST", `deposits/${by.deposit}/grants`, { to: by.worksTenant })).code, "HC-2201");
  assert.equal((await call(w, "POST", "deposits", { title: "借用模板", template: "contract", fields: { party: "x" } })).code, "HC-4706", "another tenant's template");
  assert.equal((await call(w, "GET", "settings")).code, "HC-2201");
  await c.getByRole("navigation", { name: "存证门户" }).getByRole("link", { name: "存证模板" }).click();
  await c.getByText("还没有模板").waitFor();
  assert.equal(await c.getByText("采购合同").count(), 0);
  for (const page of [w, c]) for (const tab of ["服务对象", "开通申请", "权限", "服务配置"]) assert.equal(await page.getByRole("link", { name: tab, exact: true }).count(), 0, tab);

  await d.goto(`${portal}/templates`); // not the auditor's: leads to what is
  await d.waitForURL(/portal\/deposits$/);
  await d.getByRole("link", { name: "七号采购合同" }).click();
  await d.getByText("某公司").waitFor();
  await d.getByText("••••").waitFor();
  assert.equal(await d.getByText("八百元").count(), 0);
  assert.equal(await button(d, "下载原文").count(), 0);
  await button(d, "在浏览器中验证").click();
  await d.getByText("验证通过").waitFor();
  assert.equal((await call(d, "GET", `deposits/${by.deposit}/original`)).code, "HC-4703");
  assert.equal((await call(d, "GET", "settings")).code, "HC-2201");
  assert.equal((await call(d, "POST", "deposits", { title: "x", text: "x" })).code, "HC-4703");

  await o.goto(`${portal}/deposits/${by.deposit}`);
  await o.getByLabel("授权对象").fill(by.worksTenant);
  await button(o, "授权").click();
  await rowOf(o, by.worksTenant).getByText("有效").waitFor();
  await w.reload();
  await rowOf(w, "七号采购合同").getByText("授权给我").waitFor();
  await w.getByRole("link", { name: "七号采购合同" }).click();
  await button(w, "出证并下载（PDF）").waitFor();
  await button(o, "收回").click();
  await rowOf(o, by.worksTenant).getByText("已结束").waitFor();
  await w.reload();
  await refused(w, "HC-2201");
}

async function applications({ office: o }) {
  await o.getByRole("navigation", { name: "存证门户" }).getByRole("link", { name: "应用密钥" }).click();
  await o.getByLabel("名称").fill("公文系统");
  await button(o, "新建应用").click();
  const token = (await o.getByTestId("token").textContent()).trim();
  const headers = { Authorization: `Bearer ${token}`, "Content-Type": "application/json" };
  const deposit = (n) => fetch(`${url}/api/v1/chains/gov/evidence/deposits`, { method: "POST", headers, body: JSON.stringify({ title: "公文", text: `公文 ${token.slice(-8)} ${n}` }) });
  assert.equal((await (await deposit(1)).json()).state, "committed");
  await rowOf(o, "公文系统").getByRole("button").click();
  await o.locator(".ant-popconfirm").getByRole("button", { name: /吊\s?销/ }).click();
  await rowOf(o, "公文系统").getByText("已吊销").waitFor();
  assert.ok([401, 403].includes((await deposit(2)).status));
  await o.reload();
  await rowOf(o, "公文系统").waitFor();
  assert.ok(!(await o.content()).includes(token), "shown once");
}

async function chaining({ office: o, works: w, citizen: c }, by) {
  await o.goto(`${portal}/chain-templates`);
  await button(o, "新建模板").click();
  await o.locator("#id").fill("trade-portal");
  await o.locator("#title").fill("采购");
  await o.locator("#nodes_0_name").fill("order");
  await button(o, "添加节点").click();
  await o.locator("#nodes_1_name").fill("invoice");
  await o.locator("#nodes_1_party").fill(by.worksTenant);
  await button(o, "保存为版本 1").click();
  await rowOf(o, "trade-portal").getByText("order → invoice").waitFor();
  const saved = await call(o, "GET", "chain-templates/trade-portal");
  assert.equal((await call(o, "POST", "chain-templates", { id: saved.id, version: 1, title: "x", nodes: saved.nodes })).code, "HC-4707", "changed in place");
  await o.getByRole("navigation", { name: "存证门户" }).getByRole("link", { name: "证据链", exact: true }).click();
  await button(o, "开启证据链").first().click();
  await pick(o, "#template", "trade-portal");
  await o.locator("#id").fill("trade-portal-1");
  await o.locator("#title").fill("第一单");
  await o.locator("form button[type=submit]").click();
  await o.waitForURL(/chains\/trade-portal-1$/);
  const node = (page, name) => call(page, "POST", "deposits", { title: name, text: `${name} ${by.deposit}`, chain: "trade-portal-1", node: name });
  assert.equal((await node(w, "invoice")).code, "HC-4706", "out of order");
  assert.equal((await node(w, "order")).code, "HC-2201", "another party's");
  await o.getByRole("link", { name: "存证此节点" }).click();
  await o.getByText("文本", { exact: true }).click();
  await o.locator("#title").fill("订单");
  await o.locator("#text").fill(`order ${by.deposit}`);
  await button(o, "提交存证").click();
  await o.waitForURL(/portal\/deposits\/e[0-9a-f]+$/);
  assert.equal((await node(w, "invoice")).state, "committed");
  await w.goto(`${portal}/chains/trade-portal-1`);
  await w.getByText("合约核验：证据链完整").waitFor();
  await w.getByText("已完成").waitFor();
  await button(w, "在浏览器中逐节点核验").click();
  await w.getByText("验证通过").waitFor();
  assert.equal(await w.getByText("节点已证明在链上").count(), 2);
  await shot(w, "portal-chain");
  assert.equal((await call(c, "GET", "chains/trade-portal-1")).code, "HC-1016", "the citizen's page has a key, no session");
}

async function lies(by) {
  const alter = (path, text) => {
    if (path.endsWith(`/deposits/${by.deposit}`)) return text.replace("七号采购合同", "八号采购合同");
    if (path.endsWith("/chains/trade-portal-1")) return text.replace(/("name":"invoice".*?"digest":")(.)/s, (_, a, x) => a + (x === "0" ? "1" : "0"));
    return null;
  };
  await lying(url, alter, (liar) =>
    visit(profile("office"), async (page) => {
      await page.goto(`${liar}/console/gov/portal/deposits/${by.deposit}`);
      await page.getByRole("heading", { name: "八号采购合同" }).waitFor();
      let saved = 0;
      page.on("download", () => saved++);
      for (const name of ["在浏览器中验证", "出证并下载（PDF）"]) {
        await button(page, name).click();
        await page.getByRole("alert").filter({ hasText: "验证失败" }).nth(name === "在浏览器中验证" ? 0 : 1).waitFor();
      }
      assert.equal(await page.getByText("验证通过").or(page.getByText("文件已核验并保存")).count(), 0);
      assert.equal(saved, 0, "what does not hold is not saved");
      await shot(page, "portal-lie");
      await page.goto(`${liar}/console/gov/portal/chains/trade-portal-1`);
      await button(page, "在浏览器中逐节点核验").click();
      await page.getByRole("alert").filter({ hasText: "invoice: altered" }).waitFor();
      assert.equal(await page.getByText("节点已证明在链上").count(), 1, "the node before holds");
    }),
  );
}

async function administration({ admin: a, office: o }) {
  await a.goto(`${portal}/settings`);
  await rowOf(a, "evidence.notary.token").getByText("已修改").waitFor();
  await rowOf(a, "evidence.notary.token").getByText("••••").waitFor();
  assert.ok(!(await a.content()).includes("notary-token"));
  await a.getByRole("link", { name: "权限", exact: true }).click();
  await a.getByLabel("成员").fill("archives/office");
  await button(a, "设置权限").click();
  await rowOf(a, "archives/office").getByText("审计员").waitFor();
  assert.ok((await call(o, "GET", "standing")).auditor);
  await rowOf(a, "archives/office").getByRole("button").click();
  await a.locator(".ant-popconfirm").getByRole("button", { name: /移\s?除/ }).click();
  await rowOf(a, "archives/office").waitFor({ state: "detached" });
  assert.ok(!(await call(o, "GET", "standing")).auditor);
  await a.getByRole("link", { name: "数据统计", exact: true }).click();
  await a.locator("canvas").nth(2).waitFor();
  const told = await call(a, "GET", "statistics?type=text");
  await pick(a, "#type", "文本");
  await button(a, "查询").click();
  await a.locator(".ant-statistic", { hasText: "存证总数" }).getByText(told.total.toLocaleString("en-US"), { exact: true }).waitFor();
  await shot(a, "portal-statistics");
}

async function readable({ office: o }, by) {
  const pages = ["deposits", "deposits/new", `deposits/${by.deposit}`, "chains/trade-portal-1", "templates", "chain-templates", "apps", "statistics", "notices"];
  await o.setViewportSize(phone);
  await o.goto(`${portal}/deposits`);
  await button(o, "English").click();
  for (const path of pages) {
    await o.goto(`${portal}/${path}`);
    await o.locator("main :is(table, form, .ant-descriptions)").first().waitFor();
    await fits(o, path);
    assert.deepEqual(await unnamed(o), [], `${path}: controls without a name`);
    const said = await o.locator("main :is(h1, h2, th, label, button, nav, .ant-alert-title, .ant-descriptions-item-label)").allTextContents();
    assert.deepEqual(said.filter((x) => /[\u4e00-\u9fff]/.test(x.replace(/七号采购合同|第一单/g, ""))), [], `${path}: words that are not English`);
  }
  await shot(o, "portal-phone");
}
