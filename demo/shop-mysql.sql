-- A small shop: twelve related tables, about 300,000 rows, and a type of nearly every kind.
SET SESSION time_zone = '+00:00', foreign_key_checks = 1;

CREATE TEMPORARY TABLE numbers (n int PRIMARY KEY);
INSERT INTO numbers
SELECT 1 + a.d + 10 * b.d + 100 * c.d + 1000 * e.d + 10000 * f.d
FROM (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) a,
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) b,
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) c,
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4 UNION ALL SELECT 5
      UNION ALL SELECT 6 UNION ALL SELECT 7 UNION ALL SELECT 8 UNION ALL SELECT 9) e,
     (SELECT 0 AS d UNION ALL SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3) f;

CREATE TABLE customers (
  id bigint unsigned PRIMARY KEY AUTO_INCREMENT,
  public_id char(36) CHARACTER SET ascii NOT NULL,
  name varchar(100) NOT NULL,
  email varchar(120) NOT NULL,
  birthday date,
  newsletter tinyint(1) NOT NULL,
  interests set('new','vip','b2b','says "hi"') NOT NULL,
  profile json NOT NULL,
  last_ip varbinary(16),
  created_at datetime(6) NOT NULL,
  last_seen timestamp(3) NULL,
  note text
);
INSERT INTO customers (public_id, name, email, birthday, newsletter, interests, profile, last_ip, created_at, note)
SELECT INSERT(INSERT(INSERT(INSERT(left(sha2(concat('customer', n), 256), 32), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'),
       concat(elt(1 + n % 10, 'Zoë','Łukasz','李雷','Søren','Ñusta','Ivan','Ümit','さくら','Amélie','Noor'), ' ',
              elt(1 + n DIV 10 % 10, 'Müller','O''Brien','García','Nowak','王','Åberg','Smith','Дмитриев','Şahin','Kim')),
       concat('customer', n, '@example.com'),
       if(n % 7 <> 0, '1950-01-01' + INTERVAL n % 20000 DAY, NULL),
       n % 3 = 0,
       n % 16,
       json_object('visits', n % 97, 'ratio', n / 7.0, 'langs', json_array('de', 'en'), 'emoji', '🛒'),
       if(n % 5 <> 0, inet6_aton(concat('10.0.', n DIV 256, '.', n % 256)), NULL),
       '2023-01-01' + INTERVAL n * 61123457 MICROSECOND,
       CASE WHEN n % 50 = 0 THEN 'line one\nline "two", with\ttab' WHEN n % 11 = 0 THEN '' END
FROM numbers WHERE n <= 20000;

CREATE TABLE addresses (
  id int unsigned PRIMARY KEY AUTO_INCREMENT,
  customer_id bigint unsigned NOT NULL,
  street varchar(100) NOT NULL,
  city varchar(60) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  country char(2) CHARACTER SET latin1 NOT NULL,
  latitude double,
  longitude float,
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);
INSERT INTO addresses (customer_id, street, city, country, latitude, longitude)
SELECT 1 + n % 20000, concat('Straße ', n % 300, if(n % 9 = 0, '\\', '')),
       elt(1 + n % 6, 'Zürich','São Paulo','København','東京','Kraków','Köln'), elt(1 + n % 6, 'CH','BR','DK','JP','PL','DE'),
       if(n % 13 <> 0, rand(n) * 180 - 90, NULL), if(n % 13 <> 0, rand(n + 1) * 360 - 180, NULL)
FROM numbers WHERE n <= 25000;

CREATE TABLE categories (
  id smallint unsigned PRIMARY KEY,
  parent_id smallint unsigned,
  name varchar(60) NOT NULL UNIQUE,
  FOREIGN KEY (parent_id) REFERENCES categories (id)
);
INSERT INTO categories SELECT n, if(n > 8, 1 + n % 8, NULL), concat('Category № ', n) FROM numbers WHERE n <= 60 ORDER BY n;

CREATE TABLE products (
  id int PRIMARY KEY AUTO_INCREMENT,
  category_id smallint unsigned NOT NULL,
  sku varchar(20) CHARACTER SET ascii NOT NULL UNIQUE,
  title varchar(100) NOT NULL,
  price decimal(12,2) NOT NULL,
  weight float,
  attributes json,
  thumbnail blob,
  flags bit(8),
  model_year year,
  price_history decimal(65,30),
  updated_at datetime(3) NOT NULL,
  FOREIGN KEY (category_id) REFERENCES categories (id)
);
INSERT INTO products (category_id, sku, title, price, weight, attributes, thumbnail, flags, model_year, price_history, updated_at)
SELECT 1 + n % 60, concat('SKU-', lpad(n, 6, '0')), concat('Product ', n, ' ✓'), (n % 50000) / 7.0, if(n % 4 <> 0, rand(n) * 90, NULL),
       json_object('color', n % 16, 'big', 12345678901234567890),
       CASE WHEN n % 3 = 0 THEN unhex(concat(left(sha2(n, 256), 32), '0000')) WHEN n % 3 = 1 THEN '' END,
       if(n % 6 <> 0, n % 256, NULL), 1990 + n % 60,
       if(n % 2 = 0, n / 3.0, 10000000000000000000000000000000000 + n),
       '2024-02-29 12:00:00' + INTERVAL n * 1001 * 1000 MICROSECOND
FROM numbers WHERE n <= 3000;

CREATE TABLE inventory (
  product_id int NOT NULL,
  warehouse varchar(20) NOT NULL,
  quantity int NOT NULL,
  counted_on date,
  opens_at time(2) NOT NULL,
  PRIMARY KEY (warehouse, product_id),
  FOREIGN KEY (product_id) REFERENCES products (id)
);
INSERT INTO inventory
SELECT n, w.name, floor(rand(n) * 10000), if(n % 4 <> 0, '2026-01-01' + INTERVAL n % 200 DAY, NULL),
       sec_to_time(6.5 * 3600 + n / 4)
FROM numbers, (SELECT 'Hamburg' AS name UNION ALL SELECT 'Łódź' UNION ALL SELECT '大阪') w WHERE n <= 3000;

CREATE TABLE orders (
  id bigint unsigned PRIMARY KEY AUTO_INCREMENT,
  customer_id bigint unsigned NOT NULL,
  status enum('new','paid','packed','shipped','delivered','returned') NOT NULL,
  total decimal(14,2) NOT NULL,
  comment varchar(200),
  placed_at datetime(6) NOT NULL,
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);
INSERT INTO orders (id, customer_id, status, total, comment, placed_at)
SELECT n, 1 + (n * 7919) % 20000, 1 + n % 6, (n % 90000) / 13.0,
       if(n % 10 = 0, concat('Please ring twice; "back door" ', n), NULL),
       '2024-01-01' + INTERVAL n * 997000003 MICROSECOND
FROM numbers;

CREATE TABLE order_items (
  order_id bigint unsigned NOT NULL,
  line tinyint unsigned NOT NULL,
  product_id int NOT NULL,
  quantity mediumint NOT NULL,
  price decimal(12,2) NOT NULL,
  PRIMARY KEY (order_id, line),
  FOREIGN KEY (order_id) REFERENCES orders (id),
  FOREIGN KEY (product_id) REFERENCES products (id)
);
INSERT INTO order_items
SELECT n, l.line, 1 + (n * 31 + l.line) % 3000, 1 + (n + l.line) % 5, (n % 50000) / 7.0
FROM numbers, (SELECT 1 AS line UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4) l WHERE l.line <= 1 + n % 4;

CREATE TABLE payments (
  id char(36) CHARACTER SET ascii COLLATE ascii_bin PRIMARY KEY,
  order_id bigint unsigned NOT NULL,
  amount decimal(14,2) NOT NULL,
  method varchar(20) NOT NULL,
  details json,
  paid_at timestamp(6) NULL,
  FOREIGN KEY (order_id) REFERENCES orders (id)
);
INSERT INTO payments
SELECT INSERT(INSERT(INSERT(INSERT(left(sha2(concat('payment', n), 256), 32), 9, 0, '-'), 14, 0, '-'), 19, 0, '-'), 24, 0, '-'), n, (n % 90000) / 13.0,
       elt(1 + n % 3, 'card', 'invoice', 'paypal'), if(n % 3 = 0, json_object('last4', lpad(n % 10000, 4, '0')), NULL),
       if(n % 8 <> 0, '2024-01-01 00:10:00' + INTERVAL n * 997000003 MICROSECOND, NULL)
FROM numbers;

CREATE TABLE shipments (
  id int unsigned PRIMARY KEY AUTO_INCREMENT,
  order_id bigint unsigned NOT NULL,
  carrier varchar(20) NOT NULL,
  tracking varchar(40),
  events json NOT NULL,
  shipped_at datetime,
  delivered_on date,
  FOREIGN KEY (order_id) REFERENCES orders (id)
);
INSERT INTO shipments (order_id, carrier, tracking, events, shipped_at, delivered_on)
SELECT n, elt(1 + n % 3, 'DHL', 'UPS', 'La Poste'), if(n % 5 <> 0, upper(left(sha2(n, 256), 32)), NULL),
       if(n % 2 = 0, json_array('picked up', 'in transit'), json_array()), '2024-01-02 08:00:00' + INTERVAL n * 997 SECOND,
       if(n % 3 <> 0, '2024-01-04' + INTERVAL n DIV 100 DAY, NULL)
FROM numbers WHERE n <= 30000;

CREATE TABLE reviews (
  id int unsigned PRIMARY KEY AUTO_INCREMENT,
  product_id int NOT NULL,
  customer_id bigint unsigned NOT NULL,
  stars tinyint NOT NULL,
  body mediumtext,
  helpful int NOT NULL DEFAULT 0,
  written_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6),
  FOREIGN KEY (product_id) REFERENCES products (id),
  FOREIGN KEY (customer_id) REFERENCES customers (id)
);
INSERT INTO reviews (product_id, customer_id, stars, body, written_at)
SELECT 1 + n % 3000, 1 + n % 20000, 1 + n % 5,
       CASE WHEN n % 200 = 0 THEN repeat(concat(left(sha2(n, 256), 32), ' '), 300) WHEN n % 6 <> 0 THEN concat('Sehr gut! 👍 ', n) END,
       '2025-05-05 05:05:05.555555' + INTERVAL n * 7 MINUTE
FROM numbers WHERE n <= 20000;

CREATE TABLE accounts (
  id int PRIMARY KEY,
  owner varchar(40) NOT NULL,
  balance decimal(18,4) NOT NULL,
  changed_at timestamp(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)
);
INSERT INTO accounts (id, owner, balance) SELECT n, concat('Owner ', n), 1000 FROM numbers WHERE n <= 1000;

-- Partitioned: one table for whoever reads it, here and in the lake.
CREATE TABLE page_views (
  id bigint NOT NULL AUTO_INCREMENT,
  viewed_on date NOT NULL,
  path varchar(40) NOT NULL,
  milliseconds double,
  PRIMARY KEY (id, viewed_on)
) PARTITION BY RANGE COLUMNS (viewed_on) (
  PARTITION p2025 VALUES LESS THAN ('2026-01-01'),
  PARTITION later VALUES LESS THAN (MAXVALUE)
);
INSERT INTO page_views (viewed_on, path, milliseconds)
SELECT '2025-01-01' + INTERVAL n % 500 DAY, concat('/p/', n % 3000), if(n % 1000 = 0, NULL, rand(n) * 1000)
FROM numbers WHERE n <= 20000;

DROP TEMPORARY TABLE numbers;
-- The last: it tells that all before it is there. Without a key, and without a row.
CREATE TABLE filled (at datetime NOT NULL);
