/** What goes wrong on purpose: planned by a test, or by the stingy profile. */
type Fault =
  | { kind: 'limit'; retryAfter: number }
  | { kind: 'fail'; error: string }
  | { kind: 'status'; code: number }
  | { kind: 'hang' }
  /** The work is done, and no answer comes: the connection breaks, or with `stalls` nothing at all happens any more. */
  | { kind: 'lost'; stalls?: true };

export interface Faults {
  plan(method: string, fault: Fault, times: number): void;
  take(method: string): Fault | undefined;
  /** What was planned and did not happen yet. */
  left(): string[];
}

export function createFaults(): Faults {
  const planned: { method: string; fault: Fault; times: number }[] = [];
  return {
    plan(method, fault, times) {
      planned.push({ method, fault, times });
    },
    take(method) {
      const found = planned.find((one) => one.method === method && one.times > 0);
      if (found !== undefined) found.times--;
      return found?.fault;
    },
    left: () =>
      planned.filter(({ times }) => times > 0).map(({ method, fault, times }) => `${method}: ${fault.kind} x${times}`),
  };
}

/** How often the stingy profile is stingy. A pause of a second is a real one for the client, so it is rare. */
export const STINGY = { limited: 9, refreshed: 23, dropped: 41, doubledEvents: 2, doubledInteractions: 4 };
