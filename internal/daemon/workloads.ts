import { createTrustedIssuers, type TrustedIssuers } from '../authserver/workloads/trusted-issuers.ts';
import { createWorkloadSource } from '../authserver/workloads/workload-source.ts';
import type { CredentialSource } from '../clients/verify.ts';
import type { Clock } from '../clock/clock.ts';
import type { Dispatchers } from '../egress/dispatchers.ts';
import { AppError } from '../fault/app-error.ts';
import type { Logger } from '../log/logger.ts';
import type { RunningExchanges } from '../proxy/running.ts';
import { createOAuthHttp } from '../upstreamauth/oauth-http.ts';
import type { Live } from './live.ts';
import { publicUrlOf } from './public-url.ts';

export interface WorkloadsDeps {
  readonly clock: Clock;
  readonly log: Logger;
  readonly live: Live;
  readonly tokenDispatchers: Dispatchers;
  readonly userAgent: string;
  readonly running: Pick<RunningExchanges, 'review'>;
  readonly readmitSockets: () => void;
}

/** Tokens of trusted issuers as they are, which count whether or not `identity.enabled`. */
export interface OpenWorkloads {
  readonly source: CredentialSource;
  readonly issuers: TrustedIssuers;
  /** Called when another word than before may be said of a token; what came in by a token itself has been reviewed by then. */
  readonly onChanged: (listener: () => void) => void;
  readonly close: () => void;
}

// Made once: a stack trace for each of a thousand exchanges would be most of the time that ending them takes.
const revoked = new AppError('key_revoked', { message: 'The issuer of this token is trusted no more, or not with this.' });

export function openWorkloads({ clock, log, live, tokenDispatchers, userAgent, running, readmitSockets }: WorkloadsDeps): OpenWorkloads {
  const settings = () => live.snapshot().loaded.config;
  const ownIssuer = `${publicUrlOf(settings())}/oauth`;
  const issuers = createTrustedIssuers({
    http: createOAuthHttp({ clock, dispatchers: tokenDispatchers, userAgent }),
    proxyUrl: () => settings()['proxy-url'],
    clock,
    onProblem: (issuer, problem) => {
      if (problem === undefined) log.info({ issuer }, 'the keys of a trusted issuer can be had again');
      else log.warn({ issuer, problem }, 'the keys of a trusted issuer cannot be had');
    },
  });
  const source = createWorkloadSource({ issuers, clock, onRefused: ({ issuer, from, reason }) => log.info({ issuer, from, reason }, 'a token of a trusted issuer was not taken') });
  const listeners: (() => void)[] = [];

  source.apply(settings(), ownIssuer);
  live.onCommit(({ loaded }, cause) => {
    if (cause !== 'config' || !source.apply(loaded.config, ownIssuer)) return;
    const ended = running.review((principal) => {
      const verdict = source.recheck(principal);
      return verdict?.kind === 'invalid' && verdict.code === 'key_revoked' ? revoked : undefined;
    });
    if (ended > 0) log.info({ ended }, 'exchanges were ended: the issuers that are trusted have changed');
    for (const listener of listeners) listener();
    readmitSockets();
  });
  return { source, issuers, onChanged: (listener) => void listeners.push(listener), close: issuers.close };
}
