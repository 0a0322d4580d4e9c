import { AppError } from '../fault/app-error.ts';
import { err, ok, type Result } from '../fault/result.ts';
import { invalidYaml } from './invalid-yaml.ts';
import type { LoadedConfig } from './loaded.ts';
import type { ConfigProblem } from './problem.ts';
import { addressOf, findSecretSpots, flowScalars, isMasked, isPlainScalar, isSecretName, maskSpot, type SecretSpot, type SecretSpots } from './secret-spots.ts';
import { isReference } from './secret-reference.ts';
import { loginDestination } from './login-destination.ts';
import { endOf, isBlockScalar, startOf } from './yaml-layout.ts';
import { applyPatches } from './yaml-patch.ts';
import { renderScalar } from './yaml-render.ts';
import { parseYaml, type YamlSource } from './yaml-source.ts';
import { readTree, scalarText, type YamlTree } from './yaml-tree.ts';
import { isMembers, valueAt } from './members.ts';

/** A text with its secrets found. `root` is its plain value, in which masks are replaced as they are resolved. */
interface Side {
  readonly source: YamlSource;
  readonly found: SecretSpots;
  readonly flow: ReadonlySet<unknown>;
  readonly root: unknown;
}

/** Where a header goes depends on proxies, where a key goes on headers: so they are resolved in this order. */
const phases = [0, 1, 2] as const;

/**
 * The incoming text with the stored secrets where it holds their masks, written as they stand in the stored file. A mask
 * resolves only to the one stored secret that has it and is sent to the same place (same list, base-url, proxy and
 * headers); several that look alike resolve in their order while none was added or taken.
 * Errors: `invalid_yaml`; `secret_required` where the destination changed (security rule 19) or nothing has this mask;
 * `ambiguous_match`.
 */
export function restoreMasks(incoming: string, current: LoadedConfig): Result<string, AppError> {
  const next = readSide(incoming);
  if (!next.ok) return err(invalidYaml(next.error));
  if (!next.value.found.spots.some(isMasked)) return ok(incoming);
  const stored = readSide(current.text);
  if (!stored.ok) return err(new AppError('secret_required', { message: 'The stored config cannot be read; send the secrets themselves.' }));
  try {
    return ok(restore(next.value, stored.value));
  } catch (thrown) {
    if (thrown instanceof AppError) return err(thrown);
    throw thrown;
  }
}

function readSide(text: string): Result<Side, readonly ConfigProblem[]> {
  const source = parseYaml(text);
  if (!source.ok) return source;
  const tree = readTree(source.value);
  return tree.ok ? ok({ source: source.value, found: findSecretSpots(tree.value), flow: flowScalars(source.value), root: textsOf(tree.value) }) : tree;
}

function restore(next: Side, stored: Side): string {
  const chosen = new Map<unknown, SecretSpot>();
  for (const phase of phases) {
    const asked = groupSpots(next, phase, isMasked, (spot) => spot.written.trim());
    const known = groupSpots(stored, phase, (spot) => !isReference(spot.written), maskSpot);
    const resolved = [...asked.groups.values()].flatMap((spots) => resolveGroup(spots, known, asked.keyOf));
    for (const { spot, secret } of resolved) {
      const other = chosen.get(spot.node);
      // One anchored mask must mean one secret wherever it is used, and nothing that can be looked at.
      if (next.found.shown.has(spot.node) || (other !== undefined && other.written !== secret.written)) throw refuse('secret_required', spot, 'is used in a place where no secret belongs; send the secret itself');
      chosen.set(spot.node, secret);
      putText(next.root, spot.path, secret.written);
    }
  }
  const patches = [...chosen].flatMap(([node, secret]) => {
    const from = startOf(node);
    const to = endOf(next.source, node);
    return from === undefined || to === undefined ? [] : [{ from, to, text: writeSecret(secret, stored, next.flow.has(node)) }];
  });
  return applyPatches(next.source.text, patches);
}

/** Spots of one side by what they look like and where they are sent. */
interface SpotGroups {
  readonly groups: ReadonlyMap<string, readonly SecretSpot[]>;
  readonly looks: ReadonlySet<string>;
  readonly keyOf: (spot: SecretSpot) => string;
}

function groupSpots(side: Side, phase: (typeof phases)[number], isMeant: (spot: SecretSpot) => boolean, maskOf: (spot: SecretSpot) => string): SpotGroups {
  const lookOf = (spot: SecretSpot): string => JSON.stringify([spot.kind, maskOf(spot)]);
  const keyOf = (spot: SecretSpot): string => `${lookOf(spot)}${destinationOf(spot, side.root)}`;
  const spots = side.found.spots.filter((spot) => phaseOf(spot) === phase && isMeant(spot));
  return { groups: Map.groupBy(spots, keyOf), looks: new Set(spots.map(lookOf)), keyOf };
}

/** `spots` are masks that look alike and go to one place. */
function resolveGroup(spots: readonly SecretSpot[], known: SpotGroups, keyOf: (spot: SecretSpot) => string): readonly { readonly spot: SecretSpot; readonly secret: SecretSpot }[] {
  const [sample] = spots;
  if (sample === undefined) return [];
  const fitting = known.groups.get(keyOf(sample)) ?? [];
  const [first] = fitting;
  if (first === undefined) {
    const isKnown = known.looks.has(JSON.stringify([sample.kind, sample.written.trim()]));
    throw refuse('secret_required', sample, isKnown ? 'would be sent to another place by this change; send the secret itself along with it' : 'is the mask of no stored secret; send the secret itself');
  }
  const areSame = fitting.every((candidate) => candidate.written === first.written);
  if (!areSame && spots.length !== fitting.length) throw refuse('ambiguous_match', sample, 'is the mask of several stored secrets; send the secret itself');
  return spots.map((spot, index) => ({ spot, secret: (areSame ? first : fitting[index]) ?? first }));
}

function refuse(code: 'secret_required' | 'ambiguous_match', spot: SecretSpot, reason: string): AppError {
  const path = spot.path.join('.');
  return new AppError(code, { message: `${path} ${reason}.`, fields: { param: path } });
}

function phaseOf(spot: SecretSpot): (typeof phases)[number] {
  if (spot.kind === 'userinfo' || spot.path.at(-1)?.toLowerCase() === 'host') return 0;
  return spot.path.at(-2) === 'headers' ? 1 : 2;
}

const entryLists: ReadonlySet<string> = new Set(['gemini-api-key', 'claude-api-key', 'codex-api-key', 'vertex-api-key', 'openai-compatibility', 'generative-language-api-key']);

/** Equal texts mean that the secret is sent to the same place. */
function destinationOf(spot: SecretSpot, root: unknown): string {
  const [top = ''] = spot.path;
  if (spot.kind === 'userinfo') return JSON.stringify(['proxy', addressOf(textAt(root, spot.path))]);
  if (top === 'api-keys' || top === 'remote-management') return JSON.stringify([top]);
  if (top === 'oauth' && spot.path.at(-2) !== 'headers') return JSON.stringify([top, spot.path[1], spot.path.slice(2), loginDestination(at(root, spot.path.slice(0, 2)), memberText(root, 'proxy-url'))]);
  if (top !== 'oauth' && !entryLists.has(top)) return JSON.stringify([spot.path.filter((step) => !/^\d+$/.test(step)), plainSiblings(spot, root)]);
  const entry = at(root, spot.path.slice(0, 2));
  const holder = at(root, spot.path.slice(0, -1));
  const proxy = [memberText(holder, 'proxy-url'), memberText(entry, 'proxy-url'), memberText(root, 'proxy-url')].find((url) => url !== '') ?? '';
  const place = [top, addressOf(memberText(entry, 'base-url')), addressOf(proxy), ...(top === 'oauth' ? [spot.path[1], memberText(entry, 'mode')] : [])];
  const headers = headersOf(entry);
  if (phaseOf(spot) === 0) return JSON.stringify([...place, 'host']);
  if (phaseOf(spot) === 1) return JSON.stringify([...place, spot.path.at(-1)?.toLowerCase(), headers.filter(([name]) => name === 'host')]);
  return JSON.stringify([...place, headers]);
}

/** For secrets of sections without a fixed form: everything plain beside them may say where they go. */
function plainSiblings(spot: SecretSpot, root: unknown): unknown {
  const holder = at(root, spot.path.slice(0, -1));
  if (!isMembers(holder)) return [];
  return Object.entries(holder)
    .filter(([name, value]) => !isSecretName(name) && typeof value === 'string')
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

function headersOf(entry: unknown): readonly (readonly [string, string])[] {
  const headers = isMembers(entry) ? entry['headers'] : undefined;
  if (!isMembers(headers)) return [];
  return Object.entries(headers)
    .map(([name, value]) => [name.toLowerCase(), String(value).trim()] as const)
    .sort(([left], [right]) => (left < right ? -1 : 1));
}

function memberText(holder: unknown, name: string): string {
  const value = isMembers(holder) ? holder[name] : undefined;
  return typeof value === 'string' ? value.trim() : '';
}

function at(root: unknown, path: readonly string[]): unknown {
  return path.reduce<unknown>((value, step) => valueAt(value, [asStep(value, step)]), root);
}

function textAt(root: unknown, path: readonly string[]): string {
  const value = at(root, path);
  return typeof value === 'string' ? value : '';
}

/** Paths of spots are text; lists want numbers. */
function asStep(holder: unknown, step: string): string | number {
  return Array.isArray(holder) ? Number(step) : step;
}

/** `root` is ours: `textsOf` made it. */
function putText(root: unknown, path: readonly string[], text: string): void {
  const holder = at(root, path.slice(0, -1));
  const name = path.at(-1) ?? '';
  if (Array.isArray(holder)) holder[Number(name)] = text;
  else if (isRecord(holder)) holder[name] = text;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Scalars as the text they were written as. */
function textsOf(tree: YamlTree): unknown {
  switch (tree.kind) {
    case 'null':
      return null;
    case 'scalar':
      return scalarText(tree);
    case 'list':
      return tree.items.map(textsOf);
    case 'map':
      return Object.fromEntries(tree.members.map(({ name, value }) => [name, textsOf(value)]));
  }
}

/** As it stands in the stored file, quotes and all, where that can stand here too. */
function writeSecret(secret: SecretSpot, stored: Side, isInFlow: boolean): string {
  const from = startOf(secret.node);
  const to = endOf(stored.source, secret.node);
  const fitsHere = !isInFlow || stored.flow.has(secret.node) || !isPlainScalar(secret.node);
  const written = from === undefined || to === undefined ? '' : stored.source.text.slice(from, to);
  if (!isBlockScalar(secret.node) && fitsHere && written !== '' && !written.includes('\n')) return written;
  return renderScalar(secret.written, 'QUOTE_DOUBLE', isInFlow);
}
