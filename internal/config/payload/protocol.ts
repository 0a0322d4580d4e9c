import type { Dialect } from '../../dialect/dialect.ts';

/** What a rule's `protocol` or `from-protocol` means. */
export interface Protocol {
  readonly dialect: Dialect;
  /** The Go program tells its agent-plan provider from the rest of Gemini. */
  readonly isAntigravity: boolean;
}

const dialectByName: Readonly<Record<string, Dialect>> = {
  openai: 'openai-chat',
  'openai-chat': 'openai-chat',
  codex: 'openai-responses',
  response: 'openai-responses',
  responses: 'openai-responses',
  'openai-response': 'openai-responses',
  'openai-responses': 'openai-responses',
  claude: 'anthropic-messages',
  'anthropic-messages': 'anthropic-messages',
  gemini: 'gemini',
  'gemini-cli': 'gemini',
  antigravity: 'gemini',
};

/** For people: the names that need no explanation. */
export const protocolNames = 'openai, codex, claude, gemini, antigravity, openai-chat, openai-responses, anthropic-messages';

/** Protocols of the Go program that nothing here speaks. */
export function isUnservedProtocol(name: string): boolean {
  return name.toLowerCase() === 'interactions';
}

/** Undefined for names that mean nothing here. Letter case does not matter. */
export function readProtocol(name: string): Protocol | undefined {
  const lower = name.toLowerCase();
  const dialect = Object.hasOwn(dialectByName, lower) ? dialectByName[lower] : undefined;
  return dialect === undefined ? undefined : { dialect, isAntigravity: lower === 'antigravity' };
}
