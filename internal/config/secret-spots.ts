import { isScalar, visit, type Scalar } from 'yaml';
import { isMask, maskSecret, wholeMask } from '../secret/secret.ts';
import { isReference } from './secret-reference.ts';
import { describeSettings, shapeBelow, type SettingShape } from './shape.ts';
import { isFlow } from './yaml-layout.ts';
import type { YamlSource } from './yaml-source.ts';
import { scalarText, type YamlTree } from './yaml-tree.ts';

/** A place in a config text that holds a secret, or a reference to one. */
export interface SecretSpot {
  /** Member names and list indexes as they stand in the file. */
  readonly path: readonly string[];
  readonly node: Scalar;
  readonly written: string;
  /** `whole` is the value itself; `userinfo` a URL whose user and password are secret. */
  readonly kind: 'whole' | 'userinfo';
}

export interface SecretSpots {
  readonly spots: readonly SecretSpot[];
  /** Scalars that a setting which is no secret takes its value from, be it through an alias. */
  readonly shown: ReadonlySet<Scalar>;
}

// Of settings that Keyward does not know and cannot look up.
const secretName = /(?:^|[-_.])(?:api-?keys?|keys?|secrets?|secret-key|tokens?|passwords?|passwd|credentials?|authorization|cookies?)$/i;
const managementPath = 'remote-management.secret-key';
const userinfo = /^([a-z][a-z\d+.-]*:\/\/)([^/?#]*)@(.*)$/is;

/** All secrets of a config text: by the settings table, and by their names where the table says nothing. */
export function findSecretSpots(tree: YamlTree): SecretSpots {
  const spots: SecretSpot[] = [];
  const shown = new Set<Scalar>();
  const walk = (part: YamlTree, shape: SettingShape | undefined, path: readonly string[], isSecretByName: boolean): void => {
    if (part.kind === 'list') {
      for (const [index, item] of part.items.entries()) walk(item, shapeBelow(shape, index), [...path, String(index)], isSecretByName);
    } else if (part.kind === 'map') {
      for (const { name, value } of part.members) {
        const inner = shapeBelow(shape, name);
        const isLoose = inner === undefined || inner.type === 'anything';
        walk(value, inner, [...path, name], isLoose && (isSecretName(name) || path.at(-1) === 'headers'));
      }
    } else if (part.kind === 'scalar') {
      const written = scalarText(part);
      // Rules for request bodies count tokens: there only a text can be a secret by its name.
      const isCount = shape?.type === 'anything' && typeof part.value !== 'string';
      const kind = shape?.secret ?? (isSecretByName && !isCount ? 'whole' : shape === undefined && userinfo.test(written) ? 'userinfo' : undefined);
      const holdsSecret = written.trim() !== '' && (kind === 'whole' || (kind === 'userinfo' && (userinfo.test(written) || isReference(written))));
      if (kind !== undefined && holdsSecret) spots.push({ path, node: part.node, written, kind });
      else if (shape !== undefined) shown.add(part.node);
    }
  };
  walk(tree, describeSettings(), [], false);
  return { spots, shown };
}

/** A member of a section without a fixed form that holds a secret, going by its name. */
export function isSecretName(name: string): boolean {
  return secretName.test(name);
}

export function isManagementSecret(spot: SecretSpot): boolean {
  return spot.path.join('.') === managementPath;
}

/** What is shown in the spot's place. */
export function maskSpot(spot: SecretSpot): string {
  if (isReference(spot.written)) return spot.written;
  if (spot.kind === 'userinfo') return maskUserinfo(spot.written);
  return isManagementSecret(spot) ? wholeMask : maskSecret(spot.written.trim());
}

/** The spot holds a mask instead of a secret. */
export function isMasked(spot: SecretSpot): boolean {
  return isMask(spot.kind === 'whole' ? spot.written.trim() : userinfoOf(spot.written));
}

/** `socks5://********@host:1080`; a URL without user and password stays as it is. */
export function maskUserinfo(url: string): string {
  return url.replace(userinfo, (_whole, scheme: string, _userinfo: string, rest: string) => `${scheme}${wholeMask}@${rest}`);
}

/** `user:password` of a URL; empty where it has none. */
export function userinfoOf(url: string): string {
  return userinfo.exec(url)?.[2] ?? '';
}

/** The URL without user and password, so that a new password is no new destination. */
export function addressOf(url: string): string {
  return url.trim().replace(userinfo, '$1$3').replace(/\/+$/, '');
}

/** Scalars that stand between brackets. */
export function flowScalars(source: YamlSource): ReadonlySet<unknown> {
  const found = new Set<unknown>();
  visit(source.document, {
    Scalar: (_key, node, ancestors) => {
      if (ancestors.some(isFlow)) found.add(node);
    },
  });
  return found;
}

export function isPlainScalar(node: unknown): boolean {
  return isScalar(node) && node.type === 'PLAIN';
}
