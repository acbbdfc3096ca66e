import fault from './fault.js';

const TABLE = {
  customer: ['read-own'],
  clerk: ['read', 'create', 'update'],
  admin: ['read', 'create', 'update', 'delete'],
};

const PERMISSIONS = fault.permissions?.(TABLE) ?? TABLE;

/** Whether this user may do `action` (read, create, update, delete) to policies in general. */
export function may(user, action) {
  return PERMISSIONS[user.role]?.includes(action) ?? false;
}

/** Whether this user may see this policy and its documents, and add documents to it. */
export function mayRead(user, policy) {
  return may(user, 'read') || (may(user, 'read-own') && policy.holder === user.name);
}
