import type { Clock } from '../clock/clock.ts';
import { outputAsInput } from '../dialect/openai-responses/transcript.ts';
import { AppError, toAppError } from '../fault/app-error.ts';
import { chooseRequestId } from '../http/request-id.ts';
import type { Proxy } from '../proxy/forward.ts';
import type { ProxyInbound } from '../proxy/limits.ts';
import { tooLargeWithMemory } from '../proxy/read-body.ts';
import { memberBytes, memberValue, readClientEvent, type ClientEvent } from './client-event.ts';
import { errorEvent, withStreamId } from './error-event.ts';
import { createLanes, type Lane, type Lanes } from './lanes.ts';
import type { SocketLimits } from './limits.ts';
import type { LiveSocket, SocketEvents } from './live-socket.ts';
import type { SocketHandler } from './opening.ts';
import type { Sockets } from './sockets.ts';
import { TurnAnswer } from './turn-answer.ts';
import { createTurnFrames, type TurnFrames } from './turn-frames.ts';
import { copyToKeep, type TurnMemories, type TurnMemory } from './turn-memory.ts';
import { buildTurnRequest } from './turn-request.ts';
import { stateFor, turnIn, turnStateHeader } from './turn-state.ts';
import { answerWarmUp, checkWarmUp } from './warm-up.ts';

export interface ResponsesSocketDeps {
  readonly clock: Clock;
  readonly sockets: Pick<Sockets, 'takePlace' | 'open'>;
  readonly limits: () => SocketLimits;
  readonly memories: TurnMemories;
  readonly proxy: Pick<Proxy, 'serveTurn'>;
  /** A response that an upstream, or the store of responses, keeps for this client. */
  readonly isKept: (responseId: string, principalId: string) => boolean;
  readonly onFailure: (requestId: string, thrown: unknown) => void;
}

/** Who sends faster than it reads the errors it gets is let go at this much. */
const maxUnreadBytes = 1_048_576;

/**
 * `GET /v1/responses`: each `response.create` is an exchange of its own, each event of its answer a text frame.
 * @see https://developers.openai.com/api/docs/guides/websocket-mode
 */
export function createResponsesSocket(deps: ResponsesSocketDeps): SocketHandler {
  return async (opening) => {
    const place = deps.sockets.takePlace(opening.principal);
    await deps.sockets.open(opening, place, { hasLifetime: true, makeEvents: (socket) => new ResponsesSession(deps, socket) });
    return undefined;
  };
}

/** One socket's conversations. */
class ResponsesSession implements SocketEvents {
  readonly #deps: ResponsesSocketDeps;
  readonly #socket: LiveSocket;
  readonly #memory: TurnMemory;
  readonly #answers = new Set<TurnAnswer>();
  readonly #lanes: Lanes;
  #turns = 0;
  #isStopping = false;
  #isGone = false;

  constructor(deps: ResponsesSocketDeps, socket: LiveSocket) {
    const maxBytes = (): number => socket.opening.snapshot().limits.maxBodyBytes;
    this.#deps = deps;
    this.#socket = socket;
    this.#memory = deps.memories.open(maxBytes);
    this.#lanes = createLanes({ maxParallel: () => deps.limits().maxParallelTurns, maxWaitingBytes: maxBytes, onIdle: () => socket.settle() });
    // It says that a socket is wanted, which the upstream is not asked for.
    const { headers } = socket.opening.req;
    const betas = String(headers['openai-beta'] ?? '').split(',').filter((beta) => beta.trim() !== '' && !beta.trim().startsWith('responses_websockets='));
    if (betas.length === 0) delete headers['openai-beta'];
    else headers['openai-beta'] = betas.join(',');
  }

  readonly isBusy = (): boolean => !this.#lanes.isIdle();
  readonly turnCount = (): number => this.#turns;
  readonly onTick = (): void => undefined;
  readonly onClosed = (): void => undefined;

  readonly onMessage = (data: Buffer): void => {
    const read = readClientEvent(data);
    if ('error' in read) this.#reply(errorEvent(read.error, read.streamId));
    else if (read.kind === 'steer') this.#refuseSteering(read);
    else if (read.kind !== 'processed') this.#queue(read);
  };

  readonly onDrain = (): void => {
    for (const answer of this.#answers) answer.drained();
  };

  readonly onGone = (): void => {
    this.#isGone = true;
    this.#lanes.drop();
    for (const answer of this.#answers) answer.abandon();
    this.#memory.forgetAll();
  };

  readonly onStop = (): void => {
    this.#isStopping = true;
    this.#lanes.refuseWaiting(new AppError('overloaded', { headers: { 'retry-after': '1' } }));
  };

  readonly onExpired = (): void => {
    this.#socket.send(errorEvent(new AppError('websocket_connection_limit_reached'), undefined));
  };

  #queue(event: ClientEvent): void {
    const refuse = (error: AppError): void => this.#reply(errorEvent(error, event.streamId));
    try {
      if (this.#isStopping) throw new AppError('overloaded', { headers: { 'retry-after': '1' } });
      const lane = this.#lanes.find(event.streamId);
      this.#lanes.add({ lane, bytes: event.bytes.length, run: () => this.#run(event, lane), refuse });
    } catch (thrown) {
      refuse(toAppError(thrown));
    }
  }

  async #run(event: ClientEvent, lane: Lane): Promise<void> {
    this.#turns++;
    const requestId = chooseRequestId(undefined);
    const frames = createTurnFrames((frame) => this.#socket.send(frame), { streamId: event.streamId, requestId });
    try {
      await this.#serve(event, lane, frames, requestId);
    } catch (thrown) {
      // What comes after the turn's end the log alone is told.
      if (!(thrown instanceof AppError) || frames.end() !== undefined) this.#deps.onFailure(requestId, thrown);
      frames.fault(toAppError(thrown));
    }
  }

  async #serve(event: ClientEvent, lane: Lane, frames: TurnFrames, requestId: string): Promise<void> {
    const { clock, proxy } = this.#deps;
    const principal = this.#socket.principal();
    const request = buildTurnRequest(event, lane, this.#memory);
    if (event.kind === 'create') {
      lane.model = request.model;
      const instructions = memberBytes(event, 'instructions');
      lane.instructions = instructions === undefined ? undefined : copyToKeep(instructions);
    }
    const { maxBodyBytes } = this.#socket.opening.snapshot().limits;
    if (request.bytes.length > maxBodyBytes) throw tooLargeWithMemory(maxBodyBytes);
    if (request.isWarmUp) {
      const model = checkWarmUp(request.model, principal, this.#socket.opening.snapshot().routes);
      const { responseId, events } = answerWarmUp(model, request.previousId, Math.floor(clock.nowMs() / 1_000));
      this.#memory.remember(responseId, request.conversation);
      lane.lastId = responseId;
      for (const each of events) this.#socket.send(withStreamId(each, event.streamId));
      return;
    }
    const turn = turnIn(event);
    const state = turn === undefined ? undefined : stateFor(turn, lane.turn, headerOf(this.#socket.opening.req, turnStateHeader));
    const answer = new TurnAnswer(frames, this.#socket);
    this.#answers.add(answer);
    try {
      const inbound = this.#inboundOf(answer, requestId);
      await proxy.serveTurn(turn === undefined ? inbound : { ...inbound, headersInstead: { [turnStateHeader]: state } }, request.bytes);
    } finally {
      this.#answers.delete(answer);
    }
    if (turn !== undefined) lane.turn = { id: turn.id, state: state ?? answer.header(turnStateHeader) };
    if (this.#isGone) return;
    const end = frames.end();
    if (end === undefined) frames.fault(new AppError('stream_truncated'));
    else if (end.kind === 'finished') {
      lane.lastId = end.responseId;
      // What is kept with its reasoning, and by its items' ids, goes on better there than from here.
      if (request.isStored && this.#isKept(end.responseId, requestId)) return;
      const output = copyToKeep(Buffer.from(JSON.stringify(outputAsInput(end.output)).slice(1, -1)));
      this.#memory.remember(end.responseId, { ...request.conversation, items: [...request.conversation.items, output] });
    }
  }

  /** Where that cannot be told just now, the socket remembers the turn itself. */
  #isKept(responseId: string, requestId: string): boolean {
    try {
      return this.#deps.isKept(responseId, this.#socket.principal().id);
    } catch (thrown) {
      this.#deps.onFailure(requestId, thrown);
      return false;
    }
  }

  #inboundOf(answer: TurnAnswer, id: string): ProxyInbound {
    const { req, peer, endpoint, target, snapshot } = this.#socket.opening;
    return {
      id,
      method: 'WS',
      target: { path: target.path, query: '' },
      endpoint,
      params: {},
      peer,
      principal: this.#socket.principal(),
      snapshot: snapshot(),
      startedMs: this.#deps.clock.monotonicMs(),
      req,
      res: answer,
    };
  }

  /** No upstream over HTTP can be steered. */
  #refuseSteering(event: ClientEvent): void {
    const failed = {
      type: 'response.steer.failed',
      sequence_number: 0,
      steer: { previous_response_id: memberValue(event, 'previous_response_id') ?? null, input: memberValue(event, 'input') ?? [] },
      error: { type: 'invalid_request_error', code: 'steering_not_supported', message: 'Responses cannot be steered here; send the input with the next "response.create".' },
    };
    this.#reply(withStreamId(JSON.stringify(failed), event.streamId));
  }

  /** A word that no exchange holds back. */
  #reply(frame: string): void {
    if (this.#socket.unsentBytes() > maxUnreadBytes) this.#socket.close(1008, 'answers are not read', 'fault');
    else this.#socket.send(frame);
  }
}

function headerOf({ headers }: ProxyInbound['req'], name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}
