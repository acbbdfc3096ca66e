import { z } from 'zod';

const KEY_TYPE =
  /^(?:ssh-ed25519|ssh-rsa|ecdsa-sha2-nistp(?:256|384|521)|sk-ssh-ed25519@openssh\.com|sk-ecdsa-sha2-nistp256@openssh\.com)$/;
const BASE64 = /^[A-Za-z0-9+/]{40,}={0,2}$/;

/**
 * A public key of a host: `ssh-ed25519 AAAA…`, as its key file or `ssh-keyscan` writes it. A host name before it and a
 * comment behind it are left out after parsing.
 */
export const HostKey = z.string().transform((text, context) => {
  const words = text.trim().split(/\s+/);
  const at = words.findIndex((word) => KEY_TYPE.test(word));
  const [type, key] = at === 0 || at === 1 ? words.slice(at) : [];
  if (type !== undefined && key !== undefined && BASE64.test(key) && !/[\r\n]/.test(text.trim()))
    return `${type} ${key}`;
  context.addIssue({
    code: 'custom',
    message: 'expected a public host key like "ssh-ed25519 AAAA…", as "ssh-keyscan HOST" prints it',
  });
  return z.NEVER;
});

/** How one host is reached over ssh. */
export const SshConnection = z.strictObject({
  // Neither may begin with a dash: ssh would take it for an option.
  host: z
    .string()
    .regex(/^[A-Za-z0-9_:[\]][A-Za-z0-9_.:%[\]-]{0,254}$/, { error: 'expected a host name or an address' })
    .meta({ description: 'Name or address of the host' }),
  port: z.int().min(1).max(65_535).prefault(22).meta({ description: 'Port of its sshd' }),
  user: z
    .string()
    .regex(/^[A-Za-z0-9_][A-Za-z0-9_.@$-]{0,63}$/, { error: 'expected a user name' })
    .optional()
    .meta({ description: 'User to log in as; without it the one who runs Holdfast' }),
  host_keys: z.array(HostKey).min(1).optional().meta({
    description:
      'Public keys of the host, as "ssh-keyscan HOST" prints them; any other host is refused. Without them your own known_hosts decides',
  }),
  key: z
    .string()
    .min(1)
    .optional()
    .meta({ secret: true, description: 'Private key without a passphrase; without it the running ssh-agent is asked' }),
});
export type SshConnection = z.infer<typeof SshConnection>;
