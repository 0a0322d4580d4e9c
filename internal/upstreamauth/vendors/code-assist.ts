import type { IssueContext, VendorFacts } from '../after-issue.ts';
import { isRecord, recordOf, textOf, type JsonRecord } from '../json-record.ts';
import { askVendor } from './ask-vendor.ts';

/** What Code Assist asks of its callers about themselves; Keyward is none of the programs it knows. */
const metadata = { ideType: 'IDE_UNSPECIFIED', platform: 'PLATFORM_UNSPECIFIED', pluginType: 'PLUGIN_UNSPECIFIED' } as const;

const pauseMs = 2_000;
const onboardingTries = 30;

/**
 * The Google Cloud project that Code Assist serves an account under: the one named, else the one it has, else a new one by
 * onboarding, which is a long-running operation that is asked again until it is done. The account is of no use without.
 */
export async function findCodeAssistProject(context: IssueContext): Promise<VendorFacts> {
  const base = `${context.profile.spend.baseUrl}/v1internal`;
  const named: JsonRecord = context.projectId === undefined ? {} : { cloudaicompanionProject: context.projectId };
  const loaded = await askVendor(context, { url: `${base}:loadCodeAssist`, json: { metadata, ...named } });
  if (!loaded.ok) return useless(`Code Assist did not tell the account’s project (${loaded.error})`);
  const known = projectOf(loaded.value) ?? context.projectId;
  if (known !== undefined && recordOf(loaded.value, 'currentTier') !== undefined) return found(context, known);
  return onboard(context, `${base}:onboardUser`, { tierId: tierOf(loaded.value), metadata, ...named });
}

async function onboard(context: IssueContext, url: string, json: JsonRecord): Promise<VendorFacts> {
  for (let attempt = 0; attempt < onboardingTries; attempt++) {
    const asked = await askVendor(context, { url, json });
    if (!asked.ok) return useless(`Code Assist did not take the account on (${asked.error})`);
    if (asked.value['done'] === true) {
      const project = projectOf(recordOf(asked.value, 'response') ?? {}) ?? context.projectId;
      return project === undefined ? useless('Code Assist gave the account no project; start again and name one of yours by `project_id`') : found(context, project);
    }
    try {
      await context.clock.sleep(pauseMs, context.signal);
    } catch {
      break;
    }
  }
  return useless('Code Assist did not finish taking the account on');
}

function found(context: IssueContext, project: string): VendorFacts {
  return { facts: { project_id: project, auto: context.projectId === undefined, checked: true } };
}

/** A project's id stands as text or as an object with `id`. */
function projectOf(answer: JsonRecord): string | undefined {
  return textOf(answer, 'cloudaicompanionProject') ?? textOf(recordOf(answer, 'cloudaicompanionProject'), 'id');
}

function tierOf(answer: JsonRecord): string {
  const current = textOf(recordOf(answer, 'currentTier'), 'id');
  const allowed: readonly unknown[] = Array.isArray(answer['allowedTiers']) ? answer['allowedTiers'] : [];
  const preferred = allowed.filter(isRecord).find((tier) => tier['isDefault'] === true);
  return current ?? textOf(preferred, 'id') ?? 'legacy-tier';
}

function useless(problem: string): VendorFacts {
  return { facts: {}, problem, isUseless: true };
}
