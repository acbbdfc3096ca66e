import type { Capsule, CapsuleService } from '../core/capsule.ts';
import type { SecretSettings } from '../targets/directory/book.ts';
import type { Environment } from './environment.ts';

export interface CapsuleParts {
  readonly release: string;
  readonly version: string;
  /** Where each service's files lie, and their digest. */
  readonly artifacts: Readonly<Record<string, Pick<CapsuleService, 'release' | 'version' | 'artifact'>>>;
  /** Resolved settings of all services, secrets included. */
  readonly settings: SecretSettings;
  /** What carried-over services showed in the capsule of the live release. */
  readonly carried: Readonly<Record<string, CapsuleService>>;
  readonly fingerprints: Capsule['fingerprints'];
  readonly backup: string | undefined;
  readonly baseline: string | undefined;
}

/** Puts a capsule together; each value that holds a secret becomes a reference to it. */
export async function composeCapsule(parts: CapsuleParts, environment: Environment): Promise<Capsule> {
  const services: Record<string, CapsuleService> = {};
  for (const [service, artifact] of Object.entries(parts.artifacts)) {
    const carried = parts.carried[service];
    const settings = JSON.parse(JSON.stringify(parts.settings.services[service]));
    services[service] = carried ?? {
      ...artifact,
      settings: await referSecrets(settings, `services.${service}`, environment),
    };
  }
  return {
    schema: 1,
    release: parts.release,
    version: parts.version,
    project: environment.settings.project,
    environment: environment.settings.environment,
    services,
    fingerprints: parts.fingerprints,
    ...(parts.backup === undefined ? {} : { backup: parts.backup }),
    ...(parts.baseline === undefined ? {} : { baseline: parts.baseline }),
  };
}

type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

async function referSecrets(value: Json, path: string, environment: Environment): Promise<Json> {
  const names = environment.settings.secretPaths[path];
  if (names !== undefined) return { secret: [...names], hmac: await environment.sign(JSON.stringify(value)) };
  if (Array.isArray(value)) {
    return Promise.all(value.map((item, index) => referSecrets(item, `${path}[${index}]`, environment)));
  }
  if (typeof value === 'object' && value !== null) {
    const members: Record<string, Json> = {};
    for (const [key, member] of Object.entries(value))
      members[key] = await referSecrets(member, `${path}.${key}`, environment);
    return members;
  }
  return value;
}
