/** HuChain in TypeScript: proofs, finality certificates, transactions. */
export { equal, fromHex, hex, Invalid, utf8 } from "./bytes.ts";
export { address, isPublicKey, publicKey, sign, sm3, verify } from "./crypto.ts";
export * from "./dossier.ts";
export * from "./header.ts";
export * from "./keystore.ts";
export * from "./light.ts";
export { listRoot } from "./merkle.ts";
export * from "./proof.ts";
export * from "./receipt.ts";
export { type Digest, sha256Stream, sm3Stream } from "./stream.ts";
export * from "./tx.ts";
