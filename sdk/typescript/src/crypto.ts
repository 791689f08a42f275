/** SM3 (GB/T 32905) and SM2 with SM3 (GB/T 32918) as HuChain uses them. */
import { sm2, sm3 as sm3hex } from "sm-crypto-v2";
import { fromHex, hex } from "./bytes.ts";

/** The user id of every SM2 signature on a chain. */
export const userId = "1234567812345678";

export const hashSize = 32;
export const signatureSize = 64;
export const publicKeySize = 65;

/** Order of the SM2 curve's base point. */
const order = BigInt("0xfffffffeffffffffffffffffffffffff7203df6b21c6052b53bbf40939d54123");

export function sm3(bytes: Uint8Array): Uint8Array {
  return fromHex(sm3hex(bytes));
}

/** isPublicKey reports whether bytes are an uncompressed point of the curve, 65 bytes. */
export function isPublicKey(key: Uint8Array): boolean {
  if (key.length !== publicKeySize || key[0] !== 4) return false;
  try {
    return sm2.verifyPublicKey(hex(key));
  } catch {
    return false;
  }
}

/** verify checks a signature r‖s (64 bytes) of a message under an uncompressed public key. */
export function verify(key: Uint8Array, message: Uint8Array, signature: Uint8Array): boolean {
  if (signature.length !== signatureSize || !isPublicKey(key)) return false;
  const text = hex(signature);
  for (const part of [text.slice(0, 64), text.slice(64)]) {
    const v = BigInt("0x" + part);
    if (v === 0n || v >= order) return false;
  }
  try {
    return sm2.doVerifySignature(message, text, hex(key), { hash: true, userId, der: false });
  } catch {
    return false;
  }
}

/** sign signs a message with a private key of 32 bytes and returns r‖s. */
export function sign(privateKey: Uint8Array, message: Uint8Array): Uint8Array {
  return fromHex(sm2.doSignature(message, hex(privateKey), { hash: true, userId, der: false, publicKey: hex(publicKey(privateKey)) }));
}

/** publicKey returns the uncompressed public key of a private key. */
export function publicKey(privateKey: Uint8Array): Uint8Array {
  return fromHex(sm2.getPublicKeyFromPrivateKey(hex(privateKey)));
}

/** address is SM3 of an uncompressed public key, its first 20 bytes. */
export function address(key: Uint8Array): Uint8Array {
  return sm3(key).slice(0, 20);
}
