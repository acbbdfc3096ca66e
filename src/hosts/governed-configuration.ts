import { dirname, isAbsolute, relative } from 'node:path';
import type { ConfigurationCall } from '../config/commands.ts';
import { type LoadRequest, loadConfiguration, parseOverrides } from '../config/load.ts';
import { isOwnComputer } from '../config/protected-policy.ts';
import { UserError } from '../core/errors.ts';
import type { Finding } from '../core/finding.ts';
import type { ConfigurationFile } from './configuration-file.ts';
import type { RunnerInputs } from './runner-inputs.ts';

/** The configuration on the branch whose policy holds; without `bytes` it is not there. */
export interface PolicyFile {
  readonly branch: string;
  readonly isProtected: boolean;
  readonly bytes: Uint8Array | undefined;
}

/** What loading needs of the job. */
export interface PolicySource {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string;
  readonly signal: AbortSignal;
  /** The file at this path of the repository, as it stands on the branch whose policy holds. */
  readonly readPolicy: (path: string, token: string, signal: AbortSignal) => Promise<PolicyFile>;
}

/**
 * Loads the configuration with the policy of the default branch, save for what happens on this computer alone. `mayLack`:
 * secrets that are not set are known by name only. A file
 * that is not valid by itself is not loaded. Throws UserError `no-policy` where the policy cannot be seen.
 */
export async function loadGoverned(
  file: ConfigurationFile,
  inputs: RunnerInputs,
  secrets: Readonly<Record<string, string>>,
  source: PolicySource,
  mayLack: boolean,
): Promise<{ readonly call: ConfigurationCall; readonly findings: readonly Finding[] }> {
  const request: LoadRequest = {
    bytes: file.bytes,
    file: file.shown,
    directory: dirname(file.path),
    ...(inputs.environment === undefined ? {} : { environment: inputs.environment }),
    secrets,
    variables: inputs.variables,
    overrides: parseOverrides({ environment: source.env, set: inputs.set }),
    // A job that is handed none knows them by name only; what looks or goes back does without those that are missing.
    sealed: mayLack || Object.keys(secrets).length === 0,
  };
  const own = loadConfiguration(request);
  if (!own.ok || isOwnComputer(own.configuration.environment, own.configuration.target.kind)) {
    return { call: { request, result: own }, findings: [] };
  }
  const { bytes, branch, isProtected } = await protectedFile(file, inputs.githubToken, source);
  const governed = { ...request, policy: { bytes, branch } };
  const call = { request: governed, result: loadConfiguration(governed) };
  return { call, findings: isProtected ? [] : [unprotected(branch)] };
}

async function protectedFile(file: ConfigurationFile, token: string, { env, cwd, signal, readPolicy }: PolicySource) {
  const path = relative(env['GITHUB_WORKSPACE'] ?? cwd, file.path);
  if (path.startsWith('..') || isAbsolute(path)) {
    throw new UserError(
      'no-policy',
      `${file.path} is outside of the checked out repository: nobody reviews its policy`,
    );
  }
  const { bytes, ...found } = await readPolicy(path, token, signal);
  if (bytes !== undefined) return { bytes, ...found };
  throw new UserError('no-policy', `${path} is not on the branch ${found.branch}, which decides who may do what`, {
    hint: `Merge it into ${found.branch} first.`,
  });
}

function unprotected(branch: string): Finding {
  return {
    check: 'policy',
    layer: 'release',
    outcome: 'warn',
    severity: 'medium',
    message: `the branch ${branch}, whose policy holds, is not protected: whoever can push to it makes the policy`,
    remedy: `Protect ${branch} by a rule that requires a review.`,
  };
}
