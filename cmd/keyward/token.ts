import { printCachedToken } from '../../internal/cli/client/cached-token.ts';
import { readProcess } from '../../internal/cli/process-env.ts';

/*
 * `keyward token` before anything else is loaded: credential helpers run at every start of a tool, and the command line
 * costs more than all that there mostly is to do. The entry (scripts/build.ts) goes on to main.ts where this was not enough.
 */

export const isPrinted = await printCachedToken(readProcess(''));
