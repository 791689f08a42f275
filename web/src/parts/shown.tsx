/** What a route answers, or why it does not. */
import { Skeleton } from "antd";
import type { ReactNode } from "react";
import { type Loaded, useLoad } from "../api.ts";
import { FaultAlert } from "./fault.tsx";

export function Shown<T>({ path, every = 0, children }: { path: string; every?: number; children: (data: T, reload: () => void) => ReactNode }) {
  return <ShownLoaded of={useLoad<T>(path, every)}>{children}</ShownLoaded>;
}

/** ShownLoaded shows what was loaded elsewhere. */
export function ShownLoaded<T>({ of, children }: { of: Loaded<T>; children: (data: T, reload: () => void) => ReactNode }) {
  const { data, error, reload } = of;
  return (
    <>
      {error && <FaultAlert error={error} retry={reload} />}
      {data ? children(data, reload) : !error && <Skeleton active />}
    </>
  );
}
