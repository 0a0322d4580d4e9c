import { LLMock } from '@copilotkit/aimock';
import { startForwardingRecorder, type ForwardingSetup } from './forwarding-recorder.ts';
import type { ScriptedUpstream } from './scripted-upstream.ts';

/** A third party's simulator of all dialects behind a recorder that decides who may pass. */
export type SimulatedGate = Pick<ScriptedUpstream, 'url' | 'seen' | 'close'>;

export const simulatedText = 'Hello from the simulated vendor.';

export async function startSimulatedGate(setup: Omit<ForwardingSetup, 'to'> = {}): Promise<SimulatedGate> {
  const mock = new LLMock({ port: 0, host: '127.0.0.1', chunkSize: 6 });
  mock.onMessage(/.*/, { content: simulatedText });
  const recorder = await startForwardingRecorder({ ...setup, to: await mock.start() });
  return {
    url: recorder.url,
    seen: recorder.seen,
    close: async () => {
      await recorder.close();
      await mock.stop();
    },
  };
}

/** What stands behind `Bearer`; `''` where nothing does. */
export function bearerOf(headers: { readonly authorization?: string | undefined }): string {
  return /^Bearer (.+)$/.exec(headers.authorization ?? '')?.[1] ?? '';
}
