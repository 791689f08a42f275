/** Which chain the console shows, and links to its things. */
import { createContext, useContext } from "react";
import { Link } from "react-router";

export const ChainContext = createContext("");
export const useChain = (): string => useContext(ChainContext);

/** to is the address of a page about a thing of a chain. */
export function to(chain: string, kind: "block" | "tx" | "contract" | "member" | "row" | "records" | "record" | "board", ...id: (string | number)[]): string {
  return "/" + [chain, kind, ...id].map((part) => encodeURIComponent(part)).join("/");
}

/** Short shows the ends of a long hexadecimal text; the whole stands in the title. */
export function Short({ text, href }: { text: string; href?: string }) {
  const short = text.length > 20 ? `${text.slice(0, 10)}…${text.slice(-6)}` : text;
  const shown = <code title={text}>{short}</code>;
  return href === undefined ? shown : <Link to={href}>{shown}</Link>;
}
