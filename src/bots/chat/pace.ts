/**
 * When a card may be edited next. Pure. Slack allows about 50 edits a minute for one workspace, Discord about one a second
 * for one channel; both are told before they have to say so. (docs.slack.dev/apis/web-api/rate-limits: chat.update, tier 3)
 */

/** Nobody reads faster. */
export const BETWEEN_EDITS = 3_000;
/** Of all cards together: a fifth of what Slack allows is left for whatever else edits. */
export const EDITS_A_MINUTE = 40;
const MINUTE = 60_000;

export interface Paced {
  /** When each of the last edits was made, oldest first; ms. */
  edits: readonly number[];
  /** When this very card was edited last. */
  card: number | undefined;
  /** Until when the service asked for a pause. */
  notBefore: number;
}

/** Milliseconds until the card may be edited. */
export function waitFor({ edits, card, notBefore }: Paced, now: number): number {
  const recent = edits.filter((at) => at > now - MINUTE);
  const oldest = recent.length >= EDITS_A_MINUTE ? recent[recent.length - EDITS_A_MINUTE] : undefined;
  return Math.max(
    0,
    notBefore - now,
    card === undefined ? 0 : card + BETWEEN_EDITS - now,
    oldest === undefined ? 0 : oldest + MINUTE - now,
  );
}

/** The edits that still count. */
export const remembered = (edits: readonly number[], now: number): number[] => edits.filter((at) => at > now - MINUTE);
