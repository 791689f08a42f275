// Key files made here by OpenSSL's PBKDF2-HMAC-SM3 and SM4-CBC open; wrong passphrases, altered files and other forms do not.
import { createCipheriv, pbkdf2Sync } from "node:crypto";
import { expect, test } from "vitest";
import { decodeTx, fromHex, hex, Invalid, openKeyFile, publicKey, signCall, sm3, verify, withCertificate, WrongPassphrase } from "../src/index.ts";

const scalar = fromHex("3945208f7b2144b13f36e38ac6d39f95889393692860b51a42fb81ef4df7c5b8"); // of GM/T 0003.5, annex A
const salt = Buffer.alloc(16, 7);
const iv = Buffer.alloc(16, 9);

/** der encodes a value of less than 64 KiB. */
function der(tag: number, ...parts: Uint8Array[]): Buffer {
  const body = Buffer.concat(parts);
  const size = body.length < 128 ? [body.length] : body.length < 256 ? [0x81, body.length] : [0x82, body.length >> 8, body.length & 255];
  return Buffer.concat([Buffer.from([tag, ...size]), body]);
}

const oid = (digits: string) => der(0x06, Buffer.from(digits, "hex"));
const number = (v: number) => der(0x02, Buffer.from(v.toString(16).padStart(6, "0"), "hex"));

function keyFile(passphrase: string, cipherID = "2a811ccf55016802", rounds = 1000): string {
  const key = pbkdf2Sync(passphrase, salt, rounds, 16, "sm3");
  const info = der(0x30, number(0), der(0x30, oid("2a8648ce3d0201"), oid("2a811ccf5501822d")), der(0x04, der(0x30, number(1), der(0x04, scalar))));
  const cipher = createCipheriv("sm4-cbc", key, iv);
  const data = Buffer.concat([cipher.update(info), cipher.final()]);
  const kdf = der(0x30, der(0x04, salt), number(rounds), number(16), der(0x30, oid("2a811ccf5501831102"), der(0x05)));
  const params = der(0x30, der(0x30, oid("2a864886f70d01050c"), kdf), der(0x30, oid(cipherID), der(0x04, iv)));
  const file = der(0x30, der(0x30, oid("2a864886f70d01050d"), params), der(0x04, data));
  const label = "ENCRYPTED PRIVATE" + " KEY";
  return `-----BEGIN ${label}-----\n${file.toString("base64")}\n-----END ${label}-----\n`;
}

test("opens a key file", async () => {
  expect(hex(await openKeyFile(keyFile("worth nothing"), "worth nothing"))).toBe(hex(scalar));
});

test("wrong passphrase", async () => {
  await expect(openKeyFile(keyFile("worth nothing"), "worth something")).rejects.toThrow(WrongPassphrase);
});

test("other files", async () => {
  const file = keyFile("worth nothing");
  for (const text of ["", "key", file.replaceAll("ENCRYPTED ", ""), file + file, file.slice(0, 200), "x".repeat(1 << 20)]) {
    await expect(openKeyFile(text, "worth nothing")).rejects.toThrow(Invalid);
  }
  await expect(openKeyFile(keyFile("worth nothing", "2a811ccf55016803"), "worth nothing")).rejects.toThrow("another cipher");
});

test("signs a call", () => {
  const key = scalar;
  const call = { genesis: sm3(new Uint8Array()), contract: "evidence", method: "deposit", args: { title: "合同" }, gasLimit: 1_000_000, validForMs: 60_000 };
  const tx = signCall(key, call, 1_800_000_000_000);
  const read = decodeTx(tx.raw);
  expect(read).toEqual(tx);
  const registering = withCertificate(tx, Uint8Array.of(1, 2, 3));
  expect(decodeTx(registering.raw)).toEqual(registering);
  expect(registering.id).toEqual(tx.id);
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
