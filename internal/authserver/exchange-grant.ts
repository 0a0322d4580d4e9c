import { errors, type Provider } from 'oidc-provider';
import { exchangeGrant } from '../clients/issued/oauth-client.ts';
import type { Scope } from '../clients/grant.ts';
import type { Clock } from '../clock/clock.ts';
import type { Result } from '../fault/result.ts';
import type { OwnClaims } from './provider.ts';
import { accessTokenType, type ExchangeError, type ExchangeGrant, type ExchangeRequest } from './workloads/exchange-subject.ts';

export interface ExchangeGrantDeps {
  readonly audience: string;
  readonly accessTokenSeconds: () => number;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly exchange: (request: ExchangeRequest) => Promise<Result<ExchangeGrant, ExchangeError>>;
  readonly claims: OwnClaims;
  /** What a client may have at most. */
  readonly scopesOf: (clientId: string) => readonly Scope[];
}

/** RFC 8693 §2.1 and RFC 8707 §2: these may stand there several times. */
const targets = ['audience', 'resource'] as const;
const parameters = ['subject_token', 'subject_token_type', 'actor_token', 'actor_token_type', 'requested_token_type', 'scope', ...targets];

/**
 * A token for a workload that its platform vouches for: no more than its issuer's entry gives, and no longer than the token that it
 * brought. @see RFC 8693 §2
 */
export function addExchangeGrant(provider: Provider, { audience, accessTokenSeconds, clock, exchange, claims, scopesOf }: ExchangeGrantDeps): void {
  provider.registerGrantType(
    exchangeGrant,
    async (ctx) => {
      const { client, params } = ctx.oidc;
      const text = (name: string): string | undefined => {
        const value: unknown = Reflect.get(params, name);
        return typeof value === 'string' ? value : undefined;
      };
      for (const name of targets) {
        const value: unknown = Reflect.get(params, name);
        const named: readonly unknown[] = Array.isArray(value) ? value : value === undefined ? [] : [value];
        if (named.some((each) => each !== audience)) throw new errors.InvalidTarget(`the only ${name} here is ${audience}`);
      }
      if (text('actor_token_type') !== undefined && text('actor_token') === undefined) throw new errors.InvalidRequest('actor_token_type is for requests with an actor_token');
      if (ctx.get('DPoP') !== '') throw new errors.InvalidRequest('tokens got in exchange are not bound to a key; leave the DPoP proof out');
      const granted = await exchange({ subjectToken: text('subject_token'), subjectTokenType: text('subject_token_type'), actorToken: text('actor_token'), requestedTokenType: text('requested_token_type'), scope: text('scope') });
      if (!granted.ok) throw new errors.CustomOIDCProviderError(granted.error.error, granted.error.description);
      const { workload, expiresAtMs, subject } = granted.value;
      // Others read the token too, so that it says no more than counts here.
      const ofClient = scopesOf(client.clientId);
      const scopes = granted.value.scopes.filter((scope) => ofClient.includes(scope));
      if (scopes.length === 0) throw new errors.InvalidScope('none of the scopes asked for is one that this client has', scopes.join(' '));
      const seconds = Math.min(accessTokenSeconds(), Math.floor((expiresAtMs - clock.nowMs()) / 1_000));
      if (seconds < 1) throw new errors.InvalidGrant('subject_token ends within a second');
      const scope = scopes.join(' ');
      const token = new provider.AccessToken({ client, accountId: workload.id, grantId: '', gty: exchangeGrant, scope, expiresIn: seconds });
      token.resourceServer = new provider.ResourceServer(audience, { scope, audience, accessTokenFormat: 'jwt', jwt: { sign: { alg: 'ES256' } } });
      claims.add(token, { workload: subject, ...(workload.organization === '' ? {} : { org: workload.organization }) }, workload);
      const accessToken = await token.save();
      ctx.oidc.entity('AccessToken', token);
      ctx.body = { access_token: accessToken, issued_token_type: accessTokenType, token_type: 'Bearer', expires_in: seconds, scope };
    },
    parameters,
    targets,
  );
}
