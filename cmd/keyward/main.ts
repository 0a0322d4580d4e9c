import manifest from '../../package.json' with { type: 'json' };
import { systemClock } from '../../internal/clock/clock.ts';
import { readProcess } from '../../internal/cli/process-env.ts';
import { runCli } from '../../internal/cli/run.ts';

process.exitCode = await runCli(
  readProcess(manifest.version),
  async (options) => {
    const { runDaemon } = await import('../../internal/daemon/run.ts');
    return runDaemon(options);
  },
  async () => (await import('../../internal/storage/audit-archive.ts')).openAuditArchive,
  async () => (await import('../../internal/storage/managed-key-archive.ts')).readManagedKeys,
  async () => (await import('../../internal/authserver/workloads/ask-issuer.ts')).askIssuer,
  async () => (await import('../../internal/storage/restart-audit.ts')).createRestartAudit(systemClock),
);
