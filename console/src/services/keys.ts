import { queryOptions } from '@tanstack/react-query';
import type { components } from './api';
import { request } from './http';

export type Key = components['schemas']['Key'];
export type KeyList = components['schemas']['KeyList'];
export type NewKey = components['schemas']['NewKey'];
export type CreatedKey = components['schemas']['CreatedKey'];

export const keysQuery = queryOptions({
  queryKey: ['keys'],
  queryFn: ({ signal }) => request<KeyList>('GET', '/keys', { query: { limit: 100 }, signal }),
});

export const createKey = (key: NewKey) => request<CreatedKey>('POST', '/keys', { body: key });
export const revokeKey = (keyId: string) => request<void>('DELETE', `/keys/${keyId}`);
