/** Calls that a member signs in the browser: neither the key nor its passphrase leaves it. */
import { fromHex, openKeyFile, pem, signCall, type Tx, withCertificate } from "@huchain/sdk";
import { type Chain, Fault, get, type Page, post } from "./api.ts";

/** What a member signs with: texts of the files, and the passphrase of the first. */
export interface Signer {
  key?: string;
  certificate?: string;
  passphrase: string;
}

const gasLimit = 500_000_000;
const validForMs = 60_000;
const unknownSender = "HC-2108";

/** commit signs a call and posts it to path; where the chain does not know the sender, once more with the certificate. */
export async function commit<T>(chain: string, path: string, call: { contract: string; method: string; args: unknown }, by: Signer): Promise<T> {
  const key = await openKeyFile(by.key ?? "", by.passphrase);
  const chains = await get<Page<Chain>>("/api/v1/chains");
  const genesis = fromHex(chains.items.find((c) => c.chain === chain)!.genesis);
  const tx = signCall(key, { genesis, ...call, gasLimit, validForMs }, Date.now());
  const send = (x: Tx) => post<T>(path, new Uint8Array(x.raw), "application/octet-stream");
  try {
    return await send(tx);
  } catch (e) {
    if (!(e instanceof Fault && e.code === unknownSender && by.certificate !== undefined)) throw e;
    return await send(withCertificate(tx, pem(by.certificate, "CERTIFICATE")));
  }
}
