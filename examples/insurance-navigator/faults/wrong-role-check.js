/** Lets customers read and delete every policy. */
export default {
  permissions: (table) => ({ ...table, customer: [...table.customer, 'read', 'delete'] }),
};
