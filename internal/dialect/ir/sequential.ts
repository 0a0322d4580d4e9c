import type { IrEvent } from './events.ts';

/**
 * Orders events for dialects in which one part is open at a time: a part that opens while another of its choice is open
 * waits, its events with it, until that one closes. Nothing is lost and nothing changes within a part.
 */
export function createSequencer(): (event: IrEvent) => readonly IrEvent[] {
  const choices = new Map<number, { open: number | undefined; readonly waiting: Map<number, IrEvent[]> }>();

  const release = (choice: number): readonly IrEvent[] => {
    const state = choices.get(choice);
    if (state === undefined) return [];
    const out: IrEvent[] = [];
    for (const [part, events] of state.waiting) {
      state.waiting.delete(part);
      for (const event of events) out.push(event);
      if (events.at(-1)?.type !== 'close' && events.at(-1)?.type !== 'whole') {
        state.open = part;
        return out;
      }
    }
    return out;
  };

  return (event) => {
    if (!('part' in event)) return [event];
    const state = choices.get(event.choice) ?? { open: undefined, waiting: new Map<number, IrEvent[]>() };
    choices.set(event.choice, state);
    if (state.open !== undefined && state.open !== event.part) {
      const events = state.waiting.get(event.part);
      if (events === undefined) state.waiting.set(event.part, [event]);
      else events.push(event);
      return [];
    }
    switch (event.type) {
      case 'open':
        state.open = event.part;
        return [event];
      case 'close':
        state.open = undefined;
        return [event, ...release(event.choice)];
      default:
        return [event];
    }
  };
}
