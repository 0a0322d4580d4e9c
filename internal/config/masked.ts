import { maskSecret, Secret, wholeMask } from '../secret/secret.ts';
import type { LoadedConfig, SecretOrigin } from './loaded.ts';
import { isSecretName, maskUserinfo } from './secret-spots.ts';
import { isMembers } from './members.ts';
import { describeSettings, shapeBelow, type SettingShape } from './shape.ts';

type Json = Readonly<Record<string, unknown>>;

/** All settings as JSON in their own spelling, defaults filled in: secrets masked, references as written, durations as text. */
export function maskedConfig(loaded: LoadedConfig): Json {
  return show(loaded, false);
}

/** The same with plaintext; the management secret stays masked (security rule 20). */
export function revealedConfig(loaded: LoadedConfig): Json {
  return show(loaded, true);
}

function show(loaded: LoadedConfig, isRevealed: boolean): Json {
  const shown = showValue(loaded.config, describeSettings(), []);
  return isMembers(shown) ? shown : {};

  function showValue(value: unknown, shape: SettingShape | undefined, path: readonly string[]): unknown {
    if (value instanceof Secret) return showSecret(value.reveal(), path);
    if (Array.isArray(value)) return value.map((item, index) => showValue(item, shapeBelow(shape, index), [...path, String(index)]));
    if (isMembers(value)) return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, showValue(member, shapeBelow(shape, name), [...path, name])]));
    if (shape?.type === 'duration' && typeof value === 'number') return formatDuration(value);
    if (typeof value !== 'string') return value;
    if (shape?.secret === 'userinfo') return isRevealed ? value : (referenceOf(path) ?? maskUserinfo(value));
    return !isRevealed && (shape === undefined || shape.type === 'anything') && isSecretName(path.at(-1) ?? '') ? maskSecret(value) : value;
  }

  function showSecret(value: string, path: readonly string[]): string {
    if (path.join('.') === 'remote-management.secret-key') return referenceOf(path) ?? (value === '' ? '' : wholeMask);
    return isRevealed ? value : (referenceOf(path) ?? (value === '' ? '' : maskSecret(value)));
  }

  function referenceOf(path: readonly string[]): string | undefined {
    return writtenReference(loaded.secretOrigins.get(path.join('.')));
  }
}

/** `env:NAME` or `file:PATH` as the config has it; undefined for what stands there in plain. */
function writtenReference(origin: SecretOrigin | undefined): string | undefined {
  if (origin?.kind === 'env') return `env:${origin.name}`;
  return origin?.kind === 'file' ? `file:${origin.written}` : undefined;
}

const durationUnits = [['d', 86_400_000], ['h', 3_600_000], ['m', 60_000], ['s', 1_000]] as const;

/** The longest unit that gives a whole number: `15m`, `90s`, `250ms`. */
export function formatDuration(ms: number): string {
  const unit = durationUnits.find(([, unitMs]) => ms >= unitMs && ms % unitMs === 0);
  return unit === undefined ? `${ms}ms` : `${ms / unit[1]}${unit[0]}`;
}
