/** Files that are verified: their hashes, and the proof file within a PDF certificate. */
import { type Dossier, Invalid, maxDossierBytes, readDossier } from "@huchain/sdk";
import type { Hashes, Told } from "./hash.worker.ts";

/** Hasher keeps one worker, started with the page so that it works when the network is gone. */
export class Hasher {
  private readonly worker = new Worker(new URL("./hash.worker.ts", import.meta.url), { type: "module" });
  private next = 0;

  /** hash hashes a file and tells how much is done, from 0 to 1. */
  hash(file: File, onDone: (part: number) => void): Promise<Hashes> {
    const id = this.next++;
    return new Promise((resolve, reject) => {
      const listen = ({ data }: MessageEvent<Told>) => {
        if (data.id !== id) return;
        if ("done" in data) return onDone(data.done);
        this.worker.removeEventListener("message", listen);
        if ("hashes" in data) resolve(data.hashes);
        else reject(new Error(data.error));
      };
      this.worker.addEventListener("message", listen);
      this.worker.addEventListener("error", () => reject(new Error("the worker could not be started")), { once: true });
      this.worker.postMessage({ id, file });
    });
  }

  close(): void {
    this.worker.terminate();
  }
}

/** readProofFile reads a proof file (.json), or the one attached to a PDF certificate. */
export async function readProofFile(file: File): Promise<Dossier> {
  if (file.size > maxDossierBytes) throw new Invalid("too long for a proof file");
  const bytes = new Uint8Array(await file.arrayBuffer());
  if (starts(bytes, 0, "%PDF-")) return attached(bytes);
  return readDossier(new TextDecoder().decode(bytes));
}

const format = '{"format":"huchain-dossier/1"';

function starts(bytes: Uint8Array, at: number, word: string): boolean {
  for (let i = 0; i < word.length; i++) if (bytes[at + i] !== word.charCodeAt(i)) return false;
  return true;
}

function find(bytes: Uint8Array, word: string, from: number): number {
  for (let at = bytes.indexOf(word.charCodeAt(0), from); at >= 0; at = bytes.indexOf(word.charCodeAt(0), at + 1)) if (starts(bytes, at, word)) return at;
  return -1;
}

/** attached looks through a PDF's streams, as they stand or deflated, for a proof file. */
async function attached(pdf: Uint8Array): Promise<Dossier> {
  for (let at = find(pdf, "stream", 0); at >= 0; at = find(pdf, "stream", at + 6)) {
    let begin = at + 6;
    if (pdf[begin] === 13) begin++;
    if (pdf[begin] === 10) begin++;
    const end = find(pdf, "endstream", begin);
    if (end < 0) break;
    const text = await plain(pdf.subarray(begin, end));
    if (text?.replace(/\s/g, "").startsWith(format)) return readDossier(text);
    at = end + 3;
  }
  throw new Invalid("no proof file is attached to this PDF");
}

async function plain(stream: Uint8Array): Promise<string | null> {
  if (stream[0] === 0x7b) return new TextDecoder().decode(stream);
  if ((stream[0]! & 0x0f) !== 8) return null; // not deflated
  try {
    const reader = new Blob([stream.slice()]).stream().pipeThrough(new DecompressionStream("deflate")).getReader();
    const parts: Uint8Array[] = [];
    let size = 0;
    for (;;) {
      const { done, value } = await reader.read().catch(() => ({ done: true, value: undefined })); // bytes behind the end are the PDF's line break
      if (done || value === undefined) break;
      parts.push(value);
      size += value.length;
      if (size > maxDossierBytes) return null;
    }
    return await new Blob(parts as BlobPart[]).text();
  } catch {
    return null;
  }
}
