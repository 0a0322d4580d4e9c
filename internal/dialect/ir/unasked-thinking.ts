import type { AnswerPart } from './answer.ts';
import type { IrEvent } from './events.ts';
import type { IrRequest } from './request.ts';

// Some models show their reasoning whether or not the client asked for it, and clients that did not ask read the first part of an
// answer as its text. Such reasoning is left out, but for what led to a call: that goes back to its maker with the call's result,
// in a stream right before it, since text does not wait. A forced call is data that the client may read from the first part, so it stands alone.

/** Reasoning of one choice that is kept back at most, in characters. What is longer is forgotten. */
const maxHeld = 1_048_576;

/** Parts of one answer, without reasoning that led to no call. */
export function withoutUnaskedThinking(parts: readonly AnswerPart[], request: IrRequest): readonly AnswerPart[] {
  const lastCall = isCallForced(request) ? -1 : parts.findLastIndex(({ kind }) => kind === 'tool_call');
  return parts.filter(({ kind }, index) => kind !== 'thinking' || index < lastCall);
}

interface Held {
  /** The part of reasoning that is open. */
  part: number | undefined;
  events: IrEvent[];
  size: number;
  isForgotten: boolean;
}

/** The same of a stream. Parts of a choice must come one after the other (`createSequencer`). */
export function createThinkingHold(request: IrRequest): (event: IrEvent) => readonly IrEvent[] {
  const choices = new Map<number, Held>();
  const hold = (held: Held, event: IrEvent): readonly IrEvent[] => {
    held.events.push(event);
    held.size += event.type === 'delta' ? event.text.length : event.type === 'signature' ? event.signature.value.length : 0;
    held.isForgotten ||= held.size > maxHeld;
    if (held.isForgotten) held.events = [];
    return [];
  };

  return (event) => {
    if (!('part' in event)) return [event];
    const held = choices.get(event.choice) ?? { part: undefined, events: [], size: 0, isForgotten: isCallForced(request) };
    if (event.type === 'open' && event.opening.kind === 'thinking') {
      choices.set(event.choice, held);
      held.part = event.part;
      return hold(held, event);
    }
    if (held.part === event.part) {
      if (event.type === 'close') held.part = undefined;
      return hold(held, event);
    }
    if (event.type !== 'open' || event.opening.kind !== 'tool_call') return [event];
    choices.delete(event.choice);
    return [...held.events, event];
  };
}

function isCallForced({ toolChoice }: IrRequest): boolean {
  return toolChoice?.mode === 'required' || toolChoice?.mode === 'named' || (toolChoice?.mode === 'allowed' && toolChoice.isRequired);
}
