// A key file that huchain wrote opens here; a wrong passphrase, an altered file and other forms do not.
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { address, decodeTx, fromHex, hex, Invalid, openKeyFile, publicKey, signCall, sm3, verify, WrongPassphrase } from "../src/index.ts";

const file = readFileSync(new URL("./testdata/worthless.key", import.meta.url), "utf8");
const wanted = "07062c3b5198b3a013c9af4a597859c773dc33cc";

test("opens a key file", async () => {
  expect(hex(address(publicKey(await openKeyFile(file, "worth nothing"))))).toBe(wanted);
}, 60_000);

test("wrong passphrase", async () => {
  await expect(openKeyFile(file, "worth something")).rejects.toThrow(WrongPassphrase);
}, 60_000);

test("other files", async () => {
  for (const text of ["", "key", file.replace("ENCRYPTED ", ""), file + file, file.replace(/A/, "B").slice(0, 200)]) {
    await expect(openKeyFile(text, "worth nothing")).rejects.toThrow(Invalid);
  }
  const other = Buffer.from(file.replace(/-----.*-----/g, ""), "base64").toString("hex").replace("2a811ccf55016802", "2a811ccf55016803");
  const pem = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n" + Buffer.from(other, "hex").toString("base64") + "\n-----END ENCRYPTED PRIVATE KEY-----\n";
  await expect(openKeyFile(pem, "worth nothing")).rejects.toThrow("another cipher");
});

test("signs a call", () => {
  const key = fromHex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"); // of GM/T 0003.5, annex A
  const call = { genesis: sm3(new Uint8Array()), contract: "evidence", method: "deposit", args: { title: "合同" }, gasLimit: 1_000_000, validForMs: 60_000 };
  const tx = signCall(key, call, 1_800_000_000_000);
  const read = decodeTx(tx.raw);
  expect(read).toEqual(tx);
  expect(verify(publicKey(key), read.bodyBytes, read.signatures[0]!)).toBe(true);
  const altered = read.bodyBytes.slice();
  altered[altered.length - 1]! ^= 1;
  expect(verify(publicKey(key), altered, read.signatures[0]!)).toBe(false);
});

// The signature of GM/T 0003.5-2012, annex A, over "message digest".
test("known answer", () => {
  const key = fromHex("0409f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13");
  const signature = "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa";
  const message = new TextEncoder().encode("message digest");
  expect(verify(key, message, fromHex(signature))).toBe(true);
  expect(verify(key, message, fromHex(signature.replace(/^f5/, "f4")))).toBe(false);
  expect(verify(key, message, fromHex("00".repeat(32) + signature.slice(64)))).toBe(false);
  expect(verify(key, message, fromHex(signature.slice(0, 64) + "ff".repeat(32)))).toBe(false);
  expect(verify(fromHex("04" + "11".repeat(64)), message, fromHex(signature))).toBe(false);
});
