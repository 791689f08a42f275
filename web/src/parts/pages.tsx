/** A list that is read page by page, by the cursors its answers give. */
import { useState } from "react";
import { type Loaded, type Page, useLoad } from "../api.ts";
import { useWords } from "../words.ts";

const pageSize = 20;

/** How wide a table is whose rows unfold: one as wide as its content would grow with what is unfolded, without end. */
export const expandable = { x: 760 };

export interface Paged<T> extends Loaded<Page<T>> {
  /** Leads back to the first page; undefined on it. */
  first: (() => void) | undefined;
  next: (() => void) | undefined;
}

/** usePages reads a page of path, which may carry a query. Another path begins at its first page. */
export function usePages<T>(path: string | null): Paged<T> {
  const [at, setAt] = useState<{ path: string | null; cursor: string }>({ path, cursor: "" });
  const cursor = at.path === path ? at.cursor : "";
  const page = useLoad<Page<T>>(path === null ? null : `${path}${path.includes("?") ? "&" : "?"}limit=${pageSize}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`);
  const next = page.data?.next;
  return { ...page, first: cursor === "" ? undefined : () => setAt({ path, cursor: "" }), next: next ? () => setAt({ path, cursor: next }) : undefined };
}

export function Pager({ of }: { of: Pick<Paged<unknown>, "first" | "next"> }) {
  const { t } = useWords();
  if (!of.first && !of.next) return null;
  return (
    <p className="links">
      {of.first && (
        <button type="button" className="link" onClick={of.first}>
          {t("first20")}
        </button>
      )}
      {of.next && (
        <button type="button" className="link" onClick={of.next}>
          {t("next")}
        </button>
      )}
    </p>
  );
}
