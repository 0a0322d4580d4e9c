import type { Party } from '../codec.ts';
import type { JsonRecord } from '../ir/json.ts';
import type { Losses } from '../ir/losses.ts';
import type { Turn } from '../ir/request.ts';
import { traitsOf } from './model-traits.ts';
import { encodePart } from './parts-encode.ts';

export interface Conversation {
  readonly system: readonly JsonRecord[] | undefined;
  readonly messages: readonly Message[];
}

export interface Message {
  readonly role: 'user' | 'assistant' | 'system';
  readonly content: readonly JsonRecord[];
}

/**
 * Turns as the API wants them: instructions that lead at the top; later ones after what the user says between two turns of the
 * model, or as text of the user at their place for models that do not take them there; no two neighbours of one role; results of
 * tools first in their message; nothing blank.
 */
export function encodeConversation(turns: readonly Turn[], target: Party, losses: Losses): Conversation {
  const isInstruction = ({ role }: Turn): boolean => role === 'system' || role === 'developer';
  const found = turns.findIndex((turn) => !isInstruction(turn));
  // Without any other turn the last instruction is the message, since there must be one.
  const leading = found < 0 ? turns.length - 1 : found;
  const encode = (turn: Turn, index: number): readonly JsonRecord[] => encodeTurn(turn, index, target, losses);
  const system = turns.slice(0, Math.max(leading, 0)).flatMap(encode);
  const messages: { role: Message['role']; content: JsonRecord[] }[] = [];
  const add = (role: Message['role'], content: readonly JsonRecord[]): void => {
    const last = messages.at(-1);
    if (content.length === 0) return;
    if (last?.role === role) last.content.push(...content);
    else messages.push({ role, content: [...content] });
  };
  /** Instructions that wait for the user to have spoken. */
  let waiting: JsonRecord[] = [];
  const settle = (): void => {
    const isAfterUser = messages.at(-1)?.role === 'user';
    if (waiting.length > 0 && !isAfterUser) losses.drop('system');
    add(isAfterUser ? 'system' : 'user', waiting);
    waiting = [];
  };
  const { takesSystemTurns } = traitsOf(target);
  for (const [index, turn] of turns.entries()) {
    if (index < leading) continue;
    const content = encode(turn, index);
    if (isInstruction(turn) && takesSystemTurns) {
      waiting.push(...content);
      continue;
    }
    if (isInstruction(turn)) losses.drop('system');
    // Once it speaks, or is to, the instruction counts.
    if (turn.role === 'assistant' && content.length > 0) settle();
    add(turn.role === 'assistant' ? 'assistant' : 'user', content);
  }
  settle();
  const arrange = ({ role, content }: Message, index: number): readonly JsonRecord[] => {
    if (role === 'user') return resultsFirst(content);
    const said = traitsOf(target).thinking === 'budget' ? thinkingFirst(content) : content;
    return index === messages.length - 1 ? trimEnd(said) : said;
  };
  return { system: system.length === 0 ? undefined : system, messages: messages.map((message, index) => ({ role: message.role, content: arrange(message, index) })) };
}

function encodeTurn(turn: Turn, index: number, target: Party, losses: Losses): readonly JsonRecord[] {
  if (turn.name !== undefined) losses.drop('name');
  const isInstruction = turn.role === 'system' || turn.role === 'developer';
  return turn.parts.flatMap((part, at): readonly JsonRecord[] => {
    const path = `turns[${index}].parts[${at}]`;
    if (isInstruction && part.kind !== 'text' && part.kind !== 'raw') return losses.refuse(path, 'instructions are text');
    const block = encodePart(part, { path, isAssistant: turn.role === 'assistant', target, losses });
    return block === undefined ? [] : [block];
  });
}

/** Results must follow their calls directly. */
function resultsFirst(content: readonly JsonRecord[]): readonly JsonRecord[] {
  const isResult = ({ type }: JsonRecord): boolean => type === 'tool_result';
  return [...content.filter(isResult), ...content.filter((block) => !isResult(block))];
}

/** Reasoning that a stream told after the text it led to (`ir/unasked-thinking.ts`) stood before it. */
function thinkingFirst(content: readonly JsonRecord[]): readonly JsonRecord[] {
  const at = content.findIndex(isThinking);
  return at < 1 ? content : [...content.slice(at, at + 1), ...content.slice(0, at), ...content.slice(at + 1)];
}

function isThinking({ type }: JsonRecord): boolean {
  return type === 'thinking' || type === 'redacted_thinking';
}

/** A conversation that ends with the model's own words must not end with white space. */
function trimEnd(content: readonly JsonRecord[]): readonly JsonRecord[] {
  const last = content.at(-1);
  return last?.['type'] === 'text' && typeof last['text'] === 'string' ? [...content.slice(0, -1), { ...last, text: last['text'].trimEnd() }] : content;
}

/** Tools that the conversation called. */
export function calledTools(messages: readonly Message[]): ReadonlySet<string> {
  return new Set(messages.flatMap(({ content }) => content.flatMap(({ type, name }) => (type === 'tool_use' && typeof name === 'string' ? [name] : []))));
}

/** Models with a budget demand that the last assistant turn begins with its reasoning where it calls tools or is to be gone on with. */
export function mayThinkByBudget(messages: readonly Message[]): boolean {
  const last = messages.findLast(({ role }) => role === 'assistant');
  if (last === undefined) return true;
  const isOpen = last === messages.at(-1) || last.content.some(({ type }) => type === 'tool_use');
  return !isOpen || last.content.slice(0, 1).some(isThinking);
}
