import type { IncomingHttpHeaders } from 'node:http';
import type { Operation } from '../dialect/dialect.ts';
import { memberOf, parseJson } from '../dialect/ir/json.ts';
import { scanObject, type ValueRange } from '../dialect/json-scan.ts';
import type { SessionMark } from '../routing/ports.ts';
import { sha256Hex } from '../secret/digest.ts';
import { openingOf } from './session-opening.ts';

export interface SessionInput {
  readonly headers: IncomingHttpHeaders;
  /** The JSON body, decompressed; undefined where there is none in one piece. */
  readonly body: Uint8Array | undefined;
  readonly principalId: string;
  readonly operation: Operation;
}

/** What a place holds. */
interface Found {
  readonly source: string;
  readonly value: string;
}

/*
 * `x-client-request-id` is not among them: OpenAI defines it as new with every request, and the agents that put their session
 * there send it in one of these as well.
 */
const agentHeaders = ['session-id', 'session_id', 'x-session-id', 'x-session-affinity'] as const;
const wanted: ReadonlySet<string> = new Set(['metadata', 'session_id', 'sessionId', 'prompt_cache_key', 'conversation_id', 'messages', 'input', 'contents']);

const anthropic: ReadonlySet<Operation> = new Set<Operation>(['messages', 'count-tokens']);
/** Nothing else is a conversation, whose beginning an upstream might have cached. */
const conversing: ReadonlySet<Operation> = new Set<Operation>([...anthropic, 'chat', 'responses', 'responses-count', 'gemini-generate', 'gemini-count']);

/**
 * What marks the request's session, by the first place that has anything: Claude Code's header, Claude Code's session in
 * `metadata.user_id`, the session headers of other agents, `session_id`, `prompt_cache_key`, `metadata.user_id`,
 * `conversation_id`, what the conversation begins with. Where a header decides, the body is not read; else it is scanned
 * once. Undefined: nothing marks it. Pure; to be called only while affinity is on.
 */
export function findSessionMark(input: SessionInput): SessionMark | undefined {
  if (!conversing.has(input.operation)) return undefined;
  const found = inHeader(input.headers, 'x-claude-code-session-id') ?? find(input);
  if (found === undefined) return undefined;
  return { digest: sha256Hex(JSON.stringify([input.principalId, found.source, found.value])), source: found.source };
}

function find({ headers, body, operation }: SessionInput): Found | undefined {
  const members = new BodyMembers(body);
  if (anthropic.has(operation)) {
    const value = claudeSessionOf(members.userId());
    if (value !== undefined) return { source: 'metadata.user_id session', value };
  }
  for (const name of agentHeaders) {
    const found = inHeader(headers, name);
    if (found !== undefined) return found;
  }
  return inMember(members, 'session_id') ?? inMember(members, 'sessionId') ?? inMember(members, 'prompt_cache_key') ?? named('metadata.user_id', members.userId()) ?? inMember(members, 'conversation_id') ?? named('first messages', members.opening());
}

function named(source: string, value: string | undefined): Found | undefined {
  return value === undefined ? undefined : { source, value };
}

function inHeader(headers: IncomingHttpHeaders, name: string): Found | undefined {
  return named(`header ${name}`, filled(headers[name]));
}

function inMember(members: BodyMembers, name: string): Found | undefined {
  return named(name, filled(members.read(name)));
}

/** A text that says anything. */
function filled(value: unknown): string | undefined {
  const text = typeof value === 'string' ? value.trim() : '';
  return text === '' ? undefined : text;
}

/** Claude Code says `user_<hash>_account_<uuid>_session_<uuid>`, since its version 2.1.78 a JSON object as text. */
function claudeSessionOf(userId: string | undefined): string | undefined {
  if (userId === undefined) return undefined;
  return userId.startsWith('{') ? filled(memberOf(parseJson(userId), 'session_id')) : /^user_.*_session_([\da-f-]{36})$/i.exec(userId)?.[1];
}

/** Single members of a body, which is scanned at the first question. One that the scanner finds fault with marks nothing. */
class BodyMembers {
  readonly #bytes: Uint8Array;
  #ranges: ReadonlyMap<string, ValueRange> | undefined;

  constructor(bytes: Uint8Array | undefined) {
    this.#bytes = bytes ?? new Uint8Array();
  }

  read(name: string): unknown {
    const range = this.#range(name);
    return range === undefined ? undefined : parseJson(Buffer.from(this.#bytes.buffer, this.#bytes.byteOffset + range.start, range.end - range.start).toString('utf8'));
  }

  userId(): string | undefined {
    return filled(memberOf(this.read('metadata'), 'user_id'));
  }

  opening(): string | undefined {
    const range = this.#range('messages') ?? this.#range('input') ?? this.#range('contents');
    return range === undefined ? undefined : openingOf(this.#bytes, range);
  }

  #range(name: string): ValueRange | undefined {
    if (this.#ranges === undefined) {
      const scan = scanObject(this.#bytes, wanted);
      this.#ranges = scan.ok ? scan.members : new Map<string, ValueRange>();
    }
    return this.#ranges.get(name);
  }
}
