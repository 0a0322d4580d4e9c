import type { Lease } from '../clients/limits/lease.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import type { Inbound } from '../http/inbound.ts';
import type { RequestLog, RequestLogs } from '../log/request-log.ts';
import { refuse } from './answer-failure.ts';
import { exchange, type ExchangeDeps, type PreparedRequest } from './exchange.ts';
import type { ProxyInbound, ProxySnapshot } from './limits.ts';
import { operations, parseGeminiSpec, type ProxyOperation } from './operation.ts';
import { createItemMemory } from './item-memory.ts';
import { createTranslationLoader } from './load-translation.ts';
import { prepareBytes, prepareRequest, type PrepareDeps } from './prepare.ts';
import type { RunningExchange, RunningExchanges } from './running.ts';
import { answerStored } from './stored-responses.ts';
import { takePlace } from './take-lease.ts';
import { ClientGone } from './read-body.ts';

export type ProxyDeps = ExchangeDeps &
  Omit<PrepareDeps, 'items'> & {
    /** Called at the start of every exchange; `settle` ends what it began. */
    readonly onOpened: () => void;
    /** Why no exchange may begin now, as a refusal; absent or undefined when all is well. */
    readonly obstacle?: () => AppError | undefined;
    readonly requestLogs: Pick<RequestLogs, 'begin'>;
    readonly running: Pick<RunningExchanges, 'begin'>;
  };

/** A data-plane route's handler: answers on `inbound.res`, never rejects. */
export type ProxyHandler = (inbound: Inbound<ProxySnapshot>) => Promise<void>;

export interface Proxy {
  /** A POST whose body, or path, names the model. */
  readonly forward: (operation: ProxyOperation) => ProxyHandler;
  /** `POST …/models/M:verb`; the route's `spec` parameter is `M:verb`. */
  readonly forwardGemini: ProxyHandler;
  /** `GET` and `DELETE /v1/responses/:id`. */
  readonly forwardStoredResponse: ProxyHandler;
  /** `GET /v1/responses/:id/input_items`, of responses that are kept here. */
  readonly showInputItems: ProxyHandler;
  /** One turn on a socket: a Responses request with `stream: true`, its answer the events of an SSE stream, or JSON with a status. */
  readonly serveTurn: (inbound: ProxyInbound, bytes: Buffer) => Promise<void>;
  readonly openCount: () => number;
}

/** The data plane: every same-dialect route over one exchange loop. */
export function createProxy(deps: ProxyDeps): Proxy {
  let open = 0;
  const openByClient = new Map<string, number>();
  const whole = { ...deps, translation: createTranslationLoader(), items: createItemMemory() };

  const serve = async (inbound: ProxyInbound, operation: ProxyOperation, prepare: () => PreparedRequest | Promise<PreparedRequest>): Promise<void> => {
    const { method, target, req, principal, snapshot: { limits } } = inbound;
    const ofClient = (openByClient.get(principal.id) ?? 0) + 1;
    open++;
    openByClient.set(principal.id, ofClient);
    deps.onOpened();
    // In the same turn as the door's yes: what takes the right away in between finds the exchange here.
    const running = deps.running.begin(principal);
    const log = deps.requestLogs.begin(inbound.id, { method, path: target.path, query: target.query, headers: req.headers });
    try {
      const obstacle = deps.obstacle?.();
      if (obstacle !== undefined) throw obstacle;
      if (open > limits.maxOpenExchanges) throw new AppError('overloaded', { headers: { 'retry-after': '1' } });
      if (ofClient > limits.maxOpenExchangesPerClient) throw new AppError('too_many_exchanges', { headers: { 'retry-after': '1' } });
      const prepared = prepare();
      await exchange(whole, inbound, prepared instanceof Promise ? await whileAllowed(running, prepared) : prepared, log, running);
    } catch (thrown) {
      settleUnprepared(deps, inbound, operation, thrown, log);
    } finally {
      open--;
      running.done();
      const left = (openByClient.get(principal.id) ?? 1) - 1;
      if (left === 0) openByClient.delete(principal.id);
      else openByClient.set(principal.id, left);
    }
  };

  return {
    forward: (operation) => (inbound) => serve(inbound, operation, () => prepareRequest(whole, inbound, operation, undefined)),
    forwardGemini: (inbound) => {
      const spec = parseGeminiSpec(inbound.params['spec'] ?? '');
      const operation = spec?.operation ?? unknownVerb;
      return serve(inbound, operation, () => {
        if (spec === undefined) throw new AppError('not_found', { message: 'The path is `models/<model>:<verb>` with one of the verbs generateContent, streamGenerateContent, countTokens, embedContent, batchEmbedContents.' });
        return prepareRequest(whole, inbound, spec.operation, spec.model);
      });
    },
    showInputItems: (inbound) => answerHere(deps, { ...inbound, params: { ...inbound.params, part: 'input_items' } }),
    forwardStoredResponse: (inbound) => {
      const id = inbound.params['id'] ?? '';
      const owner = deps.owners.find(id);
      if (owner === undefined || owner.principalId !== inbound.principal.id) return answerHere(deps, inbound);
      const operation = { ...operations.responses, tail: `/responses/${encodeURIComponent(id)}` };
      return serve(inbound, operation, () => ({
        operation,
        method: inbound.method === 'DELETE' ? 'DELETE' : 'GET',
        model: '',
        isStream: false,
        requestBytes: 0,
        open: () => ({ body: null, length: 0 }),
        spoken: operation.dialect,
        decode: undefined,
        bytes: undefined,
        keepHere: undefined,
        pinnedAccountId: owner.accountId,
        isStored: false,
        dispose: async () => {},
      }));
    },
    serveTurn: (inbound, bytes) =>
      serve(inbound, operations.responses, () => prepareBytes(whole, inbound, { operation: operations.responses, modelInPath: undefined, bytes })),
    openCount: () => open,
  };
}

/** A caller who may not go on is not waited for, however slowly he sends. */
async function whileAllowed(running: RunningExchange, prepared: Promise<PreparedRequest>): Promise<PreparedRequest> {
  try {
    return await running.orEnd(prepared);
  } catch (thrown) {
    if (running.end() !== undefined) prepared.then((late) => late.dispose()).catch(() => undefined);
    throw thrown;
  }
}

/** An answer from what is kept here, under the same conditions as an exchange. */
async function answerHere(deps: ProxyDeps, inbound: ProxyInbound): Promise<void> {
  let lease: Lease | undefined;
  try {
    const obstacle = deps.obstacle?.();
    if (obstacle !== undefined) throw obstacle;
    lease = takePlace(deps.limits, inbound.principal);
    answerStored(deps.store, inbound, lease?.rateHeaders('openai') ?? []);
  } catch (thrown) {
    refuse(inbound, 'openai-responses', toAppError(thrown));
  } finally {
    lease?.settle({ input: 0, output: 0, cached: 0, wasSent: false });
  }
}

const unknownVerb: ProxyOperation = { dialect: 'gemini', operation: 'gemini-generate', tail: '', body: 'json', modelIn: 'path', answers: 'text' };

/** A request that was refused before it became an exchange is counted all the same. */
function settleUnprepared(deps: ProxyDeps, inbound: ProxyInbound, operation: ProxyOperation, thrown: unknown, log: RequestLog): void {
  const request = { operation, model: '', isStream: false, requestBytes: 0 };
  const progress = { attempts: 0, firstByteMs: undefined, candidate: undefined };
  if (thrown instanceof ClientGone) {
    deps.settle(inbound, request, progress, { status: 499, outcome: 'client_closed', summary: undefined });
    log.end(499);
    return;
  }
  const error = toAppError(thrown);
  refuse(inbound, operation.dialect, error);
  deps.settle(inbound, request, progress, { status: error.status, outcome: error.code, summary: undefined });
  log.end(error.status, error);
}
