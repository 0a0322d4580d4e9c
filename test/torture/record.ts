import type { OpenIntent } from './harness/intents.ts';
import type { Family, Stats, TokenRequest } from './identity-provider/wire.ts';

/*
 * What a run leaves behind: plain facts, from which test/torture/check/ judges. Times are milliseconds since the epoch.
 */

/** A daemon that was held by SIGSTOP. */
export interface StopWindow {
  readonly daemon: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** A daemon that was ended by SIGKILL and started again. */
export interface Kill {
  readonly daemon: string;
  readonly atMs: number;
  /** When it listened again. */
  readonly upAgainMs: number;
  /** Its refreshes that were under way, as its intents on disk told at that instant. */
  readonly intents: readonly OpenIntent[];
}

/** A request of a client that did not end in the right answer. */
export interface Failure {
  readonly daemon: string;
  /** Whose model was asked for; `''` where any account would do. */
  readonly identity: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** HTTP status; 0 where no whole answer came. */
  readonly status: number;
  /** `error.code` of the answer, or what broke: `ECONNRESET`, `timeout`, `wrong_account`. */
  readonly code: string;
}

/** One daemon's word on a lost account. */
export interface Telling {
  readonly daemon: string;
  /** After the loss was noticed; undefined: it stayed silent. */
  readonly afterMs: number | undefined;
  /** From `GET /v0/management/status`. */
  readonly reason: string;
  /** From `/readyz`: `degraded` or `unavailable`, with codes. */
  readonly isInReadyz: boolean;
}

/** An account that needs a person, as the identity provider or a daemon says. */
export interface Loss {
  readonly identity: string;
  readonly family: string;
  readonly noticedAtMs: number;
  /** When the identity provider ended the family; undefined where a daemon gave up by itself. */
  readonly revokedAtMs: number | undefined;
  readonly tellings: readonly Telling[];
  /** Digests that ledgers remembered when it was noticed. */
  readonly remembered: readonly string[];
  readonly reloggedInAtMs: number | undefined;
  /** After the new login, until every daemon served the account; undefined: one did not. */
  readonly cameBackAfterMs: number | undefined;
}

/** How a living account stood on disk when every daemon had ended. */
export interface FinalFile {
  readonly identity: string;
  /** The refresh token that the identity provider would take is in one of its files. */
  readonly hasNewest: boolean;
  readonly isNoteKept: boolean;
}

export interface RunRecord {
  readonly scenario: string;
  readonly title: string;
  readonly startedAtMs: number;
  /** When disturbances and faults ended. */
  readonly calmedAtMs: number;
  readonly endedAtMs: number;
  readonly daemons: readonly string[];
  readonly clientsPerDaemon: number;
  readonly identities: readonly string[];
  readonly accessLifeMs: number;
  readonly delayMs: number;
  readonly okCount: number;
  /** Of whole and right answers. */
  readonly latenciesMs: readonly number[];
  readonly failures: readonly Failure[];
  readonly families: readonly Family[];
  readonly tokenRequests: readonly TokenRequest[];
  readonly upstream: Pick<Stats, 'upstream' | 'unknownAccessCount' | 'adoptedCount'>;
  readonly stops: readonly StopWindow[];
  readonly kills: readonly Kill[];
  readonly losses: readonly Loss[];
  readonly ledgerCount: number;
  /** Every living account was refreshed again once it was calm. */
  readonly isSettled: boolean;
  readonly finalFiles: readonly FinalFile[];
  /** Daemons that ended without being told to, or not with 0 when they were: a line each. */
  readonly badEndings: readonly string[];
  /** What the harness itself stumbled over. */
  readonly troubles: readonly string[];
}
