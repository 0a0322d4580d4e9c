import type { RunRecord } from '../record.ts';

const beforeMs = 4_000;
const afterMs = 1_500;

/** What happened to an identity around a moment: refreshes, stops, kills and losses, in order, a line each. */
export function timelineAround(record: RunRecord, identity: string, atMs: number): readonly string[] {
  const events: (readonly [atMs: number, line: string])[] = [
    ...record.tokenRequests
      .filter((request) => request.identity === identity || request.identity === '')
      .map((request) => {
        const end = request.answeredAtMs === undefined ? `broken off at ${at(record, request.brokenAtMs)}` : `answered at ${at(record, request.answeredAtMs)}`;
        const life = request.accessExpiresAtMs === undefined ? '' : `, token ends at ${at(record, request.accessExpiresAtMs)}`;
        return [request.readAtMs, `refresh ${request.seq} by ${request.daemon || '?'}: ${request.outcome}${request.fault === undefined ? '' : ` (${request.fault})`}, ${end}${life}`] as const;
      }),
    ...record.stops.map(({ daemon, fromMs, toMs }) => [fromMs, `${daemon} stopped until ${at(record, toMs)}`] as const),
    ...record.kills.map((kill) => [kill.atMs, `${kill.daemon} killed, up again at ${at(record, kill.upAgainMs)}`] as const),
    ...record.losses.filter((loss) => loss.identity === identity).map((loss) => [loss.noticedAtMs, `loss of ${loss.family} noticed, new login at ${at(record, loss.reloggedInAtMs)}`] as const),
  ];
  const near = events.filter(([eventAtMs]) => eventAtMs > atMs - beforeMs && eventAtMs < atMs + afterMs);
  return near.sort(([left], [right]) => left - right).map(([eventAtMs, line]) => `${at(record, eventAtMs)}  ${line}`);
}

/** Seconds since the run's start. */
export function at({ startedAtMs }: Pick<RunRecord, 'startedAtMs'>, atMs: number | undefined): string {
  return atMs === undefined ? 'never' : `${((atMs - startedAtMs) / 1_000).toFixed(3)} s`;
}
