import type { IrEvent, PartOpening } from '../ir/events.ts';
import type { Signature } from '../ir/parts.ts';

/** Text of a choice of which one kind is written at a time. */
export type TextKind = 'text' | 'thinking' | 'refusal';

/** Numbers the parts of a choice, and opens and closes those of text where another begins. */
export interface PartWriter {
  /** The open part of that kind, opened if need be. */
  readonly ensure: (kind: TextKind) => number;
  readonly write: (kind: TextKind, text: string) => void;
  /** The open part of text; undefined where a call or nothing is. `from`: where it begins within the content. */
  readonly current: () => { readonly kind: TextKind; readonly part: number; readonly from: number } | undefined;
  readonly closeText: () => void;
  /** Opens a part that stays open beside others. */
  readonly openCall: (opening: Extract<PartOpening, { readonly kind: 'tool_call' }>) => number;
  readonly whole: (content: Extract<IrEvent, { readonly type: 'whole' }>['content']) => void;
  readonly add: (event: IrEvent) => void;
  /** What was written since the last time. */
  readonly take: () => readonly IrEvent[];
}

/** `signThinking`: the signature of reasoning that ends. */
export function createPartWriter(choice: number, signThinking: () => Signature): PartWriter {
  let out: IrEvent[] = [];
  let parts = 0;
  let contentChars = 0;
  let open: { readonly kind: TextKind; readonly part: number; readonly from: number } | undefined;

  const closeText = (): void => {
    if (open === undefined) return;
    const { kind, part } = open;
    open = undefined;
    if (kind === 'thinking') out.push({ type: 'signature', choice, part, signature: signThinking() });
    out.push({ type: 'close', choice, part });
  };
  const ensure = (kind: TextKind): number => {
    if (open?.kind === kind) return open.part;
    closeText();
    open = { kind, part: parts++, from: contentChars };
    out.push({ type: 'open', choice, part: open.part, opening: { kind } });
    return open.part;
  };

  return {
    ensure,
    write: (kind, text) => {
      if (text === '') return;
      out.push({ type: 'delta', choice, part: ensure(kind), text });
      if (kind === 'text') contentChars += text.length;
    },
    current: () => open,
    closeText,
    openCall: (opening) => {
      closeText();
      out.push({ type: 'open', choice, part: parts, opening });
      return parts++;
    },
    whole: (content) => {
      closeText();
      out.push({ type: 'whole', choice, part: parts++, content });
    },
    add: (event) => void out.push(event),
    take: () => {
      const taken = out;
      out = [];
      return taken;
    },
  };
}
