import type { TokenRequest } from '../identity-provider/wire.ts';
import type { RunRecord, StopWindow } from '../record.ts';
import { inFlightMs } from './loss-causes.ts';
import { gapsIn, type Interval } from './intervals.ts';

/** An answer that came this shortly before its daemon was held or killed may not have become durable yet. */
const persistMs = 1_000;

/** When no daemon but a held one could have had a living access token of the identity. */
export function tokenGapsOf(record: RunRecord, identity: string): readonly Interval[] {
  const lives = record.families.filter((family) => family.identity === identity).flatMap((family) => {
    const seed: Interval = { fromMs: family.startedAtMs, toMs: family.seedExpiresAtMs };
    const refreshed = record.tokenRequests.filter((request) => request.family === family.id).flatMap((request) => lifeOf(record, request));
    const endMs = family.revokedAtMs ?? Infinity;
    return [seed, ...refreshed].map(({ fromMs, toMs }) => ({ fromMs, toMs: Math.min(toMs, endMs) })).filter(({ fromMs, toMs }) => fromMs < toMs);
  });
  return gapsIn({ fromMs: record.startedAtMs, toMs: record.endedAtMs }, lives);
}

/** From the moment when others could read it; nothing for answers that were lost. */
function lifeOf(record: RunRecord, request: TokenRequest): readonly Interval[] {
  const { answeredAtMs, accessExpiresAtMs, daemon } = request;
  if (answeredAtMs === undefined || accessExpiresAtMs === undefined) return [];
  if (record.kills.some((kill) => kill.daemon === daemon && kill.atMs >= request.readAtMs - inFlightMs && kill.atMs <= answeredAtMs + persistMs)) return [];
  const held = record.stops.find((stop) => stop.daemon === daemon && answeredAtMs >= stop.fromMs - persistMs && answeredAtMs <= stop.toMs);
  return [{ fromMs: held === undefined ? answeredAtMs : held.toMs, toMs: accessExpiresAtMs }];
}

/** Whether the daemon that was held was the one that others had to wait for with this identity. */
export function heldRefresh(record: RunRecord, identity: string, stop: StopWindow): boolean {
  const requests = record.tokenRequests.filter((request) => request.identity === identity);
  const before = requests.findLast(({ readAtMs }) => readAtMs <= stop.fromMs);
  const after = requests.find(({ readAtMs }) => readAtMs > stop.fromMs);
  const isOpen = before?.daemon === stop.daemon && (before.answeredAtMs ?? before.brokenAtMs ?? Infinity) >= stop.fromMs - persistMs;
  // Held between taking the lock and sending: it goes first when it wakes.
  const isAbout = after?.daemon === stop.daemon && after.readAtMs >= stop.toMs;
  return isOpen || isAbout;
}
