/**
 * Encrypted key files as crypto/keystore writes them: PKCS#8 under PBES2 with PBKDF2-HMAC-SM3 and SM4-CBC,
 * one PEM block. Other ciphers and derivations are refused.
 */
import { sm3, sm4 } from "sm-crypto-v2";
import { concat, fromHex, hex, Invalid, u32, utf8 } from "./bytes.ts";
import { isPublicKey, publicKey } from "./crypto.ts";

const maxFileBytes = 16 << 10;
const maxIterations = 10_000_000;
const pemType = "ENCRYPTED PRIVATE KEY";

const oid = {
  pbes2: "2a864886f70d01050d",
  pbkdf2: "2a864886f70d01050c",
  hmacSM3: "2a811ccf5501831102",
  sm4CBC: "2a811ccf55016802",
  ecKey: "2a8648ce3d0201",
  sm2: "2a811ccf5501822d",
};

/** The passphrase does not open the file. */
export class WrongPassphrase extends Invalid {
  override name = "WrongPassphrase";
}

/** Der walks DER values of one level. */
class Der {
  private at = 0;
  private readonly in: Uint8Array;

  constructor(bytes: Uint8Array) {
    this.in = bytes;
  }

  /** peek is the tag of the next value, undefined at the end. */
  peek(): number | undefined {
    return this.in[this.at];
  }

  /** next reads a value of a tag and returns its content. */
  next(tag: number): Uint8Array {
    if (this.in[this.at] !== tag) throw new Invalid("not a key file of this form");
    let n = this.in[this.at + 1] ?? 0;
    this.at += 2;
    if (n > 0x80) {
      const digits = n & 0x7f;
      n = 0;
      for (let i = 0; i < digits; i++) n = n * 256 + (this.in[this.at++] ?? 0);
    }
    if (this.at + n > this.in.length) throw new Invalid("truncated key file");
    this.at += n;
    return this.in.subarray(this.at - n, this.at);
  }

  sequence(): Der {
    return new Der(this.next(0x30));
  }

  number(): number {
    return this.next(0x02).reduce((v, b) => v * 256 + b, 0);
  }

  algorithm(want: string): void {
    if (hex(this.next(0x06)) !== want) throw new Invalid("another cipher or derivation than PBKDF2-HMAC-SM3 with SM4-CBC");
  }
}

/** pem returns the content of the only block of a type. */
export function pem(text: string, type: string): Uint8Array {
  const m = new RegExp(`^\\s*-----BEGIN ${type}-----([A-Za-z0-9+/=\\s]+)-----END ${type}-----\\s*$`).exec(text);
  if (m === null || text.length > maxFileBytes) throw new Invalid(`not one PEM block "${type}"`);
  try {
    return Uint8Array.from(atob(m[1]!.replace(/\s/g, "")), (c) => c.charCodeAt(0));
  } catch {
    throw new Invalid(`not one PEM block "${type}"`);
  }
}

/** pbkdf2 derives 16 bytes. It lets others run now and then: 100,000 rounds take a second or two. */
async function pbkdf2(passphrase: Uint8Array, salt: Uint8Array, rounds: number): Promise<Uint8Array> {
  const prf = (data: Uint8Array) => fromHex(sm3(data, { key: passphrase, mode: "hmac" }));
  let u = prf(concat(salt, u32(1)));
  const out = u.slice();
  for (let i = 1; i < rounds; i++) {
    u = prf(u);
    for (let j = 0; j < out.length; j++) out[j]! ^= u[j]!;
    if (i % 5_000 === 0) await new Promise((done) => setTimeout(done, 0));
  }
  return out.subarray(0, 16);
}

/**
 * openKeyFile decrypts a key file and returns the private key, 32 bytes. It throws WrongPassphrase where the
 * passphrase does not open it, and Invalid where it is no key file of this form.
 */
export async function openKeyFile(text: string, passphrase: string): Promise<Uint8Array> {
  const outer = new Der(pem(text, pemType)).sequence();
  const scheme = outer.sequence();
  scheme.algorithm(oid.pbes2);
  const params = scheme.sequence();
  const derivation = params.sequence();
  derivation.algorithm(oid.pbkdf2);
  const kdf = derivation.sequence();
  const salt = kdf.next(0x04);
  const rounds = kdf.number();
  if (rounds < 1 || rounds > maxIterations) throw new Invalid("work factor out of range");
  if (kdf.peek() === 0x02 && kdf.number() !== 16) throw new Invalid("another length of key than SM4's");
  kdf.sequence().algorithm(oid.hmacSM3);
  const cipher = params.sequence();
  cipher.algorithm(oid.sm4CBC);
  const iv = cipher.next(0x04);
  const data = outer.next(0x04);
  const key = await pbkdf2(utf8(passphrase), salt, rounds);
  return privateKey(decrypt(data, key, iv));
}

function decrypt(data: Uint8Array, key: Uint8Array, iv: Uint8Array): Uint8Array {
  try {
    return sm4.decrypt(data, key, { mode: "cbc", iv, padding: "pkcs#7", output: "array" }) as Uint8Array;
  } catch {
    throw new WrongPassphrase("wrong passphrase, or the file is damaged");
  }
}

/** privateKey reads PKCS#8's PrivateKeyInfo with an SM2 key inside. */
function privateKey(der: Uint8Array): Uint8Array {
  let scalar: Uint8Array;
  try {
    const info = new Der(der).sequence();
    info.number();
    const algorithm = info.sequence();
    algorithm.algorithm(oid.ecKey);
    algorithm.algorithm(oid.sm2);
    const ec = new Der(info.next(0x04)).sequence();
    ec.number();
    scalar = ec.next(0x04);
  } catch {
    throw new WrongPassphrase("wrong passphrase, or the file is damaged");
  }
  if (scalar.length !== 32 || !isPublicKey(publicKey(scalar))) throw new Invalid("the key inside is out of range");
  return scalar;
}
