import pg from 'pg';
import { amount, below, type Work, type Writer } from './writers.ts';

/** A new order with one to four lines, paid or not, out of stock that goes down. */
const placeOrder: Work = async (touch) => {
  const { rows } = await touch(
    `INSERT INTO orders (customer_id, status, total, comment, placed_at)
     SELECT id, 'new', 0, $1, clock_timestamp() FROM customers WHERE id >= $2 ORDER BY id LIMIT 1 RETURNING id`,
    [below(3) === 0 ? 'Please leave it with the neighbours 🏠' : null, 1 + below(20_000)],
  );
  const order: unknown = rows[0]?.id;
  if (order === undefined) return;
  for (let line = 1; line <= 1 + below(4); line++) {
    const product = 1 + below(3000);
    await touch('INSERT INTO order_items SELECT $1, $2, id, $3, price FROM products WHERE id = $4', [
      order,
      line,
      1 + below(5),
      product,
    ]);
    await touch('UPDATE inventory SET quantity = quantity - 1 WHERE product_id = $1 AND warehouse = $2', [
      product,
      'Hamburg',
    ]);
  }
  await touch(
    `UPDATE orders SET total = (SELECT coalesce(sum(quantity * price), 0) FROM order_items WHERE order_id = $1) WHERE id = $1`,
    [order],
  );
  if (below(2) === 0) {
    await touch(
      "INSERT INTO payments SELECT gen_random_uuid(), id, total, 'card', NULL, now() FROM orders WHERE id = $1",
      [order],
    );
  }
};

/** Money goes from one account to another: the sum of all balances never changes. */
const moveMoney: Work = async (touch) => {
  const from = 1 + below(1000);
  const to = 1 + below(1000);
  if (from === to) return;
  // Always in the same order, so that two transfers never wait for each other.
  await touch('SELECT FROM accounts WHERE id IN ($1, $2) ORDER BY id FOR UPDATE', [from, to]);
  const sum = amount();
  await touch('UPDATE accounts SET balance = balance - $2, changed_at = now() WHERE id = $1', [from, sum]);
  await touch('UPDATE accounts SET balance = balance + $2, changed_at = now() WHERE id = $1', [to, sum]);
};

const workOnShipments: Work = async (touch) => {
  const order = 1 + below(40_000);
  await touch(
    `UPDATE shipments SET events = events || $2::text, delivered_on = current_date WHERE order_id = $1`,
    [order, `scanned, "${new Date().toISOString()}"`],
  );
  await touch("UPDATE orders SET status = 'delivered' WHERE id = $1", [order]);
};

/** Long bodies are stored out of line; an update of `helpful` does not write them to the log again. */
const review: Work = async (touch) => {
  const choice = below(4);
  if (choice === 0) {
    await touch('DELETE FROM reviews WHERE id = $1', [1 + below(20_000)]);
  } else if (choice === 1) {
    await touch(
      'INSERT INTO reviews (product_id, customer_id, stars, body) SELECT $1, id, $2, $3 FROM customers WHERE id >= $4 ORDER BY id LIMIT 1',
      [1 + below(3000), 1 + below(5), below(2) === 0 ? 'Très bien, 很好!' : null, 1 + below(20_000)],
    );
  } else {
    await touch('UPDATE reviews SET helpful = helpful + 1 WHERE id % 200 = $1 % 200 AND id < $1', [
      200 * below(60) + 1,
    ]);
  }
};

const lookAfterCustomers: Work = async (touch) => {
  const customer = 1 + below(20_000);
  const choice = below(5);
  if (choice === 0) {
    // An order goes with all that hangs on it.
    await touch('DELETE FROM orders WHERE id = $1', [1 + below(40_000)]);
  } else if (choice === 1) {
    // The key of a row moves.
    await touch('UPDATE payments SET id = gen_random_uuid() WHERE order_id = $1', [1 + below(40_000)]);
  } else if (choice === 2) {
    await touch(
      "INSERT INTO page_views (viewed_on, path, milliseconds) SELECT current_date - $1::int, '/p/' || $1, random() FROM generate_series(1, 20)",
      [below(400)],
    );
  } else {
    await touch(
      `UPDATE customers SET profile = jsonb_set(profile, '{visits}', to_jsonb((profile->>'visits')::int + 1)), last_ip = NULL,
              tags = array_append(tags[1:5], 'seen') WHERE id = $1`,
      [customer],
    );
  }
};

/** Now and then the schema changes under everybody's feet. */
const changeSchema: Work = async (touch) => {
  const { rows } = await touch(
    "SELECT attname FROM pg_attribute WHERE attrelid = 'products'::regclass AND attname LIKE 'label\\_%' AND NOT attisdropped ORDER BY attnum",
  );
  if (rows.length >= 2) {
    await touch(`ALTER TABLE products DROP COLUMN ${pg.escapeIdentifier(String(rows[0]?.attname))}`);
    return;
  }
  const column = `label_${Date.now().toString(36)}`;
  await touch(`ALTER TABLE products ADD COLUMN ${column} text${below(2) === 0 ? " DEFAULT 'neu'" : ''}`);
  await touch(`UPDATE products SET ${column} = 'Größe ' || id WHERE id % 10 = 0`);
};

export const WRITERS: readonly Writer[] = [
  { work: placeOrder, pause: 40 },
  { work: moveMoney, pause: 20 },
  { work: workOnShipments, pause: 60 },
  { work: review, pause: 80 },
  { work: lookAfterCustomers, pause: 60 },
  { work: changeSchema, pause: 7000, isSchemaChange: true },
];
