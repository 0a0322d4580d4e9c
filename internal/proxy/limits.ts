import type { Config } from '../config/schema.ts';
import type { ClientAnswer } from '../http/client-answer.ts';
import type { Inbound } from '../http/inbound.ts';
import type { RoutingTable } from '../routing/ports.ts';
import { compilePrices, type PriceList } from './prices.ts';
import { compilePayloadRules, type PayloadRules } from './payload-rules.ts';

/** What the data plane reads of one config state. Immutable; an exchange uses one from start to end. */
export interface ProxySnapshot {
  readonly routes: RoutingTable;
  readonly limits: ProxyLimits;
}

/** A request as the data plane sees it: its answer may be a turn on a socket. */
export type ProxyInbound = Inbound<ProxySnapshot, ClientAnswer> & {
  /** In the place of the request's own headers of these names, which on a socket are the upgrade's; undefined for none. */
  readonly headersInstead?: Readonly<Record<string, string | undefined>>;
};

export interface ProxyLimits {
  readonly maxBodyBytes: number;
  readonly maxOpenExchanges: number;
  /** Infinity for no bound. */
  readonly maxOpenExchangesPerClient: number;
  readonly connectTimeoutMs: number;
  readonly headersTimeoutMs: number;
  readonly idleTimeoutMs: number;
  /** Extra rounds after all accounts failed. */
  readonly extraRounds: number;
  /** Longest wait for a cooldown between rounds. */
  readonly maxWaitMs: number;
  /** Accounts tried in one round; Infinity for all. */
  readonly maxAccountsPerRound: number;
  /** `''` for none. */
  readonly proxyUrl: string;
  /** Further attempts for a stream that nobody has begun, at once and beyond `extraRounds`. */
  readonly bootstrapRetries: number;
  readonly addsStreamUsage: boolean;
  /** Responses that no upstream keeps are kept here. */
  readonly storesResponses: boolean;
  /** Silence after which a stream gets a sign of life; 0 for never. */
  readonly keepAliveMs: number;
  /** Everybody who may call is one principal: there is nobody to keep upstream ids apart from. */
  readonly hasOneCaller: boolean;
  readonly payloadRules: PayloadRules;
  readonly prices: PriceList;
  /** How long fetched model lists count; 0 for never fetching any. */
  readonly modelListRefreshMs: number;
}

/** `isClientAuthLatched`: managed keys exist, or did (security rule 2). */
export function proxyLimits(config: Config, isClientAuthLatched = false): ProxyLimits {
  const hasOtherCallers = isClientAuthLatched || config['client-auth'] === 'required' || config.identity.enabled;
  return {
    maxBodyBytes: config['max-body-mb'] * 1_048_576,
    maxOpenExchanges: config['max-open-exchanges'],
    maxOpenExchangesPerClient: config['max-open-exchanges-per-client'] === 0 ? Infinity : config['max-open-exchanges-per-client'],
    connectTimeoutMs: config['upstream-connect-timeout'],
    headersTimeoutMs: config['upstream-headers-timeout'],
    idleTimeoutMs: config['upstream-idle-timeout'],
    extraRounds: config['request-retry'],
    maxWaitMs: config['max-retry-interval'] * 1_000,
    maxAccountsPerRound: config['max-retry-credentials'] === 0 ? Infinity : config['max-retry-credentials'],
    proxyUrl: config['proxy-url'],
    bootstrapRetries: config.streaming['bootstrap-retries'],
    addsStreamUsage: config['include-stream-usage'],
    storesResponses: config['stored-responses'].enabled,
    keepAliveMs: keepAliveMs(config.streaming['keepalive-seconds']),
    hasOneCaller: !hasOtherCallers && (config['api-keys'].length === 0 || (config['api-keys'].length === 1 && config['ws-auth'])),
    payloadRules: compilePayloadRules(config.payload),
    prices: compilePrices(config.prices),
    modelListRefreshMs: config['model-list-refresh'],
  };
}

/** Sooner than this, a sign of life would commit to a 200 before most upstreams have said anything. */
const shortestKeepAliveSeconds = 5;

function keepAliveMs(seconds: number): number {
  return seconds === 0 ? 0 : Math.max(shortestKeepAliveSeconds, seconds) * 1_000;
}
