import { memberOf, textOf } from '../dialect/ir/json.ts';
import { memberValue, type ClientEvent } from './client-event.ts';

/*
 * OpenAI's backend gives the first answer of Codex's turn a token by which it routes the requests after it, in a header. A client
 * sends it back unchanged with all further requests of that turn, and with none of another (codex-rs/core/src/client.rs,
 * `turn_state`). On a socket to Keyward no header reaches the client after the upgrade, so the socket keeps it.
 */

export const turnStateHeader = 'x-codex-turn-state';

/** A turn of the agent, which several requests make. */
export interface AgentTurn {
  readonly id: string;
  readonly state: string | undefined;
}

/** What a request says of its turn; undefined where the client names none. */
export interface StatedTurn {
  readonly id: string;
  /** The token, where the client has it by other ways. */
  readonly state: string | undefined;
}

export function turnIn(event: ClientEvent): StatedTurn | undefined {
  const metadata = memberValue(event, 'client_metadata');
  const id = textOf(memberOf(metadata, 'turn_id')) ?? '';
  return id === '' ? undefined : { id, state: textOf(memberOf(metadata, turnStateHeader)) };
}

/** The token to send. `before`: the turn that was last served in its place. `opening`: as the upgrade had it, which belongs to the first turn. */
export function stateFor({ id, state }: StatedTurn, before: AgentTurn | undefined, opening: string | undefined): string | undefined {
  if (state !== undefined) return state;
  return before === undefined ? opening : before.id === id ? before.state : undefined;
}
