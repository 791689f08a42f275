/** Hashes a file piece by piece, away from the page's own thread. */
import { hex, sha256Stream, sm3Stream } from "@huchain/sdk";

const pieceBytes = 4 << 20;

export interface Hashes {
  sm3: string;
  sha256: string;
}

/** What the worker tells: how much is done, then the hashes, or why not. */
export type Told = { id: number; done: number } | { id: number; hashes: Hashes } | { id: number; error: string };

self.onmessage = async ({ data }: MessageEvent<{ id: number; file: File }>) => {
  const { id, file } = data;
  const tell = (told: Told) => self.postMessage(told);
  try {
    const a = sm3Stream();
    const b = sha256Stream();
    for (let at = 0; at < file.size; at += pieceBytes) {
      const piece = new Uint8Array(await file.slice(at, at + pieceBytes).arrayBuffer());
      a.update(piece);
      b.update(piece);
      tell({ id, done: Math.min(1, (at + piece.length) / file.size) });
    }
    tell({ id, hashes: { sm3: hex(a.digest()), sha256: hex(b.digest()) } });
  } catch (e) {
    tell({ id, error: String(e) });
  }
};
