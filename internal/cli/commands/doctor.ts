import type { CliProcess } from '../process-env.ts';
export interface DoctorFlags { readonly config?: string; readonly json: boolean }
export function runDoctor(_cli: CliProcess, _flags: DoctorFlags): Promise<number> { return Promise.resolve(1); }
