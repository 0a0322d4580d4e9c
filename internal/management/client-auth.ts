import { toAppError } from '../fault/app-error.ts';
import { changeConfig } from './change.ts';
import type { ManagementCall, ManagementDeps } from './context.ts';

/**
 * Writes `client-auth: required` into the config, which the first managed key brings with it (security rule 2). The latch
 * beside the data has closed the door already, so that a config which cannot be written is worth a note and no failure.
 */
export async function requireClientAuth(deps: ManagementDeps, call: ManagementCall): Promise<{ readonly notes?: readonly string[] }> {
  if (deps.config.current().config['client-auth'] === 'required') return {};
  try {
    await changeConfig(deps, call, {
      target: 'client-auth',
      ifMatch: undefined,
      allowOpen: false,
      tagOf: () => '',
      plan: ({ config }) => ({ edits: config['client-auth'] === 'required' ? [] : [{ kind: 'set', path: ['client-auth'], value: 'required' }] }),
    });
    return { notes: ['`client-auth: required` was written into the config: from now on every caller needs a credential.'] };
  } catch (thrown) {
    return { notes: [`From now on every caller needs a credential. \`client-auth: required\` could not be written into the config (${toAppError(thrown).message}); add the line yourself.`] };
  }
}
