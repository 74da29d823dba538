import { amount, below, type Work, type Writer } from './writers.ts';

/** A new order with one to four lines, paid or not, out of stock that goes down. */
const placeOrder: Work = async (touch) => {
  const { insertId: order, changed } = await touch(
    `INSERT INTO orders (customer_id, status, total, comment, placed_at)
     SELECT id, 'new', 0, ?, UTC_TIMESTAMP(6) FROM customers WHERE id >= ? ORDER BY id LIMIT 1`,
    [below(3) === 0 ? 'Please leave it with the neighbours 🏠' : null, 1 + below(20_000)],
  );
  if (changed === 0) return;
  for (let line = 1; line <= 1 + below(4); line++) {
    const product = 1 + below(3000);
    await touch('INSERT INTO order_items SELECT ?, ?, id, ?, price FROM products WHERE id = ?', [
      order,
      line,
      1 + below(5),
      product,
    ]);
    await touch(
      "UPDATE inventory SET quantity = quantity - 1 WHERE product_id = ? AND warehouse = 'Hamburg'",
      [product],
    );
  }
  await touch(
    'UPDATE orders SET total = (SELECT coalesce(sum(quantity * price), 0) FROM order_items WHERE order_id = ?) WHERE id = ?',
    [order, order],
  );
  if (below(2) === 0)
    await touch(
      "INSERT INTO payments SELECT uuid(), id, total, 'card', NULL, UTC_TIMESTAMP(6) FROM orders WHERE id = ?",
      [order],
    );
};

/** Money goes from one account to another: the sum of all balances never changes. */
const moveMoney: Work = async (touch) => {
  const from = 1 + below(1000);
  const to = 1 + below(1000);
  if (from === to) return;
  // Always in the same order, so that two transfers never wait for each other.
  await touch('SELECT id FROM accounts WHERE id IN (?, ?) ORDER BY id FOR UPDATE', [from, to]);
  const sum = amount();
  await touch('UPDATE accounts SET balance = balance - ? WHERE id = ?', [sum, from]);
  await touch('UPDATE accounts SET balance = balance + ? WHERE id = ?', [sum, to]);
};

const workOnShipments: Work = async (touch) => {
  const order = 1 + below(40_000);
  await touch(
    `UPDATE shipments SET events = JSON_ARRAY_APPEND(events, '$', ?), delivered_on = CURRENT_DATE WHERE order_id = ?`,
    [`scanned, "${new Date().toISOString()}"`, order],
  );
  await touch("UPDATE orders SET status = 'delivered' WHERE id = ?", [order]);
};

const review: Work = async (touch) => {
  const choice = below(4);
  if (choice === 0) {
    await touch('DELETE FROM reviews WHERE id = ?', [1 + below(20_000)]);
  } else if (choice === 1) {
    await touch(
      'INSERT INTO reviews (product_id, customer_id, stars, body) SELECT ?, id, ?, ? FROM customers WHERE id >= ? ORDER BY id LIMIT 1',
      [1 + below(3000), 1 + below(5), below(2) === 0 ? 'Très bien, 很好!' : null, 1 + below(20_000)],
    );
  } else {
    await touch('UPDATE reviews SET helpful = helpful + 1 WHERE id % 200 = ? AND id < ?', [
      below(200),
      200 * below(60) + 1,
    ]);
  }
};

const lookAfterCustomers: Work = async (touch) => {
  const choice = below(5);
  if (choice === 0) {
    // An order goes with all that hangs on it.
    const order = 1 + below(40_000);
    for (const table of ['order_items', 'payments', 'shipments'])
      await touch(`DELETE FROM ${table} WHERE order_id = ?`, [order]);
    await touch('DELETE FROM orders WHERE id = ?', [order]);
  } else if (choice === 1) {
    // The key of a row moves.
    await touch('UPDATE payments SET id = uuid() WHERE order_id = ?', [1 + below(40_000)]);
  } else if (choice === 2) {
    const days = below(400);
    await touch(
      `INSERT INTO page_views (viewed_on, path, milliseconds)
       SELECT CURRENT_DATE - INTERVAL ? DAY, CONCAT('/p/', ?), rand() FROM categories WHERE id <= 20`,
      [days, days],
    );
  } else {
    await touch(
      `UPDATE customers SET profile = JSON_SET(profile, '$.visits', JSON_EXTRACT(profile, '$.visits') + 1), last_seen = NOW(3) WHERE id = ?`,
      [1 + below(20_000)],
    );
  }
};

/** Now and then the schema changes under everybody's feet. */
const changeSchema: Work = async (touch) => {
  const { rows } = await touch(
    `SELECT COLUMN_NAME AS name FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = DATABASE() AND TABLE_NAME = 'products'
        AND COLUMN_NAME LIKE 'label\\_%' ORDER BY ORDINAL_POSITION`,
  );
  if (rows.length >= 2) {
    await touch(`ALTER TABLE products DROP COLUMN \`${String(rows[0]?.name)}\``);
    return;
  }
  const column = `label_${Date.now().toString(36)}`;
  await touch(
    `ALTER TABLE products ADD COLUMN ${column} varchar(40)${below(2) === 0 ? " DEFAULT 'neu'" : ''}`,
  );
  await touch(`UPDATE products SET ${column} = CONCAT('Größe ', id) WHERE id % 10 = 0`);
};

export const WRITERS: readonly Writer[] = [
  { work: placeOrder, pause: 40 },
  { work: moveMoney, pause: 20 },
  { work: workOnShipments, pause: 60 },
  { work: review, pause: 80 },
  { work: lookAfterCustomers, pause: 60 },
  { work: changeSchema, pause: 7000, isSchemaChange: true },
];
