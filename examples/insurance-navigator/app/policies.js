import { randomUUID } from 'node:crypto';
import { refuse } from './answers.js';
import fault from './fault.js';
import { readMigrations, schemaOf } from './migrations.js';
import { may, mayRead } from './permissions.js';
import { parseObject } from './request-body.js';

const isText = (value) => typeof value === 'string' && value.length > 0 && value.length <= 200;

/** What a client may write, and since which schema the database has it. Queries name columns, never `*`. */
const FIELDS = [
  { name: 'holder', schema: 1, isValid: isText },
  { name: 'product', schema: 1, isValid: isText },
  { name: 'premium_cents', schema: 1, isValid: (value) => Number.isSafeInteger(value) && value >= 0 },
  { name: 'status', schema: 1, initial: 'active', isValid: (value) => ['active', 'ended'].includes(value) },
  { name: 'risk_class', schema: 2, initial: 'standard', isValid: (value) => ['standard', 'high'].includes(value) },
];

/** Policies: customers read their own, clerks read all, create and update, admins may also delete. */
export function policyRoutes({ database, settings }) {
  const schema = schemaOf(readMigrations(settings.migrations));
  const known = FIELDS.filter((field) => field.schema <= schema);
  const fields = fault.fields?.(known) ?? known;
  const columns = ['id', ...fields.map(({ name }) => name), 'created_at'].join(', ');
  const find = (id) => database.prepare(`SELECT ${columns} FROM policies WHERE id = ?`).get(id);

  function list({ user, query }) {
    const limit = Math.min(Math.max(Number.parseInt(query.get('limit') ?? '50', 10) || 50, 1), 200);
    const mine = may(user, 'read') ? '' : 'WHERE holder = :holder';
    const policies = database
      .prepare(`SELECT ${columns} FROM policies ${mine} ORDER BY rowid DESC LIMIT ${limit}`)
      .all(mine === '' ? {} : { holder: user.name });
    return { status: 200, json: { policies } };
  }

  function read({ user, params }) {
    const policy = find(params.id);
    if (policy === undefined) return refuse(404, 'there is no such policy');
    return mayRead(user, policy) ? { status: 200, json: policy } : refuse(403, 'this policy is not yours');
  }

  function create({ user, body }) {
    if (!may(user, 'create')) return refuse(403, 'your role may not create policies');
    const wanted = parseObject(body);
    if (wanted === undefined) return refuse(400, 'a policy is a JSON object');
    const values = fields.map(({ name, initial }) => wanted[name] ?? initial ?? null);
    const wrong = fields.filter(({ isValid }, index) => !isValid(values[index]));
    if (wrong.length > 0) return refuse(400, `not valid: ${wrong.map(({ name }) => name).join(', ')}`);
    const id = `p-${randomUUID()}`;
    const row = [id, ...values, new Date().toISOString()];
    database.prepare(`INSERT INTO policies (${columns}) VALUES (${row.map(() => '?').join(', ')})`).run(...row);
    return { status: 201, json: find(id) };
  }

  function update({ user, params, body }) {
    if (!may(user, 'update')) return refuse(403, 'your role may not change policies');
    if (find(params.id) === undefined) return refuse(404, 'there is no such policy');
    const wanted = parseObject(body);
    if (wanted === undefined) return refuse(400, 'a policy is a JSON object');
    const changed = fields.filter(({ name }) => name in wanted);
    const wrong = changed.filter(({ name, isValid }) => !isValid(wanted[name]));
    if (wrong.length > 0) return refuse(400, `not valid: ${wrong.map(({ name }) => name).join(', ')}`);
    if (changed.length > 0) {
      const assignments = changed.map(({ name }) => `${name} = ?`).join(', ');
      const values = changed.map(({ name }) => wanted[name]);
      database.prepare(`UPDATE policies SET ${assignments} WHERE id = ?`).run(...values, params.id);
    }
    return { status: 200, json: find(params.id) };
  }

  function remove({ user, params }) {
    if (!may(user, 'delete')) return refuse(403, 'your role may not delete policies');
    const { changes } = database.prepare('DELETE FROM policies WHERE id = ?').run(params.id);
    return changes === 0 ? refuse(404, 'there is no such policy') : { status: 204 };
  }

  return [
    { method: 'GET', path: '/policies', run: list },
    { method: 'POST', path: '/policies', run: create },
    { method: 'GET', path: '/policies/:id', run: read },
    { method: 'PATCH', path: '/policies/:id', run: update },
    { method: 'DELETE', path: '/policies/:id', run: remove },
  ];
}
