DROP TABLE idempotency_keys;
DROP TABLE tenants;
