import type { Party } from '../codec.ts';

/** What differs between the models that are reached in this dialect. */
export interface ModelTraits {
  readonly isClaude: boolean;
  /** `adaptive`: the model decides, steered by an effort; `budget`: tokens are set aside beforehand. */
  readonly thinking: 'adaptive' | 'budget' | 'none';
  /** How reasoning is switched off; `never`: it cannot be. */
  readonly thinkingOff: 'disabled' | 'between_tools' | 'never';
  readonly thinksByDefault: boolean;
  /** `temperature`, `top_p` and `top_k` other than their defaults. */
  readonly takesSampling: boolean;
  readonly takesXhighEffort: boolean;
  /** `output_config.format` and `strict` tools. */
  readonly takesSchemas: boolean;
  /** Instructions among the messages, where they follow the user. */
  readonly takesSystemTurns: boolean;
  /** `tool_choice` of type `any` or `tool`. */
  readonly takesForcedTools: boolean;
  /** What is asked for where the client says nothing. */
  readonly maxOutputTokens: number;
  /** Beyond it a request is refused; undefined where that is not known. */
  readonly outputLimit: number | undefined;
}

/** Servers that imitate the API know its older form. */
const imitation: ModelTraits = { isClaude: false, thinking: 'budget', thinkingOff: 'disabled', thinksByDefault: false, takesSampling: true, takesXhighEffort: false, takesSchemas: false, takesSystemTurns: false, takesForcedTools: true, maxOutputTokens: 128_000, outputLimit: undefined };
const current: ModelTraits = { isClaude: true, thinking: 'adaptive', thinkingOff: 'disabled', thinksByDefault: false, takesSampling: true, takesXhighEffort: true, takesSchemas: true, takesSystemTurns: false, takesForcedTools: true, maxOutputTokens: 128_000, outputLimit: undefined };

/**
 * What the target's model takes, by its name; without one, what the vendor's current models have in common. As of 2026-11.
 * @see https://platform.claude.com/docs/en/build-with-claude/thinking-troubleshooting
 */
export function traitsOf(target: Party): ModelTraits {
  const { maxOutputTokens } = target;
  const traits = traitsByName(target);
  return maxOutputTokens === undefined ? traits : { ...traits, maxOutputTokens, outputLimit: maxOutputTokens };
}

function traitsByName({ model, vendor }: Party): ModelTraits {
  if (model === undefined) return vendor === 'anthropic' ? current : imitation;
  if (!/\bclaude/i.test(model)) return imitation;
  const family = /opus|sonnet|haiku|fable|mythos/i.exec(model)?.[0].toLowerCase();
  return traitsOfClaude(family, versionOf(model));
}

/** 406 of `claude-opus-4-6`, 400 of `claude-opus-4-20250514`; a name without a version counts as the newest. */
function versionOf(model: string): number {
  const found = /claude(?:-[a-z]+)?-(\d{1,2})(?:[-.](\d{1,2}))?(?!\d)/i.exec(model);
  return found === null ? Number.POSITIVE_INFINITY : Number(found[1]) * 100 + Number(found[2] ?? 0);
}

function traitsOfClaude(family: string | undefined, version: number): ModelTraits {
  const isAlwaysThinking = family === 'fable' || family === 'mythos' || (version >= 505 && family !== 'haiku');
  return {
    isClaude: true,
    thinking: version >= 406 ? 'adaptive' : version >= 307 ? 'budget' : 'none',
    thinkingOff: !isAlwaysThinking ? 'disabled' : family === 'sonnet' ? 'between_tools' : 'never',
    thinksByDefault: version >= 500,
    takesSampling: version < 407,
    takesXhighEffort: version >= 407,
    takesSchemas: version >= 405 || (family === 'opus' && version >= 401),
    // https://platform.claude.com/docs/en/build-with-claude/mid-conversation-system-messages – not the Sonnets.
    takesSystemTurns: version >= 408 && Number.isFinite(version) && (family === 'opus' || family === 'fable' || family === 'mythos'),
    takesForcedTools: !(isAlwaysThinking && version >= 501),
    maxOutputTokens: maxOutputOf(family, version),
    outputLimit: Number.isFinite(version) ? maxOutputOf(family, version) : undefined,
  };
}

function maxOutputOf(family: string | undefined, version: number): number {
  if (version >= 406) return 128_000;
  if (version >= 400) return family === 'opus' && version < 405 ? 32_000 : 64_000;
  if (version >= 307) return 64_000;
  return version >= 305 ? 8_192 : 4_096;
}
