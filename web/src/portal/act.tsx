/** Doing something that the service may refuse: what runs, and why it failed. */
import { type ReactNode, useState } from "react";
import { FaultAlert } from "../parts/fault.tsx";

/** useAct runs one thing at a time; fault shows why the last one failed. */
export function useAct(): { busy: boolean; act: (what: () => Promise<unknown>) => Promise<void>; fault: ReactNode } {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<Error>();
  const act = async (what: () => Promise<unknown>) => {
    setBusy(true);
    setError(undefined);
    try {
      await what();
    } catch (e) {
      setError(e as Error);
    } finally {
      setBusy(false);
    }
  };
  return { busy, act, fault: error && <div className="gap"><FaultAlert error={error} /></div> };
}
