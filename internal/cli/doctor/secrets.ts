import type { LoadedConfig, SecretOrigin } from '../../config/loaded.ts';
import { Secret, wholeMask } from '../../secret/secret.ts';
import type { DoctorReport } from './report.ts';

/** Every secret of the file with where it comes from, masked. */
export function listSecrets(loaded: LoadedConfig): DoctorReport['secrets'] {
  return [...loaded.secretOrigins].map(([path, origin]) => ({ path, origin: describeOrigin(origin), masked: path === 'remote-management.secret-key' ? wholeMask : maskAt(loaded.config, path) }));
}

function describeOrigin(origin: SecretOrigin): string {
  switch (origin.kind) {
    case 'plain':
      return 'plain';
    case 'env':
      return `env:${origin.name}`;
    case 'file':
      return `file:${origin.path}`;
  }
}

/** The masked secret at a dotted path; header names may hold dots, so the longest member that fits goes first. */
function maskAt(value: unknown, path: string): string {
  if (value instanceof Secret) return path === '' ? value.masked() : '';
  if (typeof value !== 'object' || value === null) return '';
  for (const [name, member] of Object.entries(value)) {
    if (path === name) return maskAt(member, '');
    if (path.startsWith(`${name}.`)) {
      const masked = maskAt(member, path.slice(name.length + 1));
      if (masked !== '') return masked;
    }
  }
  return '';
}
